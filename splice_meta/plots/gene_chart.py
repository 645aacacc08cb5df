"""One gene: its exons, and base and final probabilities of donors and acceptors in lanes."""

from __future__ import annotations

import polars as pl

from splice_meta.plots.vega import TYPE_SCALE, Spec, chart, marks, number, text, tips, values

ACCEPTORS, DONORS = 0.0, 1.6
"""Where the lanes begin on the common axis; each is 1 high."""

ROW = 0.17
"""The height of a transcript."""

ZOOM: Spec = {"name": "zoom", "select": {"type": "interval", "encodings": ["x"]}, "bind": "scales"}
"""The x axis zooms and pans."""


def gene_chart(
    positions: pl.DataFrame, exons: pl.DataFrame, annotated: pl.DataFrame, axis: str
) -> Spec:
    """The lanes of one gene; the x axis zooms and pans.

    Args:
        positions: ``x``, ``type``, ``base``, ``final``, ``fate`` (null where it is no site).
        exons: ``transcript`` and its ``row`` (from 0), ``start``, ``end``, on the x axis.
        annotated: ``x``, ``type``.
        axis: Title of the x axis.
    """
    lane = pl.when(pl.col("type") == "donor").then(DONORS).otherwise(ACCEPTORS)
    rows = int(exons["row"].max() or 0) + 1 if exons.height else 0  # type: ignore[arg-type]
    x = number(
        "x", title=axis, scale={"zero": False, "nice": False, "padding": 8},
        axis={"format": ",d", "tickCount": 5, "labelFlush": True, "grid": False},
    )  # fmt: skip
    low = -0.2 - ROW * rows - (0.1 if rows else 0)
    own = f"datum.value < 1.3 ? datum.value : datum.value - {DONORS}"
    across = {
        "title": "probability", "scale": {"domain": [low, DONORS + 1.45], "nice": False},
        "axis": {"values": [start + tick for start in (0, DONORS) for tick in (0, 0.5, 1)],
                 "labelExpr": f"format({own}, '.1f')"},
    }  # fmt: skip
    dots = positions.with_columns(
        **{f"{system}_y": lane + pl.col(system) for system in ("base", "final")},
        sign=pl.col("fate").replace_strict({"gained": "▲", "lost": "▼"}, default=None),
        sign_y=lane + 1.12,
    )
    has_changed = bool(dots["sign"].count())
    shown = {"tooltip": tips("type", "fate", x=",", base=".3f", final=".3f")}
    at = {
        name: {"x": x, "y": number(f"{name}_y", **across)} for name in ("base", "final", "sign")
    }
    colour = {"color": text("type", scale=TYPE_SCALE, legend=None)}
    points = [
        marks("rule", {**at["base"], "y2": {"field": "final_y"}, **colour}, strokeWidth=1.5),
        marks("point", {**at["base"], **colour, **shown}, size=38, fill="transparent"),
        marks("point", {**at["final"], **colour, **shown}, size=38, filled=True, opacity=1),
    ]
    # A layer without rows has no extent, of which Vega warns.
    if has_changed:
        signs = {**at["sign"], "text": text("sign"), **shown}
        points.append(marks("text", signs, fontSize=13, color="currentColor"))
        points[-1]["transform"] = [{"filter": "datum.sign != null"}]
    y = number("y", **across)
    names = [{"y": start + 1.34, "label": label}
             for start, label in ((DONORS, "donors"), (ACCEPTORS, "acceptors"))]  # fmt: skip
    titles = {"x": {"value": 4}, "y": y, "text": text("label")}
    layers = [
        {"data": values(dots), "layer": points},
        marks("text", titles, values(names), align="left", fontWeight="bold"),
    ]
    layers[0]["layer"][0]["params"] = [ZOOM]
    if annotated.height:
        ticks = values(annotated.select("x", "type", y=lane - 0.04, y2=lane - 0.12))
        place = {"x": x, "y": y, "y2": {"field": "y2"}}
        layers.append(marks("rule", place, ticks, strokeWidth=2, color="currentColor"))
    if exons.height:
        layers += _transcripts(exons, x, y)
    return chart(350 + 16 * rows, {"layer": layers})


def _transcripts(exons: pl.DataFrame, x: Spec, y: Spec) -> list[Spec]:
    level = -0.3 - ROW * pl.col("row")
    spans = exons.group_by("transcript", "row", maintain_order=True).agg(
        x=pl.col("start").min(), x2=pl.col("end").max()
    ).with_columns(y=level)  # fmt: skip
    boxes = exons.select("transcript", x="start", x2=pl.col("end") + 1, y=level - 0.05,
                         y2=level + 0.05)  # fmt: skip
    place = {"x": x, "x2": {"field": "x2"}, "y": y, "tooltip": tips("transcript")}
    ends = {**place, "y2": {"field": "y2"}}
    return [
        marks("rule", place, values(spans), color="currentColor", opacity=0.7),
        marks("rect", ends, values(boxes), color="currentColor", stroke="currentColor"),
    ]
