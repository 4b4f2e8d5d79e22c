"""params.yaml, the typed models and dvc.yaml agree."""

from importlib import import_module

import pytest
from pydantic import BaseModel

from brainmri.params import load_yaml, read_params
from tests.house.closure import ROOT
from tests.house.pipeline import SCRIPTS, STAGES, params


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_tracks_the_keys_it_reads(name: str) -> None:
    model = getattr(import_module(f"stages.{SCRIPTS[name]}"), "Params", None)
    assert (set(model.model_fields) if model else set()) == params(STAGES[name])


@pytest.mark.parametrize("name", [name for name in STAGES if params(STAGES[name])])
def test_the_committed_params_are_valid(name: str) -> None:
    read_params(import_module(f"stages.{SCRIPTS[name]}").Params, ROOT / "params.yaml")


def test_every_key_is_read_by_a_stage() -> None:
    tracked = set().union(*(params(stage) for stage in STAGES.values()))
    assert set(load_yaml((ROOT / "params.yaml").read_text())) == tracked | {
        "raw",
        "compute",
        "search",
        "serve",
    }


def test_no_model_has_a_default() -> None:
    models: list[type[BaseModel]] = [
        import_module(f"stages.{SCRIPTS[name]}").Params for name in STAGES if params(STAGES[name])
    ]
    for model in models:
        for key, field in model.model_fields.items():
            assert field.is_required(), key
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                models.append(field.annotation)
