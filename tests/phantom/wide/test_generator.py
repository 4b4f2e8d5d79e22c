"""The stream of phantoms: the same arguments give the same batch, whatever else is drawn."""

from typing import Any

import numpy as np
import pytest
import torch

from brainmri.phantom.wide.batch import PhantomBatch
from brainmri.phantom.wide.description import describe
from brainmri.phantom.wide.generator import VERSION, PhantomGenerator
from brainmri.phantom.wide.kinds import Kind
from brainmri.phantom.wide.settings import WideParams
from tests.phantom.wide.samples import VALUES, MakeGenerator


def assert_same(first: PhantomBatch, second: PhantomBatch) -> None:
    assert all(torch.equal(column, vars(second)[name]) for name, column in vars(first).items())


@pytest.fixture(scope="module")
def batch(generator: PhantomGenerator) -> PhantomBatch:
    return generator.render(seed=1, index=0, count=160, size=64)


def test_the_same_arguments_give_the_same_batch_in_any_order(
    generator: PhantomGenerator, make_generator: MakeGenerator
) -> None:
    first = generator.render(3, 1, 40, 64)
    generator.render(9, 9, 3, 96)
    assert_same(first, generator.render(3, 1, 40, 64))
    assert_same(first, make_generator().render(3, 1, 40, 64))


def test_the_pictures_are_those_of_the_version(generator: PhantomGenerator) -> None:
    """Cards name the version: where other pictures are drawn, it has to be another."""
    assert VERSION == 1
    batch = generator.render(0, 0, 8, 96)
    assert [0, 2, 1, 0, 0, 9, 0, 6] == batch.kind.tolist()
    assert batch.area.tolist() == pytest.approx([0, 0.0017, 0.0062, 0, 0, 0.0109, 0, 0.0028], abs=3e-4)
    grays = batch.images.float().flatten(1)
    means = [76.7, 59.5, 45.5, 94.1, 32.5, 65.8, 181.4, 80.7]
    assert grays.mean(1).tolist() == pytest.approx(means, abs=0.5)
    assert grays.std(1).tolist() == pytest.approx([74.4, 66.5, 45.0, 91.2, 47.7, 72.7, 75.0, 57.7], abs=0.5)


@pytest.mark.parametrize("change", [{"seed": 4}, {"index": 2}])
def test_another_seed_or_index_gives_other_pictures(
    generator: PhantomGenerator, change: dict[str, Any]
) -> None:
    asked = {"seed": 3, "index": 1, "count": 8, "size": 64}
    first, second = generator.render(**asked), generator.render(**asked | change)
    same = [torch.equal(a, b) for a, b in zip(first.images, second.images, strict=True)]
    assert not any(same)


@pytest.mark.parametrize(("size", "count"), [(64, 3), (96, 2), (160, 2), (256, 1)])
def test_shapes_types_and_ranges_hold_at_every_size(
    generator: PhantomGenerator, size: int, count: int
) -> None:
    batch = generator.render(0, 0, count, size)
    assert (torch.uint8, (count, 1, size, size)) == (batch.images.dtype, batch.images.shape)
    assert (torch.float32, (count, 4, size // 8, size // 8)) == (batch.maps.dtype, batch.maps.shape)
    for column, kind in (("tumor", torch.bool), ("clear", torch.bool), ("kind", torch.int64)):
        assert (kind, (count,)) == (getattr(batch, column).dtype, getattr(batch, column).shape)
    assert (torch.float32, (count,)) == (batch.area.dtype, batch.area.shape)
    assert batch.images.flatten(1).float().std(1).min() > 5


def test_the_share_of_tumors_is_the_one_asked_for(batch: PhantomBatch, make_generator: MakeGenerator) -> None:
    assert 80 == int(batch.tumor.sum())
    for fraction, expected in ((0.0, 0), (0.25, 10), (1.0, 40)):
        few = make_generator(tumor_fraction=fraction).render(1, 0, 40, 64)
        assert expected == int(few.tumor.sum())


def test_maps_are_shares_of_a_picture_and_agree_with_the_area(batch: PhantomBatch) -> None:
    assert 0 <= float(batch.maps.min())
    assert float(batch.maps.sum(1).max()) <= 1 + 1e-5
    covered = (batch.maps[:, 0] > 0.5).float().mean((1, 2))
    assert float((covered - batch.area).abs().max()) < 0.03
    assert float(batch.area[batch.tumor].median()) > 0.01


def test_who_has_no_tumor_has_no_kind_no_area_and_an_empty_map(batch: PhantomBatch) -> None:
    healthy = ~batch.tumor
    assert 0 == float(batch.maps[healthy, 0].max())
    assert 0 == float(batch.area[healthy].max())
    assert batch.clear[healthy].all()
    assert {Kind.NONE} == {Kind(kind) for kind in batch.kind[healthy].tolist()}


def test_every_kind_of_tumor_appears(make_generator: MakeGenerator) -> None:
    batch = make_generator(tumor_fraction=1.0).render(0, 0, 128, 64)
    assert set(Kind) - {Kind.NONE} == {Kind(kind) for kind in batch.kind.tolist()}


def test_batches_of_any_length_show_what_their_columns_say(generator: PhantomGenerator) -> None:
    batch = generator.render(4, 7, 70, 64)
    columns = describe(np.random.default_rng([4, 7]), 70, WideParams(**VALUES))
    assert columns["tumor"].astype(bool).tolist() == batch.tumor.tolist()
    assert (columns["kind"] * columns["tumor"]).tolist() == batch.kind.tolist()


def test_most_tumors_can_be_seen_and_those_that_cannot_are_small_or_faint(batch: PhantomBatch) -> None:
    assert 0.75 < float(batch.clear[batch.tumor].float().mean()) < 1


def test_a_part_of_a_batch_is_its_pictures_in_a_range(batch: PhantomBatch) -> None:
    part = batch.part(slice(32, 48))
    assert torch.equal(batch.images[32:48], part.images)
    assert torch.equal(batch.maps[32:48], part.maps)


def test_a_tumor_of_a_larger_radius_covers_more(make_generator: MakeGenerator) -> None:
    areas = [
        float(
            make_generator(tumor_fraction=1.0, radius_min_mm=radius, radius_max_mm=radius)
            .render(0, 0, 32, 64)
            .area.mean()
        )
        for radius in (8.0, 16.0, 32.0)
    ]
    assert sorted(areas) == areas
    assert areas[1] > 2 * areas[0]


def test_nothing_but_the_tumor_tells_the_classes_apart(make_generator: MakeGenerator) -> None:
    # Tumors too small to matter: what is left of the pictures is of one distribution.
    batch = make_generator(radius_min_mm=3.0, radius_max_mm=3.0).render(5, 0, 192, 64)
    pixels = batch.images[:, 0].float()
    detail = (pixels[:, 1:] - pixels[:, :-1]).abs().mean((1, 2))
    corner = pixels[:, :6, :6].mean((1, 2))
    for statistic in (pixels.mean((1, 2)), pixels.std((1, 2)), detail, corner, batch.maps[:, 3].mean((1, 2))):
        ill, healthy = statistic[batch.tumor].numpy(), statistic[~batch.tumor].numpy()
        error = np.hypot(ill.std(), healthy.std()) / np.sqrt(len(ill))
        assert abs(ill.mean() - healthy.mean()) < 4 * error
