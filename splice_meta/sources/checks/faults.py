"""Rows of base scores that fail a check by themselves: keys, scores, positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
from numpy.typing import NDArray

from splice_meta.contracts import HIGHEST, RANGE_TOLERANCE, all_scores_in
from splice_meta.errors import ContractError

SUM_TOLERANCE = 1e-2
"""How far from 1 the sum of the three scores may lie."""


def fault_exprs(columns: Sequence[str]) -> dict[str, pl.Expr]:
    """By column, or sum of columns, whether a row fails its check; null where it has no place."""
    found = {
        "gene_id": pl.col("gene_id").is_null(),
        "position": pl.col("position").is_between(0, HIGHEST).not_().fill_null(True),
    }
    for names in all_scores_in(columns):
        total = sum((pl.col(name).cast(pl.Float64) for name in names), pl.lit(0.0))
        found |= {name: _outside(pl.col(name), 0, 1, RANGE_TOLERANCE) for name in names}
        found[" + ".join(names)] = _outside(total, 1, 1, SUM_TOLERANCE)
    if "genomic_position" in columns:
        place = pl.col("genomic_position")
        found["genomic_position"] = place.is_between(0, HIGHEST).not_()
    return found


def _outside(value: pl.Expr, low: float, high: float, tolerance: float) -> pl.Expr:
    return value.is_between(low - tolerance, high + tolerance).not_().fill_null(True)


def is_sound(rows: pl.DataFrame) -> bool:
    """Whether a quick look at rows rules out what :func:`fault_exprs` may find but in position.

    It takes the sums in Float32, with bounds closer than rounding moves them, and is false for
    rows that come near to the bounds.
    """
    if rows["gene_id"].null_count():
        return False
    if "genomic_position" in rows.columns and not _within(
        _known(rows["genomic_position"]), 0, HIGHEST, 0
    ):
        return False
    for names in all_scores_in(rows.columns):
        if any(rows[name].null_count() for name in names):
            return False
        scores = [rows[name].to_numpy() for name in names]
        total = scores[0] + scores[1]
        total += scores[2]
        if not _within(total, 1, 1, 0.99 * SUM_TOLERANCE):
            return False
        if not all(_within(score, 0, 1, 0.99 * RANGE_TOLERANCE) for score in scores):
            return False
    return True


def _known(values: pl.Series) -> NDArray[Any]:
    return (values.drop_nulls() if values.null_count() else values).to_numpy()


def _within(values: NDArray[Any], low: float, high: float, tolerance: float) -> bool:
    """Whether all values are; not where one is NaN."""
    if not values.size:
        return True
    return bool(values.min() >= low - tolerance and values.max() <= high + tolerance)


def refuse_faults(scores: pl.LazyFrame) -> None:
    """Say what is wrong, column by column; the slow look, taken only when something is.

    Raises:
        ContractError: The column, the number of rows and the first gene are named.
    """
    faults = fault_exprs(scores.collect_schema().names())
    counts = scores.select(**{name: fault.sum() for name, fault in faults.items()}).collect()
    for name, count in counts.row(0, named=True).items():
        if not count:
            continue
        first = scores.filter(faults[name]).select("gene_id").head(1).collect().item()
        raise ContractError(*_words(scores, name, count, first))


def _words(scores: pl.LazyFrame, name: str, count: int, gene: str) -> tuple[str, str]:
    """Message and hint on the rows that fail a check."""
    if name == "gene_id":
        return (
            f"Column gene_id of the base scores is null in {count:,} rows.",
            "Every row needs the gene it belongs to.",
        )
    if name in ("position", "genomic_position"):
        return _words_of_position(scores, name, count, gene)
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


def _words_of_position(
    scores: pl.LazyFrame, name: str, count: int, gene: str
) -> tuple[str, str]:  # fmt: skip
    nulls = scores.select(pl.col(name).null_count()).collect().item()
    if nulls and name == "position":
        return (
            f"Column position of the base scores is null in {nulls:,} rows, first in gene {gene}.",
            "Every row needs its position in the gene.",
        )
    return (
        f"Column {name} of the base scores is not a whole number from 0 to {HIGHEST:,} in "
        f"{count:,} rows, first in gene {gene}.",
        "position counts the nucleotides of a gene 5' to 3'; genomic_position is 1-based.",
    )
