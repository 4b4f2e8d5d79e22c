"""The weights that the project ships, learnt from synthetic MRI alone; found without torch.

Each `weights/ARCHITECTURE/` of a checkout is a model folder, and the zero-shot detector as it stands. Which
there are, and the hashes of all that they answer by, stands in `weights/SHA256SUMS` alone, as sha256sum
writes and checks it: stages depend on that file. An installed package without its checkout has none.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import brainmri
from brainmri.errors import BadInput
from brainmri.learning.catalogue import Architecture

# What `weights` of params.yaml calls them.
PHANTOM: Final = "phantom"
# What `training.data` of model.json says of a network that has seen synthetic MRI alone.
PHANTOMS: Final = "phantoms"
FOLDER: Final = Path(brainmri.__file__).parents[2] / "weights"
SUMS: Final = "SHA256SUMS"
_PLACE, _CARD = "classifier/weights.safetensors", "classifier/model.json"
# What a training starts from; the detector answers by the rest of the list too.
_START: Final = (_PLACE, _CARD)
_LINE: Final = re.compile(r"([0-9a-f]{64}) [ *]([a-z0-9_]+)/([a-z0-9_./]+)")


@dataclass(frozen=True)
class Shipped:
    """A model folder of `weights/`, and the SHA-256 that each of its files has to have, by name in it."""

    folder: Path
    hashes: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """That of the weights."""
        return self.hashes[_PLACE]

    @property
    def weights(self) -> Path:
        """Body and head."""
        return self.folder / _PLACE

    def read(self) -> bytes:
        """The file of the weights. Raises `BadInput` where there is none, or one with another hash.

        The same goes for model.json, which says what the weights are asked.
        """
        content, _ = (_read_checked(self.folder / name, self.hashes[name]) for name in _START)
        return content

    def check(self) -> None:
        """Raises `BadInput` where any file that the detector answers by is missing, or has another hash."""
        for name, expected in self.hashes.items():
            _read_checked(self.folder / name, expected)


def _read_checked(path: Path, expected: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file; `git checkout weights` brings it back") from None
    except OSError as error:
        raise BadInput(f"{path}: can't be read ({error.strerror}); mend that") from None
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise BadInput(
            f"{path}: expected the file of SHA-256 {expected}, as {SUMS} says, came another ({found}); "
            "`git checkout weights` brings it back, `make weights` lists a new one"
        )
    return content


def list_shipped() -> dict[str, Shipped]:
    """All of them by architecture, smaller networks first.

    Raises `BadInput` for a list that `make weights` has not written.
    """
    path = FOLDER / SUMS
    if not path.is_file():
        return {}
    hashes: dict[str, dict[str, str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] not in list(Architecture):
            raise BadInput(
                f"{path}: line {number}: expected a hash and a file of ARCHITECTURE/, came {line[:80]!r}; "
                "run `make weights`"
            )
        hashes.setdefault(match[2], {})[match[3]] = match[1]
    for arch, own in hashes.items():
        missing = [name for name in _START if name not in own]
        if missing:
            raise BadInput(f"{path}: expected a line of {arch}/{missing[0]}, came none; run `make weights`")
    return {arch.value: Shipped(FOLDER / arch, hashes[arch]) for arch in Architecture if arch in hashes}


def find_shipped(arch: str, place: str) -> Shipped:
    """Those of `arch`; `BadInput`, begun by `place`, where there are none, lists which there are."""
    shipped = list_shipped()
    if arch not in shipped:
        known = ", ".join(shipped) or f"none in {FOLDER}"
        raise BadInput(
            f"{place}: expected an architecture whose weights the project ships ({known}), came {arch}; "
            "choose another"
        )
    return shipped[arch]


def find_shipped_in(folder: Path) -> Shipped | None:
    """Those that lie in `folder`, by whichever path; None for any other folder."""
    place = folder.resolve()
    return list_shipped().get(place.name) if place.parent == FOLDER.resolve() else None
