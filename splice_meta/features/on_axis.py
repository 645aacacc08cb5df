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
from splice_meta.features.targets import Targets
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


def around_expr(
    place: Sequence[str], surrounding: Mapping[str, Sequence[str]], picked: str | None
) -> pl.Expr:
    """Place in the gene, motif, and the surroundings in the scores of each base model.

    See :mod:`.motif` and :mod:`.surroundings`.

    Args:
        place: Which features of place and motif; motifs need the ``base`` column.
        surrounding: Which features of surroundings, without the base model's name, by base model;
            it is empty for a single one.
        picked: The Boolean column that marks the wanted rows; every row if None.
    """
    has_motif = not all(name in PLACE for name in place)
    fronts = {base_model: f"{base_model}." if base_model else "" for base_model in surrounding}
    fields = [*place, *(fronts[m] + name for m, names in surrounding.items() for name in names)]

    def compute(series: Sequence[pl.Series]) -> pl.Series:
        axis, gene, *rest = series
        targets = Targets.of(axis, gene, rest.pop() if picked else None)
        bases = rest.pop(0) if has_motif else None
        made = place_and_motif(targets, bases, place) if place else {}
        for number, (base_model, names) in enumerate(surrounding.items()):
            found = surroundings(targets, rest[3 * number : 3 * number + 3], names)
            made |= {fronts[base_model] + name: values for name, values in found.items()}
        return pl.DataFrame(made).to_struct("around")

    scores = [pl.col(name) for base_model in surrounding for name in scores_of(base_model)]
    bases = [pl.col("base")] if has_motif else []
    inputs = [pl.col(AXIS), pl.col(GENE), *bases, *scores, *_mask(picked)]
    return pl.map_batches(inputs, compute, return_dtype=_struct(fields))


def _mask(picked: str | None) -> list[pl.Expr]:
    return [pl.col(picked)] if picked else []


def _struct(fields: Sequence[str]) -> pl.Struct:
    return pl.Struct({name: pl.Float32 for name in fields})
