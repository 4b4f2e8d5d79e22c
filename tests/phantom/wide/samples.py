"""The committed settings of the wide phantoms, and what makes them with changes."""

from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from brainmri.params import load_yaml
from brainmri.phantom.wide.draft import Draft
from brainmri.phantom.wide.generator import PhantomGenerator
from tests.house.closure import ROOT

CPU = torch.device("cpu")
VALUES: dict[str, Any] = load_yaml((ROOT / "params.yaml").read_text())["pretrain"]["generator"]
MakeGenerator: TypeAlias = Callable[..., PhantomGenerator]
MakeDraft: TypeAlias = Callable[..., Draft]
