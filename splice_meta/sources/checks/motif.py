"""Confident sites held against the bases: GT behind donors, AG before acceptors.

Nearly all introns begin with GT (a few with GC or AT) and end with AG (a few with AC). A table
whose confident sites do not lie so has the bases of the other strand, or is off by a base or two.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

import polars as pl

from splice_meta.sources.checks.letters import BASES, OTHER, base_code
from splice_meta.sources.checks.sites import (
    ACCEPTOR,
    CONFIDENT,
    DONOR,
    MOST_SITES,
    REACH,
    Sites,
    is_suspect,
    judge_sites,
)

MOST_SORTED = 2_000_000
"""Positions of genes in another order that are sorted to look at their sites."""

_PAIRS = (("donor", DONOR, -1, -2, -2), ("acceptor", ACCEPTOR, 2, 1, 2))
"""By kind of site, its motifs, and as shifts the rows of the two bases and the farther of them."""


def motif_counts(columns: Sequence[str]) -> dict[str, pl.Expr]:
    """What is counted of confident sites whose intron's two outer bases stand in rows beside them.

    Args:
        columns: The table's columns.

    Returns:
        ``donors``, ``donor_fits``, ``acceptors``, ``acceptor_fits``; none without bases.
    """
    if "base" not in columns:
        return {}
    axis, code = pl.col("_axis"), pl.col("_code")
    counted: dict[str, pl.Expr] = {}
    for label, motifs, first, second, far in _PAIRS:
        pair = code.shift(first) * 8 + code.shift(second)  # three bits each
        beside = (axis - axis.shift(far)) == far
        known = (pair & 0o44) == 0
        tested = (pl.col(f"{label}_score") >= CONFIDENT) & beside & known
        numbers = [BASES.index(m[0].encode()) * 8 + BASES.index(m[1].encode()) for m in motifs]
        fits = reduce(or_, (pair == number for number in numbers))
        counted |= {f"{label}s": tested, f"{label}_fits": tested & fits}
    return counted


def judge_motif(genes: pl.DataFrame, scores: pl.LazyFrame) -> list[str]:
    """What is to be said of sites that do not lie on their motifs.

    Args:
        genes: ``gene_id``, ``strand``, ``positions``, ``is_sorted`` and the counts of
            :func:`motif_counts`.
        scores: Canonical base scores; looked at again where something is wrong, or genes are in
            another order.

    Returns:
        Sentences; empty if nothing is wrong, or too little is known.
    """
    if "donors" not in genes.columns:
        return []
    looked_at = [*_suspects(genes), *_unsorted(genes)]
    return judge_sites(_look(scores, genes, looked_at)) if looked_at else []


def _suspects(genes: pl.DataFrame) -> list[str]:
    """The genes of each strand, or single genes, whose counts tell that something is wrong."""
    sums = ("donors", "donor_fits", "acceptors", "acceptor_fits")
    strands = genes.group_by("strand", maintain_order=True).agg(pl.col(sums).sum())
    wrong = strands.filter(_is_suspect())["strand"].to_list()
    if wrong:
        in_wrong = pl.any_horizontal(pl.col("strand").eq_missing(strand) for strand in wrong)
        return genes.filter(in_wrong)["gene_id"].to_list()
    return genes.filter(_is_suspect())["gene_id"].to_list()


def _is_suspect() -> pl.Expr:
    tested, fits = ("donors", "acceptors"), ("donor_fits", "acceptor_fits")
    return pl.any_horizontal(
        is_suspect(pl.sum_horizontal(tested), pl.sum_horizontal(fits)),
        *(is_suspect(pl.col(n), pl.col(m)) for n, m in zip(tested, fits, strict=True)),
    )


def _unsorted(genes: pl.DataFrame) -> list[str]:
    """Genes in another order, whose sites have other neighbours than the rows beside them."""
    unsorted = genes.filter(~pl.col("is_sorted"))
    return unsorted.filter(pl.col("positions").cum_sum() <= MOST_SORTED)["gene_id"].to_list()


def _look(scores: pl.LazyFrame, genes: pl.DataFrame, looked_at: Sequence[str]) -> Sites:
    """The confident sites of some genes with the bases around them."""
    here = genes.filter(pl.col("gene_id").is_in(looked_at))
    rows = scores.filter(pl.col("gene_id").is_in(looked_at)).with_columns(
        run=pl.col("gene_id").rle_id(), _code=base_code()
    )
    if not here["is_sorted"].all():
        rows = rows.sort("run", "position", maintain_order=True)
    position, run = pl.col("position"), pl.col("run")
    around = {}
    for k in range(-REACH, REACH + 1):
        beside = (position.shift(-k) - position == k) & (run.shift(-k) == run)
        around[f"_{k}"] = pl.when(beside).then(pl.col("_code").shift(-k)).fill_null(OTHER)
    is_donor = pl.col("donor_score") >= CONFIDENT
    found = (
        rows.with_columns(**around, is_donor=is_donor)
        .filter(is_donor | (pl.col("acceptor_score") >= CONFIDENT))
        .head(MOST_SITES)
        .select("gene_id", "is_donor", *around)
        .collect()
    )
    strands = genes.select("gene_id", "strand")
    found = found.join(strands, on="gene_id", how="left", maintain_order="left")
    return Sites(found.select("gene_id", "strand", "is_donor"), found.select(*around).to_numpy())
