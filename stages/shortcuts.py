"""Raw facts, prepared images and the manifest -> what baselines that see no anatomy reach, out of fold.

A network that does no better has not been shown to look at brains.
"""

from pathlib import Path

from brainmri.dataset.baselines import ShortcutRow
from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.prepared import read_prepared, read_raw_facts
from brainmri.dataset.shortcuts import ForestParams, score_shortcuts, tabulate_prepared, tabulate_raw
from brainmri.params import Section, read_params
from brainmri.scoring.resampling import IntervalParams
from brainmri.scoring.shortcuts import summarize_shortcuts
from brainmri.tables import write_mapping, write_rows
from stages import run


class ShortcutsParams(ForestParams, IntervalParams):
    """The section `shortcuts`; its seed is the forests' and the intervals'."""


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    shortcuts: ShortcutsParams


def main(prepared: Path, manifest: Path, scores: Path, metrics: Path) -> None:
    """Prepared folder and manifest in, scores and metrics out."""
    params = read_params(Params).shortcuts
    rows, data = read_manifest(manifest), read_prepared(prepared)
    tables = {**tabulate_raw(read_raw_facts(prepared)), **tabulate_prepared(data.images)}
    scored = score_shortcuts(tables, rows, data.classes.positive, params)
    write_rows(scores, scored, ShortcutRow)
    summary = summarize_shortcuts(scored, rows, data.classes.positive, params)
    write_mapping(metrics, summary)
    print(f"shortcuts: {summary['finding']} -> {metrics}")


if __name__ == "__main__":
    run(main)
