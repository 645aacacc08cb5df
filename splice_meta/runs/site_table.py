"""The sites table of a run: made with each shard, counted by gene at the end."""

from __future__ import annotations

import polars as pl

from splice_meta.pipeline.batch import ENGINE, BatchPrediction
from splice_meta.runs.outputs import OutputLayout
from splice_meta.runs.tables import scan_table
from splice_meta.sink import sink_tsv
from splice_meta.sites import COUNTS, count_sites, find_sites, near_sites, truth_sites
from splice_meta.sources.opened import BaseScores


def sites_of(
    scores: BaseScores, batch: BatchPrediction, threshold: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The sites of a gene batch.

    What is annotated is what the scores' own truth says; where they have none, the annotation.

    Args:
        scores: The base scores, located where an annotation is given.
        batch: Its prediction.
        threshold: Probability from which a site is called.

    Returns:
        The sites, as :func:`splice_meta.sites.find_sites` words them, with ``gene_name`` (null
        where it is not known) after ``gene_id``; and by ``gene_id`` the number of ``annotated``
        sites among the gene's positions, of the genes whose sites are known.
    """
    rows = batch.complete
    if "base" in batch.marked.columns:
        rows = rows.with_columns(batch.marked["base"])
    # The one pass over all rows.
    near = near_sites(rows, threshold).collect(engine=ENGINE).lazy()
    marks, located = None, scores.located
    if "splice_type" in batch.marked.columns:
        marks = truth_sites(near, batch.genes.lazy()).collect(engine=ENGINE)
    elif located is not None and located.marks is not None:
        marks = _within(located.marks, rows)
    table = find_sites(near, None if marks is None else marks.lazy(), threshold)
    names = pl.DataFrame(schema={"gene_id": pl.String, "gene_name": pl.String})
    if located is not None:
        names = located.genes.select("gene_id", "gene_name")
    named = table.join(names.lazy(), on="gene_id", how="left", maintain_order="left")
    sites = named.select("gene_id", "gene_name", pl.exclude("gene_id", "gene_name"))
    return sites.collect(engine=ENGINE), _counted(marks)


def _within(marks: pl.DataFrame, rows: pl.LazyFrame) -> pl.DataFrame:
    """The annotated sites of the genes of some rows, among their positions."""
    spans = (
        rows.group_by(pl.col("gene_id").cast(pl.String))
        .agg(_low=pl.col("position").min(), _high=pl.col("position").max())
        .collect(engine=ENGINE)
    )
    here = marks.join(spans, on="gene_id", maintain_order="left")
    is_here = pl.col("position").is_between("_low", "_high")
    known = here.select("gene_id").unique(maintain_order=True)
    sites = here.filter(is_here).select("gene_id", "position", "type")
    return known.join(sites, on="gene_id", how="left", maintain_order="left_right")


def _counted(marks: pl.DataFrame | None) -> pl.DataFrame:
    if marks is None:
        return pl.DataFrame(schema={"gene_id": pl.String, "annotated": pl.Int64})
    return marks.group_by("gene_id", maintain_order=True).agg(
        annotated=pl.col("position").count().cast(pl.Int64)
    )


def finish_sites(layout: OutputLayout, genes: pl.DataFrame) -> pl.DataFrame:
    """Write the sites of a finished run as text, too, and count them.

    Args:
        layout: Where the run's files lie.
        genes: One row per gene asked for.

    Returns:
        The genes with the counts of :func:`splice_meta.sites.count_sites`, null for genes that
        failed.
    """
    is_done = pl.col("status") == "done"
    if not genes.select(is_done.any()).item():
        return genes.with_columns(pl.lit(None, pl.Int64).alias(name) for name in COUNTS)
    sites = scan_table(layout, "sites")
    sink_tsv(sites, layout.sites_text)
    counts = count_sites(sites).collect()
    counted = genes.join(counts, on="gene_id", how="left", maintain_order="left")
    return counted.with_columns(
        pl.when(is_done).then(pl.col(name).fill_null(0)).alias(name) for name in COUNTS
    )
