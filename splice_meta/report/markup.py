"""Pieces of the page: everything from outside goes through :func:`escape`."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from splice_meta.plain import plain

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data:"
)
"""The page may load nothing, whatever is in it."""


def escape(text: object) -> str:
    """Text from outside as one harmless line of HTML."""
    return html.escape(plain(text))


def read_asset(name: str) -> str:
    """A file that lies beside this module."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def pairs(rows: Iterable[tuple[str, object]]) -> str:
    """Labels and texts."""
    cells = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in rows)
    return f"<dl>{cells}</dl>"


def items(lines: Iterable[str]) -> str:
    """A list of sentences."""
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        head: Its head.
        is_text: Set flush left and sorted as text.
    """

    head: str
    is_text: bool = False


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], name: str = "") -> str:
    """A table of cells that are HTML already; with a name it sorts and is searched.

    The last cell of a row that has fewer than there are columns takes the place of the rest.
    """
    heads = "".join(
        f'<th scope="col"{" class=text" if column.is_text else ""}>{escape(column.head)}</th>'
        for column in columns
    )
    opened = ['<td class="text">' if column.is_text else "<td>" for column in columns]
    whole = _line(opened)
    body = "".join(
        whole % tuple(row) if len(row) == len(opened) else _line(_spread(opened, row)) % tuple(row)
        for row in rows
    )
    search = (
        f'<label class="note">Search <input type="search" data-table="{name}"></label>'
        if name
        else ""
    )
    what = f' id="{name}" class="sortable"' if name else ""
    return (
        f'{search}<div class="scroll" tabindex="0"><table{what}><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _line(tags: Sequence[str]) -> str:
    """A row of a table, to be filled with its cells."""
    return "<tr>" + "".join(f"{tag}%s</td>" for tag in tags) + "</tr>"


def _spread(opened: list[str], row: Sequence[str]) -> list[str]:
    """The tags of a row that is short: the last one takes the rest."""
    rest = len(opened) - len(row)
    last = opened[len(row) - 1].replace("<td", f'<td colspan="{rest + 1}"')
    return [*opened[: len(row) - 1], last]


@dataclass
class Charts:
    """The charts of a page, each a place and a specification; none where there are no plots.

    Attributes:
        has_plots: Whether charts are drawn.
        specs: Their specifications, as JSON, by name.
    """

    has_plots: bool
    specs: dict[str, str] = field(default_factory=dict)

    def place(self, make: Callable[[], dict[str, Any]], label: str) -> str:
        """A place for a chart.

        Args:
            make: Returns its specification.
            label: What it shows, for those who do not see it.
        """
        if not self.has_plots:
            return ""
        from splice_meta.plots.library import as_json

        name = f"spec{len(self.specs)}"
        self.specs[name] = as_json(make())
        what = f'role="img" aria-label="{escape(label)}" data-spec="{name}"'
        return f'<div class="chart" {what}></div>'


def document(title: str, body: str, charts: Charts) -> Iterable[str]:
    """The whole page, in pieces."""
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{read_asset('page.css')}</style></head><body>"
    )
    yield body
    for name, spec in charts.specs.items():
        yield f'<script type="application/json" id="{name}">{spec}</script>'
    if charts.specs:
        from splice_meta.plots.library import library

        yield f"<script>{library()}</script>"
    yield f"<script>{read_asset('page.js')}</script></body></html>\n"
