"""One variant: probabilities of the reference above those of the alternative, and exons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from splice_meta.plots.gene_chart import ROW
from splice_meta.plots.run_charts import inline
from splice_meta.plots.style import COLOURS

if TYPE_CHECKING:
    import altair as alt

LANES = {
    ("donor", "ref"): 4.2, ("donor", "alt"): 2.9,
    ("acceptor", "ref"): 1.3, ("acceptor", "alt"): 0.0,
}  # fmt: skip
"""Where the lanes begin on the common axis; each is 1 high."""

SIGNS = {"gained": "▲", "lost": "▼", "strengthened": "△", "weakened": "▽"}

_NAMES = {"ref": "reference", "alt": "alternative"}
_TOP = 5.75


def variant_chart(
    sites: pl.DataFrame,
    exons: pl.DataFrame,
    annotated: pl.DataFrame,
    *,
    changed: tuple[int, int],
    window: tuple[int, int],
    axis: str,
) -> alt.LayerChart:
    """The lanes of a variant; the x axis zooms and pans.

    Args:
        sites: ``x``, ``type``, ``fate``, ``base_ref``, ``base_alt`` and, where there is a
            meta-model, ``final_ref``, ``final_alt``; null where the allele lacks the position.
        exons: ``transcript`` and its ``row`` (from 0), ``start``, ``end``, within the window.
        annotated: ``x``, ``type``, within the window.
        changed: First and last base of the reference allele.
        window: What is drawn.
        axis: Title of the x axis.
    """
    import altair as alt

    rows = int(exons["row"].max() or 0) + 1 if exons.height else 0  # type: ignore[arg-type]
    low = -0.25 - ROW * 1.4 * rows - (0.1 if rows else 0)
    values = [lane + tick for lane in LANES.values() for tick in (0, 0.5, 1)]
    own = "datum.value"
    for lane in sorted(LANES.values()):
        own = f"(datum.value >= {lane} ? datum.value - {lane} : {own})" if lane else own
    x = alt.X("x:Q", title=axis, scale=alt.Scale(domain=list(window), nice=False, zero=False),
              axis=alt.Axis(format=",d", tickCount=4, labelFlush=True, grid=False,
                            labelOverlap=True, labelSeparation=12))  # fmt: skip
    y = alt.Y("y:Q", title="probability", scale=alt.Scale(domain=[low, _TOP], nice=False),
              axis=alt.Axis(values=values, labelExpr=f"format({own}, '.1f')"))  # fmt: skip
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    colour = alt.Color("type:N", scale=scale, legend=None)
    zoom = alt.selection_interval(bind="scales", encodings=["x"], name="zoom")
    points = _points(sites)
    has_final = "final_ref" in sites.columns
    layers = [
        alt.Chart(inline(pl.DataFrame({"x": [changed[0] - 0.5], "x2": [changed[1] + 0.5]})))
        .mark_rect(color="currentColor", opacity=0.25, stroke="currentColor", clip=True)
        .encode(x=x, x2="x2:Q", y=alt.value(0), y2=alt.value("height"))
        .add_params(zoom),
        alt.Chart(alt.InlineData(values=[
            {"y": lane + 1.13, "label": f"{kind}s, {_NAMES[side]}"}
            for (kind, side), lane in LANES.items()
        ])).mark_text(align="left", fontWeight="bold").encode(
            x=alt.value(4), y=y, text="label:N"
        ),
        alt.Chart(alt.InlineData(values=[{"y": lane} for lane in LANES.values()]))
        .mark_rule(color="currentColor", opacity=0.35).encode(y=y),
    ]  # fmt: skip
    if points.height:
        layers += _dots(points, x, y, colour, has_final)
    if annotated.height:
        marks = pl.concat(
            annotated.filter(type=kind).select(
                "x", "type", y=pl.lit(lane - 0.03), y2=pl.lit(lane - 0.12)
            )
            for (kind, _), lane in LANES.items()
        )
        layers.append(
            alt.Chart(inline(marks)).mark_rule(strokeWidth=2, color="currentColor", clip=True)
            .encode(x=x, y=y, y2="y2:Q", tooltip=["x:Q", "type:N"])
        )  # fmt: skip
    if exons.height:
        layers += _transcripts(exons, x, y, window)
    return alt.layer(*layers, height=470 + 18 * rows, width="container")


def _points(sites: pl.DataFrame) -> pl.DataFrame:
    """One row per site and allele: ``lane``, ``base``, ``final`` and what is told of it."""
    has_final = "final_ref" in sites.columns
    parts = []
    for (kind, side), lane in LANES.items():
        shown = f"final_{side}" if has_final else f"base_{side}"
        parts.append(
            sites.filter(pl.col("type").cast(pl.String) == kind).select(
                "x", pl.col("type").cast(pl.String), pl.col("fate").cast(pl.String),
                base=f"base_{side}", final=shown, side=pl.lit(side), lane=pl.lit(lane),
            ).drop_nulls("base")
        )  # fmt: skip
    return pl.concat(parts)


def _dots(
    points: pl.DataFrame, x: alt.X, y: alt.Y, colour: alt.Color, has_final: bool
) -> list[alt.Chart]:
    import altair as alt

    tips = ["x:Q", "type:N", alt.Tooltip("base:Q", format=".3f"),
            *([alt.Tooltip("final:Q", format=".3f")] if has_final else []), "fate:N"]  # fmt: skip
    stems = points.with_columns(y=pl.col("lane"), y2=pl.col("lane") + pl.col("final"))
    found = [
        alt.Chart(inline(stems)).mark_rule(strokeWidth=2, clip=True)
        .encode(x=x, y=y, y2="y2:Q", color=colour),
        alt.Chart(inline(points.with_columns(y=pl.col("lane") + pl.col("final"))))
        .mark_point(size=42, filled=True, opacity=1, clip=True)
        .encode(x=x, y=y, color=colour, tooltip=tips),
    ]  # fmt: skip
    if has_final:
        hollow = points.with_columns(y=pl.col("lane") + pl.col("base"))
        found.append(
            alt.Chart(inline(hollow)).mark_point(size=42, fill="transparent", clip=True)
            .encode(x=x, y=y, color=colour, tooltip=tips)
        )  # fmt: skip
    signs = points.filter(side="alt").with_columns(
        y=pl.col("lane") + 0.12 + pl.max_horizontal("base", "final"),
        sign=pl.col("fate").replace_strict(SIGNS, default=""),
    )
    if signs.height:
        found.append(
            alt.Chart(inline(signs)).mark_text(fontSize=13, color="currentColor", clip=True)
            .encode(x=x, y=y, text="sign:N", tooltip=tips)
        )  # fmt: skip
    return found


def _transcripts(
    exons: pl.DataFrame, x: alt.X, y: alt.Y, window: tuple[int, int]
) -> list[alt.Chart]:
    import altair as alt

    level = -0.35 - ROW * 1.4 * pl.col("row")
    spans = exons.group_by("transcript", "row").agg(
        x=pl.col("low").first(), x2=pl.col("high").first()
    ).with_columns(y=level)  # fmt: skip
    boxes = exons.filter(pl.col("end") >= window[0], pl.col("start") <= window[1]).select(
        "transcript", x=pl.col("start") - 0.5, x2=pl.col("end") + 0.5, y=level - 0.06,
        y2=level + 0.06,
    )  # fmt: skip
    found = [
        alt.Chart(inline(spans))
        .mark_rule(color="currentColor", opacity=0.7, clip=True)
        .encode(x=x, x2="x2:Q", y=y, tooltip=["transcript:N"])
    ]
    if boxes.height:
        found.append(
            alt.Chart(inline(boxes))
            .mark_rect(color="currentColor", stroke="currentColor", clip=True)
            .encode(x=x, x2="x2:Q", y=y, y2="y2:Q", tooltip=["transcript:N"])
        )
    return found
