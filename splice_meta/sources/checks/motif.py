"""Confident sites held against the bases: GT behind donors, AG before acceptors.

Nearly all introns begin with GT (a few with GC or AT) and end with AG (a few with AC). A table
whose confident sites do not lie so has the bases of the other strand, or is off by a base or two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from splice_meta.sources.checks.batches import Batch
from splice_meta.sources.checks.letters import BASES, N_CODE, OTHER, base_code
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


def _fits(motifs: Sequence[str]) -> NDArray[np.bool_]:
    """Whether two bases, by their codes, are one of some motifs."""
    fits = np.zeros((len(BASES), len(BASES)), np.bool_)
    for motif in motifs:
        left, right = map(BASES.index, motif.encode())
        fits[left, right] = True
    return fits


KINDS = {"donor": (_fits(DONOR), 1, 2, 2), "acceptor": (_fits(ACCEPTOR), -2, -1, -2)}
"""By kind of site, its motifs, and how many rows away the two bases and the farther of them lie."""

MOTIFS = ("donors", "donor_fits", "acceptors", "acceptor_fits")
"""What is counted of confident sites by the bases beside them."""


def at_motifs(
    batch: Batch,
    codes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    sites: Mapping[str, NDArray[np.int64]],
) -> dict[str, NDArray[np.int64]]:
    """The confident sites whose intron's two outer bases stand in rows beside them.

    Args:
        batch: Rows with ``position``.
        codes: The rows' bases, see :mod:`.letters`.
        starts: The first row of each gene.
        sites: The rows of confident sites of each of :data:`KINDS`.

    Returns:
        For each of :data:`MOTIFS` the row numbers of all such sites, or of those that fit.
    """
    found: dict[str, NDArray[np.int64]] = {}
    for kind, (fits, first, second, far) in KINDS.items():
        at = sites[kind]
        at = at[(at + far >= 0) & (at + far < len(codes))]
        genes = [np.searchsorted(starts, row, side="right") for row in (at, at + far)]
        near, away = batch.positions(at, at + far)
        at = at[(genes[0] == genes[1]) & (away - near == far)]
        left, right = codes[at + first], codes[at + second]
        known = (left < N_CODE) & (right < N_CODE)
        at, left, right = at[known], left[known], right[known]
        found |= {f"{kind}s": at, f"{kind}_fits": at[fits[left, right]]}
    return found


def judge_motif(genes: pl.DataFrame, scores: pl.LazyFrame) -> list[str]:
    """What is to be said of sites that do not lie on their motifs.

    Args:
        genes: ``gene_id``, ``strand``, ``positions``, ``is_sorted`` and the counts of
            :func:`at_motifs`.
        scores: Canonical base scores; looked at again where something is wrong, or genes are in
            another order.

    Returns:
        Sentences; empty if nothing is wrong, or too little is known.
    """
    if "donors" not in genes.columns:
        return []
    looked_at = [*_suspects(genes), *_unsorted(genes)]
    sites = _look(scores, genes, looked_at) if looked_at else None
    return judge_sites(sites) if sites is not None else []


def _suspects(genes: pl.DataFrame) -> list[str]:
    """The genes of each strand, or single genes, whose counts tell that something is wrong."""
    strands = genes.group_by("strand", maintain_order=True).agg(pl.col(MOTIFS).sum())
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
