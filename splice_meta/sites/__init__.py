"""The sites of a run: what base or final probabilities call, and what moved.

A site is a position and a type, donor or acceptor. It is *called* where its probability reaches the
threshold. *Gained* sites are called by the final probabilities alone, *lost* ones by the base
model's alone.
"""

from __future__ import annotations

import polars as pl

THRESHOLD = 0.5
"""Probability from which a site counts as called, unless another one is asked for."""

MOVED = 0.1
"""A change of probability from which an uncalled site is listed."""

TYPES = ("donor", "acceptor")

FATES = ("kept", "gained", "lost", "uncalled")
Fate = pl.Enum(FATES)

COUNTS = (
    "base_sites", "final_sites", "gained", "lost",
    "base_annotated", "final_annotated", "gained_annotated", "lost_annotated",
)  # fmt: skip
"""What :func:`count_sites` counts."""


def is_called(probability: str, threshold: float) -> pl.Expr:
    """Whether the probability in a column calls a site."""
    return pl.col(probability) >= threshold


def fate_of(base: str, final: str, threshold: float) -> pl.Expr:
    """What became of sites, one of :data:`FATES`; the arguments name columns of probabilities."""
    was, now = is_called(base, threshold), is_called(final, threshold)
    fate = (
        pl.when(was & now).then(pl.lit("kept"))
        .when(now).then(pl.lit("gained"))
        .when(was).then(pl.lit("lost"))
        .otherwise(pl.lit("uncalled"))
    )  # fmt: skip
    return fate.cast(Fate)


def count_sites(sites: pl.LazyFrame) -> pl.LazyFrame:
    """Called, gained and lost sites of each gene, and how many of each are annotated.

    Args:
        sites: A sites table.

    Returns:
        ``gene_id`` and :data:`COUNTS` (Int64), for genes that have sites.
    """
    fate = pl.col("fate").cast(pl.String)
    by = {
        "base": fate.is_in(["kept", "lost"]), "final": fate.is_in(["kept", "gained"]),
        "gained": fate == "gained", "lost": fate == "lost",
    }  # fmt: skip
    names = {"base": "base_sites", "final": "final_sites", "gained": "gained", "lost": "lost"}
    is_known = pl.col("is_annotated").fill_null(False)
    return sites.group_by("gene_id", maintain_order=True).agg(
        *(of.sum().cast(pl.Int64).alias(names[name]) for name, of in by.items()),
        *((of & is_known).sum().cast(pl.Int64).alias(f"{name}_annotated")
          for name, of in by.items()),
    )  # fmt: skip
