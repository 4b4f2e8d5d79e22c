"""MODEL_CARD.md: what the metrics and the model folder say, for who decides whether to trust the model.

The sections are those of Mitchell et al. 2019, "Model Cards for Model Reporting". Nothing here is a figure:
each comes from a file.
"""

from dataclasses import dataclass
from typing import Final

from brainmri.reporting.card_figures import (
    Facts,
    tell_calibration,
    tell_explanation,
    tell_failures,
    tell_novelty,
    tell_performance,
    tell_subgroups,
)
from brainmri.reporting.claim import tabulate_items

# Of the data set that the project draws itself.
_SYNTHETIC: Final = "phantom"


@dataclass(frozen=True)
class CardFacts:
    """What the card is made of: metrics/*.json, preparation.json, model.json, the operating point.

    `weights_sha256` is of the file of the weights: a server compares it with that of the model it serves.
    """

    preparation: Facts
    audit: Facts
    split: Facts
    train: Facts
    test: Facts
    novelty: Facts
    model: Facts
    weights_sha256: str
    point: Facts


def write_card(facts: CardFacts) -> str:
    """The whole card as Markdown."""
    sections = {
        "Intended use": _tell_use(facts),
        "Data": _tell_data(facts),
        "Partition": _tell_partition(facts.split),
        "Model": _tell_model(facts),
        "Performance": tell_performance(facts.test),
        "Beside what needs no anatomy": [_sentence(facts.test["shortcuts"].get("finding", "not measured"))],
        "Calibration": tell_calibration(facts.test, facts.point),
        "Subgroups": tell_subgroups(facts.test),
        "Explanation": tell_explanation(facts.test),
        "Unlike the training images": tell_novelty(facts.novelty),
        "Failures": tell_failures(facts.test),
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


def _tell_partition(split: Facts) -> list[str]:
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


def _tell_subset(name: str, subset: Facts) -> str:
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
        f"`{training['start']['name']}`{_tell_parts(training['start'])}; images of {rule['size']} × "
        f"{rule['size']} pixels{_tell_looks(model)}; "
        f"{training['precision']}. {train['epochs_run']} epochs of {train['steps_per_epoch']} steps of "
        f"{train['batch_size']} images at a learning rate of at most {train['learning_rate']:.2e}; "
        f"kept is epoch {train['best_epoch']}, whose validation loss is lowest.",
        "",
        f"weights: sha256 `{facts.weights_sha256}`",
    ]


def _tell_parts(start: Facts) -> str:
    return f" ({start['parts']})" if "parts" in start else ""


def _tell_looks(model: Facts) -> str:
    more = [f"looked at once more at {model['second_size']} pixels"] if "second_size" in model else []
    more += [f"{'each time ' if more else ''}mirrored too"] if model.get("flips") else []
    return f", {', '.join(more)}, where the mean of the log odds counts" if more else ""


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


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
