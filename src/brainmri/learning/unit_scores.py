"""What a unit's network says of slices that it was not trained on, as columns of a table."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.maps import count_pixels, to_bytes
from brainmri.dataset.masks import require_masks
from brainmri.dataset.predictions import Epoch, make_prediction
from brainmri.dataset.prepared import PreparedSet
from brainmri.dataset.units import ScoredRow, SegmentedRow, UnitRow
from brainmri.errors import BadInput
from brainmri.learning.arms import Arm, TaskName
from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import ask_network, fit_size, predict_logits, read_classifier
from brainmri.learning.shipped import find_shipped
from brainmri.learning.training import Training
from brainmri.learning.weights import State
from brainmri.tables import DIGITS

Columns: TypeAlias = dict[str, list[Any]]
# The slices of a unit, and what each is in it.
Taken: TypeAlias = tuple[PreparedSet, Sequence[ManifestRow]]


def score_classes(training: Training, prepared: PreparedSet, places: Sequence[int]) -> Columns:
    """`logit`: the log odds of tumor of the slices at `places`; the network is set to evaluate."""
    images = prepared.images[list(places)]
    logits = ask_network(training.learner.model, images, training.normalization, training.looks)
    return _list_logits(logits)


def score_by_shipped(arm: Arm, taken: Taken) -> Columns:
    """`logit` by the shipped detector of the arm's architecture, of the unit's slices outside training.

    Images are brought to the detector's size. Raises `BadInput` where none is shipped or its file has another
    hash, and of images of several channels.
    """
    prepared, manifest = taken
    shipped = find_shipped(arm.arch, "task: zero_shot")
    shipped.read()  # no file of another hash is asked
    classifier = read_classifier(shipped.folder / "classifier", WEIGHTS)
    if prepared.images.ndim > 3:
        raise BadInput(
            f"task: zero_shot: expected images of one channel, came {prepared.images.shape[1]}; set "
            "prepare.channel to one of them"
        )
    images = fit_size(prepared.images[_find_scored(manifest)], classifier.card)
    return _list_logits(predict_logits(classifier, images))


def _list_logits(logits: Iterable[float]) -> Columns:
    return {"logit": [round(float(logit), DIGITS) for logit in logits]}


def score_masks(training: Training, prepared: PreparedSet, places: Sequence[int], *, flips: bool) -> Columns:
    """`logit` as above, by the map, and the pixels found (tp), made up (fp) and missed (fn)."""
    # Brings MONAI, which takes a second or two.
    from brainmri.learning.segmenter import Segmenter, score_slices, segment  # noqa: PLC0415

    segmenter = Segmenter(training.learner.model, training.normalization, training.looks[0].size)
    masks, done = require_masks(prepared), 0
    columns: dict[str, list[Any]] = {"logit": [], "tp": [], "fp": [], "fn": []}
    for found in segment(segmenter, prepared.images[list(places)], flips=flips):
        own = list(places[done : done + len(found.maps)])
        done += len(own)
        columns["logit"] += [round(float(logit), DIGITS) for logit in score_slices(found.maps)]
        counts = count_pixels(to_bytes(found.maps), np.asarray(masks[own]))
        for name in ("tp", "fp", "fn"):
            columns[name] += counts[name].tolist()
    return columns


def score_unit(training: Training, arm: Arm, state: State, taken: Taken) -> Columns:
    """What the network with the weights `state` says of the slices outside training."""
    training.learner.model.load_state_dict(state)
    training.learner.model.eval()
    prepared, places = taken[0], _find_scored(taken[1])
    if arm.task is TaskName.SEGMENTATION:
        return score_masks(training, prepared, places, flips=arm.flips)
    return score_classes(training, prepared, places)


def _find_scored(manifest: Sequence[ManifestRow]) -> list[int]:
    """The places of the slices outside training."""
    return [place for place, row in enumerate(manifest) if row.subset is not Subset.TRAIN]


def list_rows(scores: Mapping[str, Columns], unit: UnitRow, taken: Taken) -> list[ScoredRow]:
    """The rows of a unit's table from the columns of each epoch, by its name, in the manifest's order."""
    prepared, manifest = taken
    rows: list[ScoredRow] = []
    for epoch, columns in scores.items():
        kind = ScoredRow if columns.keys() == {"logit"} else SegmentedRow
        for number, place in enumerate(_find_scored(manifest)):
            own = {name: values[number] for name, values in columns.items()}
            patient = prepared.slices[place].patient
            known = make_prediction(manifest[place], patient, Epoch(epoch), own.pop("logit"))
            rows.append(kind(**known.model_dump(), seed=unit.seed, fold=unit.fold, **own))
    return rows
