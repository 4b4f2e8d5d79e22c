"""A model's card -> the page "How good is it?"."""

import html
import itertools
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from brainmri.serving.model import CARDS

_PICTURE: Final = re.compile(r"[A-Za-z0-9_/.-]+\.png")
_CELLS: Final = ("th_open", "td_open")
_NONE: Final = (
    "<h1>How good is it?</h1><p>There are no figures of this model here: no <code>MODEL_CARD.md</code> "
    "beside it names its weights. "
    "Take what it says for a guess of unknown quality.</p>"
)


@dataclass(frozen=True)
class Quality:
    """The card as HTML, and the pictures that it shows, by the number under which they are asked for."""

    body: str
    known: bool
    pictures: list[Path] = field(default_factory=list)


def read_quality(folder: Path, sha256: str) -> Quality:
    """The card in `folder`, if it is of the model whose weights have this hash."""
    text = next((text for text in _read_cards(folder) if sha256 in text), None)
    if text is None:
        return Quality(_NONE, known=False)
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL))
    pictures: list[Path] = []
    for token in tokens:
        if token.type in _CELLS:
            # The policy of the page allows no style in its text.
            token.attrs = {"class": "number"} if token.attrs.pop("style", None) else {}
        for child in token.children or ():
            _localize(child, folder, pictures)
    return Quality(
        _lay_tables(markdown.renderer.render(tokens, markdown.options, {})), known=True, pictures=pictures
    )


def _read_cards(folder: Path) -> Iterator[str]:
    for name in CARDS:
        with suppress(OSError, UnicodeDecodeError):
            yield (folder / name).read_text(encoding="utf-8")


def _localize(token: Token, folder: Path, pictures: list[Path]) -> None:
    """Pictures below the card's folder get a number; links and other pictures become plain text."""
    if token.type == "image":
        place = folder / str(token.attrGet("src") or "")
        if _PICTURE.fullmatch(str(token.attrGet("src"))) and place.resolve().is_relative_to(folder.resolve()):
            token.attrSet("src", f"/quality/picture/{len(pictures)}")
            pictures.append(place)
        else:
            token.attrSet("src", "")
    if token.type == "link_open":
        token.tag, token.attrs = "span", {}
    if token.type == "link_close":
        token.tag = "span"


def _lay_tables(body: str) -> str:
    """A wide table scrolls on a phone, by keyboard too; each has a name of its own, and no empty heading."""
    number = itertools.count(1)

    def open_table(_: re.Match[str]) -> str:
        return f'<div class="wide" tabindex="0" role="region" aria-label="Table {next(number)}"><table>'

    opened = re.sub("<table>", open_table, body).replace("</table>", "</table></div>")
    return re.sub(r"<th[^>]*></th>", "<td></td>", opened)


def fill(template: str, title: str, body: str) -> str:
    """A page of the house."""
    return template.replace("{{title}}", html.escape(title)).replace("{{body}}", body)
