"""Listed splice sites held against the sequence: GT behind donors, AG before acceptors.

Nine in ten true sites and more have these two bases; about one in twenty places does by chance.
A shift of all sites is therefore plain to see from a few of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from splice_meta.errors import InputError
from splice_meta.reference.sequence import Bases

SequenceOf = Callable[[str, int, int], Bases]
"""Upper-case ASCII codes of the forward strand by chromosome, start, end (1-based, inclusive)."""

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


def count_fits(bases: Bases, sites: NDArray[np.int64], label: str) -> NDArray[np.int64]:
    """How many sites have their motif, if all were shifted by each of :data:`OFFSETS`.

    Args:
        bases: ASCII codes on the transcript strand.
        sites: Index of each site in them, shape (sites,).
        label: ``donor`` or ``acceptor``.

    Returns:
        Counts, shape (offsets,).
    """
    motif, before = MOTIFS[label]
    has_motif = np.zeros(len(bases), bool)
    has_motif[:-1] = (bases[:-1] == motif[0]) & (bases[1:] == motif[1])
    counts = []
    for offset in OFFSETS:
        place = sites + offset + before
        inside = (place >= 0) & (place < len(bases))
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
