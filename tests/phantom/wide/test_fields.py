import pytest
import torch
from torch.nn.functional import interpolate

from brainmri.phantom.wide.fields import Noise, SharedNoise, bell, enlarge, join, ramp
from tests.phantom.wide.samples import CPU


@pytest.mark.parametrize("waves", [4.0, 12.0, 22.0])
def test_a_field_has_mean_0_and_deviation_1(waves: float) -> None:
    (fields,) = Noise(0, CPU).smooth(32, torch.full((2000, 1, 1), waves))
    assert float(fields.mean()) == pytest.approx(0, abs=0.03)
    assert float(fields.std()) == pytest.approx(1, abs=0.03)


def test_fewer_waves_are_smoother() -> None:
    waves = torch.tensor([3.0, 8.0, 20.0]).repeat_interleave(50)[:, None, None]
    (fields,) = Noise(1, CPU).smooth(64, waves)
    slopes = fields.diff(dim=2).abs().mean((1, 2)).view(3, 50).mean(1).tolist()
    assert sorted(slopes) == slopes


def test_one_seed_gives_one_stream_and_several_fields_are_those_drawn_one_by_one() -> None:
    waves = [torch.full((20, 1, 1), 5.0), torch.full((20, 1, 1), 9.0)]
    together = Noise(2, CPU).smooth(32, *waves)
    noise = Noise(2, CPU)
    apart = [noise.smooth(32, own)[0] for own in waves]
    for first, second in zip(together, apart, strict=True):
        assert torch.allclose(first, second, atol=1e-5)


def test_fields_at_twice_the_size_are_the_fields_enlarged() -> None:
    waves = torch.full((4, 1, 1), 15.0)
    (small,), (large,) = Noise(3, CPU).smooth(24, waves), Noise(3, CPU).smooth_twice(24, waves)
    assert torch.allclose(enlarge(small), large, atol=1e-5)


def test_enlarging_is_linear_between_the_middles_of_pixels() -> None:
    maps = torch.rand(2, 3, 16, 16)
    expected = interpolate(maps, (32, 32), mode="bilinear", align_corners=False)
    assert torch.allclose(expected, enlarge(maps), atol=1e-6)


def test_a_ramp_falls_from_1_to_0_around_its_edge() -> None:
    distance = torch.tensor([[[-50.0, 2.0, 50.0]]])
    expected = torch.tensor([[[1.0, 0.5, 0.0]]])
    for softness in (1.0, torch.full((1, 1, 1), 1.0)):
        assert torch.allclose(expected, ramp(distance, softness, torch.full((1, 1, 1), 2.0)), atol=1e-6)
    assert torch.allclose(expected.flip(-1), ramp(distance, -1.0, 2.0), atol=1e-6)


def test_a_bell_is_1_in_the_middle_and_never_0() -> None:
    found = bell(torch.tensor([0.0, 0.5, 1e9]))
    assert found.tolist() == pytest.approx([1, 0.6065, 0], abs=1e-4)
    assert float(found[-1]) > torch.finfo(torch.float32).tiny


def test_a_union_is_nowhere_outside_either_shape() -> None:
    first, second = torch.randn(100) * 20, torch.randn(100) * 20
    joined = join(first, second, 9.0)
    assert bool((joined <= torch.minimum(first, second) + 1e-4).all())
    assert bool((joined >= torch.minimum(first, second) - 9.0 / 4 - 1e-4).all())


def test_slices_of_one_head_share_smooth_fields_but_no_grain() -> None:
    waves = torch.full((3, 1, 1), 6.0)
    shared = SharedNoise(4, CPU)
    first, second = shared.smooth(32, waves, 2 * waves)
    for field in (first, second):
        assert torch.allclose(field[0], field[1], atol=1e-6)
        assert torch.allclose(field[0], field[2], atol=1e-6)
        assert float(field.std()) > 0.3
    assert not torch.allclose(first, second)
    grain = shared.white(3, 8, 8)
    assert not torch.allclose(grain[0], grain[1])


def test_how_many_slices_share_a_field_does_not_change_it() -> None:
    one, many = (SharedNoise(5, CPU).smooth(32, torch.full((n, 1, 1), 6.0))[0] for n in (1, 4))
    assert torch.allclose(one[0], many[0], atol=1e-6)
