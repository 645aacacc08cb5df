"""The charts of a run, each from a frame; widths are those of their place in the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from splice_meta.plots.library import Rows
from splice_meta.plots.style import COLOURS, tips

if TYPE_CHECKING:
    import altair as alt

COUNTS = [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]


def inline(rows: pl.DataFrame) -> Any:
    """Rows as inline data; Altair, which copies what it is given at each step, sees but a name."""
    return {"values": Rows.of(rows)}


def _unit() -> tuple[alt.Scale, alt.Axis]:
    """An axis from 0 to 1."""
    import altair as alt

    return alt.Scale(domain=[0, 1]), alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".2f")


ANNOTATED = ["annotated", "not annotated"]


def _type_scale() -> alt.Scale:
    import altair as alt

    return alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))


def _type_colour(legend: alt.Legend | Any | None = ...) -> alt.Color:
    import altair as alt

    given = {} if legend is ... else {"legend": legend}
    return alt.Color("type:N", scale=_type_scale(), title=None, **given)


def changes_chart(changes: pl.DataFrame) -> alt.Chart:
    """How many positions changed by how much.

    Args:
        changes: ``change`` (the middle of a bin of 0.05), ``positions``.
    """
    import altair as alt

    bins = changes.select(
        low=pl.col("change") - 0.025, high=pl.col("change") + 0.025, positions="positions"
    )
    top = int(changes["positions"].max() or 1)  # type: ignore[arg-type]
    return (
        alt.Chart(inline(bins), height=220, width="container")
        .mark_bar(color=COLOURS["donor"], stroke="currentColor", strokeOpacity=0.25)
        .encode(
            x=alt.X("low:Q", title="change of the splice probability, final - base",
                    scale=alt.Scale(domain=[-1.025, 1.025], nice=False),
                    axis=alt.Axis(format="+~f", values=[-1, -0.5, 0, 0.5, 1])),
            x2=alt.X2("high:Q"),
            y=alt.Y("positions:Q", title="positions",
                    scale=alt.Scale(type="symlog", constant=1, domain=[0, top * 1.4], nice=False),
                    axis=alt.Axis(values=[n for n in COUNTS if n <= top * 1.4], format=",d")),
            y2=alt.datum(0),
            tooltip=[alt.Tooltip("low:Q", title="from", format="+.3f"),
                     alt.Tooltip("high:Q", title="to", format="+.3f"),
                     alt.Tooltip("positions:Q", format=",d")],
        )
    )  # fmt: skip


def sites_chart(sites: pl.DataFrame, threshold: float) -> alt.LayerChart:
    """Base against final probability of each site; the lines are the threshold.

    Args:
        sites: Rows of the sites table.
        threshold: Probability from which a site is called.
    """
    import altair as alt

    unit, axis = _unit()
    points = (
        alt.Chart(inline(sites.select(
            "gene", "place", "type", "sequence", "base", "final", pl.col("fate").cast(pl.String)
        )))
        .mark_point(filled=True, size=45, opacity=1)
        .encode(
            x=alt.X("base:Q", scale=unit, title="base", axis=axis),
            y=alt.Y("final:Q", scale=unit, title="final", axis=axis),
            color=_type_colour(),
            shape=alt.Shape("fate:N", title=None, scale=alt.Scale(
                domain=["kept", "gained", "lost", "uncalled"],
                range=["circle", "triangle-up", "triangle-down", "square"])),
            tooltip=tips("gene", "place", "type", "sequence", "fate", base=".3f", final=".3f"),
        )
    )  # fmt: skip
    rule: dict[str, Any] = {"color": "currentColor", "strokeDash": [4, 4], "opacity": 0.6}
    lines = [
        alt.Chart(alt.InlineData(values=[{}]))
        .mark_rule(**rule)
        .encode(**{channel: alt.datum(threshold)})
        for channel in ("x", "y")
    ]
    same = (
        alt.Chart(alt.InlineData(values=[{"base": 0, "final": 0}, {"base": 1, "final": 1}]))
        .mark_line(color="currentColor", opacity=0.4, strokeWidth=1)
        .encode(x=alt.X("base:Q"), y=alt.Y("final:Q"))
    )
    return alt.layer(same, *lines, points, height=340, width="container")


def _system() -> dict[str, Any]:
    import altair as alt

    return {
        "strokeDash": alt.StrokeDash("system:N", title=None, scale=alt.Scale(
            domain=["base", "final"], range=[[5, 4], [1, 0]])),
    }  # fmt: skip


def fates_chart(counts: pl.DataFrame) -> alt.LayerChart:
    """Gained and lost sites, annotated and not.

    Args:
        counts: ``fate``, ``type``, ``annotated`` ("annotated", "not annotated"), ``sites``; in the
            order of the rows.
    """
    import altair as alt

    rows = counts.with_columns(
        row=pl.format("{} {}s", "fate", "type"), label=pl.format("{} {}", "sites", "annotated")
    )
    most = max(int(counts["sites"].max() or 0), 1)  # type: ignore[arg-type]
    names = rows["row"].unique(maintain_order=True).to_list()
    shown = alt.Chart(inline(rows)).encode(
        x=alt.X("sites:Q", title="sites", axis=alt.Axis(format=",d", tickMinStep=1),
                scale=alt.Scale(domain=[0, most * 1.7], nice=False)),
        y=alt.Y("row:N", sort=names, title=None),
        yOffset=alt.YOffset("annotated:N", sort=ANNOTATED),
    )
    bars = shown.mark_bar(strokeWidth=1.5).encode(
        color=alt.Color("type:N", legend=None, scale=_type_scale()),
        stroke=alt.Stroke("type:N", legend=None, scale=_type_scale()),
        fillOpacity=alt.FillOpacity("annotated:O", legend=None, scale=alt.Scale(
            domain=ANNOTATED, range=[1, 0.15])),
        tooltip=tips("fate", "type", "annotated", sites=",d"),
    )  # fmt: skip
    labels = shown.mark_text(align="left", dx=4).encode(text=alt.Text("label:N"))
    return alt.layer(bars, labels, height=140, width="container")


def reliability_chart(bins: pl.DataFrame, kind: str) -> alt.LayerChart:
    """What was predicted against what was annotated.

    Args:
        bins: ``system``, ``type``, ``predicted``, ``annotated`` (shares), ``positions``.
        kind: The type.
    """
    import altair as alt

    unit, axis = _unit()
    same = (
        alt.Chart(alt.InlineData(values=[{"a": 0, "b": 0}, {"a": 1, "b": 1}]))
        .mark_line(color="currentColor", opacity=0.4, strokeWidth=1)
        .encode(x=alt.X("a:Q"), y=alt.Y("b:Q"))
    )
    shown = alt.Chart(inline(bins.filter(pl.col("type") == kind))).encode(
        x=alt.X("predicted:Q", scale=unit, title=f"{kind} probability, mean of the bin", axis=axis),
        y=alt.Y("annotated:Q", scale=unit, title="share annotated", axis=axis),
        tooltip=tips("system", predicted=".3f", annotated=".3f", positions=",d"),
    )  # fmt: skip
    lines = shown.mark_line(color=COLOURS[kind]).encode(**_system())
    points = shown.mark_point(color=COLOURS[kind], size=50).encode(
        fill=alt.Fill("system:N", legend=None, scale=alt.Scale(
            domain=["base", "final"], range=["transparent", COLOURS[kind]])),
    )  # fmt: skip
    return alt.layer(same, lines, points, height=260, width="container")


def counts_chart(bins: pl.DataFrame, kind: str) -> alt.Chart:
    """The positions behind each bin of :func:`reliability_chart`."""
    import altair as alt

    return (
        alt.Chart(inline(bins.filter(pl.col("type") == kind)), height=110, width="container")
        .mark_bar(color=COLOURS[kind], stroke=COLOURS[kind])
        .encode(
            x=alt.X("low:O", title="bin from", axis=alt.Axis(labelAngle=0, format=".1f")),
            xOffset=alt.XOffset("system:N", sort=["base", "final"]),
            y=alt.Y("positions:Q", title="positions", axis=alt.Axis(values=COUNTS, format=",d"),
                    scale=alt.Scale(type="symlog", constant=1)),
            fillOpacity=alt.FillOpacity("system:O", title=None, scale=alt.Scale(
                domain=["base", "final"], range=[0.15, 1])),
            tooltip=tips("system", low="", positions=",d"),
        )
    )  # fmt: skip


def precision_chart(curves: pl.DataFrame, kind: str) -> alt.LayerChart:
    """Precision against recall.

    Args:
        curves: ``system``, ``type``, ``recall``, ``precision``, ``threshold``, ``is_call`` (the
            point of the run's threshold), thresholds falling.
        kind: The type.
    """
    import altair as alt

    unit, axis = _unit()
    shown = alt.Chart(inline(curves.filter(pl.col("type") == kind))).encode(
        x=alt.X("recall:Q", scale=unit, title=f"recall, {kind}s", axis=axis),
        y=alt.Y("precision:Q", scale=unit, title="precision", axis=axis),
        order=alt.Order("rank:Q"),
        tooltip=tips("system", threshold=".3f", precision=".3f", recall=".3f"),
    )  # fmt: skip
    lines = shown.mark_line(color=COLOURS[kind]).encode(**_system())
    calls = (
        shown.transform_filter("datum.is_call")
        .mark_point(color=COLOURS[kind], size=80)
        .encode(fill=alt.Fill("system:N", legend=None, scale=alt.Scale(
            domain=["base", "final"], range=["transparent", COLOURS[kind]])))
    )  # fmt: skip
    return alt.layer(lines, calls, height=260, width="container")
