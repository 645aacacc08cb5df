"""Listed splice sites held against the sequence: GT behind donors, AG before acceptors.

Nine in ten true sites and more have these two bases; about one in twenty places does by chance.
A shift of all sites is therefore plain to see from a few of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from splice_meta.errors import InputError

SequenceOf = Callable[[str, int, int], str]
"""Bases of the forward strand from chromosome, start and end (1-based, inclusive)."""

OFFSETS = tuple(range(-3, 4))
"""The shifts that are tried, in bases along the transcript strand."""

MOTIFS = {"donor": (b"GT", 1), "acceptor": (b"AG", -2)}
"""The two intronic bases, and where the first of them lies from the site."""

FEWEST = 10
"""Sites below which nothing is concluded."""

FITTING = 0.8
"""Share of fitting sites from which the sites are taken as they stand."""

SHIFTED = 0.9
"""Share of fitting sites elsewhere from which a shift is evident."""

_COMPLEMENT = bytes.maketrans(b"ACGTacgt", b"TGCATGCA")


def transcript_bases(forward: str, strand: str) -> bytes:
    """Upper-case bases on the transcript strand from those of the forward strand."""
    text = forward.encode("ascii", "replace")
    return text[::-1].translate(_COMPLEMENT) if strand == "-" else text.upper()


def count_fits(bases: bytes, sites: NDArray[np.int64], label: str) -> NDArray[np.int64]:
    """How many sites have their motif, if all were shifted by each of :data:`OFFSETS`.

    Args:
        bases: Bases on the transcript strand.
        sites: Index of each site in them, shape (sites,).
        label: ``donor`` or ``acceptor``.

    Returns:
        Counts, shape (offsets,).
    """
    motif, before = MOTIFS[label]
    codes = np.frombuffer(bases, np.uint8)
    has_motif = np.zeros(len(codes), bool)
    has_motif[:-1] = (codes[:-1] == motif[0]) & (codes[1:] == motif[1])
    counts = []
    for offset in OFFSETS:
        place = sites + offset + before
        inside = (place >= 0) & (place < len(codes))
        counts.append(int(has_motif[place[inside]].sum()))
    return np.array(counts, np.int64)


def find_shift(fits: NDArray[np.int64], sites: int, label: str, file: str) -> int:
    """By how many bases the sites of a file must be shifted to lie on their motifs; mostly 0.

    Args:
        fits: Sum of :func:`count_fits`, shape (offsets,).
        sites: Number of sites.
        label: ``donor`` or ``acceptor``.
        file: For messages.

    Raises:
        InputError: If they fit neither as they stand nor elsewhere.
    """
    here, best = int(fits[OFFSETS.index(0)]), int(np.argmax(fits))
    if sites < FEWEST or here >= FITTING * sites:
        return 0
    if fits[best] >= SHIFTED * sites:
        return OFFSETS[best]
    motif, _ = MOTIFS[label]
    raise InputError(
        f"Of {sites:,} {label}s in {file} only {here:,} have {motif.decode()} in the sequence, and "
        "no shift makes more than nine in ten fit.",
        "Give the reference that the scores were made with.",
    )
