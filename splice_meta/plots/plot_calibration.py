"""What was predicted against what is annotated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from splice_meta.evaluation.evaluate import measure
from splice_meta.plots.style import GREY, altair, data_of, finished, tips
from splice_meta.reference.annotation import Annotation
from splice_meta.runtime.panics import plain_panics
from splice_meta.settings import Mode

if TYPE_CHECKING:
    import altair as alt

SYSTEMS = ("#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9")


@plain_panics()
def plot_calibration(
    source: Any,
    model: Any = None,
    *,
    modes: Sequence[Mode] | None = None,
    genes: str | Sequence[str] | None = None,
    annotation: str | Path | Annotation | None = None,
    width: int = 300,
) -> alt.HConcatChart:
    """Draw how often sites are annotated against the probability they were given.

    A point is one of 15 bins of probability over the candidates (see :func:`splice_meta.evaluate`):
    their mean probability and the share that is annotated; a well calibrated system lies on the
    diagonal. Bins of fewer than 10 candidates are drawn faintly; how many there are is in the tip.

    Args:
        source: As for :func:`splice_meta.evaluate`: with truth, or with an annotation.
        model: Predicts base scores.
        modes: Which modes, of base scores and a model.
        genes: Only these genes.
        annotation: GTF or GFF3: its splice sites are the truth.
        width: Of each of the two panels in pixels.

    Raises:
        UsageError: If Altair is not installed.
        InputError: If there is no truth, or the source cannot be read.
    """
    alt = altair()
    found = measure(source, model, modes=modes, genes=genes, annotation=annotation, resamples=0)
    bins = found.reliability.filter(pl.col("group") == "all", pl.col("weight") > 0)
    colours = alt.Color(
        "system:N", title=None, sort=list(found.systems),
        scale=alt.Scale(domain=list(found.systems), range=list(SYSTEMS[: len(found.systems)])),
    )  # fmt: skip
    panels = []
    for site in ("donor", "acceptor"):
        rows = bins.filter(pl.col("class") == site).select(
            "system", predicted="mean_probability", annotated="share_annotated",
            candidates=pl.col("weight").cast(pl.Int64), few=pl.col("weight") < 10,
        )  # fmt: skip
        panels.append(_panel(rows, site, colours).properties(width=width, height=width))
    group = found.groups[0]
    title = f"Calibration over {group.genes:,} genes, {group.sites:,.0f} annotated sites"
    return finished(alt.hconcat(*panels), title)


def _panel(rows: pl.DataFrame, site: str, colours: alt.Color) -> alt.LayerChart:
    alt = altair()
    unit = alt.Scale(domain=[0, 1], nice=False)
    ends = pl.DataFrame({"predicted": [0.0, 1.0], "annotated": [0.0, 1.0]})
    x = alt.X("predicted:Q", scale=unit, title=f"{site} probability, mean of the bin")
    y = alt.Y("annotated:Q", scale=unit, title="share annotated")
    same = alt.Chart(data_of(ends)).mark_line(color=GREY, strokeDash=[4, 4]).encode(x=x, y=y)
    drawn = alt.Chart(data_of(rows)).encode(
        x=x, y=y, color=colours,
        opacity=alt.condition("datum.few", alt.value(0.35), alt.value(1)),
        tooltip=tips("system", predicted=".3f", annotated=".3f", candidates=",d"),
    )  # fmt: skip
    line = alt.Chart(data_of(rows)).mark_line(strokeWidth=1.2).encode(x=x, y=y, color=colours)
    return alt.layer(same, line, drawn.mark_point(filled=True, size=55))
