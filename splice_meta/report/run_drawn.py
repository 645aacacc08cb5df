"""The charts of the run's page, with what is said of them."""

from __future__ import annotations

from functools import partial

import polars as pl

from splice_meta.report.curves import precision_recall, reliability
from splice_meta.report.finished import FinishedRun
from splice_meta.report.markup import Charts
from splice_meta.runs.truth_bins import KINDS

POINTS = 3_000
"""Most sites that the chart draws."""

IS_CHANGED = pl.col("fate").cast(pl.String).is_in(["gained", "lost"])


def changes_drawn(run: FinishedRun, charts: Charts, sites: pl.DataFrame) -> str:
    """By how much probabilities changed, and base against final probabilities of some sites."""
    changes = pl.DataFrame(
        run.record["changes"], schema={"change": pl.Float64, "positions": pl.Int64}, orient="row"
    )
    if not charts.has_plots or changes.is_empty():
        return ""
    from splice_meta.plots.run_charts import changes_chart, sites_chart

    drawn = sites.head(POINTS)
    place = pl.col("genomic_position" if "genomic_position" in drawn.columns else "position")
    named = drawn.with_columns(
        gene=pl.coalesce("gene_name", "gene_id"), place=place, type=pl.col("type").cast(pl.String)
    )
    left_out = run.sites.height - drawn.height
    told = f" Of {run.sites.height:,} sites {drawn.height:,} are drawn." if left_out > 0 else ""
    return (
        '<div class="pair"><div><h2>How much probabilities changed</h2><p class="note">Donor + '
        "acceptor probability where the meta-model ran; the axis of positions is logarithmic from "
        "1 on.</p>"
        + charts.place(lambda: changes_chart(changes), "Histogram of changes of probability")
        + '</div><div><h2>Base against final</h2><p class="note">Each site that is called, or '
        f"changed by at least 0.1; the dashed lines are the threshold.{told}</p>"
        + charts.place(lambda: sites_chart(named, run.threshold), "Base against final probability")
        + "</div></div>"
    )


def fates_drawn(run: FinishedRun, charts: Charts) -> str:
    """How many of the gained and lost sites are annotated, where that is known."""
    changed = run.sites.filter(IS_CHANGED, pl.col("is_annotated").is_not_null())
    if not charts.has_plots or changed.is_empty():
        return ""
    from splice_meta.plots.run_charts import ANNOTATED, fates_chart

    yes, no = ANNOTATED
    cells = pl.DataFrame(
        [(f, k, known) for f in ("gained", "lost") for k in KINDS for known in (yes, no)],
        ["fate", "type", "annotated"], orient="row",
    )  # fmt: skip
    found = changed.group_by(
        pl.col("fate", "type").cast(pl.String),
        annotated=pl.when("is_annotated").then(pl.lit(yes)).otherwise(pl.lit(no)),
    ).agg(sites=pl.len())
    counts = cells.join(found, on=cells.columns, how="left", maintain_order="left").with_columns(
        pl.col("sites").fill_null(0)
    )
    return (
        '<h2>Gained and lost</h2><p class="note">Sites that only the final or only the base '
        "probabilities call. A gained site that is annotated, and a lost one that is not, is an "
        "improvement.</p>"
        + charts.place(lambda: fates_chart(counts), "Gained and lost sites, annotated or not")
    )


def truth_drawn(run: FinishedRun, charts: Charts) -> str:
    """Reliability and precision, where the run had the truth."""
    bins, sites = run.bins, run.record["truth"]
    if not charts.has_plots or not any(sites.values()):
        return ""
    from splice_meta.plots.run_charts import counts_chart, precision_chart, reliability_chart

    bent, curves = reliability(bins), precision_recall(bins, sites)
    parts = [
        '<h2>Against the truth</h2><p class="note">Dashed and pale: base; solid: final. Positions '
        "with a probability below 0.01 are left out, so curves end there; the dots are the run's "
        "threshold. Genes that the model was trained on are included.</p>",
        '<div class="pair">',
    ]
    for kind in KINDS:
        if not sites[kind]:
            continue
        parts += [
            f"<div><h3>{kind.capitalize()}s: {sites[kind]:,} annotated</h3>",
            charts.place(partial(reliability_chart, bent, kind), f"Reliability, {kind}s"),
            charts.place(partial(counts_chart, bent, kind), f"Positions by bin, {kind}s"),
            charts.place(partial(precision_chart, curves, kind), f"Precision, recall, {kind}s"),
            "</div>",
        ]
    return "".join([*parts, "</div>"])
