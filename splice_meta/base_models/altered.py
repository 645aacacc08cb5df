"""Altered sequences as data: edits of a gene's bases, and what they make of it.

All positions are 0-based on the gene's axis, 5' to 3' on the transcript strand: 0 is the gene's
first base, negative positions lie in its flank. Up to an edit the alternative gene has the
reference's positions; behind it they are shifted by what the edit adds or takes away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bases = NDArray[np.uint8]

N = ord("N")


@dataclass(frozen=True, eq=False)
class Edit:
    """Bases that stand instead of those from ``start`` to ``end``.

    Attributes:
        start: First position that is replaced.
        end: The position behind the last; ``start`` for an insertion before it.
        bases: ASCII codes of what stands there; none for a deletion.
    """

    start: int
    end: int
    bases: Bases

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"the edit {self.start}..{self.end} ends before it starts")

    @property
    def shift(self) -> int:
        """How many positions what is behind the edit moves towards the 3' end."""
        return len(self.bases) - (self.end - self.start)

    @property
    def stop(self) -> int:
        """The position behind the edit in the alternative gene."""
        return self.start + len(self.bases)


@dataclass(frozen=True, eq=False)
class Reference:
    """A gene's bases and its flanks.

    Attributes:
        bases: ASCII codes of the 5' flank, the gene and the 3' flank; beyond is N.
        flank: Bases of each flank: half a context for edits inside the gene, and for those outside
            as many more as the longest of them deletes.
        gene_id: Whose bases they are, for messages.
    """

    bases: Bases
    flank: int
    gene_id: str = ""

    @property
    def length(self) -> int:
        """The positions of the gene."""
        return len(self.bases) - 2 * self.flank

    def between(self, first: int, stop: int) -> Bases:
        """The bases of some positions."""
        found = np.full(max(0, stop - first), N, np.uint8)
        low, high = max(first, -self.flank), min(stop, self.length + self.flank)
        if low < high:
            found[low - first : high - first] = self.bases[low + self.flank : high + self.flank]
        return found

    def altered(self, edit: Edit, first: int, stop: int) -> Bases:
        """The bases of some positions of the alternative gene."""
        inside = slice(max(0, first - edit.start), max(0, stop - edit.start))
        return np.concatenate(
            [
                self.between(first, min(stop, edit.start)),
                edit.bases[inside],
                self.between(max(first, edit.stop) - edit.shift, stop - edit.shift),
            ]
        )

    def span(self, edit: Edit, reach: int) -> tuple[int, int]:
        """The positions of the alternative gene that lie within reach of an edit.

        An edit over the gene's first or last base is aligned from its 5' end: of what it puts in,
        those bases belong to the gene that stand in the place of one of the gene, and any more of
        them only between two bases of the gene.

        Args:
            edit: The edit.
            reach: How far to either side of what the edit puts in.

        Returns:
            The first position and the one behind the last; the two are alike where there is none.
        """
        low = edit.shift if edit.end <= 0 else min(0, edit.stop)
        behind = edit.end < self.length
        high = self.length + edit.shift if behind else min(self.length, edit.stop)
        first = max(edit.start - reach, low)
        return first, max(first, min(edit.stop + reach, high))
