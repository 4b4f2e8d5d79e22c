from typing import Any

import pytest
import yaml

from brainmri.errors import BadInput
from brainmri.params import Section, read_params
from brainmri.phantom.wide.settings import WideParams
from tests.phantom.wide.samples import VALUES


class Params(Section):
    generator: WideParams


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"tumor_fraction": 1.5}, "generator.tumor_fraction: expected a share from 0 to 1"),
        ({"radius_max_mm": 200.0}, "generator.radius_max_mm: expected 3 to 60 mm"),
        ({"radius_min_mm": 50.0}, "expected radius_min_mm up to radius_max_mm, came 50.0 and 45.0"),
        ({"coronal": 0.7, "sagittal": 0.5}, "expected coronal and sagittal to add up to 1 at most"),
        ({"lookalike": 1.0}, "generator.lookalike"),
    ],
)
def test_a_wrong_value_is_refused_with_one_line(tmp_path, changes: dict[str, Any], expected: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump({"generator": VALUES | changes}))
    with pytest.raises(BadInput) as refusal:
        read_params(Params, path)
    assert expected in str(refusal.value)
    assert "\n" not in str(refusal.value)
