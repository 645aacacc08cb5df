"""One gene: its exons, and base and final probabilities of donors and acceptors in lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from splice_meta.plots.run_charts import inline
from splice_meta.plots.style import COLOURS, tips

if TYPE_CHECKING:
    import altair as alt

ACCEPTORS, DONORS = 0.0, 1.6
"""Where the lanes begin on the common axis; each is 1 high."""

ROW = 0.17
"""The height of a transcript."""


def gene_chart(
    positions: pl.DataFrame, exons: pl.DataFrame, annotated: pl.DataFrame, axis: str
) -> alt.LayerChart:
    """The lanes of one gene; the x axis zooms and pans.

    Args:
        positions: ``x``, ``type``, ``base``, ``final``, ``fate`` (null where it is no site).
        exons: ``transcript`` and its ``row`` (from 0), ``start``, ``end``, on the x axis.
        annotated: ``x``, ``type``.
        axis: Title of the x axis.
    """
    import altair as alt

    lane = pl.when(pl.col("type") == "donor").then(DONORS).otherwise(ACCEPTORS)
    rows = int(exons["row"].max() or 0) + 1 if exons.height else 0  # type: ignore[arg-type]
    low = -0.2 - ROW * rows - (0.1 if rows else 0)
    ticks = [0, 0.5, 1]
    x = alt.X("x:Q", title=axis, scale=alt.Scale(zero=False, nice=False, padding=8),
              axis=alt.Axis(format=",d", tickCount=5, labelFlush=True, grid=False))  # fmt: skip
    y = alt.Y("y:Q", title="probability", scale=alt.Scale(domain=[low, DONORS + 1.45], nice=False),
              axis=alt.Axis(values=[*ticks, *(DONORS + t for t in ticks)],
                            labelExpr=f"format(datum.value < 1.3 ? datum.value : "
                                      f"datum.value - {DONORS}, '.1f')"))  # fmt: skip
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    colour = alt.Color("type:N", scale=scale, legend=None)
    stems = alt.Chart(inline(positions.select(
        "x", "type", y=lane + pl.col("base"), y2=lane + pl.col("final")
    ))).mark_rule(strokeWidth=1.5).encode(x=x, y=y, y2=alt.Y2("y2:Q"), color=colour)  # fmt: skip
    zoom = alt.selection_interval(bind="scales", encodings=["x"], name="zoom")
    dots = positions.select("x", "type", "base", "final", "fate", lane=lane)
    shown = tips("type", "fate", x=",", base=".3f", final=".3f")  # fmt: skip
    base = (
        alt.Chart(inline(dots.with_columns(y=pl.col("lane") + pl.col("base"))))
        .mark_point(size=38, fill="transparent")
        .encode(x=x, y=y, color=colour, tooltip=shown)
    )
    final = (
        alt.Chart(inline(dots.with_columns(y=pl.col("lane") + pl.col("final"))))
        .mark_point(size=38, filled=True, opacity=1)
        .encode(x=x, y=y, color=colour, tooltip=shown)
    )
    changed = (
        alt.Chart(inline(dots.filter(pl.col("fate").is_in(["gained", "lost"])).with_columns(
            y=pl.col("lane") + 1.12, sign=pl.when(pl.col("fate") == "gained")
            .then(pl.lit("▲")).otherwise(pl.lit("▼")),
        )))
        .mark_text(fontSize=13, color="currentColor")
        .encode(x=x, y=y, text=alt.Text("sign:N"), tooltip=shown)
    )  # fmt: skip
    marks = (
        alt.Chart(inline(annotated.select("x", "type", y=lane - 0.04, y2=lane - 0.12)))
        .mark_rule(strokeWidth=2, color="currentColor")
        .encode(x=x, y=y, y2=alt.Y2("y2:Q"))
    )
    names = alt.Chart(alt.InlineData(values=[
        {"y": DONORS + 1.34, "label": "donors"}, {"y": ACCEPTORS + 1.34, "label": "acceptors"},
    ])).mark_text(align="left", fontWeight="bold").encode(
        x=alt.value(4), y=y, text=alt.Text("label:N")
    )  # fmt: skip
    layers = [stems.add_params(zoom), base, final, names]
    # A layer without rows has no extent, of which Vega warns.
    layers += [changed] if dots["fate"].is_in(["gained", "lost"]).any() else []
    layers += [marks] if annotated.height else []
    if exons.height:
        layers += _transcripts(exons, x, y)
    return alt.layer(*layers, height=350 + 16 * rows, width="container")


def _transcripts(exons: pl.DataFrame, x: alt.X, y: alt.Y) -> list[alt.Chart]:
    import altair as alt

    level = -0.3 - ROW * pl.col("row")
    spans = exons.group_by("transcript", "row").agg(
        x=pl.col("start").min(), x2=pl.col("end").max()
    ).with_columns(y=level)  # fmt: skip
    boxes = exons.select("transcript", x="start", x2=pl.col("end") + 1, y=level - 0.05,
                         y2=level + 0.05)  # fmt: skip
    introns = (
        alt.Chart(inline(spans))
        .mark_rule(color="currentColor", opacity=0.7)
        .encode(x=x, x2=alt.X2("x2:Q"), y=y, tooltip=tips("transcript"))
    )
    blocks = (
        alt.Chart(inline(boxes))
        .mark_rect(color="currentColor", stroke="currentColor")
        .encode(x=x, x2=alt.X2("x2:Q"), y=y, y2=alt.Y2("y2:Q"), tooltip=tips("transcript"))
    )
    return [introns, blocks]
