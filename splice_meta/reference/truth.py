"""The truth of an annotation: which positions of a gene are splice sites."""

from __future__ import annotations

import polars as pl

from splice_meta.reference.annotation import Annotation


def truth_of(annotation: Annotation) -> pl.DataFrame:
    """The splice sites of all transcripts, one row per gene and position.

    Where one transcript's donor is another's acceptor (an exon of one base, or two exons that
    meet), the position counts as donor: a row of a score table has one truth.

    Returns:
        ``gene_id``, ``genomic_position`` (Int64, 1-based), ``splice_type`` (Enum).
    """
    return (
        annotation.splice_sites()
        .sort("gene_id", "genomic_position", "splice_type", maintain_order=True)
        .unique(["gene_id", "genomic_position"], keep="first", maintain_order=True)
        .select("gene_id", pl.col("genomic_position").cast(pl.Int64), "splice_type")
    )
