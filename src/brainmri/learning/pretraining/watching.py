"""How a network does on phantoms that it does not learn from; for watching, not for publishing."""

import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from brainmri.learning.batches import training_device
from brainmri.learning.precision import autocast, choose_precision
from brainmri.learning.pretraining.generating import Generator
from brainmri.learning.pretraining.network import to_input
from brainmri.learning.pretraining.settings import PretrainParams


def measure_area(classifier: nn.Module, generator: Generator, params: PretrainParams) -> float | None:
    """AUROC of the watched phantoms whose tumor can be seen; None where they are of one class.

    The classifier is left as it trains, without a trace.
    """
    training, precision = classifier.training, choose_precision(params.precision)
    classifier.eval()
    found: list[torch.Tensor] = []
    for index in range(-(-params.watch.pictures // params.batch_size)):
        batch = generator.render(params.watch.seed, index, params.batch_size, params.watch.size)
        with torch.inference_mode(), autocast(training_device().type, precision):
            logits = classifier(to_input(batch.images)).float()
        found.append(torch.stack([logits[:, 1] - logits[:, 0], batch.tumor.float(), batch.clear.float()]))
    classifier.train(training)
    odds, tumor, clear = torch.cat(found, dim=1)[:, : params.watch.pictures].cpu().numpy()
    shown = clear > 0
    if len(set(tumor[shown])) < 2:
        return None
    return float(roc_auc_score(tumor[shown] > 0, odds[shown]))
