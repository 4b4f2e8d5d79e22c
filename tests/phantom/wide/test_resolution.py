import pytest
import torch

from brainmri.phantom.wide.resolution import see
from tests.phantom.wide.samples import MakeDraft

SHARP = {"sharpen": 0.0, "ghost": 0.0, "pixel_x": 0.0, "pixel_y": 0.0, "fine": 1.0}


@pytest.mark.parametrize(
    "changes", [{}, {"sharpen": 1.0}, {"pixel_y": 2.0}, {"sharpen": 1.0, "pixel_y": 2.0}]
)
def test_an_even_picture_stays_even(make_draft: MakeDraft, changes: dict[str, float]) -> None:
    rows = see(make_draft(6, **SHARP | changes), "y").sum(-1)
    assert torch.allclose(torch.ones_like(rows), rows, atol=1e-5)


def test_a_blur_is_a_gaussian_of_its_deviation(make_draft: MakeDraft) -> None:
    weights = see(make_draft(1, **SHARP, blur_y=2.0), "y")[0]
    ruler = torch.arange(64.0)
    expected = torch.exp(-((ruler - ruler[:, None]) ** 2) / 8)
    assert torch.allclose(expected / expected.sum(1, keepdim=True), weights, atol=1e-6)


def test_coarse_pixels_show_the_same_in_steps(make_draft: MakeDraft) -> None:
    weights = see(make_draft(1, **SHARP | {"pixel_y": 3.0}, blur_y=0.3), "y")[0]
    # Steps of two pixels, as the nominal size is 96.
    assert torch.equal(weights[0::2], weights[1::2])
    assert not torch.allclose(weights[1], weights[2])


def test_a_ghost_is_seen_along_y_alone_where_it_was_shifted(make_draft: MakeDraft) -> None:
    draft = make_draft(1, **SHARP | {"ghost": 0.1}, ghost_shift=0.25)
    extra = see(draft, "y")[0] - see(make_draft(1, **SHARP), "y")[0]
    assert (20 + 16) == int(extra[20].argmax())
    assert float(extra[20].sum()) == pytest.approx(0.1, abs=1e-4)
    assert torch.equal(see(make_draft(1, **SHARP), "x"), see(draft, "x"))
