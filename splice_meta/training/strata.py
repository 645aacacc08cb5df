"""Figures of held-out predictions by chromosome, gene length, and distance to annotated sites."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.evaluation.metrics import resampled_ranking, summed_figures
from splice_meta.evaluation.tally import CALL, SMALLEST, Systems, Tally

FIGURES = (
    ("log_loss_per_site", "all"), ("brier_per_site", "all"), ("ece", "all"), ("ece_scored", "all"),
    ("average_precision", "donor"), ("average_precision", "acceptor"),
)  # fmt: skip
"""The figures that are given of a part of the genes."""

LENGTHS = (10_000, 50_000, 150_000)
"""Where gene lengths are divided, in positions."""

DISTANCES = (0, 10, 50, 500)
"""Where distances to the nearest annotated site are divided: at the site, up to 10, ..."""

Members = npt.NDArray[np.bool_]


def by_chromosome(
    sums: Tally, places: pl.DataFrame, base_trained: Collection[str] | None
) -> list[dict[str, Any]]:
    """Figures by chromosome, and of those a base model was trained on and the others.

    Args:
        sums: The sums by gene.
        places: ``gene_id`` and ``chrom``; chromosomes may be null.
        base_trained: Chromosomes the base models were trained on, without "chr"; None where that
            is not known.

    Returns:
        A part for each chromosome, named by it, with ``base_trained`` (None where not known);
        then, where it is known, ``seen by the base model`` and ``unseen by the base model``.
    """
    chrom_of = dict(places.select("gene_id", "chrom").iter_rows())
    chroms = np.array([(chrom_of[g] or "").removeprefix("chr") for g in sums.genes], dtype=object)
    parts = []
    for chrom in sorted(set(chroms) - {""}, key=lambda c: (not c.isdecimal(), c.zfill(2))):
        is_trained = None if base_trained is None else chrom in base_trained
        found = figures_of_genes(sums, chroms == chrom)
        parts.append({"part": chrom, "base_trained": is_trained} | found)
    if base_trained is not None:
        is_seen = np.isin(chroms.astype(str), list(base_trained))
        for name, members in (("seen", is_seen), ("unseen", ~is_seen & (chroms != ""))):
            found = figures_of_genes(sums, members)
            parts.append({"part": f"{name} by the base model"} | found)
    return [part for part in parts if part["genes"]]


def by_gene_length(sums: Tally) -> list[dict[str, Any]]:
    """Figures by the number of positions of a gene."""
    place = np.searchsorted(LENGTHS, np.rint(sums.positions), side="right")
    parts = [
        {"part": name} | figures_of_genes(sums, place == number)
        for number, name in enumerate(_names(LENGTHS))
    ]
    return [part for part in parts if part["genes"]]


def _names(edges: Sequence[int]) -> list[str]:
    inner = [f"{a:,} to {b - 1:,}" for a, b in pairwise(edges)]
    return [f"below {edges[0]:,}", *inner, f"{edges[-1]:,} and more"]


def figures_of_genes(sums: Tally, members: Members) -> dict[str, Any]:
    """Figures of some genes, by system.

    Args:
        sums: The sums by gene.
        members: Which genes, shape (genes,).

    Returns:
        ``genes``, ``positions``, ``sites``, and ``systems``: by name and class the figures of
        :data:`FIGURES`, None where one is not defined.
    """
    once = members.astype(np.float64)[None, :]
    systems: dict[str, Any] = {}
    for name in sums.systems:
        found = summed_figures(sums, name, once) | resampled_ranking(sums, name, once)
        for metric, kind in FIGURES:
            value = float(found[metric, kind][0])
            figures = systems.setdefault(name, {}).setdefault(kind, {})
            figures[metric] = value if np.isfinite(value) else None
    return {
        "genes": int(members.sum()),
        "positions": float(sums.positions[members].sum()),
        "sites": float(sum(counts[members].sum() for counts in sums.sites.values())),
        "systems": systems,
    }


def by_distance(held_out: pl.DataFrame, systems: Systems) -> list[dict[str, Any]]:
    """What is predicted at annotated sites, and at how far from the nearest one.

    Args:
        held_out: ``gene_id``, ``position``, ``truth``, ``weight`` and the systems' columns, sorted
            by gene and position; all annotated sites are among the rows.
        systems: The systems.

    Returns:
        For each range of distances (positions along the gene; genes without a site left out) its
        ``part``, ``positions`` and ``systems``: by name the sum of -ln p(true class)
        (``log_loss``), the expected number of sites (``expected``: sum of donor and acceptor
        probabilities) and the positions that are called donor or acceptor at 0.5 (``called``).
        At distance 0 there are ``positions`` sites, elsewhere none.
    """
    ranked = _with_distance(held_out).drop_nulls("_distance")
    place = np.searchsorted(DISTANCES, ranked["_distance"].to_numpy(), side="left")
    inner = [f"{a + 1:,} to {b:,}" for a, b in pairwise(DISTANCES)]
    names = ["annotated", *inner, f"more than {DISTANCES[-1]:,}"]
    parts = ranked.with_columns(_part=pl.Series(place))
    sums: dict[str, pl.Expr] = {"positions": pl.col("weight").sum()}
    for system, (donor, acceptor, neither) in systems.items():
        true = (
            pl.when(pl.col("truth") == "donor").then(pl.col(donor))
            .when(pl.col("truth") == "acceptor").then(pl.col(acceptor))
            .otherwise(pl.col(neither)).cast(pl.Float64).clip(SMALLEST, 1.0)
        )  # fmt: skip
        called = pl.max_horizontal(donor, acceptor) >= CALL
        weight = pl.col("weight")
        sums |= {
            f"{system}\tlog_loss": -(weight * true.log()).sum(),
            f"{system}\texpected": (weight * (pl.col(donor) + pl.col(acceptor))).sum(),
            f"{system}\tcalled": (weight * called).sum(),
        }
    found = parts.group_by("_part").agg(**sums).sort("_part")
    return [_nested(names[row.pop("_part")], row) for row in found.iter_rows(named=True)]


def _nested(name: str, row: Mapping[str, float]) -> dict[str, Any]:
    systems: dict[str, dict[str, float]] = {}
    for key, value in row.items():
        system, tab, figure = key.partition("\t")
        if tab:
            systems.setdefault(system, {})[figure] = float(value)
    return {"part": name, "positions": float(row["positions"]), "systems": systems}


def _with_distance(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``_distance`` to the nearest annotated site of the gene; null where it has none."""
    is_site = pl.col("truth") != "neither"
    at = pl.when(is_site).then(pl.col("position"))
    before = at.forward_fill().over("gene_id")
    after = at.backward_fill().over("gene_id")
    here = pl.col("position")
    return rows.with_columns(_distance=pl.min_horizontal(here - before, after - here))
