"""From a batch to its sites: what base or final probabilities call, and what moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import AXIS, CLASSES, SpliceType
from splice_meta.outcome import Outcome, Rows
from splice_meta.sites import FATES, MOVED, TYPES, Fate
from splice_meta.sites.junctions import around
from splice_meta.sites.known import Known


def find_sites(
    marked: pl.DataFrame, outcome: Outcome, known: Known, threshold: float
) -> pl.DataFrame:
    """The sites of whole genes: called by base or final probabilities, or moved by 0.1.

    Args:
        marked: The rows of a batch, positions ascending, with the position axis; ``base`` where
            the sequence is known.
        outcome: What became of them.
        known: Which sites are annotated.
        threshold: Probability from which a site is called, in (0, 1].

    Returns:
        By row, then donor before acceptor: ``gene_id``, ``chrom``, ``strand`` and
        ``genomic_position`` where they are there, ``position``, ``type``, ``sequence`` (see
        :func:`splice_meta.sites.junctions.around`), ``base``, ``final``, ``change`` (Float64, final
        - base), ``fate`` (:data:`splice_meta.sites.FATES`), ``is_annotated`` and ``distance`` (see
        :meth:`splice_meta.sites.known.Known.near`).
    """
    by_type = {kind: _rows_of(outcome, kind, threshold) for kind in TYPES}
    rows = np.concatenate([*by_type.values()])
    order = np.argsort(rows, kind="stable")  # donors come first

    def sorted_(values: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate(values)[order]

    codes = sorted_([np.full(r.size, CLASSES.index(k), np.uint8) for k, r in by_type.items()])
    base = sorted_([outcome.base[kind][some] for kind, some in by_type.items()])
    final = sorted_([outcome.final_of(kind, some) for kind, some in by_type.items()])
    rows = rows[order]
    axis = marked[AXIS].to_numpy()[rows]
    is_annotated, distance = known.near(codes, axis)
    columns = {
        **{
            name: marked[name][rows].cast(kind)
            for name, kind in _COPIED.items()
            if name in marked.columns
        },
        "type": _TYPE_OF[codes],
        "sequence": around(marked, codes, rows),
        "base": pl.Series(base),
        "final": pl.Series(final),
        "change": pl.Series(np.subtract(final, base, dtype=np.float64)),
        "fate": _FATE_OF[_fates(base >= threshold, final >= threshold)],
        "is_annotated": is_annotated,
        "distance": distance,
    }
    return pl.DataFrame(columns)


_TYPE_OF = pl.Series(CLASSES, dtype=SpliceType)
_FATE_OF = pl.Series(FATES, dtype=Fate)

_COPIED: dict[str, type[pl.DataType]] = {
    "gene_id": pl.String, "chrom": pl.String, "strand": pl.String,
    "genomic_position": pl.Int64, "position": pl.Int64,
}  # fmt: skip


def _rows_of(outcome: Outcome, kind: str, threshold: float) -> Rows:
    """The rows that are sites of a type, ascending."""
    called = np.flatnonzero(outcome.base[kind] >= threshold)
    has_moved = np.abs(outcome.change(kind)) >= MOVED
    return np.union1d(called, outcome.rows[has_moved | (outcome.final[kind] >= threshold)])


def _fates(was: npt.NDArray[np.bool_], now: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """The codes of :data:`splice_meta.sites.FATES`."""
    kept, gained, lost, uncalled = range(len(FATES))
    return np.where(now, np.where(was, kept, gained), np.where(was, lost, uncalled)).astype(
        np.uint8
    )
