"""One Markdown file on what changed between two revisions, ready to post on a pull request."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainmri.errors import BadInput
from brainmri.params import PARAMS_PATH, load_yaml
from brainmri.replacement import replacing_file
from brainmri.reporting.differences import Difference, Value, compare
from brainmri.reporting.revisions import Revision

_HELD = (
    "A change is *inside the noise* if the interval of the difference holds 0. The interval takes the two "
    "figures as independent (square-and-add); on the same cases they are not, so a paired comparison "
    "(`comparison/dvc.yaml`) may separate what this table does not."
)


@dataclass(frozen=True)
class Pictures:
    """Where the report's pictures are: copied beside it, or below `url`, as `URL/COMMIT/PATH`."""

    folder: Path
    url: str | None


def write_review(path: Path, before: Revision, after: Revision, url: str | None) -> int:
    """Writes the report to `path`, pictures beside it where there is no `url`; how many figures changed."""
    changed = _compare_metrics(before, after)
    params = _compare_params(before, after)
    lines = [
        f"# {before.name} → {after.name}",
        "",
        _sum_up(changed, params),
        "",
        "## Params",
        "",
        *_tabulate(params, ("key", before.name, after.name), noise=False),
        "",
        "## Metrics",
        "",
    ]
    for file, rows in changed.items():
        lines += [f"### `{file}`", "", *_tabulate(rows, ("figure", before.name, after.name), noise=True), ""]
    lines += [_HELD if changed else "No metric differs.", "", "## Pictures", ""]
    lines += _show_pictures(before, after, Pictures(path.parent / f"{path.stem}_pictures", url), path)
    _write(path, ("\n".join(lines) + "\n").encode())
    return sum(len(rows) for rows in changed.values())


def _compare_metrics(before: Revision, after: Revision) -> dict[str, list[Difference]]:
    files = sorted(
        {
            name
            for revision in (before, after)
            for name in revision.list_files("metrics")
            if name.endswith(".json")
        }
    )
    compared = {file: compare(_read_json(before, file), _read_json(after, file)) for file in files}
    return {file: rows for file, rows in compared.items() if rows}


def _compare_params(before: Revision, after: Revision) -> list[Difference]:
    old, new = (
        load_yaml((revision.read(str(PARAMS_PATH)) or b"{}").decode()) for revision in (before, after)
    )
    return compare(old or {}, new or {})


def _read_json(revision: Revision, file: str) -> dict[str, Any]:
    try:
        return dict(json.loads(revision.read(file) or b"{}"))
    except ValueError as error:
        raise BadInput(f"{revision.name}: {file}: expected JSON, came something else ({error})") from None


def _sum_up(changed: dict[str, list[Difference]], params: Sequence[Difference]) -> str:
    rows = [row for own in changed.values() for row in own]
    outside = [row.key for row in rows if row.noise == "outside the noise"]
    inside = sum(row.noise == "inside the noise" for row in rows)
    shown = f" ({', '.join(f'`{key}`' for key in outside[:8])}{' …' if len(outside) > 8 else ''})"
    return (
        f"{len(params)} params and {len(rows)} figures differ; of those with intervals {inside} changed "
        f"inside the noise, {len(outside)} outside of it{shown if outside else ''}."
    )


def _tabulate(rows: Sequence[Difference], header: tuple[str, str, str], *, noise: bool) -> list[str]:
    if not rows:
        return ["None differs."]
    last = [" change |", " --- |"] if noise else ["", ""]
    lines = [f"| {' | '.join(map(_escape, header))} |{last[0]}", f"| --- | --- | --- |{last[1]}"]
    for row in rows:
        cells = [_name(row.key), _say(row.before), _say(row.after)]
        if noise:
            cells.append(_say_change(row))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _name(key: str) -> str:
    """A key as code, which it can't leave."""
    return f"`{' '.join(key.split()).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def _say(value: Value) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "–" if value is None else _escape(str(value))


def _say_change(row: Difference) -> str:
    before, after = (getattr(value, "value", value) for value in (row.before, row.after))
    if isinstance(before, bool) or not isinstance(before, int | float) or not isinstance(after, int | float):
        return ""
    return f"{after - before:+.3g}{', ' if row.noise else ''}{row.noise}"


def _escape(text: str) -> str:
    """Nothing in a cell ends it, or is read as a picture or a link of somebody else's."""
    for sign in ("\\", "|", "<", "[", "`", "*", "_"):
        text = text.replace(sign, f"\\{sign}")
    # A sign without a width: else whoever has the name is told.
    return " ".join(text.replace("@", "@\u200b").split())


def _show_pictures(before: Revision, after: Revision, pictures: Pictures, path: Path) -> list[str]:
    names = sorted(
        {
            name
            for revision in (before, after)
            for name in revision.list_files("plots")
            if name.endswith(".png")
        }
    )
    lines = []
    for name in names:
        contents = [revision.read(name) for revision in (before, after)]
        if contents[0] == contents[1]:
            continue
        cells = [
            "–" if content is None else f"![{name}]({_place(name, revision, content, pictures, path)})"
            for revision, content in zip((before, after), contents, strict=True)
        ]
        header = f"| {_escape(before.name)} | {_escape(after.name)} |"
        lines += [f"### `{name}`", "", header, "| --- | --- |", f"| {cells[0]} | {cells[1]} |", ""]
    return lines or ["None differs."]


def _place(name: str, revision: Revision, content: bytes, pictures: Pictures, path: Path) -> str:
    """Where Markdown finds a picture; without a commit to link to it is copied."""
    if pictures.url is not None and revision.commit is not None:
        return f"{pictures.url.rstrip('/')}/{revision.commit}/{name}"
    side = revision.commit or revision.name
    target = pictures.folder / side[:12] / name.replace("/", "_")
    _write(target, content)
    return target.relative_to(path.parent).as_posix()


def _write(path: Path, content: bytes) -> None:
    with replacing_file(path) as aside:
        aside.write_bytes(content)
