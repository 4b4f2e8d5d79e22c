"""Every kind of copy is found, with its mirror; pictures that only look alike are not joined."""

import io
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from brainmri.dataset.duplicates import find_copies, find_near_twins
from brainmri.dataset.twins import Likeness, Mirror
from tests.dataset.rows import draw_pictures

Gray = NDArray[np.uint8]
IMAGES = draw_pictures(25)


def _through_jpeg(image: Gray) -> Gray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=50)
    return np.asarray(Image.open(buffer))


def _resize(image: Gray, size: int) -> Gray:
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


KINDS: dict[str, tuple[Mirror, Callable[[Gray], Gray]]] = {
    "mirrored": (Mirror.LEFT_RIGHT, lambda image: image[:, ::-1]),
    "upside down": (Mirror.UP_DOWN, lambda image: image[::-1]),
    "half a turn": (Mirror.HALF_TURN, lambda image: image[::-1, ::-1]),
    "smaller": (Mirror.NONE, lambda image: _resize(_resize(image, 64), 96)),
    "JPEG": (Mirror.NONE, _through_jpeg),
    "cropped": (Mirror.NONE, lambda image: _resize(image[5:91, 5:91], 96)),
    "brighter": (Mirror.NONE, lambda image: np.clip(1.2 * image + 20.0, 0, 255).astype(np.uint8)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_copy_is_the_only_near_twin(kind: str) -> None:
    mirror, change = KINDS[kind]
    images = np.concatenate([IMAGES, change(IMAGES[3])[None]])
    twins = find_near_twins(images, np.arange(26), 8, 0.8)
    assert [(3, 25, mirror)] == [(twin.first, twin.second, twin.mirror) for twin in twins]


def test_order_changes_nothing_but_the_places() -> None:
    images = np.concatenate([IMAGES, IMAGES[:5, :, ::-1]])
    order = np.random.default_rng(0).permutation(30)
    straight = {(twin.first, twin.second) for twin in find_near_twins(images, np.arange(30), 8, 0.8)}
    shuffled = {
        tuple(sorted((int(order[twin.first]), int(order[twin.second]))))
        for twin in find_near_twins(images[order], np.arange(30), 8, 0.8)
    }
    assert {(place, 25 + place) for place in range(5)} == straight == shuffled


def test_different_pictures_are_no_twins() -> None:
    assert find_near_twins(IMAGES, np.arange(25), 8, 0.8) == []


def test_what_is_known_to_belong_together_is_not_compared() -> None:
    images = np.repeat(IMAGES[:2], 2, axis=0)
    assert find_near_twins(images, np.array([1, 1, 2, 2]), 8, 0.8) == []


def test_copies_are_found_by_file_and_else_by_pixels() -> None:
    images = IMAGES[[0, 1, 0, 1, 2]]
    copies = find_copies(["a", "b", "a", "c", "d"], images)
    assert [(0, 2, Likeness.BYTES), (1, 3, Likeness.PIXELS)] == [
        (twin.first, twin.second, twin.likeness) for twin in copies
    ]


def test_images_of_several_channels_are_compared_as_well() -> None:
    images = np.stack([IMAGES, IMAGES], axis=1)
    mirrored = np.concatenate([images, images[:1, :, :, ::-1]])
    assert [(0, 25)] == [
        (twin.first, twin.second) for twin in find_near_twins(mirrored, np.arange(26), 8, 0.8)
    ]


def test_a_copy_is_listed_once_by_its_file_before_its_pixels() -> None:
    images = np.repeat(IMAGES[:1], 4, axis=0)
    copies = find_copies(["a", "b", "b", "c"], images)
    expected = [(1, 2, Likeness.BYTES), (0, 1, Likeness.PIXELS), (0, 3, Likeness.PIXELS)]
    assert expected == [(twin.first, twin.second, twin.likeness) for twin in copies]
