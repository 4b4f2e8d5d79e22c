"""Images in a grid."""

import numpy as np

from brainmri.figures import tiles
from tests.figures.samples import IMAGES, SOURCE


def test_outline_follows_the_edge_of_the_mask_and_of_the_image() -> None:
    grid = tiles.balance(1, 0.3)
    sheet = tiles.new_sheet(grid, SOURCE, outlined=True)
    whole = np.ones((96, 96), np.uint8)
    tiles.show(sheet, 0, IMAGES[0], whole)
    (outline,) = sheet.axes.collections[0].get_paths()
    left, right, bottom, top = grid.extent(0)
    pixel = grid.side_in / 96
    assert np.allclose(outline.get_extents().extents, [left, top, right, bottom], atol=pixel)


def test_more_images_get_fewer_pixels_each() -> None:
    pixels = [
        count * (tiles.balance(count, 0.3).side_in * tiles.balance(count, 0.3).dpi) ** 2
        for count in (1, 6, 24, 60)
    ]
    assert max(pixels) <= 400_001
