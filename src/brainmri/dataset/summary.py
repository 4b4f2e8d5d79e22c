"""metrics/audit.json in words: one page that a person reads before training."""

from collections.abc import Iterator, Mapping
from typing import Any

from brainmri.dataset.findings import Finding

_WORDS: Mapping[Finding, str] = {
    Finding.NEAR_EMPTY: "are nearly empty",
    Finding.CUT_OFF: "touch the frame: cut off, or framed by a line",
    Finding.UNLIKE: "look unlike the rest",
}


def describe_audit(report: Mapping[str, Any]) -> str:
    """Counts first, then warnings, each a line."""
    warnings = list(_warn(report))
    lines = [*_count(report), "", *(warnings or ["No warning."])]
    return "\n".join(lines)


def _count(report: Mapping[str, Any]) -> Iterator[str]:
    labels = ", ".join(f"{number} {label}" for label, number in sorted(report["labels"].items()))
    yield f"{report['slices']} slices of {report['scans']} scans: {labels}"
    patients = f"{report['patients']} patients" if report["patients"] else "patients unknown"
    yield f"{patients}; {report['groups']} groups, the largest of {report['largest_group']} slices"
    files = report["files"]
    for name in ("formats", "modes"):
        yield f"{name}: " + ", ".join(f"{number} {key}" for key, number in sorted(files[name].items()))
    width, height = files["width"], files["height"]
    yield (
        f"sizes: {files['distinct_sizes']}; width {width['least']} to {width['most']}, "
        f"height {height['least']} to {height['most']} pixels"
    )
    for label, values in sorted(report["brightness"].items()):
        kinds = (f"{kind} {moments['mean']:.2f}" for kind, moments in values.items())
        yield f"brightness of {label} (0 black, 1 white): " + ", ".join(kinds)


def _warn(report: Mapping[str, Any]) -> Iterator[str]:
    yield from _warn_of_rejections(report["rejected"])
    if len(report["labels"]) == 1:
        yield "! one class alone: nothing can be split or trained"
    yield from _warn_of_twins(report)
    for finding, words in _WORDS.items():
        if number := report["findings"][finding.value]:
            yield f"! {number} slices {words}; see findings.csv"


def _warn_of_rejections(rejected: Mapping[str, Any]) -> Iterator[str]:
    for reason, number in sorted(rejected["reasons"].items()):
        yield f"! {number} scans rejected: {reason}"


def _warn_of_twins(report: Mapping[str, Any]) -> Iterator[str]:
    twins, leakage = report["twins"], report["leakage"]
    if report["patients"] == 0:
        yield "! no patients are known: slices of one patient may stand on both sides of any split"
    if twins["slices_with_twin"]:
        yield (
            f"! {twins['share_of_slices_with_twin']:.0%} of the slices have a copy or near twin: "
            f"{twins['surplus_slices']} are surplus, "
            f"{report['copies']['surplus_files']} of them the same file"
        )
    if twins["pictures_in_two_classes"]:
        yield f"! {twins['pictures_in_two_classes']} pictures stand in two classes"
    if joined := twins["pictures_of_two_patients"]:
        yield f"! {joined} pictures stand under two patients, whose groups are joined"
    yield from _warn_of_leakage(leakage)


def _warn_of_leakage(leakage: Mapping[str, Any]) -> Iterator[str]:
    share = leakage["test_share"]
    by_twin = leakage["test_slices_with_twin_in_training"]
    by_group = leakage["test_slices_with_group_in_training"]
    for found, words in ((by_twin, "a copy or near twin"), (by_group, "a slice of its group")):
        if found["mean"] and (words.startswith("a copy") or found != by_twin):
            yield (
                f"! a random {1 - share:.0%}/{share:.0%} split would leak: "
                f"{found['mean']:.0%} of the test slices "
                f"(5 to 95 %: {found['low']:.0%} to {found['high']:.0%}) have {words} in training"
            )
