"""MODEL_CARD.md: what the metrics and the model folder say, for who decides whether to trust the model.

The sections are those of Mitchell et al. 2019, "Model Cards for Model Reporting". Nothing here is a figure:
each comes from a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from brainmri.reporting.claim import tabulate_items

_Facts = Mapping[str, Any]

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
# Of the data set that the project draws itself.
_SYNTHETIC: Final = "phantom"


@dataclass(frozen=True)
class CardFacts:
    """What the card is made of: metrics/*.json, preparation.json, model.json, the operating point.

    `weights_sha256` is of the file of the weights: a server compares it with that of the model it serves.
    """

    preparation: _Facts
    audit: _Facts
    split: _Facts
    train: _Facts
    test: _Facts
    novelty: _Facts
    model: _Facts
    weights_sha256: str
    point: _Facts


def write_card(facts: CardFacts) -> str:
    """The whole card as Markdown."""
    sections = {
        "Intended use": _tell_use(facts),
        "Data": _tell_data(facts),
        "Partition": _tell_partition(facts.split),
        "Model": _tell_model(facts),
        "Performance": _tell_performance(facts.test),
        "Beside what needs no anatomy": [_sentence(facts.test["shortcuts"].get("finding", "not measured"))],
        "Calibration": _tell_calibration(facts),
        "Subgroups": _tell_subgroups(facts.test),
        "Explanation": _tell_explanation(facts.test),
        "Unlike the training images": _tell_novelty(facts.novelty),
        "Failures": _tell_failures(facts.test),
        "Limits": _tell_limits(facts),
        "Versions": [", ".join(f"{name} {version}" for name, version in facts.model["versions"].items())],
        "CLAIM 2024": tabulate_items(),
    }
    classes = facts.model["classes"]
    kind = f"deep learning ({facts.model['architecture']})"
    title = f"# Model card: {kind} on brain MRI, {classes['positive']} or {classes['negative']}"
    made = "<!-- Made by the stage `card` from the files it names; edits are lost. -->"
    body = [line for name, lines in sections.items() for line in ("", f"## {name}", "", *lines)]
    return "\n".join([title, "", made, *body]) + "\n"


def _tell_use(facts: CardFacts) -> list[str]:
    classes = facts.model["classes"]
    return [
        "**Not for diagnosis.** A network that sorts single slices of brain MRI into "
        f"`{classes['positive']}` and `{classes['negative']}`, for research on such networks: on data like "
        "those below, to compare with, and to take apart. Radiologists read whole examinations of several "
        "sequences; a network that sees one slice stands for no reading, and it has been tried on nobody's "
        "care. For practice it means nothing yet: not before it was tested on scans of other places.",
    ]


def _tell_data(facts: CardFacts) -> list[str]:
    audit, name = facts.audit, facts.preparation["name"]
    findings = {key.replace("_", " "): count for key, count in audit["findings"].items() if count}
    formats = ", ".join(f"{count} {kind}" for kind, count in audit["files"]["formats"].items())
    known = f"{audit['patients']} patients" if audit.get("patients") else "patients unknown"
    return [
        f"Data set `{name}`"
        + (" (**synthetic**)" if name == _SYNTHETIC else "")
        + f": {audit['scans']} scans "
        f"({formats}), {audit['rejected']['scans']} rejected; {audit['slices']} slices, {known}, "
        f"{audit['groups']} groups.",
        "",
        "| class | slices |",
        "| --- | ---: |",
        *(_row(label, count) for label, count in audit["labels"].items()),
        "",
        "The audit found "
        + (", ".join(f"{count} × {key}" for key, count in findings.items()) or "nothing to remark")
        + f"; {audit['twins']['slices_with_twin']} slices have a near twin (metrics/audit.json).",
    ]


def _tell_partition(split: _Facts) -> list[str]:
    subsets = [name for name in ("train", "valid", "test") if name in split]
    rows = [_tell_subset(name, split[name]) for name in subsets]
    straddling = split["leakage"]["straddling_groups"]
    disjoint = (
        f"**{straddling} groups (patients joined with near-duplicates) straddle two subsets**."
        if straddling
        else "Subsets are disjoint by group (patients joined with near-duplicates)."
    )
    return [
        *([f"**{split['warning']}**", ""] if "warning" in split else []),
        f"Protocol `{split['protocol']}`, from {split['source']}. {disjoint}",
        "",
        "| subset | slices | patients | groups | labels |",
        "| --- | ---: | ---: | ---: | --- |",
        *rows,
    ]


def _tell_subset(name: str, subset: _Facts) -> str:
    labels = ", ".join(f"{count} {label}" for label, count in subset["labels"].items())
    cells = [name, subset["slices"], subset.get("patients", "–"), subset["groups"], labels]
    return _row(*cells)


def _row(*cells: object) -> str:
    """Of a table; no cell ends another."""
    escaped = (str(cell).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _tell_model(facts: CardFacts) -> list[str]:
    model, train = facts.model, facts.train
    training, rule = model["training"], model["rule"]
    return [
        f"{model['architecture']} with {train['parameters']:,} parameters, begun from weights "
        f"`{training['start']['name']}`; images of {rule['size']} × {rule['size']} pixels; "
        f"{training['precision']}. {train['epochs_run']} epochs of {train['steps_per_epoch']} steps of "
        f"{train['batch_size']} images at a learning rate of at most {train['learning_rate']:.2e}; "
        f"kept is epoch {train['best_epoch']}, whose validation loss is lowest.",
        "",
        f"weights: sha256 `{facts.weights_sha256}`",
    ]


def _tell_performance(test: _Facts) -> list[str]:
    units = [unit for unit in _UNITS if unit in test]
    heads = [f"{_UNITS[unit]} (n = {test[unit]['n']}, {test[unit]['groups']} groups)" for unit in units]
    rows = [
        f"| {title} | " + " | ".join(_show(test[unit].get(key)) for unit in units) + " |"
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


def _tell_calibration(facts: CardFacts) -> list[str]:
    before, after, point = facts.test["before_calibration"], facts.test["slice"], facts.point
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
            f"| {_FIGURES[key]} | {_show(before.get(key))} | {_show(after.get(key))} |"
            for key in ("brier", "ece", "log_loss")
        ),
        "",
        "![reliability](plots/evaluation/reliability.png)",
    ]


def _tell_subgroups(test: _Facts) -> list[str]:
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
            f"| {words[half]} | {own['n']} | {own['groups']} | {_show(own['sensitivity'])} |"
            for half in words
            if (own := sizes.get(half))
        ),
        "",
        unknown,
    ]


def _tell_explanation(test: _Facts) -> list[str]:
    pointing = test.get("pointing")
    if pointing is None:
        return ["No masks, so nothing on whether heat maps point at tumors: a gap."]
    return [
        "The pointing game (Zhang et al. 2018): the share of slices with tumor whose heat map is hottest in "
        f"the tumor's mask (n = {pointing['n']}, {pointing['n_groups']} groups; intervals as above).",
        "",
        "| pointed at by | share |",
        "| --- | --- |",
        f"| this network | {_show(pointing['trained'])} |",
        f"| one with random weights | {_show(pointing['random_network'])} |",
        f"| chance: the share of a slice that a mask covers | {pointing['mask_share']:.3f} |",
        "",
        "A heat map shows where the network looks, not where a tumor is (docs/predict.md).",
    ]


def _tell_novelty(novelty: _Facts) -> list[str]:
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


def _tell_false_flags(novelty: _Facts) -> str:
    if "test" not in novelty:
        return "No slices were held out to say how often that is wrong: a gap."
    test = novelty["test"]
    return (
        f"Of {test['n']} test slices ({test['n_groups']} groups) this share is flagged: "
        f"{_show(test['flagged'])}."
    )


def _tell_failures(test: _Facts) -> list[str]:
    counts = test["slice"]["confusion"]
    return [
        f"Of {counts['tp'] + counts['fn']} slices with tumor {counts['fn']} were missed; of "
        f"{counts['tn'] + counts['fp']} without {counts['fp']} were called. The worst:",
        "",
        "![the slices with the highest loss](plots/evaluation/top_losses.png)",
    ]


def _tell_limits(facts: CardFacts) -> list[str]:
    test = facts.test["slice"]
    limits = [
        f"{test['groups']} groups were tested: what is narrower than the intervals above can't be told.",
        "Tested on slices of the same source as the training's; elsewhere it may do anything.",
    ]
    if facts.preparation["name"] == _SYNTHETIC:
        limits.insert(
            0, "**Trained and tested on synthetic images: no figure here is a result on scans of people.**"
        )
    if not facts.audit.get("patients"):
        limits.append(
            "Patients are not known: groups by near-duplicates are the most that could be kept apart."
        )
    if facts.test["shortcuts"].get("verdict") != "better":
        limits.append("It has not been shown to do better than a baseline that sees no anatomy.")
    return [f"- {limit}" for limit in limits]


def _show(figure: _Facts | None) -> str:
    if figure is None:
        return "undefined"
    value = f"{figure['value']:.3f}"
    return f"{value} ({figure['low']:.3f} to {figure['high']:.3f})" if "low" in figure else value


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
