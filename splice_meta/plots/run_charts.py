"""The charts of a run, each from a frame; widths are those of their place in the page."""

from __future__ import annotations

import polars as pl

from splice_meta.plots.style import COLOURS
from splice_meta.plots.vega import TYPE_SCALE, Spec, chart, marks, number, text, tips, values

COUNTS = [0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000]

UNIT: Spec = {
    "scale": {"domain": [0, 1]}, "axis": {"values": [0, 0.25, 0.5, 0.75, 1], "format": ".2f"},
}  # fmt: skip
"""An axis from 0 to 1."""

ANNOTATED = ["annotated", "not annotated"]
SYSTEMS = ["base", "final"]


def changes_chart(changes: pl.DataFrame) -> Spec:
    """How many positions changed by how much.

    Args:
        changes: ``change`` (the middle of a bin of 0.05), ``positions``.
    """
    bins = changes.select(
        low=pl.col("change") - 0.025, high=pl.col("change") + 0.025, positions="positions"
    )
    top = int(changes["positions"].max() or 1) * 1.4  # type: ignore[arg-type]
    x = number(
        "low", title="change of the splice probability, final - base",
        scale={"domain": [-1.025, 1.025], "nice": False},
        axis={"format": "+~f", "values": [-1, -0.5, 0, 0.5, 1]},
    )  # fmt: skip
    y = number(
        "positions", title="positions",
        scale={"type": "symlog", "constant": 1, "domain": [0, top], "nice": False},
        axis={"values": [count for count in COUNTS if count <= top], "format": ",d"},
    )  # fmt: skip
    shown = [
        number("low", title="from", format="+.3f"), number("high", title="to", format="+.3f"),
        number("positions", format=",d"),
    ]  # fmt: skip
    encoding = {"x": x, "x2": {"field": "high"}, "y": y, "y2": {"datum": 0}, "tooltip": shown}
    style = {"color": COLOURS["donor"], "stroke": "currentColor", "strokeOpacity": 0.25}
    return chart(340, marks("bar", encoding, values(bins), **style))


def _diagonal(x: str, y: str) -> Spec:
    ends = values([{"a": 0, "b": 0}, {"a": 1, "b": 1}])
    encoding = {"x": number("a", **UNIT, title=x), "y": number("b", **UNIT, title=y)}
    return marks("line", encoding, ends, color="currentColor", opacity=0.4, strokeWidth=1)


def sites_chart(sites: pl.DataFrame, threshold: float) -> Spec:
    """Base against final probability of each site; the lines are the threshold.

    Args:
        sites: Rows of the sites table, with ``gene`` and ``place``.
        threshold: Probability from which a site is called.
    """
    rows = sites.select(
        "gene", "place", "type", "sequence", "base", "final", pl.col("fate").cast(pl.String)
    )
    shapes = {
        "domain": ["kept", "gained", "lost", "uncalled"],
        "range": ["circle", "triangle-up", "triangle-down", "square"],
    }
    encoding = {
        "x": number("base", title="base", **UNIT),
        "y": number("final", title="final", **UNIT),
        "color": text("type", title=None, scale=TYPE_SCALE),
        "shape": text("fate", title=None, scale=shapes),
        "tooltip": tips("gene", "place", "type", "sequence", "fate", base=".3f", final=".3f"),
    }
    rules = [
        marks("rule", {channel: {"datum": threshold}}, values([{}]),
              color="currentColor", strokeDash=[4, 4], opacity=0.6)
        for channel in ("x", "y")
    ]  # fmt: skip
    points = marks("point", encoding, values(rows), filled=True, size=45, opacity=1)
    return chart(340, {"layer": [_diagonal("base", "final"), *rules, points]})


def fates_chart(counts: pl.DataFrame) -> Spec:
    """Gained and lost sites, annotated and not.

    Args:
        counts: ``fate``, ``type``, ``annotated`` ("annotated", "not annotated"), ``sites``; in the
            order of the rows.
    """
    rows = counts.with_columns(
        row=pl.format("{} {}s", "fate", "type"), label=pl.format("{} {}", "sites", "annotated")
    )
    most = max(int(counts["sites"].max() or 0), 1)  # type: ignore[arg-type]
    place = {
        "x": number("sites", title="sites", axis={"format": ",d", "tickMinStep": 1, "tickCount": 8},
                    scale={"domain": [0, most * 1.7], "nice": False}),
        "y": text("row", title=None, sort=rows["row"].unique(maintain_order=True).to_list()),
        "yOffset": text("annotated", sort=ANNOTATED),
    }  # fmt: skip
    bars = {
        **place,
        "color": text("type", legend=None, scale=TYPE_SCALE),
        "stroke": text("type", legend=None, scale=TYPE_SCALE),
        "fillOpacity": {"field": "annotated", "type": "ordinal", "legend": None,
                        "scale": {"domain": ANNOTATED, "range": [1, 0.15]}},
        "tooltip": tips("fate", "type", "annotated", sites=",d"),
    }  # fmt: skip
    layers = [
        marks("bar", bars, strokeWidth=1.5),
        marks("text", {**place, "text": text("label")}, align="left", dx=4),
    ]
    return chart(140, {"data": values(rows), "layer": layers})


def _dashed() -> Spec:
    """Lines of the base model are dashed."""
    scale = {"domain": SYSTEMS, "range": [[5, 4], [1, 0]]}
    return {"strokeDash": text("system", title=None, scale=scale)}


def _hollow(kind: str) -> Spec:
    """Points of the base model are hollow."""
    scale = {"domain": SYSTEMS, "range": ["transparent", COLOURS[kind]]}
    return {"fill": text("system", legend=None, scale=scale)}


def reliability_chart(bins: pl.DataFrame, kind: str) -> Spec:
    """What was predicted against what was annotated.

    Args:
        bins: ``system``, ``type``, ``predicted``, ``annotated`` (shares), ``positions``.
        kind: The type.
    """
    titles = (f"{kind} probability, mean of the bin", "share annotated")
    place = {
        "x": number("predicted", title=titles[0], **UNIT),
        "y": number("annotated", title=titles[1], **UNIT),
        "tooltip": tips("system", predicted=".3f", annotated=".3f", positions=",d"),
    }
    rows, colour = values(bins.filter(pl.col("type") == kind)), COLOURS[kind]
    lines = marks("line", {**place, **_dashed()}, color=colour)
    points = marks("point", {**place, **_hollow(kind)}, color=colour, size=50)
    return chart(260, {"layer": [_diagonal(*titles), {"data": rows, "layer": [lines, points]}]})


def counts_chart(bins: pl.DataFrame, kind: str) -> Spec:
    """The positions behind each bin of :func:`reliability_chart`."""
    some = bins.filter(pl.col("type") == kind)
    top = int(some["positions"].max() or 1) * 1.4  # type: ignore[arg-type]
    encoding = {
        "x": {"field": "low", "type": "ordinal", "title": "bin from",
              "scale": {"domain": [tenth / 10 for tenth in range(10)]},
              "axis": {"labelAngle": 0, "format": ".1f"}},
        "xOffset": text("system", sort=SYSTEMS),
        "y": number("positions", title="positions",
                    axis={"values": [n for n in COUNTS if n <= top], "format": ",d"},
                    scale={"type": "symlog", "constant": 1, "domain": [0, top], "nice": False}),
        "fillOpacity": {"field": "system", "type": "ordinal", "title": None,
                        "scale": {"domain": SYSTEMS, "range": [0.15, 1]}},
        "tooltip": tips("system", low="", positions=",d"),
    }  # fmt: skip
    rows, colour = values(some), COLOURS[kind]
    return chart(110, marks("bar", encoding, rows, color=colour, stroke=colour))


def precision_chart(curves: pl.DataFrame, kind: str) -> Spec:
    """Precision against recall.

    Args:
        curves: ``system``, ``type``, ``recall``, ``precision``, ``threshold``, ``is_call`` (the
            point of the run's threshold), ``rank`` (thresholds falling).
        kind: The type.
    """
    place = {
        "x": number("recall", title=f"recall, {kind}s", **UNIT),
        "y": number("precision", title="precision", **UNIT),
        "order": number("rank"),
        "tooltip": tips("system", threshold=".3f", precision=".3f", recall=".3f"),
    }
    colour = COLOURS[kind]
    lines = marks("line", {**place, **_dashed()}, color=colour)
    calls = marks("point", {**place, **_hollow(kind)}, color=colour, size=80)
    calls["transform"] = [{"filter": "datum.is_call"}]
    rows = values(curves.filter(pl.col("type") == kind))
    return chart(260, {"data": rows, "layer": [lines, calls]})
