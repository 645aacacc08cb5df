"""The checks of base scores against the contract: one pass, in batches."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from splice_meta.sources.checks.faults import refuse_faults
from splice_meta.sources.checks.letters import judge_letters
from splice_meta.sources.checks.motif import judge_motif
from splice_meta.sources.checks.order import refuse_duplicates, refuse_scattered
from splice_meta.sources.checks.place import judge_gaps, placed
from splice_meta.sources.checks.runs import gene_runs
from splice_meta.sources.checks.truth import judge_truth

MOST_RUNS = 1 << 22
"""Runs of adjacent rows of a gene that are looked at first: few where a table is sorted by gene, as
many as rows where it is not, and memory must not hold those."""


@dataclass(frozen=True)
class GeneTable:
    """What one pass over the base scores tells about its genes.

    Attributes:
        genes: One row per gene in input order: ``gene_id``, ``first_row`` (0-based row of the
            checked frame), ``positions`` (rows), ``is_sorted``; ``low`` and ``high`` position,
            ``missing`` (positions between them that are not there), ``chrom``, ``strand`` (``+``,
            ``-``, null if unknown, or a word that is none), ``direction`` (the strand by the way
            the positions count), ``start`` and ``end`` (genomic), null where the table does not
            tell, ``unknown_bases``; and ``places``, where it was asked for: a number that two genes
            share exactly if they have the same positions, but for one chance in 2^64.
        remarks: What is doubtful, one sentence each.
    """

    genes: pl.DataFrame
    remarks: tuple[str, ...] = ()

    @property
    def positions(self) -> int:
        """Number of rows over all genes."""
        return int(self.genes["positions"].sum())

    @property
    def unsorted(self) -> list[str]:
        """Genes whose positions do not ascend in the input."""
        return self.genes.filter(~pl.col("is_sorted"))["gene_id"].to_list()

    @property
    def missing(self) -> int:
        """Number of positions that are missing inside genes."""
        return int(self.genes["missing"].sum())


def check(
    scores: pl.LazyFrame,
    places: bool = False,
    also: Collection[str] = (),
    *,
    gaps: bool = True,
) -> GeneTable:
    """Check base scores against the contract in one streaming pass.

    Args:
        scores: Canonical base scores, from :func:`splice_meta.contracts.canonical`.
        places: Whether the genes are to be compared with those of another table.
        also: Further columns that will be read where they are there.
        gaps: Whether positions that are missing inside genes are worth a remark.

    Returns:
        The genes in input order.

    Raises:
        ContractError: On null, NaN, infinite or out-of-range scores, sums that are not 1,
            positions that are none, duplicate positions, or a gene in two non-adjacent places; on
            strand, chromosome, genomic and other positions that contradict one another; on a truth
            or bases that are none. Column, number of rows and first gene are named.
    """
    runs = gene_runs(scores, MOST_RUNS, places, also)
    cut = runs.height == MOST_RUNS
    if cut and runs["gene_id"].is_unique().all():
        runs, cut = gene_runs(scores, None, places, also), False
    if runs["faults"].any():
        refuse_faults(scores)
    refuse_scattered(runs, cut)
    # A run's first row may lie below the last row of the run before; that is no descent of its own.
    below = (runs["first"] <= runs["last"].shift(1)).fill_null(False)
    runs = runs.with_columns(is_sorted=pl.col("descents") == below.cast(pl.UInt32))
    refuse_duplicates(scores, runs.filter(~pl.col("is_sorted"))["gene_id"].to_list())
    genes = placed(runs)
    said = judge_gaps(genes) if gaps else []
    said += [
        *judge_letters(genes, scores), *judge_motif(genes, scores),
        *judge_truth(genes, scores),
    ]  # fmt: skip
    bases = [pl.col(name) for name in ("n_bases", "other_bases") if name in genes.columns]
    kept = ("low", "high", "missing", "chrom", "strand", "direction", "start", "end")
    return GeneTable(
        genes.select(
            "gene_id",
            (pl.col("positions").cum_sum() - pl.col("positions")).alias("first_row"),
            "positions",
            "is_sorted",
            *kept,
            (pl.sum_horizontal(bases) if bases else pl.lit(None, pl.Int64)).alias("unknown_bases"),
            *(["places"] if places else []),
        ),
        tuple(said),
    )
