"""The one streaming pass over base scores: what each run of a gene's rows comes to."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from splice_meta.catalogue import GENOMIC
from splice_meta.contracts import GENE_STRIDE, OPTIONAL, REQUIRED, TRUTH_WORD, all_scores_in
from splice_meta.sources.checks.faults import fault_exprs
from splice_meta.sources.checks.letters import base_code, letter_counts
from splice_meta.sources.checks.motif import motif_counts
from splice_meta.sources.checks.truth import truth_counts


def gene_runs(
    scores: pl.LazyFrame,
    most: int | None = None,
    places: bool = False,
    also: Collection[str] = (),
) -> pl.LazyFrame:
    """One row per run of adjacent rows of a gene, with what the checks need.

    No column is looked at twice, so that the plan streams: what is wrong with a score is looked
    up only where something is. Every column that a batch may read is read here, so that one that
    cannot be read is found before anything is written.

    Args:
        scores: Canonical base scores.
        most: Runs after so many are left out; none if None.
        places: Whether to add up the positions' hashes, a fifth of the pass.
        also: Further columns that will be read where they are there.

    Returns:
        A plan with ``run`` (0-based), ``gene_id``, ``positions`` (rows), ``first`` and ``last``,
        ``low`` and ``high`` position, ``descents`` (rows whose position is not above that of the
        row before, which may belong to the run before), ``faults`` (whether a row fails a check);
        if asked for ``places``; what :func:`_lacking` and :func:`_place_of` say; and the counts of
        :mod:`~splice_meta.sources.checks.letters`, :mod:`~splice_meta.sources.checks.motif` and
        :mod:`~splice_meta.sources.checks.truth`.
    """
    columns = scores.collect_schema().names()
    position = pl.col("position")
    counted, first, extremes = _place_of(columns)
    counted |= letter_counts(columns) | motif_counts(columns) | truth_counts(columns)
    counted |= _lacking(columns, also)
    return (
        _coded(scores, columns)
        .select(
            "gene_id",
            "position",
            "run",
            faults=pl.any_horizontal(fault_exprs(columns).values()),
            descents=position.diff() <= 0,
            **({"places": position.hash()} if places else {}),
            **counted,
            **first,
            **extremes,
        )
        .filter(pl.lit(True) if most is None else pl.col("run") < most)
        .group_by("run")
        .agg(
            pl.col("gene_id").first(),
            pl.len().cast(pl.Int64).alias("positions"),
            position.first().alias("first"),
            position.last().alias("last"),
            position.min().alias("low"),
            position.max().alias("high"),
            pl.col("descents").sum(),
            pl.col("faults").any(),
            # A sum of hashes, modulo 2^64: the same for any order of the positions.
            *([pl.col("places").sum()] if places else []),
            *(pl.col(name).sum().cast(pl.Int64) for name in counted),
            *(pl.col(name).first() for name in first),
            *(pl.col(name).min().alias(f"{name}_low") for name in extremes),
            *(pl.col(name).max().alias(f"{name}_high") for name in extremes),
        )
        .sort("run")
    )


def _coded(scores: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
    """Add what several measures look at: the run, the base's code, the axis along the rows."""
    coded = scores.with_columns(run=pl.col("gene_id").rle_id())
    if "base" in columns:
        axis = pl.col("run").cast(pl.Int64) * GENE_STRIDE + pl.col("position")
        coded = coded.with_columns(axis.alias("_axis"), base_code().alias("_code"))
    return coded.drop(TRUTH_WORD, strict=False)


def _lacking(columns: Sequence[str], also: Collection[str]) -> dict[str, pl.Expr]:
    """``lacking``: rows without one of the features that the table has as columns of its own."""
    read = {*REQUIRED, *OPTIONAL, *(n for names in all_scores_in(columns) for n in names)}
    names = [name for name in columns if name in {*GENOMIC, *also} - read]
    return {"lacking": pl.any_horizontal(pl.col(names).is_null())} if names else {}


def _place_of(
    columns: Sequence[str],
) -> tuple[dict[str, pl.Expr], dict[str, pl.Expr], dict[str, pl.Expr]]:
    """What tells where a gene lies: what is counted, what is taken first, what has extremes.

    Counted are ``chrom_changes`` and ``strand_changes`` between rows of a run, and ``placed``
    (rows with a genomic position). Extremes are taken of the difference and the sum of genomic
    position and position: one of them is the same on every row of a gene.
    """
    counted: dict[str, pl.Expr] = {}
    first: dict[str, pl.Expr] = {}
    same_run = pl.col("run") == pl.col("run").shift(1)  # null, which counts as no, on the first
    for name in ("chrom", "strand"):
        if name in columns:
            changed = pl.col(name).ne_missing(pl.col(name).shift(1))
            counted[f"{name}_changes"] = same_run & changed
            first[name] = pl.col(name)
    if "genomic_position" not in columns:
        return counted, first, {}
    place, position = pl.col("genomic_position").cast(pl.Int64), pl.col("position")
    counted["placed"] = place.is_not_null()
    return counted, first, {"ahead": place - position, "across": place + position}
