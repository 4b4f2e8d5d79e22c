"""All metrics, the model folder and the operating point -> MODEL_CARD.md, with the CLAIM 2024 checklist.

No figure in it is typed by hand; what no file knows is shown as a gap.
"""

from pathlib import Path

from brainmri.reporting.model_card import CardFacts, write_card
from brainmri.scans.files import hash_file
from brainmri.tables import read_mapping, write_bytes
from stages import run


def main(
    prepared: Path,
    audit: Path,
    split: Path,
    train: Path,
    test: Path,
    novelty: Path,
    model: Path,
    operating_point: Path,
    card: Path,
) -> None:
    """Prepared folder, metrics, model folder and operating point in; the card out."""
    written = write_card(
        CardFacts(
            preparation=read_mapping(prepared / "preparation.json"),
            audit=read_mapping(audit),
            split=read_mapping(split),
            train=read_mapping(train),
            test=read_mapping(test),
            novelty=read_mapping(novelty),
            model=read_mapping(model / "model.json"),
            weights_sha256=hash_file(model / "weights.safetensors"),
            point=read_mapping(operating_point),
        )
    )
    write_bytes(card, written.encode())
    print(f"card: -> {card}")


if __name__ == "__main__":
    run(main)
