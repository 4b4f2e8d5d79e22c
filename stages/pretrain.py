"""Endless phantoms, rendered while it learns -> a classifier's folder, its history and a summary.

No picture of a real person is seen; the same settings and machine type give the same bytes.
"""

from pathlib import Path

from brainmri.learning.checkpoint import open_store
from brainmri.learning.pretraining.course import pretrain
from brainmri.learning.pretraining.drawing import draw_phantoms
from brainmri.learning.pretraining.identity import identify_pretraining
from brainmri.learning.pretraining.records import PretrainRow
from brainmri.learning.pretraining.report import summarize_pretraining, write_pretrained
from brainmri.learning.pretraining.settings import PretrainSection, name_architecture
from brainmri.params import Section, read_params
from brainmri.tables import write_mapping, write_rows
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    pretrain: PretrainSection


def main(arch: str, model: Path, history: Path, metrics: Path) -> None:
    """An architecture's name in; model folder, history and metrics out."""
    architecture = name_architecture(arch)
    params = read_params(Params).pretrain.of(architecture)
    with open_store(identify_pretraining(architecture, params), model) as store:
        pretrained = pretrain(architecture, params, draw_phantoms(params), store)
        write_pretrained(model, architecture, pretrained, params)
        write_rows(history, pretrained.rows, PretrainRow)
        write_mapping(metrics, summarize_pretraining(pretrained, params))
        store.finish()
    print(f"pretrain: {arch} from {pretrained.rows[-1].pictures} phantoms -> {model}")


if __name__ == "__main__":
    run(main)
