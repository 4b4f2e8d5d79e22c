"""Where each pixel of a slice lies in the template head, and how brain is displaced there."""

import numpy as np

from brainmri.phantom.anatomy import Anatomy, Map, Points
from brainmri.phantom.description import Body, Lesion, Patient, Slice
from brainmri.phantom.fields import draw_vectors, enlarge, measure_ellipsoid, shrink, turn

STEP = 4  # smooth maps are computed on every fourth pixel and enlarged
_ELASTIC_MM = 60.0
_FOLDING_MM = 13.0
# How far (in radii, in mm) a tumor and a large ventricle are felt.
_PUSH_REACH = 2.0
_VENTRICLE_REACH_MM = 14.0
# Of the most asymmetric head: how much narrower one half is, and how far its ventricle has grown.
_LOPSIDED = 0.08
_ONE_SIDED_MM = 4.0
_MIDLINE_MM = 8.0


def place_pixels(patient: Patient, piece: Slice, size_px: int) -> Points:
    """The place of each pixel of the square slice, anterior up, the patient's right on the left."""
    ruler = (np.arange(size_px, dtype=np.float32) - (size_px - 1) / 2) * patient.scanner.fov_mm / size_px
    right, anterior = np.meshgrid(-ruler, -ruler)
    plane = turn(patient.tilt)[:, :2]
    flat = np.stack([right + patient.body.shear * anterior, anterior])
    scale = np.array(patient.body.scale, np.float32)[:, None, None]
    offsets = np.tensordot(plane, flat, axes=1) / scale
    points: Points = (offsets + np.array(piece.centre_mm)[:, None, None]).astype(np.float32)
    return points


def bend(points: Points, body: Body) -> Points:
    """The patient's own shape of head: one half narrower, and a smooth elastic deformation of all in it."""
    narrower = 1 + np.float32(_LOPSIDED * body.asymmetry) * _side(points)
    lopsided = np.stack([points[0] * narrower, points[1], points[2]])
    bent: Points = lopsided + np.float32(body.elastic_mm) * draw_vectors(body.seed, points, _ELASTIC_MM)
    return bent


def fold(points: Points, body: Body) -> Points:
    """The patient's own folds: a finer deformation that the skull does not share."""
    return points + np.float32(body.folding_mm) * draw_vectors(body.seed + 10, points, _FOLDING_MM)


def widen_ventricles(points: Points, anatomy: Anatomy, body: Body) -> Points:
    """Where the brain around the patient's ventricles came from; an asymmetric head has one larger."""
    small = shrink(points, STEP)
    distance = anatomy.ventricle_mm.sample(small)
    reach = np.exp(-np.maximum(distance, 0) / np.float32(_VENTRICLE_REACH_MM))
    one_sided = np.maximum(np.float32(_ONE_SIDED_MM * body.asymmetry) * _side(small), 0)
    growth_mm = np.float32(body.ventricle_mm) + one_sided
    return points - enlarge(growth_mm * reach * anatomy.ventricle_mm.gradient(small), STEP)


def _side(points: Points) -> Map:
    """From -1 on the left to 1 on the right, smooth across the midline."""
    return np.asarray(np.tanh(points[0] / np.float32(_MIDLINE_MM)), np.float32)


def displace(points: Points, lesion: Lesion, brain_mm: Map) -> Points:
    """Where the brain around a pushing lesion came from; at the skull nothing moves."""
    relative = measure_ellipsoid(points, lesion.blob.centre_mm, lesion.blob.radii_mm, lesion.blob.angles)
    share = lesion.push * np.exp(-((relative / _PUSH_REACH) ** 2)) * np.clip(-brain_mm / 8, 0, 1)
    centre = np.array(lesion.blob.centre_mm, np.float32)[:, None, None]
    return np.asarray(points - share * (points - centre), np.float32)
