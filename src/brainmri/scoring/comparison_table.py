"""The comparison as a Markdown table, for a pull request or a paper."""

from collections.abc import Mapping
from typing import Any

_HEADER = (
    "| arm | AUROC within folds | AUROC pooled | accuracy | sensitivity | specificity | Brier "
    "| parameters | multiply-adds | AUROC less the first arm's | p (Holm) | McNemar p (Holm) | verdict |"
)


def tabulate_comparison(report: Mapping[str, Any]) -> str:
    """All rows, with intervals in brackets, and what they mean below."""
    level, plural = 100 * report["confidence"], "s" if report["seeds"] > 1 else ""
    lines = [
        f"# Comparison with {report['first']}",
        "",
        f"{report['slices']} slices of {report['groups']} {report['unit']}, each scored by networks that had "
        f"not seen its group; {report['units_each']} networks an arm, {report['seeds']} seed{plural}; "
        f"{level:g} % intervals, clustered by group. {report['finding'].capitalize()}.",
        "",
        _HEADER,
        "| --- | --- | --- | --- | --- | --- | --- | ---: | ---: | --- | ---: | ---: | --- |",
        *(_tell(name, figures) for name, figures in list_rows(report).items()),
        "",
    ]
    lines += _tell_masks(report["arms"])
    for name, found in report.get("paper_protocol", {}).items():
        best, last = found["best_epoch"], found["last_epoch"]
        lines += [
            f"By the paper's protocol, {name}: accuracy {_show(best, 'accuracy')} at the best epoch, "
            f"{_show(last, 'accuracy')} at the last; AUROC {_show(best, 'auroc')} and "
            f"{_show(last, 'auroc')}. Not comparable with the rows above: {found['warning']}.",
            "",
        ]
    return "\n".join(lines)


def _tell_masks(arms: Mapping[str, Any]) -> list[str]:
    segmented = {name: found["masks"] for name, found in arms.items() if "masks" in found}
    if not segmented:
        return []
    lines = [
        "| segmentation arm | patients with tumor | Dice per patient, mean | median "
        "| less the first segmenter's | p (Holm) | verdict |",
        "| --- | ---: | --- | --- | --- | ---: | --- |",
    ]
    for name, masks in segmented.items():
        pair = masks.get("against_first_segmenter", {})
        cells = [
            name,
            str(masks["patients_with_tumor"]),
            _show(masks, "dice_per_patient_mean"),
            _show(masks, "dice_per_patient_median"),
            _show(pair, "dice_difference", sign="+"),
            _show_p(pair.get("p_value_holm")),
            pair.get("verdict", "the first segmenter"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def list_rows(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The arms, their vote, and the baselines, each as people read it."""
    voted = {"soft vote of the arms": report["soft_vote"]} if "soft_vote" in report else {}
    return {**report["arms"], **voted, **{own["sees"]: own for own in report["baselines"].values()}}


def _tell(name: str, figures: Mapping[str, Any]) -> str:
    network, pair = figures.get("network", {}), figures.get("against_first", {})
    names = ("auroc_within_folds", "auroc", "accuracy", "sensitivity", "specificity", "brier")
    cells = [name, *(_show(figures, key) for key in names)]
    cells.append(f"{network['parameters'] / 1e6:.1f} M" if network else "")
    cells.append(f"{network['multiply_adds'] / 1e9:.2f} G" if network else "")
    cells.append(_show(pair, "auroc_difference", sign="+"))
    cells += [_show_p(pair.get("p_value_holm")), _show_p(pair.get("decisions", {}).get("p_value_holm"))]
    cells.append(pair.get("finding", "the first arm" if network else ""))
    return f"| {' | '.join(cells)} |"


def _show(figures: Mapping[str, Any], key: str, sign: str = "") -> str:
    found = figures.get(key)
    if found is None:
        return "–"
    value = f"{found['value']:{sign}.3f}"
    return f"{value} ({found['low']:{sign}.3f} to {found['high']:{sign}.3f})" if "low" in found else value


def _show_p(value: float | None) -> str:
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
