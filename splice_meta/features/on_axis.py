"""Numpy inside the plan: what needs the full position axis but is wanted for few rows.

Each expression takes whole columns and returns a struct with one row per picked row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from splice_meta.catalogue import PLACE
from splice_meta.contracts import AXIS, GENE, scores_of
from splice_meta.features.motif import place_and_motif
from splice_meta.features.surroundings import surroundings
from splice_meta.features.windows import window_counts, window_fields


def window_expr(
    window: tuple[int, int], words: Mapping[int, Sequence[str]], picked: str | None
) -> pl.Expr:
    """Counts of positions, bases and words in sequence windows, see :mod:`.windows`."""
    before, after = window

    def count(series: Sequence[pl.Series]) -> pl.Series:
        axis, bases, *mask = series
        return window_counts(axis, bases, mask[0] if mask else None, before, words, after)

    inputs = [pl.col(AXIS), pl.col("base"), *_mask(picked)]
    return pl.map_batches(inputs, count, return_dtype=_struct(window_fields(words)))


def surroundings_expr(names: Sequence[str], base_model: str, picked: str | None) -> pl.Expr:
    """Surroundings in the scores of one base model, see :mod:`.surroundings`.

    Args:
        names: Which features, without the base model's name.
        base_model: One of several base models; empty for a single one.
        picked: The Boolean column that marks the wanted rows; every row if None.
    """
    front = f"{base_model}." if base_model else ""

    def compute(series: Sequence[pl.Series]) -> pl.Series:
        axis, gene, donor, acceptor, neither, *mask = series
        scores = (donor, acceptor, neither)
        found = surroundings(axis, gene, scores, mask[0] if mask else None, names)
        return found.struct.rename_fields([front + name for name in names])

    inputs = [pl.col(AXIS), pl.col(GENE), *map(pl.col, scores_of(base_model)), *_mask(picked)]
    return pl.map_batches(inputs, compute, return_dtype=_struct([front + n for n in names]))


def place_expr(names: Sequence[str], picked: str | None) -> pl.Expr:
    """Place in the gene and motif, see :mod:`.motif`.

    Args:
        names: Which features; motifs need the ``base`` column.
        picked: The Boolean column that marks the wanted rows; every row if None.
    """
    has_motif = not all(name in PLACE for name in names)

    def compute(series: Sequence[pl.Series]) -> pl.Series:
        axis, gene, *rest = series
        bases = rest.pop(0) if has_motif else None
        return place_and_motif(axis, gene, bases, rest[0] if rest else None, names)

    bases = [pl.col("base")] if has_motif else []
    inputs = [pl.col(AXIS), pl.col(GENE), *bases, *_mask(picked)]
    return pl.map_batches(inputs, compute, return_dtype=_struct(names))


def _mask(picked: str | None) -> list[pl.Expr]:
    return [pl.col(picked)] if picked else []


def _struct(fields: Sequence[str]) -> pl.Struct:
    return pl.Struct({name: pl.Float32 for name in fields})
