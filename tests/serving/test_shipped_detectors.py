"""The detectors that are shipped say what their cards say they do, of phantoms and of what shows no head."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from brainmri.learning.model_folder import WEIGHTS
from brainmri.learning.prediction import fit_size, predict_logits, read_classifier
from brainmri.learning.pretraining.drawing import draw_phantoms
from brainmri.learning.pretraining.settings import PretrainSection
from brainmri.learning.shipped import list_shipped
from brainmri.params import Section, read_params
from brainmri.phantom.outliers.drawing import draw_outliers
from brainmri.scoring.novelty import measure_novelty
from brainmri.serving.model import read_model
from brainmri.serving.runtimes import Runtime, open_network
from tests.house.closure import ROOT

SHIPPED = list_shipped()
# Of an index that no stage draws from, so many: the card's AUROC of all phantoms is 0.89 and more.
_INDEX, _COUNT, _LEAST = 100_000, 240, 0.84
# A set may be prepared at any of these sizes.
_SIZES = (96, 128, 160, 224)


class Params(Section):
    pretrain: PretrainSection


def _draw(count: int, size: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Pictures in which a tumor can be seen if there is one, and whether there is."""
    params = read_params(Params, ROOT / "params.yaml").pretrain
    batch = draw_phantoms(params).render(params.unseen.seed, _INDEX, count, size)
    clear = batch.clear.numpy()
    return batch.images[:, 0].numpy()[clear], batch.tumor.numpy()[clear]


@pytest.fixture(scope="module")
def phantoms() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """At the detectors' size."""
    return _draw(_COUNT, read_params(Params, ROOT / "params.yaml").pretrain.rule.size)


@pytest.mark.parametrize("arch", SHIPPED)
def test_it_tells_tumors_and_pictures_without_a_head(
    arch: str, phantoms: tuple[NDArray[np.uint8], NDArray[np.bool_]]
) -> None:
    images, ill = phantoms
    model = read_model(SHIPPED[arch].folder)
    network = open_network(model, Runtime.TORCH)
    said = network.judge(images)
    assert roc_auc_score(ill, said.probability) > _LEAST
    decided = said.probability >= model.point.threshold
    assert np.mean(decided[~ill]) < 0.2
    assert np.mean(decided[ill]) > 0.6
    strange = network.judge(draw_outliers(_INDEX, 60, images))
    assert np.mean(measure_novelty(said.features, model.familiar) > 1) < 0.06
    assert np.mean(measure_novelty(strange.features, model.familiar) > 1) > 0.9


@pytest.mark.long
@pytest.mark.parametrize("arch", SHIPPED)
def test_pictures_prepared_at_other_sizes_are_ranked_as_well(arch: str) -> None:
    images, ill = _draw(500, max(_SIZES))
    classifier = read_classifier(SHIPPED[arch].folder / "classifier", WEIGHTS)
    areas = []
    for size in _SIZES:
        own = np.stack([cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for image in images])
        areas.append(roc_auc_score(ill, predict_logits(classifier, fit_size(own, classifier.card))))
    assert min(areas) > _LEAST
    assert max(areas) - min(areas) < 0.01
