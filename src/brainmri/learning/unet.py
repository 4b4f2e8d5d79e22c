"""A U-Net on the body of a ResNet: torchvision's layers and names going down, MONAI's decoder going up."""

from typing import Any, Final

import torch
from fastai.vision.learner import create_body, model_meta
from monai.networks.nets.flexible_unet import SegmentationHead, UNetDecoder
from torch import nn
from torch.nn.functional import pad

from brainmri.errors import BadInput
from brainmri.learning.backbones import constructor
from brainmri.learning.catalogue import NO_DECODER, Architecture, has_decoder

# Of the body's layers, those that come before the image gets smaller, and the last: relu, layer1 to layer4.
_SKIPPED_FROM: Final = (2, 4, 5, 6, 7)
# As MONAI's FlexibleUNet has it.
_DECODER_CHANNELS: Final = (256, 128, 64, 32, 16)
_HEADS: Final = 8
# Pixels of the image that a pixel of the deepest map stands for, from side to side.
_DEEPEST: Final = 32


class Unet(nn.Sequential):
    """A body, and what follows it; the same two parts as a classifier, and the same names of the body."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """(n, 3, size, size) -> (n, 1, size, size): log odds of tumor, of each pixel."""
        size = images.shape[-1]
        beyond = -size % _DEEPEST
        # Halved and doubled again, any other size would come out larger.
        maps = pad(images, (0, beyond, 0, beyond), mode="replicate") if beyond else images
        kept = [maps]
        body: Any = self[0]
        for number, layer in enumerate(body):
            maps = layer(maps)
            if number in _SKIPPED_FROM:
                kept.append(maps)
        logits: torch.Tensor = self[1](kept)
        return logits[..., :size, :size]


class Decoder(nn.Module):
    """From the maps of the body, smallest last, back to the image's size.

    Upsampling repeats pixels, which has the same bits every time on a GPU too, and convolves.
    """

    def __init__(self, channels: list[int], *, attention: bool) -> None:
        """`channels` are those of the image and of each map."""
        super().__init__()
        self.attention = SelfAttention(channels[-1]) if attention else nn.Identity()
        self.blocks = UNetDecoder(
            spatial_dims=2,
            encoder_channels=channels,
            decoder_channels=_DECODER_CHANNELS,
            act=("relu", {"inplace": True}),
            norm=("batch", {"eps": 1e-5, "momentum": 0.1}),
            dropout=0.0,
            bias=False,
            upsample="nontrainable",
            pre_conv="default",
            interp_mode="nearest",
            align_corners=None,
            is_pad=True,
        )
        self.head = SegmentationHead(spatial_dims=2, in_channels=_DECODER_CHANNELS[-1], out_channels=1)

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """The image and the maps of the body -> (n, 1, size, size)."""
        deepest = self.attention(maps[-1])
        logits: torch.Tensor = self.head(self.blocks([*maps[:-1], deepest], skip_connect=len(maps) - 2))
        return logits


class SelfAttention(nn.Module):
    """Each place looks at all others, added to what it was; at first it adds nothing.

    As in SAGAN (Zhang et al. 2019, arXiv 1805.08318), by torch's attention of several heads.
    """

    def __init__(self, channels: int) -> None:
        """As many channels go out as come in."""
        super().__init__()
        self.heads = nn.MultiheadAttention(channels, _HEADS, batch_first=True)
        self.share = nn.Parameter(torch.zeros(1))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """(n, channels, rows, columns) -> the same shape."""
        places = maps.flatten(2).transpose(1, 2)
        attended, _ = self.heads(places, places, places, need_weights=False)
        added: torch.Tensor = self.share * attended.transpose(1, 2).reshape(maps.shape)
        return maps + added


def build_unet(arch: Architecture, *, attention: bool) -> Unet:
    """Random weights; raises `BadInput` for what is no ResNet."""
    if not has_decoder(arch):
        raise BadInput(f"{NO_DECODER}, came {arch}; choose one of resnet18 to resnet152")
    make = constructor(arch)
    body = create_body(make(weights=None), pretrained=False, cut=model_meta[make]["cut"])
    channels = [3, 64, *(_count_channels(body[number]) for number in _SKIPPED_FROM[1:])]
    return Unet(body, Decoder(channels, attention=attention))


def _count_channels(stage: nn.Module) -> int:
    """Those that come out of a stage of residual blocks: of the last batch normalization in it."""
    counts = [module.num_features for module in stage.modules() if isinstance(module, nn.BatchNorm2d)]
    return counts[-1]
