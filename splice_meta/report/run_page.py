"""The page of the run: figures, warnings, charts, genes, sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import polars as pl

from splice_meta.report.curves import precision_recall, reliability
from splice_meta.report.finished import FinishedRun
from splice_meta.report.gene_page import SITE_COLUMNS, site_cells
from splice_meta.report.markup import Charts, Column, escape, items, pairs, table
from splice_meta.runs.truth_bins import KINDS

SITES = 1_000
"""Most sites that the page lists."""

POINTS = 3_000
"""Most sites that the chart draws."""

_IS_CHANGED = pl.col("fate").cast(pl.String).is_in(["gained", "lost"])

GENES = 2_000
"""Most genes that the page lists."""

NEAREST = (
    "Nearest: nucleotides to the nearest annotated site of the type in the gene, positive where "
    "that lies downstream."
)

GENE_COLUMNS = (
    Column("gene", True), Column("case", True), Column("positions"), Column("recalibrated"),
    Column("meet a criterion"), Column("moved"), Column("base sites"), Column("final sites"),
    Column("gained"), Column("lost"), Column("annotated"),
)  # fmt: skip


def run_page(
    run: FinishedRun, charts: Charts, pages: Mapping[str, str], notes: Sequence[str]
) -> str:
    """The section of the run.

    Args:
        run: The run.
        charts: Takes its charts.
        pages: The names of the genes' pages.
        notes: Further remarks.
    """
    record = run.record
    sites = _chosen_sites(run)
    warnings = [*record.get("warnings", []), *filter(None, [record.get("skew")])]
    fills = record.get("filled_features", [])
    named = _names(run)
    parts = [
        '<section class="page" id="run"><h1>Splice-site recalibration</h1>',
        f'<p class="note">{escape(_made(run))}</p>',
        _headline(run),
        f'<div class="warnings"><h2>Warnings</h2>{items(warnings)}</div>' if warnings else "",
        items(notes) if notes else "",
        "<h2>The run</h2>",
        pairs(tuple(pair) for pair in record["summary"]),
        f"<details><summary>Filled features</summary>{items(fills)}</details>" if fills else "",
        _details(run),
        _changes(run, charts, sites),
        _fates(run, charts),
        _truth(run, charts),
        _genes(run, pages, named),
        _sites(run, sites, pages),
        "</section>",
    ]
    return "\n".join(filter(None, parts))


def _made(run: FinishedRun) -> str:
    record = run.record
    version = record.get("versions", {}).get("splice_meta", "")
    command = record.get("command", "")
    return f"{run.layout.run_name}, {record.get('finished', '')}, splice_meta {version}" + (
        f": {command}" if command else ""
    )


def _total(run: FinishedRun, name: str) -> int:
    return int(run.genes[name].sum())


def _headline(run: FinishedRun) -> str:
    known = run.genes["annotated"].drop_nulls().len() > 0

    def of(name: str) -> str:
        seen = f", {_total(run, f'{name}_annotated'):,} annotated" if known else ""
        return f"{name.removesuffix('_sites')}{seen}"

    genes = run.genes.height
    figures = [
        (_total(run, "base_sites"), "sites called by the base model"),
        (_total(run, "final_sites"), "sites called by final probabilities"),
        (_total(run, "gained"), of("gained")),
        (_total(run, "lost"), of("lost")),
        (_total(run, "moved"), "positions moved by more than 0.05"),
        (_total(run, "positions"), f"positions of {genes:,} gene{'s' if genes != 1 else ''}"),
    ]
    cells = "".join(
        f'<div class="figure"><b>{count:,}</b><span>{escape(label)}</span></div>'
        for count, label in figures
    )
    return f'<div class="figures">{cells}</div>'


def _details(run: FinishedRun) -> str:
    record = run.record
    inputs = [str(each.get("source", "")) for each in record.get("inputs", [])]
    reference = [str(each.get("source", "")) for each in record.get("reference") or []]
    settings = record["settings"]
    chosen = {**settings["selection"], "mode": settings["mode"], "site threshold": run.threshold}
    model = [tuple(pair) for pair in (record.get("model") or {}).get("card", [])]
    rows = [
        ("Scores", ", ".join(inputs[:20]) + (" ..." if len(inputs) > 20 else "")),
        ("Annotation, sequence", ", ".join(reference) or "none"),
        ("Settings", ", ".join(f"{name} {value}" for name, value in chosen.items())),
    ]
    return (
        f"<details><summary>Inputs and settings</summary>{pairs(rows)}</details>"
        + (f"<details><summary>The model</summary>{pairs(model)}</details>" if model else "")
    )  # fmt: skip


def _changes(run: FinishedRun, charts: Charts, sites: pl.DataFrame) -> str:
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


def _fates(run: FinishedRun, charts: Charts) -> str:
    """How many of the gained and lost sites are annotated, where that is known."""
    changed = run.sites.filter(_IS_CHANGED, pl.col("is_annotated").is_not_null())
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


def _truth(run: FinishedRun, charts: Charts) -> str:
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


def _names(run: FinishedRun) -> dict[str, str]:
    return dict(run.sites.select("gene_id", "gene_name").drop_nulls().unique().rows())


def _linked(gene: str, name: str, pages: Mapping[str, str]) -> str:
    label = escape(f"{name} ({gene})" if name else gene)
    return f'<a href="#{escape(pages[gene])}">{label}</a>' if gene in pages else label


def _genes(run: FinishedRun, pages: Mapping[str, str], named: Mapping[str, str]) -> str:
    shown = run.genes.sort(
        pl.col("gained") + pl.col("lost"), descending=True, nulls_last=True, maintain_order=True
    ).head(GENES)
    rows = []
    for row in shown.iter_rows(named=True):
        gene = _linked(row["gene_id"], named.get(row["gene_id"], ""), pages)
        if row["status"] == "failed":
            why = f'<span class="failed">failed: {escape(row["reason"])}</span>'
            rows.append([gene, why, *[""] * (len(GENE_COLUMNS) - 2)])
            continue
        names = ("positions", "recalibrated", "with_criteria", "moved", "base_sites",
                 "final_sites", "gained", "lost", "annotated")  # fmt: skip
        counts = ["" if row[name] is None else f"{row[name]:,}" for name in names]
        rows.append([gene, escape(row["scenario"]), *counts])
    left_out = run.genes.height - shown.height
    told = (
        f" {shown.height:,} of {run.genes.height:,} are listed, those with the most gained and "
        "lost sites; all are in gene_manifest.json."
        if left_out
        else ""
    )
    return (
        '<h2>Genes</h2><p class="note">Case 1: the model was trained on the gene; 2A: it was not; '
        "2B: no base scores at first. Recalibrated: the meta-model ran there; with adaptive tuning "
        "that is the share asked for, whether or not a position meets a criterion of uncertainty. "
        f"Moved: by more than 0.05.{told}</p>" + table(GENE_COLUMNS, rows, "genes")
    )


def _chosen_sites(run: FinishedRun) -> pl.DataFrame:
    """The sites that are shown: gained and lost first, then by how much they changed."""
    order = [_IS_CHANGED, pl.col("change").abs()]
    return run.sites.sort(order, descending=True, maintain_order=True).head(POINTS)


def _sites(run: FinishedRun, sites: pl.DataFrame, pages: Mapping[str, str]) -> str:
    shown, total = sites.head(SITES), run.sites.height
    x = "genomic_position" if "genomic_position" in shown.columns else "position"
    columns = [Column("gene", True), *([Column("chrom", True)] if "chrom" in shown.columns else []),
               *SITE_COLUMNS]  # fmt: skip
    rows = []
    for site in shown.iter_rows(named=True):
        gene = _linked(site["gene_id"], site["gene_name"] or "", pages)
        where = [escape(site["chrom"] or "")] if "chrom" in shown.columns else []
        rows.append([gene, *where, *site_cells(site, site[x])])
    told = (
        f"{shown.height:,} of {total:,} are listed: gained and lost ones first, then those that "
        "changed most. "
        if total > shown.height
        else ""
    )
    return (
        f'<h2>Sites</h2><p class="note">{told}{NEAREST} All are in sites.tsv and '
        "sites.parquet beside the tables. A site is called from a probability of "
        f"{run.threshold:g} on; uncalled ones are listed where they changed by at least 0.1.</p>"
        + table(columns, rows, "sites")
    )
