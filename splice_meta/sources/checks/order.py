"""The order of rows: a gene's rows stand together, and no position stands there twice."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from splice_meta.errors import ContractError


def refuse_scattered(runs: pl.DataFrame, cut: bool) -> None:
    """Refuse genes whose rows are not adjacent.

    Args:
        runs: From :func:`gene_runs`.
        cut: Whether there are more runs than those.
    """
    twice = runs.filter(pl.col("gene_id").is_duplicated())
    if twice.is_empty():
        return
    gene = twice["gene_id"][0]
    places = twice.filter(pl.col("gene_id") == gene).height
    raise ContractError(
        f"Gene {gene} stands in {places}{' or more' if cut else ''} non-adjacent places of the "
        f"base scores ({twice['gene_id'].n_unique()} such genes).",
        "Sort it: splice-meta sort SCORES --output SORTED.parquet",
    )


def refuse_duplicates(scores: pl.LazyFrame, unsorted: Sequence[str]) -> None:
    """Refuse genes that have a position twice; where positions ascend there is none."""
    if not unsorted:
        return
    repeated = (
        scores.filter(pl.col("gene_id").is_in(unsorted))
        .group_by("gene_id", maintain_order=True)
        .agg(rows=pl.len() - pl.col("position").n_unique())
        .filter(pl.col("rows") > 0)
        .collect()
    )
    if repeated.height:
        raise ContractError(
            f"Column position of the base scores repeats a position in {repeated['rows'].sum():,} "
            f"rows, first in gene {repeated['gene_id'][0]}.",
            "Keep one row per nucleotide of a gene.",
        )
