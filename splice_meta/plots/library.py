"""Altair's charts as specifications, and Vega's library, both without a network."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING, Any

import polars as pl

from splice_meta.errors import OutputError
from splice_meta.reference.fasta_cache import cache_folder
from splice_meta.sink import write_text

if TYPE_CHECKING:
    import altair as alt

log = logging.getLogger("splice_meta")

HOW_TO = "For the charts: pip install 'splice_meta[report]', then splice-meta report RUN."

STYLE: dict[str, Any] = {
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
               "columns": 3},
    "text": {"color": "currentColor", "fontSize": 12},
}  # fmt: skip
"""Text takes the page's colour, light or dark."""


class Rows(str):
    """A name that stands for rows until a chart is compiled.

    Attributes:
        values: The rows.
    """

    values: list[dict[str, Any]]
    _numbers = count()

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Rows:
        """A new name for the rows of a frame."""
        found = cls(f"rows {next(cls._numbers)}")
        found.values = frame.to_dicts()
        return found


def has_plots() -> bool:
    """Whether Altair and the converter that brings Vega's library are installed."""
    return all(find_spec(name) is not None for name in ("altair", "vl_convert"))


def spec_of(make: Callable[[], alt.LayerChart | alt.Chart]) -> dict[str, Any]:
    """A chart as a Vega-Lite specification with its rows, for the library of :func:`library`.

    Args:
        make: Makes the chart. Altair would hold each piece of it against its schema, which takes as
            long as everything else; the tests draw every chart instead.
    """
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):
        spec = make().to_dict(format="vega-lite", validate=False)
    return {**_filled(spec), "config": STYLE}


def _filled(spec: Any) -> Any:
    """A specification with the rows in place of their names."""
    if isinstance(spec, Rows):
        return spec.values
    if isinstance(spec, dict):
        return {name: _filled(each) for name, each in spec.items()}
    return [_filled(each) for each in spec] if isinstance(spec, list) else spec


@cache
def library() -> str:
    """Vega as a script that defines ``vegaEmbed``; kept in the cache: making it takes a second."""
    import vl_convert

    versions = (vl_convert.get_vega_version(), vl_convert.get_vega_embed_version())
    try:
        kept = cache_folder() / f"vega-embed-{'-'.join(versions)}.js"
        if kept.is_file():
            return kept.read_text(encoding="utf-8")
    except OSError as error:
        log.debug("Vega's library cannot be taken from the cache: %s", error)
        kept = None
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    script = f"(() => {{{bundle}}})();"
    # It stands in the page, where this would end it.
    script = script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    if kept is not None:
        try:
            write_text(kept, script)
        except OutputError as error:
            log.debug("Vega's library was not kept: %s", error)
    return script


def as_json(data: object) -> str:
    """JSON that may stand inside a page: no letter of it ends a script."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
