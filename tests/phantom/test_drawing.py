import subprocess
import sys

import numpy as np

from brainmri.phantom.drawing import draw_patient, has_tumor


def test_a_patient_is_the_same_in_a_larger_set(params):
    larger = params.model_copy(update={"patients": 500})
    assert [draw_patient(larger, number) for number in range(8)] == [
        draw_patient(params, number) for number in range(8)
    ]


def test_another_seed_draws_another_patient(params):
    assert draw_patient(params, 0) != draw_patient(params.model_copy(update={"seed": 1}), 0)


def test_the_share_of_tumor_patients_is_the_one_asked_for(params):
    for fraction in (0.0, 0.25, 0.5, 1.0):
        asked = params.model_copy(update={"tumor_fraction": fraction})
        assert 120 * fraction == sum(has_tumor(asked, number) for number in range(120))


def test_the_order_of_patients_does_not_tell_who_has_a_tumor(params):
    ill = np.array([has_tumor(params, number) for number in range(400)])
    assert abs(float(np.mean(ill[::2])) - 0.5) < 0.08
    assert 0.3 < float(np.mean(ill[1:] == ill[:-1])) < 0.5


def test_only_tumors_and_lookalikes_tell_the_ill_from_the_healthy(params):
    healthy = params.model_copy(update={"tumor_fraction": 0.0, "lookalikes_without_tumor": 0.4})
    ill = params.model_copy(update={"tumor_fraction": 1.0, "lookalikes_with_tumor": 0.4})
    for number in range(20):
        first, second = draw_patient(healthy, number), draw_patient(ill, number)
        assert (first.body, first.contrast, first.scanner, first.slices, first.lookalikes) == (
            second.body,
            second.contrast,
            second.scanner,
            second.slices,
            second.lookalikes,
        )


def test_slices_go_from_low_to_high_and_differ(params):
    for number in range(100):
        heights = [piece.centre_mm[2] for piece in draw_patient(params, number).slices]
        assert sorted(set(heights)) == heights


def test_radii_and_contrasts_keep_to_their_bounds(params):
    ill = params.model_copy(update={"tumor_fraction": 1.0})
    foci = [draw_patient(ill, number).lesions[0] for number in range(200)]
    radii = [np.cbrt(np.prod(focus.blob.radii_mm)) for focus in foci]
    assert min(radii) > 5.99
    assert max(radii) < 20.01
    assert all(0.4 <= focus.contrast <= 1.0 for focus in foci)


def test_the_package_loads_no_learning_library():
    heavy = {"torch", "fastai", "sklearn", "nilearn"}
    code = f"import sys, brainmri.phantom.dataset; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
