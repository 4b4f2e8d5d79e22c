"""Rows and pictures of little prepared sets."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from brainmri.dataset.groups import GroupRow
from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepared import Classes, PreparedSet, RawFactRow, SliceRow


def make_slice(number: int, patient: str | None = None, label: str = "yes") -> SliceRow:
    return SliceRow(
        slice_id=f"s{number}",
        scan=f"s{number}",
        slice=0,
        patient=patient,
        label=label,
        has_mask=False,
        tumor_area=None,
        spacing_mm=None,
        given_subset=None,
    )


def make_facts(number: int, sha256: str) -> RawFactRow:
    return RawFactRow(
        slice_id=f"s{number}",
        sha256=sha256,
        bytes=1,
        format="PNG",
        mode="L",
        width=1,
        height=1,
        jpeg_table_sum=0,
        frame=(),
        histogram=(),
        thumbnail=(),
    )


def make_set(slices: list[SliceRow], images: NDArray[np.uint8]) -> PreparedSet:
    return PreparedSet(Path("nowhere"), "a small set", slices, images, None, Classes("yes", "no"))


def draw_pictures(count: int, seed: int = 0, size: int = 96) -> NDArray[np.uint8]:
    """Heads of one outline whose inside differs at all scales: alike coarsely, not in detail."""
    generator = np.random.default_rng(seed)
    head = np.zeros((size, size), np.float32)
    cv2.ellipse(head, (size // 2, size // 2), (int(0.4 * size), int(0.46 * size)), 0, 0, 360, 1, -1)
    pictures = []
    for _ in range(count):
        inside = np.full((size, size), 120, np.float32)
        for sigma, strength in ((8, 40), (3, 25), (1.2, 20)):
            field = cv2.GaussianBlur(generator.normal(size=(size, size)).astype(np.float32), (0, 0), sigma)
            inside += strength * field / field.std()
        pictures.append(np.clip(inside * cv2.GaussianBlur(head, (0, 0), 1), 0, 255))
    return np.array(pictures).astype(np.uint8)


def list_groups(manifest: list[ManifestRow]) -> list[GroupRow]:
    """The groups that a manifest was made of, without twins."""
    return [GroupRow(slice_id=row.slice_id, group=row.group) for row in manifest]
