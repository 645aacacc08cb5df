"""The charts of a run, each from a frame; widths are those of their place in the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from splice_meta.plots.library import Rows

if TYPE_CHECKING:
    import altair as alt

COLOURS = {"donor": "#2f7fc1", "acceptor": "#cf6a1d"}
"""At least 3:1 on the page's light and on its dark ground."""

COUNTS = [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]


def inline(rows: pl.DataFrame) -> Any:
    """Rows as inline data; Altair, which copies what it is given at each step, sees but a name."""
    return {"values": Rows.of(rows)}


def _unit() -> tuple[alt.Scale, alt.Axis]:
    """An axis from 0 to 1."""
    import altair as alt

    return alt.Scale(domain=[0, 1]), alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".2f")


def _type_colour() -> alt.Color:
    import altair as alt

    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    return alt.Color("type:N", scale=scale, title=None)


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
            x2="high:Q",
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
        .mark_point(filled=True, size=45, opacity=0.75)
        .encode(
            x=alt.X("base:Q", scale=unit, title="base", axis=axis),
            y=alt.Y("final:Q", scale=unit, title="final", axis=axis),
            color=_type_colour(),
            shape=alt.Shape("fate:N", title=None, scale=alt.Scale(
                domain=["kept", "gained", "lost", "uncalled"],
                range=["circle", "triangle-up", "triangle-down", "square"])),
            tooltip=["gene:N", "place:N", "type:N", "sequence:N", "fate:N",
                     alt.Tooltip("base:Q", format=".3f"), alt.Tooltip("final:Q", format=".3f")],
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
        .encode(x="base:Q", y="final:Q")
    )
    return alt.layer(same, *lines, points, height=340, width="container")


def _system() -> dict[str, Any]:
    import altair as alt

    return {
        "strokeDash": alt.StrokeDash("system:N", title=None, scale=alt.Scale(
            domain=["base", "final"], range=[[5, 4], [1, 0]])),
    }  # fmt: skip


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
        .encode(x="a:Q", y="b:Q")
    )
    shown = alt.Chart(inline(bins.filter(pl.col("type") == kind))).encode(
        x=alt.X("predicted:Q", scale=unit, title=f"{kind} probability, mean of the bin", axis=axis),
        y=alt.Y("annotated:Q", scale=unit, title="share annotated", axis=axis),
        tooltip=["system:N", alt.Tooltip("predicted:Q", format=".3f"),
                 alt.Tooltip("annotated:Q", format=".3f"),
                 alt.Tooltip("positions:Q", format=",d")],
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
            fillOpacity=alt.FillOpacity("system:N", title=None, scale=alt.Scale(
                domain=["base", "final"], range=[0.15, 1])),
            tooltip=["system:N", "low:Q", alt.Tooltip("positions:Q", format=",d")],
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
        order="rank:Q",
        tooltip=["system:N", alt.Tooltip("threshold:Q", format=".3f"),
                 alt.Tooltip("precision:Q", format=".3f"), alt.Tooltip("recall:Q", format=".3f")],
    )  # fmt: skip
    lines = shown.mark_line(color=COLOURS[kind]).encode(**_system())
    calls = (
        shown.transform_filter("datum.is_call")
        .mark_point(color=COLOURS[kind], size=80)
        .encode(fill=alt.Fill("system:N", legend=None, scale=alt.Scale(
            domain=["base", "final"], range=["transparent", COLOURS[kind]])))
    )  # fmt: skip
    return alt.layer(lines, calls, height=260, width="container")
