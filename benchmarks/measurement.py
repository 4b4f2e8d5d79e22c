"""Sides measured by turns in one run, since machines are noisy: medians, spread and paired ratios."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from brainmri.errors import BadInput

RESULTS = Path(__file__).parent / "results"


def end_in_a_line(main: Callable[[], None]) -> None:
    """Runs `main`; what users can mend ends it in one line."""
    try:
        main()
    except BadInput as error:
        sys.exit(f"error: {error}")


@dataclass(frozen=True)
class Side:
    """One way of doing the work; `measure` does it once and gives a figure."""

    name: str
    measure: Callable[[], float]


@dataclass(frozen=True)
class Measured:
    """The figures of each side, round by round, in the same order."""

    unit: str
    rounds: Mapping[str, Sequence[float]]


def alternate(sides: Sequence[Side], rounds: int, unit: str, *, warm: bool = True) -> Measured:
    """Every side once a round, each round beginning with another; if `warm`, a first one is thrown away."""
    figures: dict[str, list[float]] = {side.name: [] for side in sides}
    for number in range(0 if warm else 1, rounds + 1):
        start = number % len(sides)
        for side in (*sides[start:], *sides[:start]):
            figure = side.measure()
            if number:
                figures[side.name].append(figure)
    return Measured(unit, figures)


def summarize(measured: Measured, reference: str) -> dict[str, Any]:
    """Of each side n, median, lowest and highest, and the same of its ratio to `reference` in each round."""
    return {
        "unit": measured.unit,
        "reference": reference,
        "sides": {
            name: {
                **spread(figures),
                "ratio": spread(
                    [own / other for own, other in zip(figures, measured.rounds[reference], strict=True)]
                ),
            }
            for name, figures in measured.rounds.items()
        },
    }


def tabulate(title: str, summary: Mapping[str, Any]) -> str:
    """The summary as a Markdown table."""
    lines = [
        f"{title} ({summary['unit']})",
        "",
        f"| side | n | median | range | of {summary['reference']} | range |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, side in summary["sides"].items():
        figures, ratio = side, side["ratio"]
        cells = [name, f"{figures['n']}", f"{figures['median']:.3g}"]
        cells.append(f"{figures['lowest']:.3g} to {figures['highest']:.3g}")
        cells += [f"{ratio['median']:.2f}", f"{ratio['lowest']:.2f} to {ratio['highest']:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def describe_machine(packages: Sequence[str]) -> dict[str, Any]:
    """Processor, cores, memory, instructions of interest, GPU if there is one, and versions."""
    import torch  # noqa: PLC0415 - benchmarks without torch don't call this before they are done

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none: it ran on no GPU"
    return {
        "processor": _read_field("/proc/cpuinfo", "model name") or platform.processor(),
        "bf16": _has_fast_bf16(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "gpu": gpu,
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }


def describe_commit(folder: Path = RESULTS.parent) -> str:
    """The short hash of the checkout's last commit."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def write_results(name: str, content: Mapping[str, Any]) -> None:
    """benchmarks/results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(_rounded(content), indent=2, sort_keys=True) + "\n")
    print(f"\n-> {path.relative_to(RESULTS.parents[1])}")


def read_results(name: str) -> dict[str, Any]:
    """What `write_results` wrote; nothing of what was never measured."""
    path = RESULTS / f"{name}.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return content


def spread(figures: Sequence[float]) -> dict[str, float]:
    """n, median, lowest and highest."""
    return {
        "n": len(figures),
        "median": median(figures),
        "lowest": min(figures),
        "highest": max(figures),
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, float):
        return float(f"{value:.4g}")
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _has_fast_bf16() -> bool:
    flags = _read_field("/proc/cpuinfo", "flags")
    return "avx512_bf16" in flags or "amx_bf16" in flags


def _read_field(path: str, field: str) -> str:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(field)), "")
