"""Features of all slices -> what is familiar, from where on an image is not, and how often that is wrong."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf

from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.scoring.estimates import estimate_share
from brainmri.scoring.evaluation import describe_estimate
from brainmri.scoring.novelty import (
    Familiar,
    Features,
    NoveltyFacts,
    NoveltyParams,
    measure_novelty,
    squared_distance,
)

# Keeps a channel that never answers from a division by zero.
_LEAST_SPREAD = 1e-6


def learn_familiar(
    features: Features, manifest: Sequence[ManifestRow], params: NoveltyParams, weights_sha256: str
) -> Familiar:
    """What the training slices look like, and the threshold that the validation slices give.

    `features` (n, channels) are of the manifest's slices, in its order, by the weights with that hash.
    """
    subsets = np.array([row.subset for row in manifest])
    train, valid = (features[subsets == subset] for subset in (Subset.TRAIN, Subset.VALID))
    return fit_familiar(train, valid, params, weights_sha256)


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
    rank = min(len(distances), int(np.ceil((len(distances) + 1) * (1 - params.rate))))
    facts = NoveltyFacts(
        # Rounded up: the slice that it is taken from is not above.
        threshold=float(f"{distances[rank - 1] * (1 + 1e-5):.6g}"),
        rate=params.rate,
        attainable_rate=float(f"{1 - rank / (len(distances) + 1):.6g}"),
        train_slices=len(train),
        valid_slices=len(valid),
        weights_sha256=weights_sha256,
    )
    return Familiar(mean, precision, facts)


def summarize_novelty(
    familiar: Familiar, features: Features, manifest: Sequence[ManifestRow], confidence: float
) -> dict[str, Any]:
    """metrics/novelty.json: from where on slices are called unlike, and how many of each subset are.

    On training and validation slices that is how it was made; the share of test slices is the figure.
    """
    unlike = measure_novelty(features, familiar) > 1
    found = {
        subset.value: [place for place, row in enumerate(manifest) if row.subset is subset]
        for subset in Subset
    }
    groups = [row.group for row in manifest]
    facts = familiar.facts.model_dump(include={"threshold", "rate", "attainable_rate"})
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
