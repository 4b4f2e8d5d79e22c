"""Features of all slices -> what is familiar, from where on an image is not, and how often that is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.scoring.estimates import estimate_share
from brainmri.scoring.evaluation import describe_estimate
from brainmri.scoring.novelty import (
    Familiar,
    Features,
    NoveltyFacts,
    NoveltyParams,
    measure_novelty,
    project,
    squared_distance,
)

# Of the logistic regression: the inverse of its penalty, and where it gives up.
_REGULAR, _MOST_STEPS = 0.01, 10_000
# An image that a limit is taken from is not above.
_ABOVE = 1e-5
# Keeps a channel that never answers from a division by zero.
_LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Outliers:
    """Features of images without a head (n, channels): `learnt` from, and `held_out` to count on."""

    learnt: Features
    held_out: Features


def divide_outliers(features: Features) -> Outliers:
    """Of n of them a quarter, the last, is held out."""
    first = len(features) - len(features) // 4
    return Outliers(features[:first], features[first:])


def learn_familiar(
    features: Features,
    manifest: Sequence[ManifestRow],
    params: NoveltyParams,
    weights_sha256: str,
    outliers: Outliers | None = None,
) -> Familiar:
    """What the training slices look like, and the threshold that the validation slices give.

    `features` (n, channels) are of the manifest's slices, in its order, by the weights with that hash.
    """
    subsets = np.array([row.subset for row in manifest])
    train, valid = (features[subsets == subset] for subset in (Subset.TRAIN, Subset.VALID))
    familiar = fit_familiar(train, valid, params, weights_sha256)
    if outliers is None:
        return familiar
    direction = find_direction(train, valid, outliers.learnt, familiar, params)
    facts = familiar.facts.model_copy(update={"outliers": len(outliers.learnt)})
    return replace(familiar, facts=facts, direction=direction)


def find_direction(
    train: Features, valid: Features, outliers: Features, familiar: Familiar, params: NoveltyParams
) -> NDArray[np.float32]:
    """Where images without a head lie, from the training images: `Familiar.direction`.

    By a logistic regression on features that the training images' covariance is removed from. Along it 0 is
    the middle of the validation images, and 1 the image of the rank that the distance's threshold is of: that
    many more familiar images may be called unlike.
    """
    white = np.linalg.cholesky(familiar.precision.astype(np.float64))
    both = np.concatenate([train, outliers]).astype(np.float64) - familiar.mean
    truth = np.arange(len(both)) >= len(train)
    fitted = LogisticRegression(C=_REGULAR, max_iter=_MOST_STEPS).fit(both @ white, truth)
    direction = np.append(white @ fitted.coef_[0], 0.0)
    found = np.sort(project(valid, familiar.mean, direction))
    middle, limit = float(np.median(found)), found[_rank(len(found), params.rate) - 1]
    direction[-1] -= middle
    reach = max(limit - middle, _LEAST_SPREAD) * (1 + _ABOVE)
    return np.asarray(direction / reach, np.float32)


def fit_familiar(train: Features, valid: Features, params: NoveltyParams, weights_sha256: str) -> Familiar:
    """Mean and shrunk covariance (Ledoit and Wolf 2004) of training; the threshold is validation's.

    It is the validation images' distance of rank ceil((n + 1)(1 - rate)), at most the highest. As conformal
    prediction counts (Vovk et al. 2005), a familiar image is above with a chance of about `rate`, or of
    1 / (n + 1) with few images; slices of one patient, and the choice of the epoch by these slices, make that
    a guide and no guarantee.
    """
    mean, spread = train.mean(axis=0), train.std(axis=0) + _LEAST_SPREAD
    fitted = LedoitWolf(assume_centered=True).fit((train - mean) / spread)
    precision = (fitted.precision_ / np.outer(spread, spread)).astype(np.float32)
    distances = np.sort(squared_distance(valid, mean, precision))
    rank = _rank(len(distances), params.rate)
    facts = NoveltyFacts(
        # Rounded up: the slice that it is taken from is not above.
        threshold=float(f"{distances[rank - 1] * (1 + _ABOVE):.6g}"),
        rate=params.rate,
        attainable_rate=float(f"{1 - rank / (len(distances) + 1):.6g}"),
        train_slices=len(train),
        valid_slices=len(valid),
        weights_sha256=weights_sha256,
    )
    return Familiar(mean, precision, facts)


def _rank(count: int, rate: float) -> int:
    return min(count, int(np.ceil((count + 1) * (1 - rate))))


def summarize_novelty(
    familiar: Familiar,
    features: Features,
    manifest: Sequence[ManifestRow],
    confidence: float,
    outliers: Outliers | None = None,
) -> dict[str, Any]:
    """metrics/novelty.json: from where on slices are called unlike, and how many of each subset are.

    On training and validation slices that is how it was made; the share of test slices is the figure, and
    that of the outliers that were held out.
    """
    unlike = measure_novelty(features, familiar) > 1
    found = {
        subset.value: [place for place, row in enumerate(manifest) if row.subset is subset]
        for subset in Subset
    }
    groups = [row.group for row in manifest]
    facts = familiar.facts.model_dump(include={"threshold", "rate", "attainable_rate"})
    if outliers is not None:
        strange = measure_novelty(outliers.held_out, familiar) > 1
        facts["outliers"] = _describe(strange, [str(place) for place in range(len(strange))], confidence)
    return facts | {
        subset: _describe(unlike[places], [groups[place] for place in places], confidence)
        for subset, places in found.items()
        if places
    }


def _describe(unlike: NDArray[np.bool_], groups: Sequence[str], confidence: float) -> dict[str, Any]:
    """The share (n,) that is flagged."""
    numbers = np.unique(groups, return_inverse=True)[1]
    flagged = describe_estimate(estimate_share(unlike, numbers, confidence))
    return {"n": len(unlike), "n_groups": int(numbers.max()) + 1, "flagged": flagged}
