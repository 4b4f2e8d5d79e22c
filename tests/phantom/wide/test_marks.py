import torch

from brainmri.phantom.wide.marks import burn, load_sprites
from tests.phantom.wide.samples import CPU, MakeDraft

NONE = {"mark_0": 0.0, "mark_1": 0.0, "framed": 0.0}


def test_every_mark_shows_something_and_all_are_the_same_for_all() -> None:
    sprites = load_sprites(CPU)
    assert float(sprites.amax((1, 2)).min()) > 0.9
    assert torch.equal(sprites, load_sprites(CPU))


def test_a_picture_without_marks_stays_as_it_is(make_draft: MakeDraft) -> None:
    image = torch.rand(3, 64, 64)
    assert torch.equal(image, burn(make_draft(3, **NONE), image.clone(), load_sprites(CPU)))


def test_a_mark_lies_where_it_was_placed_and_nowhere_else(make_draft: MakeDraft) -> None:
    placed = {"mark_0": 1.0, "mark_x_0": 0.5, "mark_y_0": -0.5, "mark_size_0": 0.1, "mark_signal_0": 1.0}
    shown = burn(make_draft(8, **NONE | placed), torch.zeros(8, 64, 64), load_sprites(CPU))
    rows, columns = shown.amax(2) > 0.02, shown.amax(1) > 0.02
    assert bool(rows.any(1).all())
    assert not rows[:, :12].any()
    assert not rows[:, 21:].any()
    assert not columns[:, :30].any()


def test_a_frame_covers_the_edges(make_draft: MakeDraft) -> None:
    framed = {"framed": 1.0, "frame_x": 0.1, "frame_y": 0.0, "frame_signal": 1.0}
    shown = burn(make_draft(1, **NONE | framed), torch.zeros(1, 64, 64), load_sprites(CPU))[0]
    assert bool((shown[:, :6] == 1).all())
    assert not shown[:, 8:-8].any()
