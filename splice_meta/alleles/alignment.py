"""An alternative gene beside its reference: which position stands for which.

Positions are 0-based on the gene's axis, 5' to 3' on the transcript strand: ``x`` on the
reference, ``t`` on the alternative gene, where those up to the change are the reference's and
those behind it are shifted (:mod:`splice_meta.base_models.altered`). What a change puts is aligned
base by base with what it replaces, from the left on the genome, so that it is the same for both
strands. Further bases that are replaced are deleted; further bases that are put are inserted
behind the last that is aligned, and stand for no position of the reference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.base_models.altered import Edit
from splice_meta.reference.sequence import reverse_complement

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Span:
    """Where a gene lies: 1-based on the forward strand, both ends included."""

    start: int
    end: int
    is_forward: bool

    @property
    def length(self) -> int:
        """Its positions."""
        return self.end - self.start + 1

    def genomic(self, x: Rows) -> Rows:
        """Positions of its axis on the genome."""
        return self.start + x if self.is_forward else self.end - x

    def edits(self, changes: pl.DataFrame) -> list[Edit]:
        """Changes as edits of the gene.

        Args:
            changes: ``start``, ``end``, ``put``, see :mod:`.settling`.
        """
        edits = []
        for start, end, put in changes.select("start", "end", "put").iter_rows():
            bases = np.frombuffer(put.encode(), np.uint8)
            if self.is_forward:
                edits.append(Edit(start - self.start, end + 1 - self.start, bases))
            else:
                turned = reverse_complement(bases)
                edits.append(Edit(self.end - end, self.end - start + 1, turned))
        return edits


@dataclass(frozen=True)
class Alignment:
    """The positions of alternative genes around their changes, all changes of a gene together.

    Attributes:
        pair: Which change each position is of, ascending; shape (rows,), as the four below.
        t: The position, ascending within a change.
        x: The reference's position; of an inserted base that of the base before it on the genome.
        inserted: 0; of inserted bases 1, 2 ... from the left on the genome.
        put: Which base of the change it is, 5' to 3'; -1 for a base of the reference.
        first: The first position of each alternative gene; shape (changes,), as below.
        stop: The position behind its last; ``first`` where nothing is left of the gene.
        shift: How far the positions behind the change are shifted.
        gone_pair: Which change each position of the reference is of that has none in the
            alternative gene.
        gone_x: These positions.
    """

    pair: Rows
    t: Rows
    x: Rows
    inserted: Rows
    put: Rows
    first: Rows
    stop: Rows
    shift: Rows
    gone_pair: Rows
    gone_x: Rows


def ranges(first: Rows, stop: Rows) -> tuple[Rows, Rows]:
    """The numbers first..stop of each range, end to end, and which range each is of."""
    counts = np.maximum(stop - first, 0)
    which = np.repeat(np.arange(counts.size), counts)
    begun = np.cumsum(counts) - counts
    return np.arange(which.size) - begun[which] + first[which], which


def align(span: Span, edits: list[Edit], reach: int) -> Alignment:
    """Align alternative genes with their reference, up to ``reach`` to either side of each change.

    Args:
        span: Where the gene lies.
        edits: Its changes.
        reach: At least 1.
    """
    a = np.array([edit.start for edit in edits], np.int64)
    b = np.array([edit.end for edit in edits], np.int64)
    m = np.array([len(edit.bases) for edit in edits], np.int64)
    length, shift, stop = span.length, m - (b - a), a + m
    k = np.minimum(b - a, m)
    low = np.where(b <= 0, shift, np.minimum(0, stop))
    high = np.where(b < length, length + shift, np.minimum(length, stop))
    high = np.maximum(high, low)
    t, pair = ranges(np.maximum(a - reach, low), np.minimum(stop + reach, high))
    q = t - a[pair]
    is_put = (q >= 0) & (q < m[pair])
    from_left = q if span.is_forward else m[pair] - 1 - q
    aligned = np.minimum(from_left, k[pair] - 1)  # the last aligned base for those inserted
    on_put = a[pair] + aligned if span.is_forward else b[pair] - 1 - aligned
    x = np.where(is_put, on_put, np.where(q < 0, t, t - shift[pair]))
    inserted = np.where(is_put, np.maximum(from_left - k[pair] + 1, 0), 0)
    gone_x, gone_pair = ranges(np.maximum(a, 0), np.minimum(b, length))
    stays = (inserted == 0) & (x >= 0) & (x < length) & is_put
    key = np.int64(length + 1)
    kept = np.isin(gone_pair * key + gone_x, pair[stays] * key + x[stays])
    return Alignment(
        pair=pair, t=t, x=x, inserted=inserted, put=np.where(is_put, q, -1),
        first=low, stop=high, shift=shift, gone_pair=gone_pair[~kept], gone_x=gone_x[~kept],
    )  # fmt: skip
