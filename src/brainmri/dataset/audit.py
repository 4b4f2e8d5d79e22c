"""What is in a prepared set: classes, patients, files, copies, groups, leakage, outliers."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from brainmri.dataset.duplicates import find_copies, find_near_twins
from brainmri.dataset.findings import Finding, FindingRow, list_outliers, list_twins, sort_findings
from brainmri.dataset.groups import GroupRow, join_slices, number_known_groups
from brainmri.dataset.leakage import draw_leakage
from brainmri.dataset.outliers import measure_outliers
from brainmri.dataset.prepared import PreparedSet, RawFactRow, RejectedRow, SliceRow
from brainmri.dataset.thumbnails import shrink_images
from brainmri.dataset.twins import Likeness, Twin
from brainmri.params import Section

# A reason may begin with the name of the file of a scan, or of its mask, that it is about.
_NAMED = re.compile(r"^(?P<mask>mask )?.*?: (?=expected |can't |the file |needs |not read |its )")
_SHARE = "a share from 0 to 1"


class AuditParams(Section):
    """The section `audit`."""

    candidates: Annotated[int, Field(ge=1, le=1000, description="a whole number from 1 to 1000")]
    twin_correlation: Annotated[float, Field(gt=0, le=1, description="a correlation above 0 up to 1")]
    leakage_test_share: Annotated[float, Field(gt=0, lt=1, description="a share between 0 and 1")]
    leakage_draws: Annotated[int, Field(ge=1, description="a whole number of at least 1")]
    least_filled: Annotated[float, Field(ge=0, le=1, description=_SHARE)]
    most_contact: Annotated[float, Field(ge=0, le=1, description=_SHARE)]
    most_distance: Annotated[float, Field(gt=1, description="a number above 1")]
    seed: Annotated[int, Field(ge=0, lt=2**32, description="a whole number from 0 to 4294967295")]


@dataclass(frozen=True)
class Audited:
    """All that an audit reads of a prepared set, and what it found; lists in the order of the slices."""

    slices: Sequence[SliceRow]
    facts: Sequence[RawFactRow]
    rejected: Sequence[RejectedRow]
    twins: Sequence[Twin]
    groups: Sequence[GroupRow]
    findings: Sequence[FindingRow]
    brightness: Sequence[float]


def audit_set(
    data: PreparedSet, facts: Sequence[RawFactRow], rejected: Sequence[RejectedRow], params: AuditParams
) -> Audited:
    """Looks for copies, near twins and outliers, and joins groups; `facts` in the order of the slices."""
    files = [f"{fact.sha256}#{row.slice}" for fact, row in zip(facts, data.slices, strict=True)]
    copies = find_copies(files, data.images)
    known = number_known_groups(data.slices, copies)
    twins = copies + find_near_twins(data.images, known, params.candidates, params.twin_correlation)
    thumbnails = shrink_images(data.images)
    limits = {name: getattr(params, name) for name in ("least_filled", "most_contact", "most_distance")}
    odd = list_outliers(data.slices, measure_outliers(thumbnails, params.seed), **limits)
    return Audited(
        slices=data.slices,
        facts=facts,
        rejected=rejected,
        twins=twins,
        groups=join_slices(data.slices, facts, twins),
        findings=sort_findings([*list_twins(data.slices, twins), *odd]),
        brightness=(thumbnails.mean(axis=(1, 2)) / 255).tolist(),
    )


def summarize_audit(audited: Audited, params: AuditParams) -> dict[str, Any]:
    """metrics/audit.json."""
    slices, facts = audited.slices, audited.facts
    sizes = Counter(row.group for row in audited.groups)
    return {
        "slices": len(slices),
        "scans": len({row.scan for row in slices}),
        "labels": Counter(row.label for row in slices),
        "slices_with_mask": sum(row.has_mask for row in slices),
        "patients": len({row.patient for row in slices} - {None}),
        "slices_without_patient": sum(row.patient is None for row in slices),
        "groups": len(sizes),
        "largest_group": max(sizes.values()),
        "copies": _count_copies(audited),
        "twins": _count_twins(audited),
        "leakage": _draw(audited.groups, params),
        "files": _describe_files(facts),
        "rejected": {"scans": len(audited.rejected), "reasons": _count_reasons(audited.rejected)},
        "brightness": _describe_brightness(audited),
        "findings": {kind.value: _count(audited.findings, kind) for kind in Finding},
    }


def largest_groups(groups: Sequence[GroupRow], most: int) -> list[tuple[str, list[int]]]:
    """The `most` largest groups of two or more slices, with the places of their slices; ties by name."""
    several = [
        (name, places) for name, places in members(row.group for row in groups).items() if len(places) > 1
    ]
    return sorted(several, key=lambda item: (-len(item[1]), item[0]))[:most]


def members(names: Iterable[str | None]) -> dict[str, list[int]]:
    """The places of each name, by first appearance; places without a name belong to none."""
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if name is not None:
            places.setdefault(name, []).append(place)
    return places


def _count_copies(audited: Audited) -> dict[str, int]:
    copies = [twin for twin in audited.twins if twin.likeness is not Likeness.DETAIL]
    shown = {end for twin in copies for end in (twin.first, twin.second)}
    return {
        "surplus_files": sum(twin.likeness is Likeness.BYTES for twin in copies),
        "surplus_pictures": len(copies),
        # Each copy joins one image to those before, so images less joins are pictures.
        "pictures_with_copies": len(shown) - len(copies),
    }


def _count_twins(audited: Audited) -> dict[str, float | int]:
    near = [twin for twin in audited.twins if twin.likeness is Likeness.DETAIL]
    pictures = members(row.twins for row in audited.groups)
    slices = sum(len(places) for places in pictures.values())
    return {
        "near_pairs": len(near),
        "mirrored_pairs": sum(bool(twin.mirror) for twin in near),
        "pictures_shown_more_than_once": len(pictures),
        "slices_with_twin": slices,
        "share_of_slices_with_twin": slices / len(audited.slices),
        "surplus_slices": slices - len(pictures),
        "pictures_in_two_classes": sum(
            len({audited.slices[place].label for place in places}) > 1 for places in pictures.values()
        ),
        "pictures_of_two_patients": sum(
            len({audited.slices[place].patient for place in places} - {None}) > 1
            for places in pictures.values()
        ),
    }


def _draw(groups: Sequence[GroupRow], params: AuditParams) -> dict[str, Any]:
    rule = params.leakage_test_share, params.leakage_draws, params.seed
    return {
        "test_share": params.leakage_test_share,
        "draws": params.leakage_draws,
        "test_slices_with_twin_in_training": draw_leakage([row.twins for row in groups], *rule),
        "test_slices_with_group_in_training": draw_leakage([row.group for row in groups], *rule),
    }


def _describe_files(facts: Sequence[RawFactRow]) -> dict[str, Any]:
    sides = {"width": [row.width for row in facts], "height": [row.height for row in facts]}
    return {
        "formats": Counter(row.format for row in facts),
        "modes": Counter(row.mode for row in facts),
        "distinct_sizes": len({(row.width, row.height) for row in facts}),
    } | {name: _spread(values) for name, values in sides.items()}


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"least": min(values), "median": float(np.median(values)), "most": max(values)}


def _count_reasons(rejected: Sequence[RejectedRow]) -> Counter[str]:
    """By what was expected, without the names of files: what came differs from scan to scan."""
    reasons = (_NAMED.sub(r"\g<mask>", row.reason) for row in rejected)
    return Counter(reason.partition(", came")[0].partition(" (")[0] for reason in reasons)


def _describe_brightness(audited: Audited) -> Mapping[str, Any]:
    """Of each class, mean and deviation of the slices' mean pixel, 0 black to 1 white, prepared and raw."""
    report: dict[str, Any] = {}
    for label, places in members(row.label for row in audited.slices).items():
        prepared = [audited.brightness[place] for place in places]
        raw = [
            float(np.mean(audited.facts[place].thumbnail))
            for place in places
            if audited.facts[place].thumbnail
        ]
        report[label] = {"prepared": _moments(prepared)} | ({"raw": _moments(raw)} if raw else {})
    return report


def _moments(values: Sequence[float]) -> dict[str, float]:
    return {"mean": float(np.mean(values)), "deviation": float(np.std(values))}


def _count(findings: Sequence[FindingRow], kind: Finding) -> int:
    return sum(row.finding is kind for row in findings)
