"""The section `pretrain`: how a network learns from phantoms; imports neither torch nor fastai."""

import math
from typing import Annotated, Final, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from brainmri.dataset.preparation import ImageRule
from brainmri.dataset.prepared import Classes
from brainmri.errors import BadInput
from brainmri.learning.catalogue import Architecture, has_decoder
from brainmri.learning.recipe import Precision, Seed
from brainmri.params import Section
from brainmri.phantom.wide.settings import WideParams
from brainmri.scans.settings import SliceRule

CLASSES: Final = Classes(positive="tumor", negative="no tumor")
Side = Annotated[
    int, Field(ge=64, le=256, multiple_of=16, description="a multiple of 16 pixels from 64 to 256")
]

_SIZES = "a list of size (a multiple of 16 pixels from 64 to 256) and share (above 0)"
Budget = Annotated[int, Field(ge=1, description="a whole number of pictures, at least 1")]
Pictures = Annotated[int, Field(ge=2, description="a whole number of pictures, at least 2")]


class SizeShare(Section):
    """The share of the batches whose pictures have this many pixels a side."""

    size: Side
    share: Annotated[float, Field(gt=0, le=1, description="a share of the batches above 0")]


class WatchParams(Section):
    """Phantoms that are scored while a network learns from others: how many, how often, of which seed."""

    seed: Seed
    size: Side
    pictures: Pictures
    times: Annotated[int, Field(ge=1, description="a whole number of at least 1")]


class UnseenParams(Section):
    """A set of phantoms that no network learns from: how many for what, drawn with a seed of their own.

    Novelty is measured from the `familiar`, temperature and threshold are of `valid`, figures of `test`;
    `outliers` are pictures without a head.
    """

    seed: Seed
    familiar: Pictures
    valid: Pictures
    test: Pictures
    outliers: Annotated[int, Field(ge=24, description="a whole number of pictures, at least 24")]


class PhantomSettings(Section):
    """What all architectures have in common."""

    batch_size: Annotated[int, Field(ge=2, description="a whole number of at least 2")]
    together: Annotated[int, Field(ge=1, description="a whole number of batches, at least 1")]
    lr: Annotated[float, Field(gt=0, lt=100, description="a number above 0 and below 100")]
    warmup: Annotated[float, Field(ge=0, lt=1, description="a share of the steps from 0 to below 1")]
    weight_decay: Annotated[float, Field(ge=0, description="a number of at least 0")]
    clip_norm: Annotated[float, Field(gt=0, description="a number above 0")]
    dropout: Annotated[float, Field(ge=0, lt=1, description="a share from 0 to below 1")]
    map_weight: Annotated[float, Field(ge=0, description="a number of at least 0 (0: no maps)")]
    tumor_weight: Annotated[float, Field(gt=0, description="a number above 0")]
    sizes: Annotated[list[SizeShare], Field(min_length=1, description=_SIZES)]
    rule: ImageRule
    second_size: Annotated[
        Literal["none"] | Side, Field(description="none or a multiple of 16 pixels from 64 to 256")
    ]
    slices: SliceRule
    statistics: Pictures
    watch: WatchParams
    log_every: Annotated[int, Field(ge=1, description="a whole number of pictures, at least 1")]
    seed: Seed
    precision: Annotated[Precision, Field(strict=False, description="auto, fp32 or bf16")]
    threads: Annotated[int, Field(ge=1, description="a whole number of threads, at least 1")]
    generator: WideParams
    unseen: UnseenParams

    @model_validator(mode="after")
    def _check(self) -> Self:
        total = math.fsum(item.share for item in self.sizes)
        if abs(total - 1) > 1e-6:
            raise ValueError(f"expected the shares of sizes to add up to 1, came {total:g}; correct them")
        if self.rule.size not in {item.size for item in self.sizes}:
            raise ValueError(
                f"expected one of the sizes that are trained as rule.size, came {self.rule.size}; correct it"
            )
        smaller = {item.size for item in self.sizes if item.size < self.rule.size}
        if self.second_size not in {"none", *smaller}:
            raise ValueError(
                f"expected none or one of the sizes that are trained, below rule.size ({self.rule.size}), as "
                f"second_size, came {self.second_size}; correct it"
            )
        if self.rule.equalize or not self.rule.crop:
            raise ValueError(
                "expected rule.crop true and rule.equalize false, as phantoms are drawn, came "
                f"{str(self.rule.crop).lower()} and {str(self.rule.equalize).lower()}; correct them"
            )
        seeds = (self.seed, self.watch.seed, self.unseen.seed)
        if len(set(seeds)) < len(seeds):
            raise ValueError(
                f"expected three seeds, pretrain's and those of watch and unseen, came {seeds}; change one"
            )
        return self


class PretrainParams(PhantomSettings):
    """How one network is pretrained."""

    budget: Budget

    @model_validator(mode="after")
    def _check_budget(self) -> Self:
        if self.budget < self.batch_size:
            raise ValueError(
                f"expected a budget of at least one batch ({self.batch_size} pictures), came {self.budget}; "
                "raise budget or lower batch_size"
            )
        return self

    @property
    def steps(self) -> int:
        """How many whole batches the budget is."""
        return self.budget // self.batch_size

    def draw_sizes(self) -> list[int]:
        """The side in pixels of each step's pictures: the same for the same section."""
        shares = np.array([item.share for item in self.sizes])
        generator = np.random.default_rng(self.seed)
        groups = -(-self.steps // self.together)
        drawn = generator.choice([item.size for item in self.sizes], groups, p=shares / shares.sum())
        return [int(size) for size in drawn.repeat(self.together)[: self.steps]]

    def rate_at(self, step: int) -> float:
        """The learning rate of a step: a linear warm-up, then half a cosine down to almost 0."""
        warm = round(self.warmup * self.steps)
        if step < warm:
            return self.lr * (step + 1) / (warm + 1)
        return self.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / (self.steps - warm)))

    def list_checks(self) -> frozenset[int]:
        """After how many steps the watched phantoms are scored: evenly, and at the end."""
        times = self.watch.times
        return frozenset(max(1, round(self.steps * number / times)) for number in range(1, times + 1))

    def is_logged(self, done: int) -> bool:
        """Whether a line is noted after `done` steps."""
        before, after = (pictures // self.log_every for pictures in self._pictures_around(done))
        return after > before or done in self.list_checks()

    def _pictures_around(self, done: int) -> tuple[int, int]:
        return (done - 1) * self.batch_size, done * self.batch_size


class PretrainSection(PhantomSettings):
    """The section `pretrain`, with a budget for each architecture."""

    budget: Annotated[dict[str, Budget], Field(min_length=1, description="architectures and their pictures")]

    def of(self, arch: Architecture) -> PretrainParams:
        """The settings of one; `BadInput` where it has no budget, or one below a batch."""
        if arch.value not in self.budget:
            raise BadInput(
                f"params.yaml: pretrain.budget: expected one for {arch.value}, came those of "
                f"{', '.join(self.budget)}; add it"
            )
        shared = {name: getattr(self, name) for name in PhantomSettings.model_fields}
        try:
            return PretrainParams(**shared, budget=self.budget[arch.value])
        except ValidationError as error:
            reason = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise BadInput(f"params.yaml: pretrain.budget.{arch.value}: {reason}") from None


def name_architecture(name: str) -> Architecture:
    """The architecture of that name; `BadInput` where it is none, or not a ResNet."""
    known = [arch.value for arch in Architecture if has_decoder(arch)]
    if name not in known:
        raise BadInput(f"--arch: expected one of {', '.join(known)}, came {name!r}; name one of them")
    return Architecture(name)
