"""One variant: probabilities of the reference above those of the alternative, and exons."""

from __future__ import annotations

import polars as pl

from splice_meta.plots.gene_chart import ROW, ZOOM
from splice_meta.plots.vega import TYPE_SCALE, Spec, chart, marks, number, text, tips, values

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
) -> Spec:
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
    rows = int(exons["row"].max() or 0) + 1 if exons.height else 0  # type: ignore[arg-type]
    low = -0.25 - ROW * 1.4 * rows - (0.1 if rows else 0)
    ticks = [lane + tick for lane in LANES.values() for tick in (0, 0.5, 1)]
    own = "datum.value"
    for lane in sorted(LANES.values()):
        own = f"(datum.value >= {lane} ? datum.value - {lane} : {own})" if lane else own
    x = number("x", title=axis, scale={"domain": list(window), "nice": False, "zero": False},
               axis={"format": ",d", "tickCount": 4, "labelFlush": True, "grid": False,
                     "labelOverlap": True, "labelSeparation": 12})  # fmt: skip
    y = number("y", title="probability", scale={"domain": [low, _TOP], "nice": False},
               axis={"values": ticks, "labelExpr": f"format({own}, '.1f')"})  # fmt: skip
    points = _points(sites)
    has_final = "final_ref" in sites.columns
    span = values([{"x": changed[0] - 0.5, "x2": changed[1] + 0.5}])
    names = [{"y": lane + 1.13, "label": f"{kind}s, {_NAMES[side]}"}
             for (kind, side), lane in LANES.items()]  # fmt: skip
    band = {"x": x, "x2": {"field": "x2"}, "y": {"value": 0}, "y2": {"value": "height"}}
    titles = {"x": {"value": 4}, "y": y, "text": text("label")}
    layers = [
        {**marks("rect", band, span, color="currentColor", opacity=0.25, stroke="currentColor",
                 clip=True), "params": [ZOOM]},
        marks("text", titles, values(names), align="left", fontWeight="bold"),
        marks("rule", {"y": y}, values([{"y": lane} for lane in LANES.values()]),
              color="currentColor", opacity=0.35),
    ]  # fmt: skip
    if points.height:
        layers += _dots(points, x, y, has_final)
    if annotated.height:
        sites_of_lanes = pl.concat(
            annotated.filter(type=kind).select(
                "x", "type", y=pl.lit(lane - 0.03), y2=pl.lit(lane - 0.12)
            )
            for (kind, _), lane in LANES.items()
        )
        place = {"x": x, "y": y, "y2": {"field": "y2"}, "tooltip": tips("type", x=",")}
        style = {"strokeWidth": 2, "color": "currentColor", "clip": True}
        layers.append(marks("rule", place, values(sites_of_lanes), **style))
    if exons.height:
        layers += _transcripts(exons, x, y, window)
    return chart(470 + 18 * rows, {"layer": layers})


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


def _dots(points: pl.DataFrame, x: Spec, y: Spec, has_final: bool) -> list[Spec]:
    formats = {"x": ",", "base": ".3f", **({"final": ".3f"} if has_final else {})}
    shown = {"tooltip": tips("type", "fate", **formats)}
    at = {"x": x, "y": y, "color": text("type", scale=TYPE_SCALE, legend=None)}
    style = {"size": 42, "clip": True}
    final = pl.col("lane") + pl.col("final")
    stems = values(points.with_columns(y=pl.col("lane"), y2=final))
    filled = values(points.with_columns(y=final))
    found = [
        marks("rule", {**at, "y2": {"field": "y2"}}, stems, strokeWidth=2, clip=True),
        marks("point", {**at, **shown}, filled, filled=True, opacity=1, **style),
    ]
    if has_final:
        hollow = values(points.with_columns(y=pl.col("lane") + pl.col("base")))
        found.append(marks("point", {**at, **shown}, hollow, fill="transparent", **style))
    signs = points.filter(side="alt").with_columns(
        y=pl.col("lane") + 0.12 + pl.max_horizontal("base", "final"),
        sign=pl.col("fate").replace_strict(SIGNS, default=""),
    )
    if signs.height:
        label = {"x": x, "y": y, "text": text("sign"), **shown}
        own = {"color": "currentColor", "clip": True}
        found.append(marks("text", label, values(signs), fontSize=13, **own))
    return found


def _transcripts(exons: pl.DataFrame, x: Spec, y: Spec, window: tuple[int, int]) -> list[Spec]:
    level = -0.35 - ROW * 1.4 * pl.col("row")
    spans = exons.group_by("transcript", "row", maintain_order=True).agg(
        x=pl.col("low").first(), x2=pl.col("high").first()
    ).with_columns(y=level)  # fmt: skip
    boxes = exons.filter(pl.col("end") >= window[0], pl.col("start") <= window[1]).select(
        "transcript", x=pl.col("start") - 0.5, x2=pl.col("end") + 0.5, y=level - 0.06,
        y2=level + 0.06,
    )  # fmt: skip
    place = {"x": x, "x2": {"field": "x2"}, "y": y, "tooltip": tips("transcript")}
    style = {"color": "currentColor", "clip": True}
    found = [marks("rule", place, values(spans), opacity=0.7, **style)]
    if boxes.height:
        ends = {**place, "y2": {"field": "y2"}}
        found.append(marks("rect", ends, values(boxes), stroke="currentColor", **style))
    return found
