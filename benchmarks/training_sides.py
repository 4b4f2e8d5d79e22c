"""The ways of training that benchmarks/training.py compares."""

import itertools
import multiprocessing
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import monai.data
import monai.transforms
import torch
import torchvision
from fastai.callback.core import Callback
from fastai.data.core import defaults as fastai_defaults
from fastai.metrics import accuracy
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.data import ImageDataLoaders
from fastai.vision.learner import vision_learner
from PIL import Image
from torch import nn
from torchvision.transforms import v2

from benchmarks.measurement import Side
from benchmarks.settings import SETTINGS
from brainmri.allocation import keep_freed_memory
from brainmri.dataset.manifest import ManifestRow, Subset
from brainmri.dataset.prepare import prepare_folder
from brainmri.dataset.prepared import PreparedSet, read_prepared
from brainmri.learning.classification import select_classes
from brainmri.learning.recipe import Recipe, plan_epoch
from brainmri.learning.training import Training, TrainingData, build_training
from brainmri.params import PARAMS_PATH, read_params

Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]
Step = Callable[[torch.Tensor, torch.Tensor], None]

_RATE = 1e-4
# What the raw files' sides go through in a round; the script watches a fifth of them.
_ON_GPU = torch.cuda.is_available()
_IMAGES = 320 if _ON_GPU else 160
# The steps of a round of the bare loop on the synthetic batch, and at least of ours; the steps that try a
# variant. A GPU is done with ten before the clock has ticked.
_STEPS, _LEAST_STEPS, _TRIED_STEPS = (100, 100, 40) if _ON_GPU else (10, 1, 6)


@dataclass(frozen=True)
class Variant:
    """A way of running the bare loop."""

    channels_last: bool
    bf16: bool
    compiled: bool

    @property
    def words(self) -> str:
        """What it is."""
        layout = "channels-last" if self.channels_last else "contiguous"
        return f"{layout}, {'bf16' if self.bf16 else 'fp32'}{', compiled' if self.compiled else ''}"


@dataclass
class Bench:
    """One network and size, with the data in memory and in class folders."""

    arch: str
    size: int
    threads: int
    recipe: Recipe
    data: TrainingData
    folder: Path
    whole_epochs: list[float] = field(default_factory=list)
    scripts: list[Connection] = field(default_factory=list)

    def close(self) -> None:
        """Ends the scripts' processes."""
        for connection in self.scripts:
            connection.close()

    @property
    def batch_size(self) -> int:
        """The one that the stage takes."""
        return plan_epoch(len(self.data.train), self.recipe.train).batch_size

    @property
    def device(self) -> torch.device:
        """The GPU, if there is one."""
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Source:
    """Raw scans, the class that means tumor, and how they are trained on; without a batch, the recipe's."""

    raw: Path
    positive: str
    threads: int
    batch: int | None


def make_bench(arch: str, size: int, source: Source, folder: Path) -> Bench:
    """Prepares raw scans and copies them into class folders, as readers have them."""
    raw, positive = source.raw, source.positive
    params = SETTINGS.prepare.model_copy(update={"size": size, "positive": positive})
    prepare_folder(raw, params, folder / "prepared")
    prepared = read_prepared(folder / "prepared")
    for row in prepared.slices[:: max(1, len(prepared.slices) // _IMAGES)][:_IMAGES]:
        target = folder / "classes" / row.label / row.scan.replace("/", "_")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((raw / row.scan).read_bytes())
    recipe = read_params(Recipe, Path(__file__).parents[1] / PARAMS_PATH)
    recipe = recipe.model_copy(
        update={
            "arch": type(recipe.arch)(arch),
            # At full size; on a CPU an epoch shows each image once. Its steps are what is timed.
            "train": recipe.train.model_copy(
                update={
                    "threads": source.threads,
                    "batch_size": source.batch or recipe.train.batch_size,
                    "least_steps": _LEAST_STEPS,
                    "progressive": recipe.train.progressive.model_copy(update={"share": 0.0}),
                }
            ),
        }
    )
    data = select_classes(prepared, _split_plainly(prepared))
    return Bench(arch, size, source.threads, recipe, data, folder / "classes")


def make_sides(bench: Bench) -> tuple[dict[str, float], list[Side]]:
    """The speed of each way of running the bare loop, fastest first, and all sides, the roofline first."""
    # As our stage does, for all sides alike.
    keep_freed_memory()
    speeds = _try_variants(bench)
    variant = next(iter(speeds))
    return {own.words: speed for own, speed in speeds.items()}, [
        Side("roofline", _measure_loop(bench, variant, _repeat(bench))),
        Side("ours", _measure_ours(bench)),
        *(
            Side(f"script, {workers} workers", _measure_script(bench, workers))
            for workers in sorted({0, 2, min(16, fastai_defaults.cpus)})
        ),
        *(
            Side(f"{name}, {workers} workers", _measure_loop(bench, variant, load(bench, workers)))
            for name, load in (("torchvision v2", _load_by_torchvision), ("MONAI", _load_by_monai))
            for workers in (0, 2)
        ),
    ]


class _Clock(Callback):  # type: ignore[misc]
    """Notes when the training of an epoch begins and ends, and the epoch itself."""

    order = -100

    def before_train(self) -> None:
        self.begin = _now()

    def after_train(self) -> None:
        self.trained_s = _now() - self.begin

    def after_epoch(self) -> None:
        self.epoch_s = _now() - self.begin


def _measure_ours(bench: Bench) -> Callable[[], float]:
    training: Training = build_training(
        bench.data, bench.recipe, plan_epoch(len(bench.data.train), bench.recipe.train)
    )
    learner, clock = training.learner, _Clock()
    learner.logger = _say_nothing
    learner.add_cb(clock)

    def measure() -> float:
        _choose_algorithms(fastest=False)
        learner.fit_one_cycle(1, _RATE, cbs=[training.progress])
        images = len(learner.dls.train) * bench.batch_size
        bench.whole_epochs.append(images / clock.epoch_s)
        return float(images / clock.trained_s)

    return measure


@dataclass(frozen=True)
class Script:
    """What a reader's script is told."""

    arch: str
    size: int
    batch_size: int
    workers: int
    threads: int
    folder: Path
    # How its workers start: as in a script run by hand, whatever this process was started by.
    start_method: str


def _measure_script(bench: Bench, workers: int) -> Callable[[], float]:
    """In a process of its own, where of ours only the number of threads is set; it sleeps between rounds."""
    script = Script(
        bench.arch,
        bench.size,
        bench.batch_size,
        workers,
        bench.threads,
        bench.folder,
        multiprocessing.get_start_method(),
    )
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    multiprocessing.get_context("spawn").Process(target=serve_script, args=(script, theirs)).start()
    theirs.close()
    bench.scripts.append(ours)

    def measure() -> float:
        ours.send(None)
        return float(ours.recv())

    return measure


def serve_script(script: Script, connection: Connection) -> None:
    """Measures once each time it is asked to, until the other end is gone."""
    multiprocessing.set_start_method(script.start_method, force=True)
    measure = _write_script(script)
    while True:
        try:
            connection.recv()
        except EOFError:
            return
        connection.send(measure())


def _write_script(script: Script) -> Callable[[], float]:
    """As written from fastai's tutorial; its weights are random, since no network is needed to time it."""
    torch.set_num_threads(script.threads)
    loaders = ImageDataLoaders.from_folder(
        script.folder,
        valid_pct=0.2,
        seed=0,
        item_tfms=Resize(script.size),
        batch_tfms=aug_transforms(),
        bs=script.batch_size,
        num_workers=script.workers,
    )
    network = getattr(torchvision.models, script.arch)
    learner, clock = vision_learner(loaders, network, metrics=accuracy, pretrained=False), _Clock()
    learner.remove_cb(learner.progress)
    learner.logger = _say_nothing
    learner.add_cb(clock)
    learner.unfreeze()

    def measure() -> float:
        _choose_algorithms(fastest=True)
        learner.fit_one_cycle(1, slice(_RATE / 100, _RATE))
        return float(len(loaders.train) * script.batch_size / clock.trained_s)

    return measure


def _measure_loop(bench: Bench, variant: Variant, batches: Batches) -> Callable[[], float]:
    step = _make_step(bench, variant)

    def measure() -> float:
        _choose_algorithms(fastest=True)
        begin, images = _now(), 0
        for pixels, classes in batches:
            step(pixels, classes)
            images += len(pixels)
        return images / (_now() - begin)

    return measure


def _try_variants(bench: Bench) -> dict[Variant, float]:
    speeds = {}
    # Compiled in the fastest of the eager ways alone: compiling takes minutes.
    eager = [Variant(last, bf16, compiled=False) for last, bf16 in itertools.product((True, False), repeat=2)]
    for variant in eager:
        speeds[variant] = _try(bench, variant)
    best = max(speeds, key=speeds.__getitem__)
    compiled = Variant(best.channels_last, best.bf16, compiled=True)
    speeds[compiled] = _try(bench, compiled)
    return dict(sorted(speeds.items(), key=lambda item: -item[1]))


def _choose_algorithms(*, fastest: bool) -> None:
    """cuDNN's: those that give the same bytes every time, as our stage asks for, or the fastest."""
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = not fastest, fastest


def _try(bench: Bench, variant: Variant) -> float:
    step, (pixels, classes) = _make_step(bench, variant), next(iter(_repeat(bench)))
    times = []
    for _ in range(_TRIED_STEPS):
        begin = _now()
        step(pixels, classes)
        times.append(_now() - begin)
    return len(pixels) / sorted(times[2:])[len(times[2:]) // 2]


def _make_step(bench: Bench, variant: Variant) -> Step:
    torch.set_num_threads(bench.threads)
    if variant.compiled:
        torch._dynamo.reset()
    layout = torch.channels_last if variant.channels_last else torch.contiguous_format
    network = getattr(torchvision.models, bench.arch)(num_classes=2)
    network = network.to(bench.device, memory_format=layout)
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, fused=True)
    forward = torch.compile(network) if variant.compiled else network
    minimized = nn.CrossEntropyLoss()

    def step(pixels: torch.Tensor, classes: torch.Tensor) -> None:
        pixels = pixels.to(bench.device, memory_format=layout)
        with torch.autocast(bench.device.type, torch.bfloat16, enabled=variant.bf16):
            outputs = forward(pixels)
        minimized(outputs.float(), classes.to(bench.device)).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _repeat(bench: Bench) -> Batches:
    pixels = torch.randn(bench.batch_size, 3, bench.size, bench.size).to(bench.device)
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    return [(pixels, torch.randint(0, 2, (bench.batch_size,)))] * _STEPS


def _load_by_torchvision(bench: Bench, workers: int) -> Batches:
    steps = [
        v2.Resize((bench.size, bench.size)),
        v2.RandomAffine(15, (0.05, 0.05), (0.9, 1.1)),
        v2.RandomHorizontalFlip(),
        v2.PILToTensor(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ]
    pictures = torchvision.datasets.ImageFolder(bench.folder, v2.Compose(steps))
    return torch.utils.data.DataLoader(
        pictures,
        bench.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def _load_by_monai(bench: Bench, workers: int) -> Batches:
    names = ["image"]
    steps = monai.transforms.Compose(
        [
            monai.transforms.LoadImaged(
                names, monai.data.PILReader(_to_gray), image_only=True, ensure_channel_first=True
            ),
            monai.transforms.Resized(names, (bench.size, bench.size)),
            monai.transforms.ScaleIntensityd(names),
            monai.transforms.RandAffined(
                names, prob=1.0, rotate_range=0.26, translate_range=bench.size // 20, scale_range=0.1
            ),
            monai.transforms.RandFlipd(names, prob=0.5, spatial_axis=0),
            monai.transforms.NormalizeIntensityd(names),
        ]
    )
    classes = sorted(path.name for path in bench.folder.iterdir())
    items = [
        {"image": str(path), "label": classes.index(path.parent.name)}
        for path in sorted(bench.folder.glob("*/*"))
    ]
    loader = monai.data.DataLoader(
        monai.data.Dataset(items, steps),
        batch_size=bench.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )
    return _Pairs(loader)


class _Pairs:
    """MONAI's dictionaries as pairs; gray becomes three channels."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for batch in self.loader:
            yield batch["image"].as_tensor().expand(-1, 3, -1, -1), batch["label"]


def _to_gray(picture: Image.Image) -> Image.Image:
    return picture.convert("L")


def _split_plainly(prepared: PreparedSet) -> list[ManifestRow]:
    """Every fifth slice is watched: speed doesn't ask for more."""
    return [
        ManifestRow(
            slice_id=row.slice_id,
            group=row.slice_id,
            label=row.label,
            subset=Subset.VALID if number % 5 == 0 else Subset.TRAIN,
            fold=0,
        )
        for number, row in enumerate(prepared.slices)
    ]


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def _say_nothing(_: object) -> None:
    pass
