"""Pieces of Vega-Lite specifications: the report's charts are written as what they are drawn from.

Altair makes the same from objects, which takes it as long as all the rest of a report, and as long
again to be imported. Notebooks, where charts are further built on, get Altair's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from splice_meta.plots.style import COLOURS

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
"""Names the language; nothing is loaded from there."""

STYLE: Spec = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": "transparent"},
    "axis": {
        "labelColor": "currentColor", "titleColor": "currentColor", "gridColor": "#8886",
        "gridOpacity": 0.35, "domainColor": "#888", "tickColor": "#888", "labelFontSize": 12,
        "titleFontSize": 12, "titleFontWeight": "normal", "labelFontWeight": "normal",
    },
    "legend": {"labelColor": "currentColor", "titleColor": "currentColor", "labelFontSize": 12,
               "titleFontSize": 12, "titleFontWeight": "normal", "orient": "top",
               "symbolBaseFillColor": "currentColor", "symbolBaseStrokeColor": "currentColor",
               "columns": 2},
    "text": {"color": "currentColor", "fontSize": 12},
}  # fmt: skip
"""Text takes the page's colour, light or dark."""

TYPE_SCALE: Spec = {"domain": list(COLOURS), "range": list(COLOURS.values())}


def chart(height: float, content: Spec) -> Spec:
    """A whole specification, as wide as its place in the page."""
    frame = {"$schema": SCHEMA, "width": "container", "height": height, "config": STYLE}
    return {**frame, **content}


def marks(kind: str, encoding: Spec, rows: Spec | None = None, **style: Any) -> Spec:
    """Marks of one kind.

    Args:
        kind: Such as ``point``.
        encoding: What their channels show.
        rows: From :func:`values`; those of the layers they are in by default.
        style: What is the same of all.
    """
    own = {} if rows is None else {"data": rows}
    return {**own, "mark": {"type": kind, **style}, "encoding": encoding}


def values(rows: pl.DataFrame | Sequence[Spec]) -> Spec:
    """Rows as part of a specification; numbers have six decimals."""
    if isinstance(rows, pl.DataFrame):
        rows = rows.with_columns(pl.selectors.float().cast(pl.Float64).round(6)).to_dicts()
    return {"values": list(rows)}


def number(field: str, **given: Any) -> Spec:
    """A channel that shows a number."""
    return {"field": field, "type": "quantitative", **given}


def text(field: str, **given: Any) -> Spec:
    """A channel that shows a text."""
    return {"field": field, "type": "nominal", **given}


def tips(*names: str, **formats: str) -> list[Spec]:
    """What is shown of a mark that is pointed at: texts by name, then numbers with their format."""
    return [*map(text, names), *(number(each, format=form) for each, form in formats.items())]
