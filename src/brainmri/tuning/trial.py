"""A trial's score: AUROC on a fold that nothing of the trial was trained or tuned on."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident

from sklearn.metrics import roc_auc_score

from brainmri.dataset.manifest import Subset, read_manifest
from brainmri.dataset.prepared import read_classes, read_prepared
from brainmri.dataset.protocols import Protocol
from brainmri.dataset.units import CaseChoice, UnitRow, plan_units
from brainmri.errors import BadInput
from brainmri.learning.crossval import UnitJob
from brainmri.learning.identity import hash_data
from brainmri.learning.unit_mapping import train_units
from brainmri.params import PARAMS_PATH
from brainmri.tuning.space import SearchSettings, Value, make_arm


@dataclass(frozen=True)
class TrialData:
    """What all trials train on: the development slices, by the manifest's folds.

    In fold k the fold k + 1 is watched, and k scored; the test subset is in none.
    """

    prepared: Path
    manifest: Path
    params: SearchSettings
    units: Sequence[UnitRow]
    identity: str

    def check(self) -> None:
        """Raises `BadInput` where the data are others than when the search began."""
        if identify_data(self.prepared, self.manifest) != self.identity:
            raise BadInput(
                f"{self.prepared}: expected the data that the search began with, came others; search again"
            )

    def score_fold(self, values: Mapping[str, Value], fold: int) -> float:
        """Trains with the present settings and `values`; raises `BadInput` as training does."""
        self.check()
        arm = make_arm(values, self.params, self.params.train.threads)
        job = UnitJob(
            self.prepared,
            self.manifest,
            arm,
            self.units[fold],
            CaseChoice.DEVELOPMENT,
            self.params.split,
            # Of this thread alone: a search beside it may train the same fold with other settings.
            Path(f"search, process {os.getpid()}, thread {get_ident()}"),
        )
        positive = read_classes(self.prepared).positive
        (outcome,) = train_units([job], arm.train.threads)
        scored = [row for row in outcome.scored if row.subset is Subset.TEST]
        return float(roc_auc_score([row.label == positive for row in scored], [row.logit for row in scored]))


def gather_trial_data(prepared: Path, manifest: Path, params: SearchSettings) -> TrialData:
    """The units of the first `search.folds` folds; `BadInput` for fewer than there are to be."""
    rows, folds = read_manifest(manifest), params.search.folds
    planned = plan_units(rows, [params.seed], CaseChoice.DEVELOPMENT)
    units = [unit for unit in planned if unit.protocol is Protocol.GROUPED]
    if len(units) < folds:
        raise BadInput(
            f"{PARAMS_PATH}: search.folds: expected at most {len(units)}, the folds without the test subset, "
            f"came {folds}; lower it, or raise split.folds"
        )
    return TrialData(prepared, manifest, params, units[:folds], identify_data(prepared, manifest))


def identify_data(prepared: Path, manifest: Path) -> str:
    """A SHA-256 of the images, and of the manifest with its folds and groups."""
    rows = read_manifest(manifest)
    images = hash_data(read_prepared(prepared), rows)
    return hashlib.sha256(images.encode() + manifest.read_bytes()).hexdigest()
