"""What a segmenter's training leaves behind: the model folder."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.prepared import PreparedSet
from brainmri.learning.backbones import name_weights
from brainmri.learning.cards import SegmenterCard
from brainmri.learning.fitting import TrainedNetwork
from brainmri.learning.identity import hash_masks
from brainmri.learning.model_folder import WEIGHTS, write_model
from brainmri.learning.report import describe_model
from brainmri.learning.segmentation_recipe import SegmentationRecipe


def write_segmenter(
    folder: Path,
    trained: TrainedNetwork,
    recipe: SegmentationRecipe,
    prepared: PreparedSet,
    manifest: Sequence[ManifestRow],
) -> None:
    """Writes the model folder of a segmenter, by the best epoch."""
    known = describe_model(trained, recipe, prepared, manifest)
    known["versions"] |= {"monai": version("monai")}
    card = SegmenterCard(
        **known,
        attention=recipe.segmentation.attention,
        masks_sha256=hash_masks(prepared),
    )
    states = {WEIGHTS: name_weights(trained.training.learner.model, recipe.arch, trained.best)}
    write_model(folder, card, states)
