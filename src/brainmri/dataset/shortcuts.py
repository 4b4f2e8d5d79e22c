"""Baselines that can't see a tumor: what they reach, a network has to beat before it has shown anything."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, roc_auc_score

from brainmri.dataset.baselines import ShortcutRow
from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepared import RawFactRow
from brainmri.params import Section


class ShortcutsParams(Section):
    """The section `shortcuts`."""

    trees: Annotated[int, Field(ge=10, description="a whole number of at least 10")]
    seed: Annotated[int, Field(ge=0, lt=2**32, description="a whole number from 0 to 4294967295")]


def score_shortcuts(
    facts: Sequence[RawFactRow], manifest: Sequence[ManifestRow], positive: str, params: ShortcutsParams
) -> list[ShortcutRow]:
    """Out-of-fold scores, over the manifest's folds, of the majority class and a forest on file headers."""
    truth = np.array([row.label == positive for row in manifest])
    folds = np.array([row.fold for row in manifest])
    headers = _tabulate_headers(facts)
    scores = {"header": np.empty(len(truth)), "majority": np.empty(len(truth))}
    for fold in np.unique(folds):
        here, elsewhere = folds == fold, folds != fold
        scores["majority"][here] = truth[elsewhere].mean()
        forest = RandomForestClassifier(params.trees, min_samples_leaf=2, random_state=params.seed)
        forest.fit(headers[elsewhere], truth[elsewhere])
        scores["header"][here] = forest.predict_proba(headers[here])[:, list(forest.classes_).index(True)]
    return [
        ShortcutRow(slice_id=row.slice_id, baseline=baseline, fold=row.fold, score=float(score))
        for baseline, values in scores.items()
        for row, score in zip(manifest, values, strict=True)
    ]


def summarize_shortcuts(
    rows: Sequence[ShortcutRow], manifest: Sequence[ManifestRow], positive: str
) -> dict[str, Any]:
    """metrics/shortcuts.json: each baseline's accuracy over all slices, and its mean AUROC within folds."""
    truth_of = {row.slice_id: row.label == positive for row in manifest}
    report: dict[str, Any] = {"slices": len(manifest), "unit": "slice, out of fold"}
    for baseline in sorted({row.baseline for row in rows}):
        own = [row for row in rows if row.baseline == baseline]
        truth = np.array([truth_of[row.slice_id] for row in own])
        score = np.array([row.score for row in own])
        folds = np.array([row.fold for row in own])
        within = [roc_auc_score(truth[folds == fold], score[folds == fold]) for fold in np.unique(folds)]
        report[baseline] = {
            "auroc": float(np.mean(within)),
            "accuracy": float(accuracy_score(truth, score >= 0.5)),
        }
    return report


def _tabulate_headers(facts: Sequence[RawFactRow]) -> NDArray[np.float64]:
    """(slices, features): what a file tells without its pixels."""
    formats = sorted({row.format for row in facts})
    modes = sorted({row.mode for row in facts})
    return np.array(
        [
            [
                row.width,
                row.height,
                row.width / row.height,
                row.bytes,
                row.bytes / (row.width * row.height),
                row.jpeg_table_sum,
                formats.index(row.format),
                modes.index(row.mode),
            ]
            for row in facts
        ],
        dtype=np.float64,
    )
