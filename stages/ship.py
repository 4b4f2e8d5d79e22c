"""A pretrained classifier, its operating point and what is familiar to it -> a model folder with a card.

No figure in the card is typed by hand. `make weights` lists the new file of weights.
"""

from pathlib import Path

from brainmri.reporting.phantom_card import PhantomFacts, write_phantom_card
from brainmri.reporting.shipping import ship_model
from brainmri.scans.files import hash_file
from brainmri.tables import read_mapping
from stages import run


def main(
    classifier: Path, operating_point: Path, familiar: Path, test: Path, novelty: Path, folder: Path
) -> None:
    """Classifier's folder, operating point, what is familiar, and metrics in; the folder to ship out."""
    card = write_phantom_card(
        PhantomFacts(
            model=read_mapping(classifier / "model.json"),
            weights_sha256=hash_file(classifier / "weights.safetensors"),
            point=read_mapping(operating_point),
            test=read_mapping(test),
            novelty=read_mapping(novelty),
        )
    )
    parts = {"classifier": classifier, "operating_point.json": operating_point, "novelty": familiar}
    ship_model(folder, parts, card)
    print(f"ship: -> {folder}; `make weights` lists it")


if __name__ == "__main__":
    run(main)
