"""Raw facts and the manifest -> what baselines that can't see a tumor reach, out of fold.

A network that does no better has not been shown to look at brains.
"""

from pathlib import Path

from brainmri.dataset.baselines import ShortcutRow
from brainmri.dataset.manifest import read_manifest
from brainmri.dataset.prepared import read_classes, read_raw_facts
from brainmri.dataset.shortcuts import ShortcutsParams, score_shortcuts, summarize_shortcuts
from brainmri.params import Section, read_params
from brainmri.tables import write_mapping, write_rows
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    shortcuts: ShortcutsParams


def main(prepared: Path, manifest: Path, scores: Path, metrics: Path) -> None:
    """Prepared folder and manifest in, scores and metrics out."""
    params = read_params(Params)
    rows, positive = read_manifest(manifest), read_classes(prepared).positive
    scored = score_shortcuts(read_raw_facts(prepared), rows, positive, params.shortcuts)
    write_rows(scores, scored, ShortcutRow)
    summary = summarize_shortcuts(scored, rows, positive)
    write_mapping(metrics, summary)
    print(f"shortcuts: AUROC {summary['header']['auroc']:.2f} from file headers alone -> {scores}")


if __name__ == "__main__":
    run(main)
