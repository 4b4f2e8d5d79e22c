"""Baselines that see no anatomy: what they reach, a network has to beat before it has shown anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.ensemble import RandomForestClassifier

from brainmri.compute import Needs, available_cores, find_cluster
from brainmri.dataset.baselines import Baseline, ShortcutRow
from brainmri.dataset.features import PictureFeatures, describe_picture
from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepared import RawFactRow
from brainmri.params import Section

Table = NDArray[np.float64]  # (slices, features)
Tables = Mapping[Baseline, Table]


class ForestParams(Section):
    """The forest that every baseline but the majority is."""

    trees: Annotated[int, Field(ge=10, description="a whole number of at least 10")]
    seed: Annotated[int, Field(ge=0, lt=2**32, description="a whole number from 0 to 4294967295")]


def tabulate_raw(facts: Sequence[RawFactRow]) -> Tables:
    """What the raw files tell: headers, and the features of their pictures."""
    return {
        Baseline.HEADER: _tabulate_headers(facts),
        Baseline.RAW_FRAME: np.array([row.frame for row in facts]),
        Baseline.RAW_THUMBNAIL: np.array([row.thumbnail for row in facts]),
        Baseline.RAW_HISTOGRAM: np.array([row.histogram for row in facts]),
    }


def tabulate_prepared(images: NDArray[np.uint8]) -> Tables:
    """The same features of prepared images (slices, …, size, size); those of several channels in a row."""
    size = images.shape[-1]
    described = [
        [describe_picture(plane) for plane in np.float32(image).reshape(-1, size, size) / np.float32(255)]
        for image in images
    ]
    return {
        Baseline.PREPARED_FRAME: _join(described, "frame"),
        Baseline.PREPARED_THUMBNAIL: _join(described, "thumbnail"),
        Baseline.PREPARED_HISTOGRAM: _join(described, "histogram"),
    }


def score_shortcuts(
    tables: Tables, manifest: Sequence[ManifestRow], positive: str, params: ForestParams
) -> list[ShortcutRow]:
    """Out-of-fold scores, over the manifest's folds, of a forest on each table and of the majority class."""
    truth = np.array([row.label == positive for row in manifest])
    folds = np.array([row.fold for row in manifest])
    scores = _Forests(tables, truth, folds, params).score()
    scores[Baseline.MAJORITY] = _score_majority(truth, folds)
    return [
        ShortcutRow(slice_id=row.slice_id, baseline=baseline, fold=row.fold, score=float(score))
        for baseline, values in scores.items()
        for row, score in zip(manifest, values, strict=True)
    ]


@dataclass(frozen=True)
class _Forests:
    """What forests learn: `truth` and `folds` are (slices,)."""

    tables: Tables
    truth: NDArray[np.bool_]
    folds: NDArray[np.int64]
    params: ForestParams

    def score(self) -> dict[Baseline, NDArray[np.float64]]:
        """By table and fold: one after the other on all cores, or side by side on a cluster."""
        items = [(baseline, int(fold)) for baseline in self.tables for fold in np.unique(self.folds)]
        cluster = find_cluster()
        if cluster is None:
            parts = iter([self.score_fold(item, available_cores()) for item in items])
        else:
            parts = cluster.map_in_order(self.score_fold, items, Needs())
        scores = {baseline: np.empty(len(self.truth)) for baseline in self.tables}
        for (baseline, fold), part in zip(items, parts, strict=True):
            scores[baseline][self.folds == fold] = part
        return scores

    def score_fold(self, item: tuple[Baseline, int], jobs: int = 1) -> NDArray[np.float64]:
        """What one that learnt from the other folds says of a fold; no number of `jobs` changes it."""
        baseline, fold = item
        table, here, elsewhere = self.tables[baseline], self.folds == fold, self.folds != fold
        forest = RandomForestClassifier(
            self.params.trees, min_samples_leaf=2, random_state=self.params.seed, n_jobs=jobs
        )
        forest.fit(table[elsewhere], self.truth[elsewhere])
        forest.set_params(n_jobs=1)  # threads would add the trees up in any order, and break ties at random
        scores: NDArray[np.float64] = forest.predict_proba(table[here])[:, list(forest.classes_).index(True)]
        return scores


def _score_majority(truth: NDArray[np.bool_], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.array([truth[folds != fold].mean() for fold in folds])


def _join(described: Sequence[Sequence[PictureFeatures]], feature: str) -> Table:
    return np.array([np.concatenate([getattr(plane, feature) for plane in image]) for image in described])


def _tabulate_headers(facts: Sequence[RawFactRow]) -> Table:
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
