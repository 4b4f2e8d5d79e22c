"""A whole model folder, trained for a moment."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from brainmri.confinement import Limits
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepare import PrepareParams, prepare_folder
from brainmri.dataset.prepared import PreparedSet, read_prepared
from brainmri.isolation import isolate_within
from brainmri.learning.cards import ClassifierCard, read_model_card
from brainmri.learning.classification import select_classes
from brainmri.learning.fitting import Schedule, train_network
from brainmri.learning.model_folder import LAST_WEIGHTS, WEIGHTS, read_weights, write_model
from brainmri.learning.prediction import read_classifier
from brainmri.learning.report import write_trained
from brainmri.learning.seeing import see_images
from brainmri.learning.shipped import PHANTOMS
from brainmri.learning.storage import halve
from brainmri.reporting.templates_notice import TEMPLATES_NOTICE
from brainmri.scans.files import hash_file
from brainmri.scans.settings import ReadingLimits
from brainmri.scoring.calibration import OperatingPoint, write_operating_point
from brainmri.scoring.novelty import NoveltyParams, write_familiar
from brainmri.scoring.novelty_fit import divide_outliers, learn_familiar
from brainmri.serving.export import Exported, export_model
from brainmri.serving.model import CLASSIFIER, NOVELTY, OPERATING_POINT, read_model
from brainmri.serving.web.settings import ServeLimits
from tests.learning.samples import make_recipe
from tests.learning.shipping import list_weights
from tests.pictures import write_class_folders
from tests.rules import IMAGE_RULE, RULE

POINT = OperatingPoint(temperature=1.7, threshold=0.4, rule="youden", negative="no", positive="yes")
PARAMS = PrepareParams(**dict(RULE) | dict(IMAGE_RULE), positive="yes", max_rejected=0.1)


LIMITS = ReadingLimits(**{name: getattr(RULE, name) for name in ReadingLimits.model_fields})
SERVE = ServeLimits(
    max_upload_megabytes=20,
    max_unpacked_megabytes=30,
    max_files=200,
    max_viewed_slices=40,
    receive_seconds=20.0,
    answer_seconds=60.0,
    waiting=4,
)
ISOLATE = isolate_within(Limits(RULE.max_memory_megabytes, RULE.max_seconds))


@dataclass(frozen=True)
class Trained:
    """A raw folder, what it was prepared to, the model that came of it, and that exported."""

    raw: Path
    prepared: PreparedSet
    model: Path
    onnx: Path
    exported: Exported


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("serving")
    write_class_folders(folder / "raw", 30)
    prepare_folder(folder / "raw", PARAMS, folder / "prepared")
    data = read_prepared(folder / "prepared")
    manifest = _divide(data)
    recipe = make_recipe()
    result = train_network(select_classes(data, manifest), recipe, Schedule(3, 1e-3))
    model = folder / "models"
    write_trained(model / CLASSIFIER, result, recipe, data, manifest)
    write_operating_point(model / OPERATING_POINT, POINT)
    _write_novelty(model, data)
    exported = export_model(read_model(model), folder / "exported", data.images, LIMITS, SERVE)
    return Trained(folder / "raw", data, model, folder / "exported", exported)


def _divide(data: PreparedSet) -> list[ManifestRow]:
    subsets = [Subset.TRAIN, Subset.TRAIN, Subset.VALID]
    return [
        ManifestRow(slice_id=row.slice_id, group=row.slice_id, label=row.label, subset=subsets[n % 3], fold=0)
        for n, row in enumerate(data.slices)
    ]


def _write_novelty(model: Path, data: PreparedSet, outliers: int = 0) -> None:
    """With some `outliers` also the direction of noise."""
    classifier = read_classifier(model / CLASSIFIER, WEIGHTS)
    seen = see_images(classifier, np.array(data.images))
    noise = np.random.default_rng(0).integers(0, 256, (outliers, *data.images.shape[1:]), dtype=np.uint8)
    others = divide_outliers(see_images(classifier, noise).features) if outliers else None
    weights = hash_file(model / CLASSIFIER / WEIGHTS)
    familiar = learn_familiar(seen.features, _divide(data), NoveltyParams(rate=0.02), weights, others)
    write_familiar(model / NOVELTY, familiar)


@pytest.fixture(scope="session")
def shipped_weights(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `weights/` in which the trained model stands as if it had seen synthetic MRI alone."""
    weights = tmp_path_factory.mktemp("shipped") / "weights"
    folder = shutil.copytree(trained.model, weights / "resnet18", ignore=shutil.ignore_patterns(LAST_WEIGHTS))
    card = read_model_card(folder / CLASSIFIER, ClassifierCard)
    card = card.model_copy(update={"training": card.training | {"data": PHANTOMS}})
    write_model(folder / CLASSIFIER, card, {WEIGHTS: halve(read_weights(folder / CLASSIFIER / WEIGHTS))})
    sha256 = hash_file(folder / CLASSIFIER / WEIGHTS)
    _write_novelty(folder, trained.prepared, outliers=24)
    (folder / "README.md").write_text(f"# Card\n\nsha256 `{sha256}`\n\n{TEMPLATES_NOTICE}")
    list_weights(weights)
    return weights
