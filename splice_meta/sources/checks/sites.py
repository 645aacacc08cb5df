"""Why confident sites do not lie on their motifs: the other strand, another order, a shift."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from splice_meta.sources.checks.letters import BASES, N_CODE, OTHER

CONFIDENT = 0.5
"""Sites with at least this score are held against the bases."""

FEWEST = 10
"""Sites below which nothing is concluded."""

FITTING = 0.8
"""Share of fitting sites from which they are taken as they stand; by chance it is one in six."""

MISFITS = 5
"""Sites that must not fit for anything to be wrong."""

MOST_SITES = 4000
"""Sites that are looked at to find out what is wrong."""

REACH = 5
"""Bases on each side of a site that are looked at then."""

SHIFTS = (1, -1, 2, -2, 3, -3)
"""The shifts that are tried, in bases along the transcript."""

WRONG_STRAND = (
    "the bases were those of the other strand: base is the nucleotide on the transcript strand."
)
REVERSE_COMPLEMENT = (
    "the genes were read on the other strand, as the reverse complement: positions and bases run "
    "5' to 3' on the transcript strand."
)
REVERSED = "the positions counted the other way: they count 5' to 3' on the transcript strand."
SWAPPED = "donor and acceptor scores changed places."

DONOR, ACCEPTOR = ("GT", "GC", "AT"), ("AG", "AC")

# Codes of bases, see :func:`splice_meta.sources.checks.letters.base_code`.
_COMPLEMENT = np.array([3, 2, 1, 0, N_CODE, OTHER], np.uint8)

Codes = NDArray[np.uint8]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Sites:
    """Confident sites with the bases around them.

    Attributes:
        table: ``gene_id``, ``strand``, ``is_donor`` of each site.
        bases: Codes of the bases from :data:`REACH` rows before the site to as many behind it,
            see :func:`splice_meta.sources.checks.letters.base_code`, shape
            (sites, 2 * REACH + 1).
    """

    table: pl.DataFrame
    bases: Codes

    def of(self, wanted: Flags) -> Sites:
        """Some of the sites."""
        return Sites(self.table.filter(pl.Series(wanted)), self.bases[wanted])


def is_suspect(tested: pl.Expr, fits: pl.Expr) -> pl.Expr:
    """Whether too few of the tested sites fit."""
    return (tested >= FEWEST) & (fits < FITTING * tested) & (tested - fits >= MISFITS)


def judge_sites(sites: Sites) -> list[str]:
    """What is to be said of sites that do not lie on their motifs, by strand, else by gene."""
    said = []
    for strand in sites.table["strand"].unique(maintain_order=True):
        of_strand = sites.of(sites.table["strand"].eq_missing(strand).to_numpy())
        where = f" on the {strand} strand" if strand in ("+", "-") else ""
        said += _judge(of_strand, where)
    if said:
        return said
    genes = sites.table["gene_id"]
    wrong = [
        gene
        for gene in genes.unique(maintain_order=True)
        if _suspicion(sites.of((genes == gene).to_numpy())) is not None
    ]
    if not wrong:
        return []
    return _judge(sites.of(genes.is_in(wrong).to_numpy()), f" of {len(wrong):,} genes")


def _judge(sites: Sites, where: str) -> list[str]:
    """A sentence on some sites, if too few of them fit."""
    suspicion = _suspicion(sites)
    if suspicion is None:
        return []
    label, suspect = suspicion
    tested, fits = _fits(suspect)
    return [
        f"Of {tested:,} confident {label}{where} only {fits:,} have the bases of an intron's end "
        f"next to them (GT after a donor, AG before an acceptor), first in gene "
        f"{suspect.table['gene_id'][0]}. {_reason(suspect, tested)}"
    ]


def _suspicion(sites: Sites) -> tuple[str, Sites] | None:
    """All sites, or those of one kind, if too few of them fit; None if enough do."""
    is_donor = sites.table["is_donor"].to_numpy()
    groups = (
        ("sites", sites), ("donors", sites.of(is_donor)), ("acceptors", sites.of(~is_donor)),
    )  # fmt: skip
    found = []
    for label, group in groups:
        tested, fits = _fits(group)
        if tested >= FEWEST and fits < FITTING * tested and tested - fits >= MISFITS:
            found.append((label, group))
    # All together only if something explains them together.
    if len(found) > 1 and not any(share >= FITTING for share, _ in _explained(found[0][1])):
        return found[1]
    return found[0] if found else None


def _fits(sites: Sites, shift: int = 0, swapped: bool = False) -> tuple[int, int]:
    """Sites whose motif's two bases are known, and those that have it."""
    tested = fits = 0
    is_donor = sites.table["is_donor"].to_numpy() != swapped
    for motifs, first, wanted in ((DONOR, 1, is_donor), (ACCEPTOR, -2, ~is_donor)):
        column = REACH + first + shift
        left, right = sites.bases[wanted, column], sites.bases[wanted, column + 1]
        tested += int(((left < N_CODE) & (right < N_CODE)).sum())
        has = [(left == _code(m[0])) & (right == _code(m[1])) for m in motifs]
        fits += int(np.any(has, axis=0).sum())
    return tested, fits


def _code(letter: str) -> int:
    return BASES.index(letter.encode())


def _reason(sites: Sites, tested: int) -> str:
    share, why = max(_explained(sites), key=lambda each: each[0])
    if share >= FITTING:
        return f"{share:.0%} would fit if {why}"
    return (
        "Neither the other strand nor a shift by up to three bases explains it: the bases may be "
        "of another assembly, or the scores of another gene."
    )


def _explained(sites: Sites) -> Iterator[tuple[float, str]]:
    """The share of sites that would fit, and what would have to be so, for each explanation."""

    def share(bases: Codes, shift: int = 0, swapped: bool = False) -> float:
        tested, fits = _fits(Sites(sites.table, bases), shift, swapped)
        return fits / tested if tested >= FEWEST else 0.0

    bases, other = sites.bases, _COMPLEMENT[sites.bases]
    yield share(other), WRONG_STRAND
    yield share(other[:, ::-1]), REVERSE_COMPLEMENT
    yield share(bases[:, ::-1]), REVERSED
    yield share(bases, swapped=True), SWAPPED
    for shift in SHIFTS:
        by, way = abs(shift), "behind" if shift > 0 else "before"
        count = f"{by} base{'s' if by > 1 else ''}"
        why = f"the sites lay {count} {way} where they are: scores and bases are off by {by}."
        yield share(bases, shift), why
