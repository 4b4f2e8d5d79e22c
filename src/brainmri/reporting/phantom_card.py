"""The card of a model folder that has seen phantoms alone, for who is handed nothing but that folder."""

from collections.abc import Mapping
from dataclasses import dataclass

from brainmri.reporting.card_figures import Facts, show_figure
from brainmri.reporting.templates_notice import TEMPLATES_NOTICE


@dataclass(frozen=True)
class PhantomFacts:
    """What the card is made of: model.json, the operating point, metrics/pretrain/ARCH/*.json.

    `weights_sha256` is of the file of the weights.
    """

    model: Facts
    weights_sha256: str
    point: Facts
    test: Facts
    novelty: Facts


def write_phantom_card(facts: PhantomFacts) -> str:
    """The whole card as Markdown."""
    arch, classes = facts.model["architecture"], facts.model["classes"]
    sections = {
        "": _tell_use(facts),
        "How it was made": _tell_training(facts),
        "On unseen phantoms": _tell_figures(facts),
        "Unlike the phantoms": _tell_novelty(facts.novelty),
        "Notice": [TEMPLATES_NOTICE.rstrip("\n")],
    }
    made = "<!-- Made by the stage `ship` from the files it names; edits are lost. -->"
    title = (
        f"# {arch} on brain MRI, {classes['positive']} or {classes['negative']}: learnt from phantoms alone"
    )
    body = [
        line
        for name, lines in sections.items()
        for line in ("", *([f"## {name}", ""] if name else []), *lines)
    ]
    return "\n".join([title, "", made, *body]) + "\n"


def _tell_use(facts: PhantomFacts) -> list[str]:
    return [
        "**Not for diagnosis.** This network has seen no picture of a person: it learnt from synthetic MRI, "
        "rendered while it learnt. It is a start for training on scans of one's own, and a detector to "
        "compare with as it stands. Every figure below is of synthetic pictures like those that it learnt "
        "from, and none is a result on scans of people.",
        "",
        f"`classifier/weights.safetensors`: sha256 `{facts.weights_sha256}`; kernels in float16.",
    ]


def _tell_training(facts: PhantomFacts) -> list[str]:
    model, training = facts.model, facts.model["training"]
    recipe, rule = training["recipe"], model["rule"]
    sizes = ", ".join(f"{share:.0%} of {size} px" for size, share in _in_order(recipe["pretrain"]["sizes"]))
    versions = ", ".join(f"{name} {version}" for name, version in model["versions"].items())
    return [
        f"    dvc repro pretrain/dvc.yaml:ship@{model['architecture']}",
        "",
        f"- {training['pictures']:,} phantoms, each seen once ({sizes}), in batches of "
        f"{recipe['pretrain']['batch_size']}; `pretrain` of params.yaml, seed {recipe['seed']}, "
        f"learning rate at most {recipe['pretrain']['lr']:g}, {training['precision']}.",
        f"- Generator version {training['generator']['version']}, code {training['generator']['code']}; "
        f"settings and code of the phantoms: sha256 `{model['data_sha256']}`.",
        f"- Input: {rule['size']} × {rule['size']} pixels, prepared as `classifier/model.json` says; each "
        f"picture is brought to mean 0 and deviation 1.{_tell_sizes(model)}",
        f"- {versions}",
    ]


def _tell_sizes(model: Facts) -> str:
    size = model.get("second_size")
    return f" It is looked at once more at {size} pixels; the mean of the log odds counts." if size else ""


def _tell_figures(facts: PhantomFacts) -> list[str]:
    test, point = facts.test, facts.point
    figures = test["slice"]
    specificity = show_figure(figures.get("specificity"))
    whole = [("all", figures["confusion"]["tp"] + figures["confusion"]["fn"], figures)]
    quarters = [
        (
            f"{100 * row['smallest_share']:.1f} to {100 * row['largest_share']:.1f} % of the picture",
            row["n"],
            row,
        )
        for row in _groups(test["by_size"])
    ]
    kinds = [
        (name.replace("_", " "), row["n"], row)
        for name, row in test["by_kind"].items()
        if isinstance(row, Mapping)
    ]
    rows = [
        f"| {name} | {count} | {show_figure(row.get('auroc'))} | {show_figure(row.get('sensitivity'))} |"
        for name, count, row in (*whole, *quarters, *kinds)
    ]
    return [
        f"**{test['data'].capitalize()}.** {figures['n']} phantoms of a seed of their own, with "
        f"{100 * figures['confidence']:g} % intervals; specificity {specificity} at "
        f"threshold {point['threshold']:g} with temperature {point['temperature']:g} (`{point['rule']}`), "
        "both chosen on other unseen phantoms. A threshold hardly travels to scans of people: choose one on "
        "scans like those it is meant for.",
        "",
        "| tumors | n | AUROC, against all without tumor | sensitivity |",
        "| --- | ---: | --- | --- |",
        *rows,
    ]


def _tell_novelty(novelty: Facts) -> list[str]:
    train, test, outliers = novelty["train"], novelty["test"], novelty["outliers"]
    return [
        f"`novelty/` flags what its first three stages see otherwise than {train['n']} phantoms, and what is "
        "more like pictures without a head (noise, text, strokes, things that hide each other, heads in "
        f"pieces) than they are. Of {test['n']} more phantoms this share is flagged: "
        f"{show_figure(test['flagged'])}; of {outliers['n']} more pictures without a head: "
        f"{show_figure(outliers['flagged'])}. Of scans of people, and of photographs, it may be any.",
    ]


def _groups(division: Facts) -> list[Facts]:
    """Of the smallest tumors first."""
    found = [row for row in division.values() if isinstance(row, Mapping)]
    return sorted(found, key=lambda row: (row["smallest_share"], row["largest_share"]))


def _in_order(sizes: Facts) -> list[tuple[int, float]]:
    return sorted((int(size), share) for size, share in sizes.items())
