"""The items of CLAIM 2024, in our words, each with where this project answers it, or that it doesn't.

Tejani et al. 2024, "Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 Update",
Radiology: Artificial Intelligence 6(4):e240300.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Item:
    """An item, its number, and the place of its answer; a gap has a reason instead."""

    number: int
    topic: str
    place: str = ""
    gap: str = ""


ITEMS: Final = (
    Item(1, "names the kind of AI in title or abstract", "MODEL_CARD.md, title"),
    Item(2, "structured summary", gap="a paper's own; this card is no paper"),
    Item(3, "background, and what the model is for", "MODEL_CARD.md, Intended use"),
    Item(4, "aims and hypotheses", gap="the study's own"),
    Item(5, "prospective or retrospective", gap="not told by image files; say it of your scans"),
    Item(6, "goal of the study", gap="the study's own"),
    Item(7, "sources of data", gap="params.yaml names a folder; say where its scans are from"),
    Item(8, "inclusion and exclusion", "metrics/audit.json: rejected; data/prepared/rejected.csv"),
    Item(9, "preprocessing", "params.yaml: prepare; models/classifier/model.json: rule"),
    Item(10, "selection of parts of the data", "params.yaml: prepare.slices"),
    Item(
        11,
        "de-identification",
        gap="headers go, patients are numbered; file names and burnt-in text stay",
    ),
    Item(12, "missing data", "metrics/audit.json: rejected, slices_without_patient"),
    Item(13, "image acquisition", gap="not read from headers; describe scanners and sequences"),
    Item(14, "how the reference standard was defined", gap="labels are taken as given"),
    Item(15, "why this reference standard", gap="the study's own"),
    Item(16, "who annotated", gap="not told by image files"),
    Item(17, "annotation of the test set", gap="not told by image files"),
    Item(18, "variability between and within raters", gap="needs several annotations of a scan"),
    Item(19, "assignment to partitions", "metrics/split.json: protocol, source; data/split.csv"),
    Item(20, "level at which partitions are disjoint", "metrics/split.json: leakage; Partition above"),
    Item(
        21,
        "intended sample size",
        gap="not planned; plots/comparison/table.md says what a difference needs",
    ),
    Item(22, "the model in detail", "models/classifier/model.json: architecture"),
    Item(23, "software and versions", "models/classifier/model.json: versions; requirements.lock"),
    Item(24, "initial parameters", "models/classifier/model.json: training.start"),
    Item(25, "training in detail", "params.yaml: train; metrics/train.json; plots/history.csv"),
    Item(26, "selection of the final model", "metrics/train.json: best_epoch (lowest validation loss)"),
    Item(27, "ensembles", gap="one network; plots/comparison/table.md has a soft vote"),
    Item(28, "metrics", "metrics/test.json"),
    Item(29, "uncertainty", "metrics/test.json: low and high; docs/intervals.md"),
    Item(30, "robustness", gap="seeds by comparison.seeds; no shifts of the scans were tried"),
    Item(31, "explainability", "MODEL_CARD.md, Explanation; metrics/test.json: pointing"),
    Item(32, "evaluation on internal data", "metrics/test.json: subset"),
    Item(33, "testing on external data", gap="none; point `raw` at scans of another place"),
    Item(34, "registration of a clinical trial", gap="no trial"),
    Item(35, "numbers included and excluded", "metrics/audit.json: scans, slices, patients, rejected"),
    Item(36, "demography and clinic by partition", gap="not told by image files; see metrics/split.json"),
    Item(37, "performance with uncertainty", "metrics/test.json"),
    Item(38, "diagnostic performance, its precision", "metrics/test.json: slice, patient_max, patient_mean"),
    Item(39, "analysis of failures", "plots/evaluation/top_losses.png; metrics/test.json: by_tumor_size"),
    Item(40, "limitations", "MODEL_CARD.md, Limits"),
    Item(41, "what it means for practice", "MODEL_CARD.md, Intended use"),
    Item(42, "full protocol", "dvc.yaml; params.yaml; dvc.lock"),
    Item(
        43,
        "availability of software, model and data",
        "README.md; dvc.lock (the model's hash)",
    ),
    Item(44, "funding", gap="the study's own"),
)


def tabulate_items() -> list[str]:
    """The checklist as lines of a Markdown table."""
    rows = [f"| {item.number} | {item.topic} | {item.place or f'**gap**: {item.gap}'} |" for item in ITEMS]
    return ["| item | about | where |", "| ---: | --- | --- |", *rows]
