"""Small raw folders for tests: head-like pictures, with and without a bright spot."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def draw_head(number: int, *, tumor: bool, size: int = 64) -> NDArray[np.uint8]:
    """An ellipse on black, its inside drawn from `number` at all scales; a bright disc for a tumor."""
    generator = np.random.default_rng(number)
    head = np.zeros((size, size), np.uint8)
    axes = (int(0.32 * size), int(0.4 * size))
    cv2.ellipse(head, (size // 2, size // 2), axes, 0, 0, 360, 1, -1)
    inside = np.full(head.shape, 120.0)
    for sigma, strength in ((5, 15), (2, 15), (0.8, 10)):
        field = cv2.GaussianBlur(generator.normal(size=head.shape), (0, 0), sigma)
        inside += strength * field / field.std()
    image = np.clip(inside * head, 0, 255).astype(np.uint8)
    if tumor:
        center = tuple(int(value) for value in generator.integers(int(0.4 * size), int(0.6 * size), 2))
        cv2.circle(image, center, size // 10, 240, -1)
    return image


def write_class_folders(root: Path, count: int, names: tuple[str, str] = ("no", "yes")) -> None:
    """`count` PNG files of each class below `root`."""
    for tumor, name in enumerate(names):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            image = draw_head(100 * tumor + number, tumor=bool(tumor))
            Image.fromarray(image).save(root / name / f"{name}{number:03d}.png")
