"""Every arm's out-of-fold scores -> figures with intervals, each arm beside the first, a table and a picture.

Reads the arms that params.yaml names, never a folder: what an earlier comparison left there doesn't count.
"""

from pathlib import Path

from brainmri.dataset.baselines import ShortcutRow
from brainmri.dataset.prepared import read_prepared
from brainmri.dataset.protocols import Protocol
from brainmri.dataset.units import ScoredRow, SegmentedRow
from brainmri.figures.canvas import save
from brainmri.figures.comparison import draw_comparison
from brainmri.figures.suspects import show_suspects
from brainmri.learning.arms import ComparisonParams as ArmsParams
from brainmri.learning.finished import remove_finished
from brainmri.params import Section, read_params
from brainmri.scoring.calibration import CalibrateParams
from brainmri.scoring.comparison import ArmScores, ComparisonParams, combine, compare_arms
from brainmri.scoring.comparison_table import tabulate_comparison
from brainmri.scoring.evaluation import EvaluateParams
from brainmri.scoring.suspects import SuspectRow, find_suspects
from brainmri.tables import read_mapping, read_rows, write_bytes, write_mapping, write_rows
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    calibrate: CalibrateParams
    comparison: ArmsParams
    evaluate: EvaluateParams


def main(prepared: Path, scores: Path, shortcuts: Path, metrics: Path, plots: Path) -> None:
    """Prepared folder, the arms' scores and the baselines' in; metrics, and tables and pictures out."""
    params, data = read_params(Params), read_prepared(prepared)
    arms = {}
    for name in params.comparison.arms:
        facts = read_mapping(scores / f"{name}.json")
        rows = read_rows(scores / f"{name}.csv", SegmentedRow if "task" in facts else ScoredRow)
        arms[name] = ArmScores(rows, Protocol(facts["protocol"]), facts["network"])
    choices = ComparisonParams(params.calibrate, params.evaluate)
    report = compare_arms(arms, read_rows(shortcuts, ShortcutRow), data.classes, choices)
    suspects = find_suspects(combine(arms, data.classes, choices), data.classes)
    write_mapping(metrics, report | {"label_suspects": len(suspects)})
    write_bytes(plots / "table.md", tabulate_comparison(report).encode())
    write_rows(plots / "suspects.csv", suspects, SuspectRow)
    save(draw_comparison(report, f"data set {data.name}, out of fold"), plots / "comparison.png")
    show_suspects(suspects[: params.comparison.suspects], data, plots / "suspects.png")
    remove_finished()
    print(f"compare: {report['finding']} -> {metrics}")


if __name__ == "__main__":
    run(main)
