"""Genomic features: one value per gene, as the score table carries them."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from splice_meta.catalogue import GENOMIC
from splice_meta.contracts import chrom_code_expr


def genomic_exprs(columns: Collection[str]) -> dict[str, pl.Expr]:
    """The genomic features that the columns at hand allow.

    Args:
        columns: Column names of the score table. Columns with the catalogue's own names
            (``gene_start``, ``num_exons`` ...) are taken as they are; ``chrom`` is coded.
    """
    features = {n: pl.col(n).cast(pl.Float64) for n in GENOMIC if n in columns and n != "chrom"}
    return features | ({"chrom": chrom_code_expr()} if "chrom" in columns else {})
