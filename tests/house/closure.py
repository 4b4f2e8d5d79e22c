"""What a module imports, read off its source: own files, and distributions of others."""

import ast
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PLACES = {"brainmri": ROOT / "src" / "brainmri", "stages": ROOT / "stages"}


def own_files(start: Path) -> set[Path]:
    """`start` and every own file that it imports, directly or not; packages' docstrings left out."""
    seen: set[Path] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += [found for name in imported_names(path) if (found := _own_file(name))]
    return {path for path in seen if path.name != "__init__.py" or path.parent.name == "stages"}


def distributions(files: set[Path]) -> set[str]:
    """The distributions whose packages `files` import."""
    by_package = packages_distributions()
    roots = {name.partition(".")[0] for path in files for name in imported_names(path)}
    return {by_package[root][0].lower() for root in roots if root in by_package and root not in _PLACES}


def imported_names(path: Path) -> Iterator[str]:
    """Dotted names of all that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _own_file(name: str) -> Path | None:
    root, *rest = name.split(".")
    if root not in _PLACES:
        return None
    place = _PLACES[root].joinpath(*rest)
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)
