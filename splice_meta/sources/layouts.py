"""Other people's score tables, recognised by their columns and mapped to the contract's."""

from __future__ import annotations

import polars as pl

from splice_meta.strands import is_known, no_strand_error, strand_of

AGENTIC = {
    "donor_prob": "donor_score", "acceptor_prob": "acceptor_score", "neither_prob": "neither_score",
}  # fmt: skip
"""Column names of agentic-spliceai's ``predictions_*.parquet`` and ``predictions.tsv``."""


def to_contract_names(scores: pl.LazyFrame) -> pl.LazyFrame:
    """Rename the columns of a recognised table; any other is returned as it is.

    Tables of meta-spliceai (``nucleotide_scores.tsv``, ``analysis_sequences_*.tsv``) use the
    contract's names already. agentic-spliceai's have ``*_prob`` columns, and a ``position`` that
    is genomic: where every one lies between its ``gene_start`` and ``gene_end`` (1-based,
    inclusive) it becomes ``genomic_position``, and ``position`` counts from the gene's 5' end,
    from 1.

    Args:
        scores: Any score table.
    """
    schema = scores.collect_schema()
    if not ("donor_prob" in schema and "donor_score" not in schema):
        return scores
    named = scores.rename({old: new for old, new in AGENTIC.items() if old in schema})
    along = position_along_gene(scores)
    if along.meta.is_column():
        return named
    here = pl.col("position").cast(pl.Int64)
    return named.with_columns(along.alias("position"), here.alias("genomic_position"))


def position_along_gene(scores: pl.LazyFrame) -> pl.Expr:
    """The position from the gene's 5' end: a column, or computed where that one is genomic.

    Args:
        scores: Any score table that has ``position``, with its own column names.

    Raises:
        ContractError: If the strand of a gene decides, and is not known.
    """
    schema = scores.collect_schema()
    position = pl.col("position")
    known = {"position", "gene_start", "gene_end", "donor_prob"} <= set(schema)
    if not known or "donor_score" in schema:
        return position
    start, end, here = (
        pl.col(name).cast(pl.Int64) for name in ("gene_start", "gene_end", "position")
    )
    strand = strand_of(pl.col("strand") if "strand" in schema else pl.lit(None, pl.String))
    # One look at the whole table: gene-relative positions may lie in the span here and there.
    unknown = ~is_known(strand)
    inside, gene, word = scores.select(
        here.is_between(start, end).all(),
        pl.col("gene_id").cast(pl.String).filter(unknown).first(),
        strand.filter(unknown).first().alias("word"),
    ).collect().row(0)  # fmt: skip
    if not inside:
        return position
    if gene is not None:
        raise no_strand_error(gene, word, "at which end of the gene its positions begin")
    return pl.when(strand == "-").then(end - here + 1).otherwise(here - start + 1)
