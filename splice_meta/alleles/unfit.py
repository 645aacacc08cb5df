"""Which alleles cannot be scored, and why: said in the output, never left out in silence."""

from __future__ import annotations

import polars as pl

_BASES = "^[ACGT]+$"
_NONE = [".", "", "-"]


def reason() -> pl.Expr:
    """Why an allele cannot be scored, as a column ``reason``; null where it can.

    From ``chrom``, ``pos``, ``ref`` and ``alt``: letters are capital, ``pos`` is a whole number.
    """
    ref, alt = pl.col("ref"), pl.col("alt")
    cases = (
        (pl.col("chrom").is_null(), "no chromosome"),
        (pl.col("pos").is_null(), "no position"),
        (alt.is_null() | alt.is_in(_NONE), "no alternative allele"),
        (alt.is_in(["*", "<*>", "<NON_REF>"]), "no alternative allele of its own (* or <*>)"),
        (alt.str.contains(r"[\[\]]|^\..|.\.$"), "breakend"),
        (alt.str.starts_with("<"), "symbolic allele"),
        (ref.is_null() | ref.is_in(_NONE), "no reference allele"),
        (~ref.str.contains(_BASES), "ref has other letters than A, C, G and T"),
        (~alt.str.contains(_BASES), "alt has other letters than A, C, G and T"),
        (pl.col("pos") < 1, "the position is below 1"),
        (ref == alt, "ref and alt are the same"),
    )
    words = [pl.when(is_so).then(pl.lit(why)) for is_so, why in cases]
    return pl.coalesce(*words).alias("reason")
