"""The sequence around splice junctions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import AXIS, CLASSES

EXON, INTRON = 3, 6
"""Bases that are shown of exon and intron."""

_KNOWN = pl.Enum(list("ACGTUacgtu"))
_SHOWN = np.frombuffer(b"ACGTTACGTTN", np.uint8)
"""What is shown of each; the last of any other base."""


def around(
    marked: pl.DataFrame, codes: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64]
) -> pl.Series:
    """The bases on both sides of junctions: ``exon|intron`` of a donor, reversed of an acceptor.

    Args:
        marked: All rows of whole genes: the position axis, ascending, and ``base`` where it is
            known.
        codes: The types of the sites, as they are numbered in
            :data:`splice_meta.contracts.CLASSES`.
        rows: The rows of the sites.

    Returns:
        The last three bases of the exon and the first six of the intron, or the last six of the
        intron and the first three of the exon; N where there is no row, or no base. Null where no
        base is known.
    """
    if "base" not in marked.columns:
        return pl.repeat(None, rows.size, dtype=pl.String, eager=True)
    is_donor = (codes == CLASSES.index("donor"))[:, None]
    # A donor ends its exon, an acceptor begins it.
    first = np.where(is_donor, 1 - EXON, -INTRON)
    steps = first + np.arange(EXON + INTRON)
    keys = marked[AXIS].to_numpy()
    wanted = keys[rows][:, None] + steps
    places = np.clip(rows[:, None] + steps, 0, len(keys) - 1)
    is_off = keys[places] != wanted  # past a gap, or none
    places[is_off] = np.minimum(np.searchsorted(keys, wanted[is_off]), len(keys) - 1)
    bases = marked["base"][places.ravel()].cast(_KNOWN, strict=False).to_physical()
    letters = np.nan_to_num(bases.to_numpy(), nan=_SHOWN.size - 1).astype(np.intp)
    is_there = keys[places] == wanted
    found = np.where(is_there, _SHOWN[letters].reshape(places.shape), ord("N"))
    words = np.where(is_donor, *(np.insert(found, at, ord("|"), axis=1) for at in (EXON, INTRON)))
    texts = np.ascontiguousarray(words, np.uint8).view(f"S{words.shape[1]}").ravel()
    return pl.Series(texts.astype(str), dtype=pl.String)
