"""The checks of base scores against the contract: one streaming aggregation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from splice_meta.contracts import RANGE_TOLERANCE, all_scores_in
from splice_meta.errors import ContractError

SUM_TOLERANCE = 1e-2
"""How far from 1 the sum of the three scores may lie."""

MOST_RUNS = 1 << 22
"""Runs of adjacent rows of a gene that are looked at first: few where a table is sorted by gene, as
many as rows where it is not, and memory must not hold those."""


@dataclass(frozen=True)
class GeneTable:
    """What one pass over the base scores tells about its genes.

    Attributes:
        genes: One row per gene in input order: ``gene_id``, ``first_row`` (0-based row of the
            checked frame), ``positions`` (rows), ``is_sorted``; and ``places``, where it was asked
            for: a number that two genes share exactly if they have the same positions, but for one
            chance in 2^64.
    """

    genes: pl.DataFrame

    @property
    def positions(self) -> int:
        """Number of rows over all genes."""
        return int(self.genes["positions"].sum())

    @property
    def unsorted(self) -> list[str]:
        """Genes whose positions do not ascend in the input."""
        return self.genes.filter(~pl.col("is_sorted"))["gene_id"].to_list()


def gene_runs(scores: pl.LazyFrame, most: int | None = None, places: bool = False) -> pl.LazyFrame:
    """One row per run of adjacent rows of a gene, with what the checks need.

    No column is looked at twice, so that the plan streams: what is wrong with a score is looked
    up only where something is.

    Args:
        scores: Canonical base scores.
        most: Runs after so many are left out; none if None.
        places: Whether to add up the positions' hashes, a fifth of the pass.

    Returns:
        A plan with ``run`` (0-based), ``gene_id``, ``positions`` (rows), ``first`` and ``last``
        position, ``descents`` (rows whose position is not above that of the row before, which may
        belong to the run before), ``faults`` (whether a row fails a check) and, if asked
        for, ``places``.
    """
    faulty = pl.any_horizontal(_faults(scores.collect_schema().names()).values())
    position = pl.col("position")
    return (
        scores.select(
            "gene_id",
            "position",
            run=pl.col("gene_id").rle_id(),
            faults=faulty,
            descents=position.diff() <= 0,
            **({"places": position.hash()} if places else {}),
        )
        .filter(pl.lit(True) if most is None else pl.col("run") < most)
        .group_by("run")
        .agg(
            pl.col("gene_id").first(),
            pl.len().cast(pl.Int64).alias("positions"),
            pl.col("position").first().alias("first"),
            pl.col("position").last().alias("last"),
            pl.col("descents").sum(),
            pl.col("faults").any(),
            # A sum of hashes, modulo 2^64: the same for any order of the positions.
            *([pl.col("places").sum()] if places else []),
        )
        .sort("run")
    )


def _faults(columns: Sequence[str]) -> dict[str, pl.Expr]:
    """By column, or sum of columns, whether a row fails its check; never null."""
    found = {name: pl.col(name).is_null() for name in ("gene_id", "position")}
    for names in all_scores_in(columns):
        total = sum((pl.col(name).cast(pl.Float64) for name in names), pl.lit(0.0))
        found |= {name: _outside(pl.col(name), 0, 1, RANGE_TOLERANCE) for name in names}
        found[" + ".join(names)] = _outside(total, 1, 1, SUM_TOLERANCE)
    if "splice_type" in columns:
        found["splice_type"] = pl.col("splice_type").is_null()
    return found


def _outside(value: pl.Expr, low: float, high: float, tolerance: float) -> pl.Expr:
    return value.is_between(low - tolerance, high + tolerance).not_().fill_null(True)


def check(scores: pl.LazyFrame, places: bool = False) -> GeneTable:
    """Check base scores against the contract in one streaming pass.

    Args:
        scores: Canonical base scores, from :func:`splice_meta.contracts.canonical`.
        places: Whether the genes are to be compared with those of another table.

    Returns:
        The genes in input order.

    Raises:
        ContractError: On null, NaN, infinite or out-of-range scores, sums that are not 1,
            duplicate positions, or a gene in two non-adjacent places; the column, the number of
            rows and the first gene are named.
    """
    runs = gene_runs(scores, MOST_RUNS, places).collect()
    cut = runs.height == MOST_RUNS
    if cut and runs["gene_id"].is_unique().all():
        runs, cut = gene_runs(scores, None, places).collect(), False
    if runs["faults"].any():
        _refuse_faults(scores)
    _refuse_scattered(runs, cut)
    # A run's first row may lie below the last row of the run before; that is no descent of its own.
    below = (runs["first"] <= runs["last"].shift(1)).fill_null(False)
    genes = runs.with_columns(is_sorted=pl.col("descents") == below.cast(pl.UInt32))
    _refuse_duplicates(scores, genes.filter(~pl.col("is_sorted"))["gene_id"].to_list())
    first_row = (pl.col("positions").cum_sum() - pl.col("positions")).alias("first_row")
    kept = ["gene_id", first_row, "positions", "is_sorted", *(["places"] if places else [])]
    return GeneTable(genes.select(kept))


def _refuse_faults(scores: pl.LazyFrame) -> None:
    """Say what is wrong, column by column; the slow look, taken only when something is."""
    faults = _faults(scores.collect_schema().names())
    counts = scores.select(**{name: fault.sum() for name, fault in faults.items()}).collect()
    for name, count in counts.row(0, named=True).items():
        if not count:
            continue
        first = scores.filter(faults[name]).select("gene_id").head(1).collect().item()
        raise ContractError(*_fault_words(scores, name, count, first))


def _fault_words(scores: pl.LazyFrame, name: str, count: int, gene: str) -> tuple[str, str]:
    """Message and hint on the rows that fail a check."""
    if name == "gene_id":
        return (
            f"Column gene_id of the base scores is null in {count:,} rows.",
            "Every row needs the gene it belongs to.",
        )
    if name == "position":
        return (
            f"Column position of the base scores is null in {count:,} rows, first in gene {gene}.",
            "Every row needs its position in the gene.",
        )
    if name == "splice_type":
        return (
            f"Column splice_type of the base scores has none of its values in {count:,} rows, "
            f"first in gene {gene}.",
            "It must be 0 or neither, 1 or donor, 2 or acceptor; leave the column out if unknown.",
        )
    if " + " in name:
        return (
            f"{name} is not 1 in {count:,} rows, first in gene {gene}.",
            f"The three probabilities of a position must sum to 1 within {SUM_TOLERANCE}.",
        )
    x = pl.col(name)
    kinds = scores.select(
        null=x.is_null().sum(), NaN=x.is_nan().sum(), infinite=x.is_infinite().sum()
    ).collect()
    counts = [f"{n:,} {kind}" for kind, n in kinds.row(0, named=True).items() if n]
    outside = count - sum(kinds.row(0))
    counts += [f"{outside:,} below 0 or above 1"] if outside else []
    return (
        f"Column {name} of the base scores is wrong in {count:,} rows ({', '.join(counts)}), first "
        f"in gene {gene}.",
        "Scores are probabilities in 0..1 without missing values.",
    )


def _refuse_scattered(runs: pl.DataFrame, cut: bool) -> None:
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


def _refuse_duplicates(scores: pl.LazyFrame, unsorted: Sequence[str]) -> None:
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
