"""The sites table of a run: made with each shard, counted by gene at the end."""

from __future__ import annotations

import polars as pl

from splice_meta.pipeline.batch import BatchPrediction
from splice_meta.runs.outputs import OutputLayout
from splice_meta.runs.tables import scan_table
from splice_meta.sites import COUNTS, count_sites
from splice_meta.sites.find import find_sites
from splice_meta.sites.known import Known
from splice_meta.sources.opened import BaseScores

NO_SITES = {
    "gene_id": pl.String, "gene_name": pl.String, "type": pl.String, "fate": pl.String,
    "is_annotated": pl.Boolean, "base": pl.Float32, "final": pl.Float32, "change": pl.Float64,
    "position": pl.Int64, "sequence": pl.String, "distance": pl.Int64,
}  # fmt: skip
"""What every sites table has."""


def sites_of(
    scores: BaseScores, batch: BatchPrediction, threshold: float
) -> tuple[pl.DataFrame, pl.Series]:
    """The sites of a gene batch.

    What is annotated is what the scores' own truth says; where they have none, the annotation.

    Args:
        scores: The base scores, located where an annotation is given.
        batch: Its prediction.
        threshold: Probability from which a site is called.

    Returns:
        The sites, as :func:`splice_meta.sites.find.find_sites` words them, with ``gene_name`` (null
        where it is not known) after ``gene_id``; and by gene the number of ``annotated`` sites
        among its positions, null where its sites are not known.
    """
    marked, genes, located = batch.marked, batch.genes, scores.located
    if "splice_type" in marked.columns:
        known = Known.by_truth(marked, genes.height)
    elif located is not None and located.marks is not None:
        known = Known.by_annotation(located.marks, marked, genes)
    else:
        known = Known.nothing(genes.height)
    sites = find_sites(marked, batch.outcome, known, threshold)
    names = pl.Series([None], dtype=pl.String).new_from_index(0, sites.height)
    if located is not None:
        there = genes["gene_id"].implode()
        named = located.genes.filter(pl.col("gene_id").is_in(there)).select("gene_id", "gene_name")
        joined = sites.select("gene_id").join(
            named, on="gene_id", how="left", maintain_order="left"
        )
        names = joined["gene_name"]
    return sites.insert_column(1, names.alias("gene_name")), known.counts().alias("annotated")


def read_sites(layout: OutputLayout, genes: pl.DataFrame) -> pl.DataFrame:
    """The sites of a finished run, without rows where no gene could be done.

    Args:
        layout: Where the run's files lie.
        genes: One row per gene asked for.
    """
    is_done = (genes["status"] == "done").any()
    return scan_table(layout, "sites").collect() if is_done else pl.DataFrame(schema=NO_SITES)


def finish_sites(layout: OutputLayout, genes: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Count the sites of a run whose shards are done.

    Args:
        layout: Where the run's files lie.
        genes: One row per gene asked for.

    Returns:
        The genes with the counts of :func:`splice_meta.sites.count_sites`, null for genes that
        failed; and the sites.
    """
    sites = read_sites(layout, genes)
    is_done = pl.col("status") == "done"
    counts = count_sites(sites.lazy())
    counted = genes.lazy().join(counts, on="gene_id", how="left", maintain_order="left")
    return counted.with_columns(
        pl.when(is_done).then(pl.col(name).fill_null(0)).alias(name) for name in COUNTS
    ).collect(), sites
