"""The rows of one scored gene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from splice_meta.contracts import SCORES
from splice_meta.reference.bases import letters


def gene_table(
    gene: dict[str, Any],
    scores: NDArray[np.float32],
    bases: NDArray[np.uint8],
    truth: pl.DataFrame | None = None,
    extras: Sequence[str] = (),
) -> pl.DataFrame:
    """Base scores of one gene, one row per nucleotide, 5' to 3' on the transcript strand.

    Args:
        gene: ``gene_id``, ``chrom``, ``strand``, ``start``, ``end`` (1-based, inclusive).
        scores: Shape (length, 3 + extras): donor, acceptor, neither, then further columns.
        bases: ASCII codes of the gene, on the transcript strand.
        truth: ``genomic_position`` and ``splice_type`` of its splice sites, one row a position.
        extras: Names of the further columns.

    Returns:
        ``gene_id``, ``chrom``, ``strand``, ``position`` (from 1), ``genomic_position``, the three
        scores (Float32), ``base``, the further columns (Float32), and with truth ``splice_type``
        (0 neither, 1 donor, 2 acceptor).
    """
    start, end = gene["start"], gene["end"]
    length = end - start + 1
    forward = gene["strand"] == "+"
    along = np.arange(start, end + 1) if forward else np.arange(end, start - 1, -1)
    table = pl.DataFrame(
        {
            "gene_id": pl.repeat(gene["gene_id"], length, dtype=pl.String, eager=True),
            "chrom": pl.repeat(gene["chrom"], length, dtype=pl.String, eager=True),
            "strand": pl.repeat(gene["strand"], length, dtype=pl.String, eager=True),
            "position": np.arange(1, length + 1),
            "genomic_position": along,
            **{name: np.ascontiguousarray(scores[:, i]) for i, name in enumerate(SCORES)},
            "base": letters(bases),
            **{name: np.ascontiguousarray(scores[:, 3 + i]) for i, name in enumerate(extras)},
        }
    )
    if truth is None:
        return table
    codes = truth.select(
        pl.col("genomic_position").cast(pl.Int64), pl.col("splice_type").to_physical().cast(pl.Int8)
    )
    return table.join(
        codes, on="genomic_position", how="left", maintain_order="left", validate="m:1"
    ).with_columns(pl.col("splice_type").fill_null(0))
