"""Genomic features: one value per gene, as the score table carries them."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from splice_meta.catalogue import GENOMIC

_CODES = {str(n): n for n in range(1, 23)} | {"X": 23, "Y": 24, "M": 25, "MT": 25}


def chrom_code_expr() -> pl.Expr:
    """The chromosome as a number: 1-22, X 23, Y 24, M or MT 25, anything else 0."""
    name = pl.col("chrom").cast(pl.String).str.to_uppercase().str.strip_prefix("CHR")
    return name.replace_strict(_CODES, default=0, return_dtype=pl.Float64)


def genomic_exprs(columns: Collection[str]) -> dict[str, pl.Expr]:
    """The genomic features that the columns at hand allow.

    Args:
        columns: Column names of the score table. Columns with the catalogue's own names
            (``gene_start``, ``num_exons`` ...) are taken as they are; ``chrom`` is coded.
    """
    features = {n: pl.col(n).cast(pl.Float64) for n in GENOMIC if n in columns and n != "chrom"}
    return features | ({"chrom": chrom_code_expr()} if "chrom" in columns else {})
