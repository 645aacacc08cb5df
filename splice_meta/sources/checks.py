"""The checks of base scores against the contract: one lazy aggregation, nothing materialized."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from splice_meta.contracts import RANGE_TOLERANCE, all_scores_in
from splice_meta.errors import ContractError

SUM_TOLERANCE = 1e-2
"""How far from 1 the sum of the three scores may lie."""


@dataclass(frozen=True)
class GeneTable:
    """What one pass over the base scores tells about its genes.

    Attributes:
        genes: One row per gene in input order: ``gene_id``, ``first_row`` (0-based row of the
            checked frame), ``positions`` (rows), ``is_sorted``, ``places`` (a number that two
            genes share exactly if they have the same positions, but for one chance in 2^64).
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


def gene_runs(scores: pl.LazyFrame) -> pl.LazyFrame:
    """One row per run of adjacent rows of a gene, with everything the checks need.

    Args:
        scores: Canonical base scores.

    Returns:
        A plan with ``run`` (0-based), ``gene_id``, ``positions`` (rows), ``backward`` (rows whose
        position lies before the row above), ``repeated`` (rows with the position of the row
        above), ``no_position`` and, for each check, the number of rows that fail it.
    """
    step = pl.col("position").diff()
    columns = scores.collect_schema().names()
    scored = all_scores_in(columns)
    checks: dict[str, pl.Expr] = {}
    for names in scored:
        total = sum((pl.col(name).cast(pl.Float64) for name in names), pl.lit(0.0))
        checks |= {
            f"bad_{name}": ~pl.col(name).is_between(-RANGE_TOLERANCE, 1 + RANGE_TOLERANCE)
            for name in names
        } | {_bad_sum(names): ~total.is_between(1 - SUM_TOLERANCE, 1 + SUM_TOLERANCE)}
    truth = ["splice_type"] if "splice_type" in columns else []
    if truth:
        checks["bad_truth"] = pl.col("splice_type").is_null()
    same = pl.col("run") == pl.col("run").shift(1)
    return (
        scores.select(
            "gene_id",
            "position",
            *(name for names in scored for name in names),
            *truth,
            run=pl.col("gene_id").rle_id(),
        )
        .with_columns(
            backward=same & (step < 0),
            repeated=same & (step == 0),
            no_position=pl.col("position").is_null(),
            **{name: expr.fill_null(True) for name, expr in checks.items()},
        )
        .group_by("run")
        .agg(
            pl.col("gene_id").first(),
            pl.len().alias("positions"),
            pl.col("backward", "repeated", "no_position", *checks).sum(),
            # A sum of hashes, modulo 2^64: the same for any order of the positions.
            places=pl.col("position").hash().sum(),
        )
        .sort("run")
    )


def check(scores: pl.LazyFrame) -> GeneTable:
    """Check base scores against the contract in one pass, without materializing them.

    Args:
        scores: Canonical base scores, from :func:`splice_meta.contracts.canonical`.

    Returns:
        The genes in input order.

    Raises:
        ContractError: On null, NaN, infinite or out-of-range scores, sums that are not 1,
            duplicate positions, or a gene in two non-adjacent places; the column, the number of
            rows and the first gene are named.
    """
    runs = gene_runs(scores).collect()
    _refuse_missing_keys(runs)
    for names in all_scores_in(scores.collect_schema().names()):
        _refuse_bad_scores(scores, runs, names)
    _refuse_bad_truth(runs)
    twice = runs.filter(pl.col("gene_id").is_duplicated())
    if twice.height:
        gene = twice["gene_id"][0]
        places = twice.filter(pl.col("gene_id") == gene).height
        raise ContractError(
            f"Gene {gene} stands in {places} non-adjacent places of the base scores "
            f"({twice['gene_id'].n_unique()} such genes).",
            "Sort it: splice-meta sort SCORES --output SORTED.parquet",
        )
    _refuse_duplicates(scores, runs)
    first_row = pl.col("positions").cum_sum().cast(pl.Int64) - pl.col("positions")
    return GeneTable(
        runs.select(
            "gene_id",
            first_row.alias("first_row"),
            pl.col("positions").cast(pl.Int64),
            (pl.col("backward") == 0).alias("is_sorted"),
            "places",
        )
    )


def _refuse_missing_keys(runs: pl.DataFrame) -> None:
    nameless = runs.filter(pl.col("gene_id").is_null())["positions"].sum()
    if nameless:
        raise ContractError(
            f"Column gene_id of the base scores is null in {nameless:,} rows.",
            "Every row needs the gene it belongs to.",
        )
    bad = runs.filter(pl.col("no_position") > 0)
    if bad.height:
        raise ContractError(
            f"Column position of the base scores is null in {bad['no_position'].sum():,} rows, "
            f"first in gene {bad['gene_id'][0]}.",
            "Every row needs its position in the gene.",
        )


def _bad_sum(names: tuple[str, ...]) -> str:
    return f"bad_sum_{names[0]}"


def _refuse_bad_scores(
    scores: pl.LazyFrame, runs: pl.DataFrame, names: tuple[str, str, str]
) -> None:
    for name in names:
        bad = runs.filter(pl.col(f"bad_{name}") > 0)
        if not bad.height:
            continue
        x = pl.col(name)
        # The slow look, only taken when something is wrong: which kind of wrong it is.
        kinds = scores.select(
            null=x.is_null().sum(), NaN=x.is_nan().sum(), infinite=x.is_infinite().sum()
        ).collect()
        counts = [f"{n:,} {kind}" for kind, n in kinds.row(0, named=True).items() if n]
        outside = bad[f"bad_{name}"].sum() - sum(kinds.row(0))
        counts += [f"{outside:,} below 0 or above 1"] if outside else []
        raise ContractError(
            f"Column {name} of the base scores is wrong in {bad[f'bad_{name}'].sum():,} rows "
            f"({', '.join(counts)}), first in gene {bad['gene_id'][0]}.",
            "Scores are probabilities in 0..1 without missing values.",
        )
    bad = runs.filter(pl.col(_bad_sum(names)) > 0)
    if bad.height:
        raise ContractError(
            f"{' + '.join(names)} is not 1 in {bad[_bad_sum(names)].sum():,} rows, first in gene "
            f"{bad['gene_id'][0]}.",
            f"The three probabilities of a position must sum to 1 within {SUM_TOLERANCE}.",
        )


def _refuse_bad_truth(runs: pl.DataFrame) -> None:
    bad = runs.filter(pl.col("bad_truth") > 0) if "bad_truth" in runs.columns else runs.clear()
    if bad.height:
        raise ContractError(
            f"Column splice_type of the base scores has none of its values in "
            f"{bad['bad_truth'].sum():,} rows, first in gene {bad['gene_id'][0]}.",
            "It must be 0 or neither, 1 or donor, 2 or acceptor; leave the column out if unknown.",
        )


def _refuse_duplicates(scores: pl.LazyFrame, runs: pl.DataFrame) -> None:
    repeated = runs.filter(pl.col("repeated") > 0).select("gene_id", rows=pl.col("repeated"))
    if repeated.is_empty():
        unsorted = runs.filter(pl.col("backward") > 0)["gene_id"]
        if unsorted.is_empty():
            return
        # Repeats need not be adjacent where the rows are out of order.
        repeated = (
            scores.filter(pl.col("gene_id").is_in(unsorted.to_list()))
            .group_by("gene_id")
            .agg(rows=pl.len() - pl.col("position").n_unique())
            .filter(pl.col("rows") > 0)
            .collect()
            .sort("gene_id")
        )
    if repeated.height:
        raise ContractError(
            f"Column position of the base scores repeats a position in {repeated['rows'].sum():,} "
            f"rows, first in gene {repeated['gene_id'][0]}.",
            "Keep one row per nucleotide of a gene.",
        )
