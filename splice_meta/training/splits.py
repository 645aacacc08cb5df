"""Folds: no gene, and if asked for no chromosome, on both sides.

Genes that overlap on the genome share positions, so they go into the same fold.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from splice_meta.errors import InputError
from splice_meta.settings import Split
from splice_meta.sources.opened import BaseScores


def gene_places(scores: BaseScores) -> pl.DataFrame:
    """Where the genes lie, in one streaming pass.

    Args:
        scores: Checked base scores.

    Returns:
        ``gene_id``, ``chrom`` (null where the scores have none), ``start`` and ``end`` (genomic,
        null likewise), ``sites`` (annotated), in input order.
    """
    rows = scores.all_rows()
    names = rows.collect_schema().names()
    chrom = pl.col("chrom").cast(pl.String).first() if "chrom" in names else pl.lit(None, pl.String)
    place = pl.col("genomic_position") if "genomic_position" in names else pl.lit(None, pl.Int64)
    is_site = (pl.col("splice_type") != "neither") if "splice_type" in names else pl.lit(False)
    found = (
        rows.group_by("gene_id")
        .agg(chrom=chrom, start=place.min(), end=place.max(), sites=is_site.sum().cast(pl.Int64))
        .collect()
    )
    order = scores.table.genes.select("gene_id")
    return order.join(found, on="gene_id", how="left", maintain_order="left")


def make_folds(genes: pl.DataFrame, split: Split, folds: int, seed: int) -> pl.DataFrame:
    """Assign genes to folds of about as many annotated sites each.

    Args:
        genes: From :func:`gene_places`; chromosomes match with or without "chr".
        split: ``gene`` or ``chromosome``.
        folds: How many folds; fewer if there are fewer genes or chromosomes.
        seed: Decides between groups of equally many sites.

    Returns:
        ``gene_id`` and ``fold`` (0-based), in the order of ``genes``.

    Raises:
        InputError: If there are not two groups to keep apart, or chromosomes are not known.
    """
    genes = genes.with_columns(pl.col("chrom").str.strip_prefix("chr"))
    if split == "chromosome":
        if genes["chrom"].null_count():
            raise InputError(
                "The base scores have no column chrom, so chromosomes cannot be kept apart.",
                "Add it, or split by gene.",
            )
        groups = genes["chrom"]
    else:
        groups = _overlapping(genes)
    sizes = (
        genes.with_columns(group=groups)
        .group_by("group", maintain_order=True)
        .agg(sites=pl.col("sites").sum())
        .sample(fraction=1.0, shuffle=True, seed=seed)
        .sort("sites", descending=True, maintain_order=True)
    )
    if sizes.height < 2:
        raise InputError(
            f"There is only one {split} to learn from, so none can be held out.",
            f"Give scores of at least two {split}s.",
        )
    held = np.zeros(min(folds, sizes.height), np.int64)
    fold_of = {}
    for group, sites in sizes.iter_rows():  # the largest first, each where there is most room
        fold_of[group] = int(held.argmin())
        held[fold_of[group]] += max(sites, 1)
    return genes.select("gene_id", fold=groups.replace_strict(fold_of, return_dtype=pl.Int64))


def _overlapping(genes: pl.DataFrame) -> pl.Series:
    """A number that genes share which overlap, directly or through others, on either strand."""
    placed = genes.with_row_index("row").sort("chrom", "start", "row", nulls_last=True)
    # A gene starts a new group unless it begins before all those before it have ended.
    reach = pl.col("end").cum_max().shift(1).over("chrom")
    is_new = (pl.col("start") > reach).fill_null(True) | pl.col("start").is_null()
    return placed.with_columns(group=is_new.cum_sum()).sort("row")["group"]
