"""Place in the gene, and the sequence motif of a splice site."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.catalogue import MOTIF
from splice_meta.features.targets import Targets
from splice_meta.features.windows import BASES, base_codes

DONOR_CONSENSUS = ((-2, "AC"), (-1, "A"), (0, "G"), (1, "G"), (2, "T"), (3, "AG"), (4, "A"),
                   (5, "G"), (6, "T"))  # fmt: skip
"""MAG|GTRAGT by offset from the last base of the exon (Shapiro and Senapathy, 1987)."""
ACCEPTOR_CONSENSUS = ((-3, "CT"), (-2, "A"), (-1, "G"), (0, "G"))
"""YAG|G by offset from the first base of the exon."""
PYRIMIDINE_OFFSETS = range(-20, -4)
"""Where the polypyrimidine tract of an acceptor lies."""


def place_and_motif(
    targets: Targets, bases: pl.Series | None, wanted: Collection[str]
) -> dict[str, npt.NDArray[np.float32]]:
    """Where the wanted rows lie in their gene, and how far they match the consensus motifs.

    ``positions_from_start`` and ``positions_to_end`` count from the first and last position of
    the gene in the table; ``relative_position`` is the first over the sum of the two, 0 in a gene
    of one position. ``donor_consensus`` (0 to 9) and ``acceptor_consensus`` (0 to 4) count the
    bases that agree with the consensus; ``polypyrimidine`` is the share of C and T among the
    positions -20..-5 that are there, 0 where none is.

    Args:
        targets: The wanted rows.
        bases: The nucleotides of all rows, as text; None if there is no sequence.
        wanted: Names of the features to compute.

    Returns:
        A value for each wanted row by feature.
    """
    before, after = targets.here - targets.start, targets.end - targets.here
    made: dict[str, npt.NDArray[Any]] = {
        "positions_from_start": before,
        "positions_to_end": after,
        "relative_position": before / np.maximum(before + after, 1),
    }
    if bases is not None and set(wanted) & set(MOTIF):
        made |= _motif(bases, targets)
    return {name: made[name].astype(np.float32) for name in wanted}


def _motif(bases: pl.Series, targets: Targets) -> dict[str, npt.NDArray[Any]]:
    codes = base_codes(bases)

    def is_one_of(offset: int, letters: str) -> npt.NDArray[np.bool_]:
        rows, there = targets.at(offset)
        return there & np.isin(codes[rows], [BASES.index(letter) for letter in letters])

    def matches(consensus: tuple[tuple[int, str], ...]) -> npt.NDArray[np.int64]:
        return np.asarray(np.sum([is_one_of(*each) for each in consensus], axis=0), np.int64)

    pyrimidines = np.sum([is_one_of(k, "CT") for k in PYRIMIDINE_OFFSETS], axis=0)
    present = np.sum([targets.at(k)[1] for k in PYRIMIDINE_OFFSETS], axis=0)
    return {
        "donor_consensus": matches(DONOR_CONSENSUS),
        "acceptor_consensus": matches(ACCEPTOR_CONSENSUS),
        "polypyrimidine": pyrimidines / np.maximum(present, 1),
    }
