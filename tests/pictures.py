"""Small raw folders for tests: head-like pictures, with and without a bright spot."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def draw_head(number: int, *, tumor: bool, size: int = 64) -> NDArray[np.uint8]:
    """A gray ellipse on black with texture drawn from `number`, and a bright disc for a tumor."""
    generator = np.random.default_rng(number)
    image = np.zeros((size, size), np.uint8)
    axes = (int(0.32 * size), int(0.4 * size))
    cv2.ellipse(image, (size // 2, size // 2), axes, 0, 0, 360, 120, -1)
    texture = generator.normal(0, 12, image.shape) * (image > 0)
    image = np.clip(image + texture, 0, 255).astype(np.uint8)
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
