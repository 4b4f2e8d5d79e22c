import numpy as np
import pytest

from brainmri.phantom.patients.drawing import draw_patient, has_tumor, leave_out
from brainmri.phantom.patients.settings import PhantomParams
from brainmri.phantom.wide.choices.signals import TYPICAL, Sequence
from brainmri.phantom.wide.columns import Columns
from brainmri.phantom.wide.kinds import Kind
from tests.phantom.patients.geometry import find_heights

EFFECTS = {"opacity", "edema", "push", "midline_mm", "tail", "outline"}


@pytest.fixture(scope="module")
def many(params: PhantomParams) -> list[Columns]:
    ill = params.model_copy(update={"tumor_fraction": 1.0, "slices_per_patient": 3})
    return [draw_patient(ill, number) for number in range(200)]


def assert_same(first: Columns, second: Columns) -> None:
    assert first.keys() == second.keys()
    assert all(np.array_equal(column, second[name]) for name, column in first.items())


def test_a_patient_is_the_same_in_a_larger_set(params: PhantomParams) -> None:
    larger = params.model_copy(update={"patients": 500})
    for number in range(4):
        assert_same(draw_patient(params, number), draw_patient(larger, number))


def test_another_seed_draws_another_patient(params: PhantomParams) -> None:
    other = draw_patient(params.model_copy(update={"seed": 1}), 0)
    assert draw_patient(params, 0)["gain"][0] != other["gain"][0]


def test_the_share_of_tumor_patients_is_the_one_asked_for(params: PhantomParams) -> None:
    for fraction in (0.0, 0.25, 0.5, 1.0):
        asked = params.model_copy(update={"tumor_fraction": fraction})
        assert 120 * fraction == sum(has_tumor(asked, number) for number in range(120))


def test_the_order_of_patients_does_not_tell_who_has_a_tumor(params: PhantomParams) -> None:
    ill = np.array([has_tumor(params, number) for number in range(400)])
    assert abs(float(np.mean(ill[::2])) - 0.5) < 0.08
    assert 0.3 < float(np.mean(ill[1:] == ill[:-1])) < 0.5


def test_nothing_but_what_a_tumor_does_tells_the_ill_from_the_healthy(params: PhantomParams) -> None:
    healthy = params.model_copy(update={"tumor_fraction": 0.0, "lookalikes_without_tumor": 0.4})
    ill = params.model_copy(update={"tumor_fraction": 1.0, "lookalikes_with_tumor": 0.4})
    for number in range(20):
        first, second = draw_patient(healthy, number), draw_patient(ill, number)
        assert not any(first[name].any() for name in (*EFFECTS, "shown"))
        assert second["shown"].all()
        assert second["opacity"].all()
        assert_same(first, leave_out(second, np.ones(params.slices_per_patient, np.bool_)))


def test_a_tumor_is_left_out_of_some_slices_alone(params: PhantomParams) -> None:
    columns = draw_patient(params.model_copy(update={"tumor_fraction": 1.0}), 0)
    without = leave_out(columns, np.array([True, False]))
    for name in (*EFFECTS, "shown"):
        assert [0, columns[name][1]] == without[name].tolist()


def test_look_alikes_are_of_those_that_are_dealt_some(params: PhantomParams) -> None:
    oddities = ("spots", "caps", "dots", "falx", "twins")
    for share in (0.0, 1.0):
        asked = params.model_copy(
            update={"lookalikes_with_tumor": share, "lookalikes_without_tumor": 1 - share}
        )
        odd, dealt = [], []
        for number in range(60):
            columns = draw_patient(asked, number)
            odd.append(any(columns[name].any() for name in oddities))
            dealt.append(has_tumor(asked, number) == bool(share))
        assert 0.6 < np.mean(np.array(odd)[dealt])
        assert not np.array(odd)[~np.array(dealt)].any()


def find_ball(own: Columns) -> float:
    """The radius of the focus that a patient's slices cut, from two of them."""
    squares, heights = own["radius_mm_0"] ** 2, find_heights(own)
    # radius² + (height - middle)² is the same in both.
    middle = (np.diff(squares + heights**2) / np.diff(heights))[0] / 2
    return float(np.sqrt(squares[0] + (heights[0] - middle) ** 2))


def test_radii_keep_to_their_bounds_and_large_ones_are_likelier(
    params: PhantomParams, many: list[Columns]
) -> None:
    low, high = params.tumor_radius_min_mm, params.tumor_radius_max_mm
    cut = [own for own in many if own["present_0"].all()]
    alone = np.array([find_ball(own) for own in cut if own["kind"][0] != Kind.MULTIFOCAL])
    main = np.array([find_ball(own) for own in cut if own["kind"][0] == Kind.MULTIFOCAL])
    assert len(alone) > 80
    assert len(main) > 5
    for radii, share in ((alone, 1.0), (main, 0.8)):
        assert low * share - 1e-6 <= radii.min()
        assert radii.max() <= high * share + 1e-6
    assert alone.mean() > (low + high) / 2 + 1


def test_contrasts_keep_to_their_bounds_and_clear_ones_are_likelier(
    params: PhantomParams, many: list[Columns]
) -> None:
    differences = np.concatenate([own["difference"] for own in many]) / 0.55
    assert params.tumor_contrast_min <= differences.min()
    assert differences.max() <= params.tumor_contrast_max
    assert differences.mean() > (params.tumor_contrast_min + params.tumor_contrast_max) / 2


def test_the_same_radius_and_contrast_may_be_asked_of_all(params: PhantomParams) -> None:
    same = params.model_copy(
        update={"tumor_radius_min_mm": 20.0, "tumor_contrast_min": 1.0, "tumor_fraction": 1.0}
    )
    patients = [draw_patient(same, number) for number in range(8)]
    assert all(own["difference"] == pytest.approx(0.55) for own in patients)
    alone = [own for own in patients if own["kind"][0] != Kind.MULTIFOCAL and own["present_0"].all()]
    assert [find_ball(own) for own in alone] == pytest.approx([20.0] * len(alone))
    assert len(alone) > 2


def test_noise_keeps_to_its_bound(params: PhantomParams) -> None:
    noise = np.array([draw_patient(params, number)["noise"][0] for number in range(40)])
    assert noise.max() <= params.noise_max
    assert (noise > params.noise_max / 2).any()
    assert not draw_patient(params.model_copy(update={"noise_max": 0.0}), 0)["noise"].any()


def test_signals_are_near_those_of_a_sequence(many: list[Columns]) -> None:
    tissues = ("csf", "gray", "muscle")
    typical = np.array([[getattr(TYPICAL[sequence], name) for name in tissues] for sequence in Sequence])
    nearest = []
    for own in many:
        signals = np.array([own[name][0] for name in tissues])
        away = np.abs(np.log(signals / typical)).max(axis=1)
        nearest.append(int(away.argmin()))
        assert away.min() < 0.3
    counts = np.bincount(nearest, minlength=4) / len(many)
    # T1 and T1 with contrast agent are hardly told apart by these tissues.
    assert counts[:2].sum() == pytest.approx(0.48, abs=0.12)
    assert counts[2] == pytest.approx(0.10, abs=0.07)


def test_all_slices_of_a_patient_share_head_and_scanner(many: list[Columns]) -> None:
    for name in ("csf", "gain", "field_mm", "skull_mm", "look", "kind", "across_x", "noise"):
        assert all(len(set(own[name].tolist())) == 1 for own in many[:20])
