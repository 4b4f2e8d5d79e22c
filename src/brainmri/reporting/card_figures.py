"""The sections of the card that are figures: Markdown, line by line, out of metrics/*.json."""

from collections.abc import Mapping
from typing import Any, Final

Facts = Mapping[str, Any]

_FIGURES: Final = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "mcc": "MCC",
    "brier": "Brier score",
    "log_loss": "log loss",
    "ece": "ECE",
}
_UNITS: Final = {
    "slice": "slices",
    "patient_max": "patients, by their highest slice",
    "patient_mean": "patients, by their slices' mean",
}


def tell_performance(test: Facts) -> list[str]:
    """Every figure with its interval, by slice and by patient."""
    units = [unit for unit in _UNITS if unit in test]
    heads = [f"{_UNITS[unit]} (n = {test[unit]['n']}, {test[unit]['groups']} groups)" for unit in units]
    rows = [
        f"| {title} | " + " | ".join(show_figure(test[unit].get(key)) for unit in units) + " |"
        for key, title in _FIGURES.items()
    ]
    level = 100 * test[units[0]]["confidence"]
    return [
        *([f"**{test['warning']}**", ""] if "warning" in test else []),
        f"On the subset `{test['subset']}`, {level:g} % intervals clustered by group (docs/intervals.md):",
        "",
        f"| | {' | '.join(heads)} |",
        f"| --- |{' --- |' * len(units)}",
        *rows,
    ]


def tell_calibration(test: Facts, point: Facts) -> list[str]:
    """The operating point, where it is from, and what the temperature changed."""
    before, after = test["before_calibration"], test["slice"]
    sources = {
        "fixed": "neither is fitted: no slices were held out",
        "given": "the temperature from validation slices alone, the threshold by hand",
    }
    source = sources.get(point["rule"], "both from validation slices alone")
    return [
        f"Temperature {point['temperature']:.3f} and threshold {point['threshold']:.3f} "
        f"(`{point['rule']}`): {source}.",
        "",
        "| | before | after |",
        "| --- | --- | --- |",
        *(
            f"| {_FIGURES[key]} | {show_figure(before.get(key))} | {show_figure(after.get(key))} |"
            for key in ("brier", "ece", "log_loss")
        ),
        "",
        "![reliability](plots/evaluation/reliability.png)",
    ]


def tell_subgroups(test: Facts) -> list[str]:
    """Sensitivity by the size of the tumor, where masks exist."""
    sizes = test.get("by_tumor_size")
    unknown = "Contrast agent, scanner and site are not known of these slices: a gap."
    if sizes is None:
        return [f"No masks, so nothing by the tumor's size. {unknown}"]
    share = f"{100 * sizes['median_share']:.2f} % of the image"
    words = {"smaller": f"below {share}", "larger": f"{share} and more"}
    return [
        "| tumor's mask | slices | groups | sensitivity |",
        "| --- | ---: | ---: | --- |",
        *(
            f"| {words[half]} | {own['n']} | {own['groups']} | {show_figure(own['sensitivity'])} |"
            for half in words
            if (own := sizes.get(half))
        ),
        "",
        unknown,
    ]


def tell_explanation(test: Facts) -> list[str]:
    """The pointing game, where masks exist: how far a heat map can be believed."""
    pointing = test.get("pointing")
    if pointing is None:
        return ["No masks, so nothing on whether heat maps point at tumors: a gap."]
    return [
        "The pointing game (Zhang et al. 2018): the share of slices with tumor whose heat map is hottest in "
        f"the tumor's mask (n = {pointing['n']}, {pointing['n_groups']} groups; intervals as above).",
        "",
        "| pointed at by | share |",
        "| --- | --- |",
        f"| this network | {show_figure(pointing['trained'])} |",
        f"| one with random weights | {show_figure(pointing['random_network'])} |",
        f"| chance: the share of a slice that a mask covers | {pointing['mask_share']:.3f} |",
        "",
        "A heat map shows where the network looks, not where a tumor is (docs/predict.md).",
    ]


def tell_novelty(novelty: Facts) -> list[str]:
    """From where on images are called unlike the training's, and how often test slices are."""
    train, valid = novelty["train"], novelty["valid"]
    return [
        f"An image is flagged beyond a squared Mahalanobis distance of {novelty['threshold']:g} from what "
        f"the network's first stage sees in {train['n']} training slices. {valid['n']} validation slices "
        f"({valid['n_groups']} groups) set that, for a share of {novelty['rate']:g} of familiar images; so "
        f"many slices allow {novelty['attainable_rate']:.3f}, if they were independent. "
        + _tell_false_flags(novelty),
        "",
        "What else is flagged was measured on other sets (docs/predict.md): pictures that are no MRI mostly, "
        "MRI of other places in part, a head that is upside down hardly. Not being flagged is no proof of "
        "being right.",
    ]


def _tell_false_flags(novelty: Facts) -> str:
    if "test" not in novelty:
        return "No slices were held out to say how often that is wrong: a gap."
    test = novelty["test"]
    return (
        f"Of {test['n']} test slices ({test['n_groups']} groups) this share is flagged: "
        f"{show_figure(test['flagged'])}."
    )


def tell_failures(test: Facts) -> list[str]:
    """What was missed and what was called wrongly."""
    counts = test["slice"]["confusion"]
    return [
        f"Of {counts['tp'] + counts['fn']} slices with tumor {counts['fn']} were missed; of "
        f"{counts['tn'] + counts['fp']} without {counts['fp']} were called. The worst:",
        "",
        "![the slices with the highest loss](plots/evaluation/top_losses.png)",
    ]


def show_figure(figure: Facts | None) -> str:
    """A figure of metrics in words, with its interval where it has one."""
    if figure is None:
        return "undefined"
    value = f"{figure['value']:.3f}"
    return f"{value} ({figure['low']:.3f} to {figure['high']:.3f})" if "low" in figure else value
