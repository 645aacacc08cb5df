"""What the charts share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from splice_meta.errors import UsageError

if TYPE_CHECKING:
    import altair as alt

COLOURS = {"donor": "#0072b2", "acceptor": "#d55e00"}
"""As in the BED files; the colour-blind tell them apart, too (Okabe and Ito). At least 3:1 on the
report's light and on its dark ground."""

KINDS = {"gained": "#009e73", "lost": "#cc79a7"}

GREY = "#767676"

TEXT: dict[str, Any] = {"labelFontSize": 11, "titleFontSize": 12, "titleFontWeight": "normal"}


def altair() -> Any:
    """The library.

    Raises:
        UsageError: If it is not installed.
    """
    try:
        import altair
    except ImportError as error:
        raise UsageError(
            f"Charts are drawn by Altair, which is not installed ({error}).",
            "Install it with: pip install 'splice_meta[report]'",
        ) from None
    return altair


def data_of(rows: pl.DataFrame) -> alt.InlineData:
    """Rows as part of the chart: it needs no file, and Altair's limit of rows does not apply."""
    return altair().InlineData(values=rows.to_dicts())


def tips(*names: str, **formats: str) -> list[alt.Tooltip]:
    """What is shown of a mark that is pointed at: texts by name, then numbers with their format."""
    alt = altair()  # explicit channels: to infer them takes Altair ten times as long
    numbers = [alt.Tooltip(f"{name}:Q", format=form) for name, form in formats.items()]
    return [*(alt.Tooltip(f"{name}:N") for name in names), *numbers]


def colour_of(name: str, colours: dict[str, str], title: str | None = None) -> alt.Color:
    """A colour by kind, in the same order and legend wherever it is used."""
    alt = altair()
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color(f"{name}:N", scale=scale, title=title)


def finished(chart: Any, title: str, below: str = "") -> Any:
    """A chart with its title, a line below it and the common letters."""
    heading = altair().TitleParams(
        title, subtitle=below, anchor="start", subtitleColor=GREY, subtitleFontSize=11
    )
    return chart.properties(title=heading).configure_axis(**TEXT).configure_legend(**TEXT)
