"""Phantoms that no network learns from -> a prepared set, its split and what is known of each.

What stands in the place of training slices there is for novelty alone: networks learn from other phantoms.
"""

from pathlib import Path

from brainmri.dataset.manifest import ManifestRow
from brainmri.dataset.phantoms import PhantomRow
from brainmri.dataset.prepared import read_prepared
from brainmri.figures.unseen import show_unseen
from brainmri.learning.pretraining.drawing import draw_phantoms
from brainmri.learning.pretraining.settings import PretrainSection
from brainmri.learning.pretraining.unseen import write_unseen
from brainmri.params import Section, read_params
from brainmri.tables import write_rows
from stages import run


class Params(Section):
    """The keys of params.yaml that this stage reads."""

    pretrain: PretrainSection


def main(prepared: Path, manifest: Path, phantoms: Path, picture: Path) -> None:
    """Prepared folder, manifest, table of phantoms and a sheet of some out."""
    params = read_params(Params).pretrain
    drawn = write_unseen(prepared, params, draw_phantoms(params))
    write_rows(manifest, drawn.manifest, ManifestRow)
    write_rows(phantoms, drawn.phantoms, PhantomRow)
    show_unseen(read_prepared(prepared), drawn.phantoms, picture)
    print(f"unseen: {len(drawn.manifest)} phantoms, {len(drawn.rejected)} rejected -> {prepared}")


if __name__ == "__main__":
    run(main)
