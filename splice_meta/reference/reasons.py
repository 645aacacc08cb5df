"""Why something of an annotation was left out or changed, and how that is said."""

from __future__ import annotations

import polars as pl

LEFT_OUT: dict[str, pl.DataType] = {
    "gene_id": pl.String(), "transcript_id": pl.String(), "reason": pl.String(),
    "detail": pl.String(),
}  # fmt: skip
"""The columns of what was left out, and of what was changed."""

NO_IDS = "its lines lack the id of gene or transcript"
TRANS_SPLICED = "it is marked as trans-spliced"
NO_STRAND = "its strand is neither + nor -"
BOTH_STRANDS = "its lines lie on both strands of a chromosome"
SECOND_PLACE = "its id is used again elsewhere, and the first place is kept"
SCATTERED = "its exons lie on several chromosomes or strands"
ELSEWHERE = "it is not on the chromosome and strand of its gene"
FAR_EXONS = "its exons lie more than 10 Mb apart"
FAR_TRANSCRIPTS = "its transcripts lie more than 1 Mb apart"
NO_EXONS = "it has neither exons nor coding sequence"
NOTHING_LEFT = "nothing of it is left"

WIDENED = "its line ends before its exons and was widened to them"
DERIVED = "it has no exon lines, and its exons were made from its coding sequence"
OVERLAP = "its exons overlap and were joined"
CROSSING = (
    "its exons overlap, which contradicts itself: their ends count as splice sites, and the exons "
    "were joined"
)

_TELL_ALL_SITES = (SECOND_PLACE, ELSEWHERE)
"""Reasons that leave the splice sites of a gene on its own chromosome and strand as they are."""


def unknown_sites(left_out: pl.DataFrame) -> pl.DataFrame:
    """The genes whose splice sites are not all known, since something of them was left out.

    Args:
        left_out: Rows as in :data:`LEFT_OUT`.

    Returns:
        ``gene_id`` and the first ``reason``.
    """
    return (
        left_out.filter(pl.col("gene_id").is_not_null() & ~pl.col("reason").is_in(_TELL_ALL_SITES))
        .unique("gene_id", keep="first", maintain_order=True)
        .select("gene_id", "reason")
    )


def counted(rows: pl.DataFrame) -> str:
    """What was left out or changed, by reason with the number of genes and transcripts.

    Args:
        rows: Rows as in :data:`LEFT_OUT`, in the order of the file.
    """
    first = pl.coalesce("gene_id", "transcript_id", pl.lit("a line without id")).first()
    told = rows.filter(pl.col("reason") != NOTHING_LEFT)  # that is said of its parts
    by_reason = told.group_by("reason", maintain_order=True).agg(n=pl.len(), first=first)
    return "; ".join(
        f"{n:,} because {reason} (first {gene})" for reason, n, gene in by_reason.rows()
    )
