"""From the description of a patient to pictures and masks; nothing is left to chance here."""

from dataclasses import dataclass, replace
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from brainmri.phantom.anatomy import Anatomy, Map, Points
from brainmri.phantom.description import Patient, Scanner, Sequence, Slice
from brainmri.phantom.fields import ramp
from brainmri.phantom.geometry import bend, place_pixels
from brainmri.phantom.head import Shells, cover_sinus, measure_shells, paint_head
from brainmri.phantom.lesions import MeasuredLesion, Surroundings, measure_lesion, shade_lesion
from brainmri.phantom.lookalikes import shade_lookalike, trace_vessels
from brainmri.phantom.settings import PhantomParams
from brainmri.phantom.tissue import Tissue, find_tissue

Image: TypeAlias = NDArray[np.uint8]  # (rows, columns)


@dataclass(frozen=True)
class Picture:
    """A slice as the scanner shows it, and where its tumor is (0 or 1, without the edema)."""

    image: Image
    mask: Image

    @property
    def shows_tumor(self) -> bool:
        """Whether any pixel is tumor."""
        return bool(self.mask.any())


@dataclass(frozen=True)
class _Scene:
    """One slice before the scanner."""

    points: Points
    shells: Shells
    tissue: Tissue
    around: Surroundings
    lesions: tuple[MeasuredLesion, ...]


def render_slice(patient: Patient, piece: Slice, anatomy: Anatomy, params: PhantomParams) -> Picture:
    """The picture of one slice.

    A tumor that covers less than `params.tumor_area_min_mm2` in it is left out of it, with its edema
    and its push, so that every slice either shows a tumor or has none.
    """
    points = bend(place_pixels(patient, piece, params.size_px), patient.body)
    shells = measure_shells(points, anatomy, patient.body)
    scene = _set_scene(patient, points, shells, anatomy)
    mask = _find_tumor(scene)
    area_mm2 = float(mask.sum()) * (patient.scanner.fov_mm / params.size_px) ** 2
    if patient.lesions and area_mm2 < params.tumor_area_min_mm2:
        patient, mask = replace(patient, lesions=()), np.zeros_like(mask)
        scene = _set_scene(patient, points, shells, anatomy)
    return Picture(_scan(_paint(patient, scene), patient.scanner, piece), mask)


def _set_scene(patient: Patient, points: Points, shells: Shells, anatomy: Anatomy) -> _Scene:
    brain_mm = shells.fluid + np.float32(patient.body.fluid_mm)
    tissue = find_tissue(patient, points, brain_mm, anatomy)
    around = Surroundings(points, ramp(brain_mm + 0.5, 0.5), tissue.white * (1 - tissue.fluid))
    lesions = tuple(measure_lesion(lesion, around) for lesion in patient.lesions)
    return _Scene(points, shells, tissue, around, lesions)


def _find_tumor(scene: _Scene) -> Image:
    mask = np.zeros(scene.around.brain.shape, np.uint8)
    for measured in scene.lesions:
        mask |= (measured.distance < 0) & (scene.around.brain > 0.5)
    return mask


def _paint(patient: Patient, scene: _Scene) -> Map:
    """The signal of head and brain, about 0 to 1."""
    contrast, around = patient.contrast, scene.around
    image = scene.tissue.shade(contrast)
    image = _paint_vessels(image, patient, scene)
    for lookalike in patient.lookalikes:
        image = shade_lookalike(image, lookalike, around, contrast)
    for measured in scene.lesions:
        image = shade_lesion(image, measured, around, contrast)
    head = paint_head(scene.points, scene.shells, patient.body, contrast)
    image = head + ramp(scene.shells.fluid, 0.4) * (image - head)
    sinus = cover_sinus(scene.points, scene.shells.fluid)
    return np.asarray(image + sinus * (contrast.blood - image), np.float32)


def _paint_vessels(image: Map, patient: Patient, scene: _Scene) -> Map:
    """Vessels in the sulci: bright with contrast agent, else dark where the blood flows."""
    if patient.sequence is Sequence.T1:
        return image
    cover = trace_vessels(patient.body.seed + 50, scene.around, 16.0, 0.16)
    cover = np.clip(1.2 * cover * (0.1 + scene.tissue.fluid), 0, 1)
    return np.asarray(image + cover * (patient.contrast.blood - image), np.float32)


def _scan(signal: Map, scanner: Scanner, piece: Slice) -> Image:
    """Uneven coil, blur, Rician noise and the window of the display."""
    rng = np.random.default_rng(piece.seed)
    size = len(signal)
    coil = np.random.default_rng(scanner.seed).standard_normal((3, 3), np.float32)
    uneven = np.exp(scanner.bias * cv2.resize(coil, (size, size), interpolation=cv2.INTER_CUBIC))
    blurred = cv2.GaussianBlur(
        np.maximum(signal, 0) * uneven, (0, 0), scanner.blur_mm * size / scanner.fov_mm
    )
    real, imaginary = scanner.noise * rng.standard_normal((2, size, size), np.float32)
    shown = scanner.gain * np.hypot(blurred + real, imaginary)
    return np.asarray(np.rint(255 * np.clip(shown, 0, 1) ** scanner.gamma), np.uint8)
