from typing import Any

import pytest
import yaml

from brainmri.errors import BadInput
from brainmri.params import Section, read_params
from brainmri.phantom.patients.settings import PhantomParams


class Params(Section):
    phantom: PhantomParams


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("size_px", 100, "phantom.size_px: expected a picture's edge in pixels"),
        ("tumor_fraction", 1.5, "phantom.tumor_fraction: expected the share of patients"),
        (
            "tumor_radius_min_mm",
            30.0,
            "expected tumor_radius_min_mm up to tumor_radius_max_mm, came 30.0 and 20.0",
        ),
        ("tumor_contrast_max", 0.1, "expected tumor_contrast_min up to tumor_contrast_max, came 0.4 and 0.1"),
    ],
)
def test_a_wrong_value_is_refused_with_one_line(tmp_path, values: dict[str, Any], key, value, expected):
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump({"phantom": values | {key: value}}))
    with pytest.raises(BadInput) as refusal:
        read_params(Params, path)
    assert expected in str(refusal.value)
    assert "\n" not in str(refusal.value)
