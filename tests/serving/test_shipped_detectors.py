"""The detectors that are shipped say what their cards say they do, of phantoms and of what shows no head."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

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


class Params(Section):
    pretrain: PretrainSection


@pytest.fixture(scope="module")
def phantoms() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Pictures in which a tumor can be seen if there is one, and whether there is."""
    params = read_params(Params, ROOT / "params.yaml").pretrain
    batch = draw_phantoms(params).render(params.unseen.seed, _INDEX, _COUNT, params.rule.size)
    clear = batch.clear.numpy()
    return batch.images[:, 0].numpy()[clear], batch.tumor.numpy()[clear]


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
