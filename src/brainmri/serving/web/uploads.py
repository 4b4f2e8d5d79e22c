"""Files of a request -> files of our own naming, below a folder that goes away with the answer."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from brainmri.serving.intake import escape
from brainmri.serving.web.problems import refuse
from brainmri.serving.web.settings import ServeLimits

FIELD: Final = "files"
_LONGEST_NAME: Final = 200
_PIECE_BYTES: Final = 1 << 20
_NOWHERE: Final = ("", ".", "..")


@dataclass(frozen=True)
class Upload:
    """A file as it lies here, and what its sender called it, to be shown and nothing else."""

    path: Path
    shown: str


async def receive_files(request: Request, folder: Path, limits: ServeLimits) -> list[Upload]:
    """Writes the files of a multipart request to `folder`. Raises `Refusal` for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise refuse(
            400, "bad_request", f"expected multipart/form-data with files, came {escape(kind)[:80]!r}"
        )
    try:
        async with request.form(max_files=limits.max_files, max_fields=0) as form:
            given = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
            _check(given)
            return [
                await run_in_threadpool(_keep, folder, number, value)
                for number, (_, value) in enumerate(_sorted(given))
            ]
    except HTTPException as error:
        raise refuse(
            400,
            "bad_request",
            f"expected at most {limits.max_files} files in the field `{FIELD}`, came something else "
            f"({escape(str(error.detail))[:120]})",
        ) from None
    except ClientDisconnect:
        raise refuse(400, "bad_request", "the request ended before its files did") from None


def _check(given: Sequence[tuple[str, UploadFile]]) -> None:
    if not given:
        raise refuse(400, "bad_request", f"expected files in the field `{FIELD}`, came none")
    if any(name != FIELD for name, _ in given):
        raise refuse(400, "bad_request", f"expected files in the field `{FIELD}` alone, came another field")


def _sorted(given: Sequence[tuple[str, UploadFile]]) -> list[tuple[str, UploadFile]]:
    """By name, as a folder's: the order of slices may rest on it."""
    return sorted(given, key=lambda item: item[1].filename or "")


def _keep(folder: Path, number: int, upload: UploadFile) -> Upload:
    path = folder / f"{number:06d}"
    with path.open("xb") as file:
        shutil.copyfileobj(upload.file, file, _PIECE_BYTES)
    return Upload(path, show_name(upload.filename or "unnamed"))


def show_name(name: str) -> str:
    """What is shown of a stranger's file name, with its folders and nothing that can command anything.

    Where it is long the end is kept, which tells files apart.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in _NOWHERE]
    shown = escape("/".join(parts))
    return f"…{shown[-_LONGEST_NAME:]}" if len(shown) > _LONGEST_NAME else shown or "unnamed"
