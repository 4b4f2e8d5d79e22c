"""A trial's score: AUROC on a fold that nothing of the trial was trained or tuned on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sklearn.metrics import roc_auc_score

from brainmri.dataset.manifest import Subset, read_manifest
from brainmri.dataset.prepared import read_classes, read_prepared
from brainmri.dataset.split import Protocol, SplitParams
from brainmri.dataset.units import CaseChoice, UnitRow, plan_units
from brainmri.errors import BadInput
from brainmri.learning.arms import Shared
from brainmri.learning.crossval import UnitJob, train_unit
from brainmri.learning.identity import hash_data
from brainmri.learning.recipe import Seed
from brainmri.params import PARAMS_PATH
from brainmri.tuning.space import SearchParams, Value, make_arm


class TrialParams(Shared):
    """The keys of params.yaml that a search reads."""

    seed: Seed
    split: SplitParams
    search: SearchParams


@dataclass(frozen=True)
class TrialData:
    """What all trials train on: the development slices, by the manifest's folds.

    In fold k the fold k + 1 is watched, and k scored; the test subset is in none.
    """

    prepared: Path
    manifest: Path
    params: TrialParams
    units: Sequence[UnitRow]
    identity: str

    def score_fold(self, values: Mapping[str, Value], fold: int) -> float:
        """Trains with the present settings and `values`; raises `BadInput` as training does."""
        arm = make_arm(values, self.params, self.params.train.threads)
        job = UnitJob(
            self.prepared,
            self.manifest,
            arm,
            self.units[fold],
            CaseChoice.DEVELOPMENT,
            self.params.split,
            Path("search"),
        )
        positive = read_classes(self.prepared).positive
        scored = [row for row in train_unit(job).scored if row.subset is Subset.TEST]
        return float(roc_auc_score([row.label == positive for row in scored], [row.logit for row in scored]))


def gather_trial_data(prepared: Path, manifest: Path, params: TrialParams) -> TrialData:
    """The units of the first `search.folds` folds; `BadInput` for fewer than there are to be."""
    rows, folds = read_manifest(manifest), params.search.folds
    planned = plan_units(rows, [params.seed], CaseChoice.DEVELOPMENT)
    units = [unit for unit in planned if unit.protocol is Protocol.GROUPED]
    if len(units) < folds:
        raise BadInput(
            f"{PARAMS_PATH}: search.folds: expected at most {len(units)}, the folds without the test subset, "
            f"came {folds}; lower it, or raise split.folds"
        )
    identity = hash_data(read_prepared(prepared), rows)
    return TrialData(prepared, manifest, params, units[:folds], identity)
