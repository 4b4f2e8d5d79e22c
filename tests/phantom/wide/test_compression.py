import torch

from brainmri.phantom.wide.compression import compress, make_cosines
from tests.phantom.wide.samples import MakeDraft


def test_the_cosines_are_orthonormal() -> None:
    cosines = make_cosines(torch.device("cpu"))
    assert torch.allclose(torch.eye(8), cosines @ cosines.T, atol=1e-6)


def test_coarser_steps_change_a_picture_more_and_others_stay(make_draft: MakeDraft) -> None:
    image = torch.rand(4, 64, 64)
    errors = [
        float((compress(make_draft(4, jpeg=1.0, jpeg_step=step), image.clone()) - image).abs().mean())
        for step in (1.0, 8.0, 64.0)
    ]
    assert sorted(errors) == errors
    assert errors[0] < 0.005
    assert torch.equal(image, compress(make_draft(4, jpeg=0.0), image.clone()))


def test_an_even_picture_stays_even(make_draft: MakeDraft) -> None:
    image = torch.full((2, 64, 64), 0.5)
    shown = compress(make_draft(2, jpeg=1.0, jpeg_step=10.0), image.clone())
    assert float((shown - image).abs().max()) < 10 / 255
    assert float(shown.std()) < 1e-6
