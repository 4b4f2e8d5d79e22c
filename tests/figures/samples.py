"""One figure of each kind, made of little."""

from collections.abc import Callable

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from brainmri.figures import (
    canvas,
    comparison,
    confusion,
    curves,
    decisions,
    losses,
    phantoms,
    reliability,
    search,
    sheet,
    shortcuts,
    top_losses,
)
from brainmri.learning.pretraining.records import PretrainRow
from brainmri.scoring.decisions import BenefitRow, CoverageRow
from brainmri.scoring.phantoms import Division, TumorGroupRow
from brainmri.tuning.records import ImportanceRow, TrialRow

SOURCE = "72 slices of 24 patients, test subset, synthetic phantom data"
Build = Callable[[], Figure]

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 96, 96), dtype=np.uint8)
MASKS = np.zeros_like(IMAGES)
MASKS[3:, 20:50, 30:60] = 1

RANKING = curves.Ranking(
    false_positive_rate=np.array([0.0, 0.1, 0.3, 1.0]),
    sensitivity=np.array([0.0, 0.6, 0.9, 1.0]),
    roc_area=curves.Interval(0.87, 0.95, 0.81, 0.92),
    recall=np.array([1.0, 0.9, 0.6, 0.0]),
    precision=np.array([0.5, 0.75, 0.86, 1.0]),
    precision_recall_area=curves.Interval(0.84, 0.95),
    prevalence=0.5,
)
POINT = curves.OperatingPoint(threshold=0.41, sensitivity=0.9, specificity=0.7, precision=0.75)
HISTORY = losses.History(
    epoch=np.arange(5),
    train_size=np.array([64, 64, 64, 128, 128]),
    train_loss=np.array([0.7, 0.5, 0.4, 0.3, 0.2]),
    valid_loss=np.array([0.7, 0.6, 0.5, 0.55, 0.6]),
    watched=np.array([0.5, 0.7, 0.8, 0.8, 0.8]),
    watched_name="Accuracy",
    watched_unit="Share of cases",
    best=2,
)
BINS = reliability.Bins(
    edges=np.linspace(0, 1, 5),
    count=np.array([10, 0, 4, 12]),
    predicted=np.array([0.1, np.nan, 0.6, 0.9]),
    observed=np.array([0.0, np.nan, 0.5, 1.0]),
    low=np.array([0.0, np.nan, np.nan, 0.8]),
    high=np.array([0.3, np.nan, np.nan, 1.0]),
    confidence=0.95,
    error=0.08,
)
CONTENDERS = [
    shortcuts.Contender(
        name, curves.Interval(area, 0.95, area - 0.1, area + 0.05), curves.Interval(0.6, 0.95)
    )
    for name, area in (("network", 0.93), ("header", 0.55), ("prepared thumbnail", 0.7))
]


def draw_sheet() -> Figure:
    captions = [sheet.Caption("tumor", f"P{index:04d}") for index in range(6)]
    return sheet.draw_sheet(IMAGES, captions, SOURCE, MASKS)


def draw_top_losses() -> Figure:
    cases = [
        top_losses.Case(image, mask, f"P{index:04d}", "tumor", actual, 2.5 - index / 10, 0.92)
        for index, (image, mask, actual) in enumerate(
            zip(IMAGES, MASKS, ["tumor", "no tumor"] * 3, strict=True)
        )
    ]
    return top_losses.draw_top_losses(cases, SOURCE)


def draw_lr_search() -> Figure:
    lr = np.logspace(-6, 0, 30)
    loss = 0.7 - 0.4 / (1 + (1e-3 / lr)) + 40 * lr**2
    return losses.draw_lr_search(lr, loss, losses.Suggestion("valley", 1.4e-3), SOURCE)


BEFORE = reliability.Before(np.array([0.02, 0.98]), np.array([0.2, 0.8]), 0.18)
BENEFITS = [
    BenefitRow(threshold=x, network=0.5 - x / 2, low=0.4 - x / 2, high=0.6 - x / 2, call_all=0.5 - 2 * x)
    for x in (0.1, 0.5, 0.9)
]
COVERAGES = [
    CoverageRow(coverage=1, n=20, error=0.2, low=0.1, high=0.3),
    CoverageRow(coverage=0.5, n=10, error=0.1, low=0.0, high=0.3),
    CoverageRow(coverage=0.1, n=2, error=0.0, low=None, high=None),
]
TRIALS = [
    TrialRow(trial=n, state=state, folds=3, auroc=area, settings="-S lr=0.001")
    for n, (state, area) in enumerate(
        [("complete", 0.9), ("pruned", 0.7), ("failed", None), ("complete", 0.95)]
    )
]
IMPORTANCES = [
    ImportanceRow(setting="lr", importance=0.7),
    ImportanceRow(setting="train.augment.rotate_degrees", importance=0.3),
]
_PAIR = {"auroc_difference": {"value": 0.02, "low": -0.05, "high": 0.08}}
COMPARISON = {
    "first": "resnet34",
    "confidence": 0.95,
    "arms": {
        "resnet34": {"auroc_within_folds": {"value": 0.9, "low": 0.8, "high": 0.95}},
        "resnet50": {
            "auroc_within_folds": {"value": 0.92, "low": 0.85, "high": 0.96},
            "against_first": _PAIR,
        },
    },
    "soft_vote": {"auroc_within_folds": {"value": 0.93}, "against_first": _PAIR},
    "baselines": {"majority": {"sees": "the majority class"}},
}

TUMOR_GROUPS = [
    TumorGroupRow(
        division=division,
        group=group,
        tumors=tumors,
        smallest_share=0.004,
        largest_share=0.021,
        auroc=0.9,
        auroc_low=low,
        auroc_high=None if low is None else 0.94,
        sensitivity=0.75,
        sensitivity_low=low,
        sensitivity_high=None if low is None else 0.86,
    )
    for division, group, tumors, low in (
        (Division.SIZE, "smallest", 40, 0.61),
        (Division.SIZE, "largest", 41, 0.7),
        (Division.KIND, "posterior_fossa", 1, None),
    )
]
PRETRAINING = [
    PretrainRow(
        pictures=pictures,
        log10_learning_rate=-3,
        cross_entropy=0.6 - pictures / 4e6,
        map_loss_eighth=0.4,
        map_loss_sixteenth=0.3,
        valid_auroc=area,
    )
    for pictures, area in ((500_000, None), (1_000_000, 0.81), (1_500_000, None), (2_000_000, 0.93))
]
BUILDERS: dict[str, Build] = {
    "sheet": draw_sheet,
    "top_losses": draw_top_losses,
    "lr_search": draw_lr_search,
    "history": lambda: losses.draw_history(HISTORY, SOURCE),
    "confusion": lambda: confusion.draw_confusion(
        np.array([[31, 5], [3, 33]]), ["no tumor", "tumor"], SOURCE
    ),
    "curves": lambda: curves.draw_curves(RANKING, POINT, SOURCE),
    "shortcuts": lambda: shortcuts.draw_shortcuts(CONTENDERS[0], CONTENDERS[1:], SOURCE),
    "reliability": lambda: reliability.draw_reliability(BINS, BEFORE, SOURCE),
    "decisions": lambda: decisions.draw_decisions(BENEFITS, COVERAGES, 0.95, SOURCE),
    "search": lambda: search.draw_search(TRIALS, IMPORTANCES, SOURCE),
    "phantom_groups": lambda: phantoms.draw_groups(TUMOR_GROUPS, SOURCE),
    "phantom_course": lambda: phantoms.draw_course(PRETRAINING, SOURCE),
    "comparison": lambda: comparison.draw_comparison(COMPARISON, SOURCE),
}


@canvas.house_style
def draw(figure: Figure) -> None:
    """Draws coarsely, and so quickly; what can't be drawn raises."""
    figure.set_dpi(40)
    FigureCanvasAgg(figure).draw()


def read_texts(figure: Figure) -> list[str]:
    """Everything a reader can read in a figure, one string a text."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_visible()]
