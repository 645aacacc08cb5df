"""Which edits share the reference's values, and which are scored alone: what costs least."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from splice_meta.base_models.altered import Bases, Edit, Reference
from splice_meta.base_models.cone import Cone

SIZES = (16, 256)
"""Positions that an edit is brought to, by bases of the reference behind it: two graphs serve all.
16 in place of 1 are less than a hundredth more work."""

SPANS = (256, 1024, 4096, 16384)
"""Positions of the reference that one call computes for the edits within them."""


@dataclass(frozen=True)
class Wide:
    """An edit with bases of the reference behind it, so that it puts in one of :data:`SIZES`.

    Attributes:
        number: Of the edit among all.
        start: First position that is replaced.
        end: The position behind the last.
        bases: What stands there.
    """

    number: int
    start: int
    end: int
    bases: Bases

    @staticmethod
    def of(reference: Reference, edit: Edit, number: int) -> Wide | None:
        """The edit, wide; None if it is too long."""
        deleted, size = edit.end - edit.start, len(edit.bases)
        fitting = [each for each in SIZES if each >= max(size, 1)]
        if not fitting or deleted > SIZES[-1]:
            return None
        stop = edit.start + fitting[0]
        bases = reference.altered(edit, edit.start, stop)
        return Wide(number, edit.start, stop - edit.shift, bases)

    def around(self, reference: Reference, positions: int) -> Bases:
        """What it puts in, with some positions on each side."""
        before = reference.between(self.start - positions, self.start)
        behind = reference.between(self.end, self.end + positions)
        return np.concatenate([before, self.bases, behind])


@dataclass(frozen=True)
class Tile:
    """Edits that share the reference's values.

    Attributes:
        start: First position of the reference.
        span: How many positions; none where the only edit is scored alone.
        edits: Ascending by their starts.
    """

    start: int
    span: int
    edits: tuple[Wide, ...]

    def around(self, reference: Reference, positions: int) -> Bases:
        """The bases of the reference, with some positions on each side."""
        return reference.between(self.start - positions, self.start + self.span + positions)


def tiles(
    edits: Sequence[Wide], cone: Cone, spans: Sequence[int] = SPANS, is_scored: bool = False
) -> list[Tile]:
    """Put edits into tiles so that all together cost least, by the products that are needed.

    Args:
        edits: Of one gene, in any order.
        cone: Of the networks.
        spans: Those of :data:`SPANS` for which there is memory.
        is_scored: Whether the reference's own scores are wanted, too; no edit is alone then.
    """
    ordered = sorted(edits, key=lambda edit: (edit.start, edit.number))
    longest = max((edit.end - edit.start for edit in ordered), default=0)
    room = {span: span - longest for span in spans if span > longest}
    whole = cone.window_cost if is_scored else cone.reference_cost
    reference = {span: whole(span) for span in room}
    alone = {size: cone.window_cost(size) for size in SIZES}
    between = {size: cone.edit_cost(size) for size in SIZES}
    # What the first n edits cost, what they cost between the reference's values alone, and where
    # the tile of the n-th begins: as early as its span allows, since each edit costs less there.
    least, inside, chosen = [0], [0], list[tuple[int, int]]()
    begins = dict.fromkeys(room, 0)
    for at, edit in enumerate(ordered):
        size = len(edit.bases)
        inside.append(inside[at] + between[size])
        ways = [] if is_scored else [(least[at] + alone[size], at, 0)]
        for span, spread in room.items():
            while edit.start - ordered[begins[span]].start > spread:
                begins[span] += 1
            begin = begins[span]
            cost = least[begin] + reference[span] + inside[at + 1] - inside[begin]
            ways.append((cost, begin, span))
        cost, begin, span = min(ways)
        least.append(cost)
        chosen.append((begin, span))
    found, stop = list[Tile](), len(ordered)
    while stop:
        begin, span = chosen[stop - 1]
        found.append(Tile(ordered[begin].start, span, tuple(ordered[begin:stop])))
        stop = begin
    return found[::-1]
