"""Sequence and k-mer features, from the counts of a row's sequence window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import polars as pl

from splice_meta.features.windows import BASES, POSITIONS, base_field
from splice_meta.manifest import META_SPLICEAI, OWN


def _count(base: str) -> pl.Expr:
    return pl.col(base_field(base)).cast(pl.Float64)


@cache
def sequence_exprs(origin: str = OWN) -> dict[str, pl.Expr]:
    """Length, GC content and complexity of the window of positions -half_width..+half_width.

    ``sequence_length`` is the number of positions in the window; ``gc_content`` (G + C) /
    sequence_length; ``sequence_complexity`` the Shannon entropy (base 2) of the A, C, G, T
    frequencies, divided by 2, and 0 where the window holds none of them. meta-spliceai's is in
    bits, 0 to 2.

    Args:
        origin: Whose definitions count.
    """
    length = pl.col(POSITIONS).cast(pl.Float64)
    known = pl.sum_horizontal(_count(base) for base in BASES)

    def surprise(base: str) -> pl.Expr:
        f = _count(base) / known
        # Neither bound is met by NaN, the f of a window without any base: Polars ranks it above 1.
        return pl.when((f > 0) & (f < 1)).then(-f * f.log(2)).otherwise(0.0)

    entropy = pl.sum_horizontal(surprise(base) for base in BASES)
    return {
        "sequence_length": length,
        "gc_content": (_count("G") + _count("C")) / length,
        "sequence_complexity": entropy if origin == META_SPLICEAI else entropy / 2,
    }


def kmer_exprs(words: Mapping[int, Sequence[str]]) -> dict[str, pl.Expr]:
    """Overlapping occurrences of each word in the window, read 5' to 3'.

    Args:
        words: The words by their length.
    """
    names = [f"{k}mer_{word}" for k, listed in words.items() for word in listed]
    return {name: pl.col(name) for name in names}
