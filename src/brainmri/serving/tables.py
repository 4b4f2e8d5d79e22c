"""Answers as text: a table to read, or CSV."""

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from typing import Final, TextIO

from tqdm import tqdm

from brainmri.dataset.prepared import RejectedRow
from brainmri.serving.answers import UNLIKE, Answers, PatientAnswer, ScanAnswer

_CSV: Final = (
    "scan",
    "patient",
    "slices",
    "probability_max",
    "probability_mean",
    "decision",
    "unlike",
    "unlike_slices",
    "notices",
    "rejected",
    "notice",
)


def to_text(answers: Answers) -> str:
    """Scans, then patients where known, then what was rejected, and what all of it must not be used for."""
    model = answers.model
    parts, columns = [], ("slices", model.positive, "mean", "decision", "")
    if answers.scans:
        parts.append(_align(("scan", *columns), map(_scan, answers.scans)))
    if answers.patients:
        parts.append(_align(("patient", *columns), map(_patient, answers.patients)))
    noted = [f"note: {scan.scan}: {notice}" for scan in answers.scans for notice in scan.notices]
    if noted:
        parts.append("\n".join(noted))
    if answers.rejected:
        parts.append("\n".join(f"rejected: {item.scan}: {item.reason}" for item in answers.rejected))
    parts.append(
        f"{model.positive}: calibrated probability, of several slices the highest; {model.positive} from "
        f"{model.threshold:.2f} on.\n{answers.notice}"
    )
    return "\n\n".join(parts)


def to_csv(answers: Answers) -> str:
    """What `write_csv` writes, of answers that are all there."""
    buffer = io.StringIO()
    write_csv(buffer, (*answers.scans, *answers.rejected), answers.notice)
    return buffer.getvalue()


def write_csv(file: TextIO, answers: Iterable[ScanAnswer | RejectedRow], notice: str) -> tuple[int, int]:
    """A line a scan, rejected ones with their reason, each as it comes; probabilities with six digits.

    A line stands in the file before the next answer is asked for, and nothing before there is a first one;
    progress bars give way to it. How many were answered, and rejected.
    """
    answered = rejected = 0
    coming = iter(answers)
    first = list(itertools.islice(coming, 1))
    writer = csv.DictWriter(file, _CSV, lineterminator="\n", restval="")
    writer.writeheader()
    for answer in itertools.chain(first, coming):
        if isinstance(answer, RejectedRow):
            rejected += 1
            row: dict[str, object] = {"scan": _safe(answer.scan), "rejected": _safe(answer.reason)}
        else:
            answered += 1
            row = _list_cells(answer)
        with tqdm.external_write_mode(file=file):
            writer.writerow(row | {"notice": notice})
            file.flush()
    return answered, rejected


def _list_cells(scan: ScanAnswer) -> dict[str, object]:
    return {
        "scan": _safe(scan.scan),
        "patient": scan.patient or "",
        "slices": len(scan.slices),
        "probability_max": f"{scan.probability_max:.6f}",
        "probability_mean": f"{scan.probability_mean:.6f}",
        "decision": _safe(scan.decision),
        "unlike": str(scan.unlike).lower(),
        "unlike_slices": scan.unlike_slices,
        "notices": _safe("; ".join(scan.notices)),
    }


def _safe(cell: str) -> str:
    """A text that a spreadsheet would take for a formula begins with an apostrophe."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell


def _scan(scan: ScanAnswer) -> Sequence[str]:
    count = len(scan.slices)
    some = f"{scan.unlike_slices} of {count} slices " if scan.unlike_slices and count > 1 else ""
    remark = f"{some}{UNLIKE}" if scan.unlike or some else ""
    return (scan.scan, str(count), *_figures(scan), remark)


def _patient(patient: PatientAnswer) -> Sequence[str]:
    remark = UNLIKE if patient.unlike else ""
    return (patient.patient, str(patient.slices), *_figures(patient), remark)


def _figures(answer: ScanAnswer | PatientAnswer) -> Sequence[str]:
    numbers = f"{answer.probability_max:.2f}", f"{answer.probability_mean:.2f}"
    return (*numbers, answer.decision)


def _align(head: Sequence[str], rows: "map[Sequence[str]]") -> str:
    """Columns of one width, texts to the left and numbers to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def lay(line: Sequence[str]) -> str:
        cells = [
            cell.rjust(width) if column in (1, 2, 3) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join(map(lay, lines))
