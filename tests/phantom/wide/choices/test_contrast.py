import numpy as np

from brainmri.phantom.wide.choices.contrast import WIDE, ContrastRange, draw_contrast
from brainmri.phantom.wide.choices.signals import TYPICAL, Sequence


def test_contrasts_keep_to_the_sequences_and_deviations_that_are_asked_for() -> None:
    only_t2 = ContrastRange((0, 0, 1, 0, 0), deviation=1e-9, stretch=(1, 1))
    drawn = draw_contrast(np.random.default_rng(0), 50, only_t2)
    typical = TYPICAL[Sequence.T2]
    for tissue in ("csf", "gray", "white", "bone", "muscle", "blood"):
        assert np.allclose(getattr(typical, tissue), drawn[tissue])
    assert (drawn["edema_sign"] == 1).all()


def test_gray_and_white_matter_part_by_the_stretch_about_their_middle() -> None:
    twice = ContrastRange((1, 0, 0, 0, 0), deviation=1e-9, stretch=(2, 2))
    drawn, typical = draw_contrast(np.random.default_rng(0), 5, twice), TYPICAL[Sequence.T1]
    assert np.allclose(2 * (typical.gray - typical.white), drawn["gray"] - drawn["white"])
    assert np.allclose(typical.gray + typical.white, drawn["gray"] + drawn["white"])


def test_pretraining_draws_contrasts_that_no_sequence_has() -> None:
    drawn = draw_contrast(np.random.default_rng(0), 2000, WIDE)
    # In all four sequences the brain is brighter than bone.
    assert 0.02 < float(np.mean(drawn["gray"] < drawn["bone"])) < 0.1
