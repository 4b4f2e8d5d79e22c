import pytest
import torch

from brainmri.phantom.wide.scanner import receive, scan
from tests.phantom.wide.samples import MakeDraft


def test_pictures_use_the_range_from_0_to_1(make_draft: MakeDraft) -> None:
    draft = make_draft(40)
    shown = scan(draft, torch.rand(40, 64, 64))
    assert 0 <= float(shown.min())
    assert float(shown.max()) <= 1 + 1e-6
    assert float(shown.amax((1, 2)).min()) > 0.9


def test_a_reversed_window_shows_bright_what_is_dark(make_draft: MakeDraft) -> None:
    ramp = torch.linspace(0, 1, 64).expand(4, 64, 64)
    quiet = {"noise": 0.0, "smooth_noise": 0.0, "near_coil": 0.0, "slope": 0.0, "bias": 0.0}
    for inverted, dark in ((0.0, True), (1.0, False)):
        shown = scan(make_draft(4, **quiet, inverted=inverted), ramp.clone())
        assert dark == bool((shown[:, :, 5] < shown[:, :, -6]).all())


def test_what_is_received_without_noise_is_the_signal_blurred(make_draft: MakeDraft) -> None:
    quiet = {"noise": 0.0, "smooth_noise": 0.0, "near_coil": 0.0, "slope": 0.0, "bias": 0.0, "sharpen": 0.0}
    flat = torch.full((4, 64, 64), 1.7)
    received = receive(make_draft(4, **quiet, ghost=0.0), flat.clone())
    assert torch.allclose(flat, received, atol=1e-4)


@pytest.mark.parametrize(("name", "darkest"), [("slope", (31, 0)), ("near_coil", (31, 31))])
def test_coils_are_uneven_in_their_own_way(
    make_draft: MakeDraft, name: str, darkest: tuple[int, int]
) -> None:
    even = {"noise": 0.0, "smooth_noise": 0.0, "near_coil": 0.0, "slope": 0.0, "bias": 0.0, "sharpen": 0.0}
    draft = make_draft(4, **even | {name: 0.4}, ghost=0.0, slope_turn=0.0)
    received = receive(draft, torch.ones(4, 64, 64))
    assert bool((received[:, 31, darkest[1]] < received[:, 31, 60] - 0.2).all())
    row, column = received.mean(0).mean(1), received.mean(0).mean(0)
    assert darkest[1] == pytest.approx(int(column.argmin()), abs=3)
    # A slope from left to right has none from top to bottom.
    assert (name == "slope") == bool(float(row.max() - row.min()) < 0.05)
