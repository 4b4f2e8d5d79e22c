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


def place_pixels(patient: Patient, piece: Slice, size_px: int) -> Points:
    """The place of each pixel of the square slice, anterior up, after the patient's own affine."""
    ruler = (np.arange(size_px, dtype=np.float32) - (size_px - 1) / 2) * patient.scanner.fov_mm / size_px
    right, anterior = np.meshgrid(ruler, -ruler)
    plane = turn(patient.tilt)[:, :2]
    flat = np.stack([right + patient.body.shear * anterior, anterior])
    scale = np.array(patient.body.scale, np.float32)[:, None, None]
    offsets = np.tensordot(plane, flat, axes=1) / scale
    points: Points = (offsets + np.array(piece.centre_mm)[:, None, None]).astype(np.float32)
    return points


def bend(points: Points, body: Body) -> Points:
    """The patient's own shape of head: a smooth elastic deformation of all that is in it."""
    return points + np.float32(body.elastic_mm) * draw_vectors(body.seed, points, _ELASTIC_MM)


def fold(points: Points, body: Body) -> Points:
    """The patient's own folds: a finer deformation that the skull does not share."""
    return points + np.float32(body.folding_mm) * draw_vectors(body.seed + 10, points, _FOLDING_MM)


def widen_ventricles(points: Points, anatomy: Anatomy, growth_mm: float) -> Points:
    """Where the brain around ventricles grown by `growth_mm` came from."""
    small = shrink(points, STEP)
    distance = anatomy.ventricle_mm.sample(small)
    reach = np.exp(-np.maximum(distance, 0) / np.float32(_VENTRICLE_REACH_MM))
    return points - enlarge(np.float32(growth_mm) * reach * anatomy.ventricle_mm.gradient(small), STEP)


def displace(points: Points, lesion: Lesion, brain_mm: Map) -> Points:
    """Where the brain around a pushing lesion came from; at the skull nothing moves."""
    relative = measure_ellipsoid(points, lesion.blob.centre_mm, lesion.blob.radii_mm, lesion.blob.angles)
    share = lesion.push * np.exp(-((relative / _PUSH_REACH) ** 2)) * np.clip(-brain_mm / 8, 0, 1)
    centre = np.array(lesion.blob.centre_mm, np.float32)[:, None, None]
    return np.asarray(points - share * (points - centre), np.float32)
