import pytest
import torch

from brainmri.phantom.wide.landmarks import OrbitPart
from brainmri.phantom.wide.template import HeadPart, Template


def place(x: float, y: float, z: float) -> torch.Tensor:
    return torch.tensor([x, y, z]).view(3, 1, 1, 1)


def test_known_places_hold_what_they_should(template: Template) -> None:
    assert float(template.brain.sample(place(-26, -20, 28))) > 0.8
    assert float(template.white.sample(place(-26, -20, 28))) > 0.9
    assert float(template.ventricle.sample(place(-8, 5, 20))) < 0
    assert float(template.orbits.sample(place(32, 68, -38))[0, OrbitPart.EYE]) < 0
    assert float(template.air.sample(place(27, 55, -66))) < 0


def test_the_face_has_its_neck_and_temples(template: Template) -> None:
    def measure(*where: float) -> float:
        return float(template.head.sample(place(*where))[0, HeadPart.FACE])

    assert all(measure(*where) < 0 for where in ((0, 32, -58), (0, -38, -90), (60, 22, -20), (-60, 22, -20)))
    assert measure(0, 120, 0) > 0


@pytest.mark.parametrize("part", list(HeadPart))
def test_distances_grow_away_from_the_head(template: Template, part: HeadPart) -> None:
    ray = torch.stack([place(10, 40, z) for z in (-20.0, 80.0, 100.0, 110.0)], dim=-1)[..., 0, :]
    distances = template.head.sample(ray)[0, part, 0].tolist()
    assert sorted(distances) == distances
    assert distances[-1] > 0


def test_what_was_trimmed_is_far_beyond_its_border(template: Template) -> None:
    far = place(0, -140, 100)
    assert float(template.ventricle.sample(far)) > 25
    assert float(template.orbits.sample(far).min()) > 7
    assert float(template.air.sample(far)) > 7
