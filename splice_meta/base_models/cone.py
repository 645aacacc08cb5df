"""Which positions an edit changes in each layer, and which of them count: the cone.

A convolution that looks r positions to each side spreads a change by r. From the other end, the
last layer need only reach so far as scores are wanted, and each layer before it by r further. So a
layer is computed on the narrower of the two; what it looks at beyond has the reference's values.

All extents are positions to each side of what the edit puts in. Values are numbered along the
network: 0 are those of the entry, n those behind the n-th dilated convolution (an odd one is inside
a unit, an even one leaves it).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from splice_meta.base_models.network import UNITS_PER_SKIP, Network


@dataclass(frozen=True)
class Cone:
    """The extents of a network's values around an edit.

    Attributes:
        reach: How far scores are wanted.
        looks: How far each dilated convolution looks.
        taps: How many positions each of them multiplies.
    """

    reach: int
    looks: tuple[int, ...]
    taps: tuple[int, ...]

    @staticmethod
    def of(network: Network, reach: int) -> Cone:
        """The cone of a network."""
        return Cone(
            reach,
            tuple(layer.reach for layer in network.dilated),
            tuple(int(layer.weights.shape[2]) for layer in network.dilated),
        )

    @cached_property
    def wanted(self) -> tuple[int, ...]:
        """How far scores look at each of the values."""
        return tuple(self.reach + sum(self.looks[at:]) for at in range(len(self.looks) + 1))

    @cached_property
    def made(self) -> tuple[int, ...]:
        """How far each of the values is computed."""
        return tuple(min(sum(self.looks[:at]), wanted) for at, wanted in enumerate(self.wanted))

    @cached_property
    def used(self) -> tuple[int, ...]:
        """How far what is computed looks at each of the values."""
        found, last = [], len(self.looks)
        for at, extent in enumerate(self.made):
            if at < last:  # by the next convolution
                extent = max(extent, self.made[at + 1] + self.looks[at])
            if at % 2 == 0 and at < last:  # by what passes by the unit
                extent = max(extent, self.made[at + 2])
            if at % (2 * UNITS_PER_SKIP) == 0:  # by the skip line
                extent = max(extent, self.reach)
            found.append(extent)
        return tuple(found)

    @cached_property
    def kept(self) -> tuple[int, ...]:
        """Which values of the reference are needed; those of the entry come from the letters."""
        return tuple(at for at in range(1, len(self.made)) if self.used[at] > self.made[at])

    @property
    def depth(self) -> int:
        """How many convolutions the reference needs."""
        return max(self.kept, default=0)

    def edit_cost(self, size: int) -> int:
        """What an edit costs between values of the reference, in products of a channel."""
        return sum(t * (2 * e + size) for t, e in zip(self.taps, self.made[1:], strict=True))

    def window_cost(self, size: int) -> int:
        """What an edit costs alone."""
        return sum(t * (2 * e + size) for t, e in zip(self.taps, self.wanted[1:], strict=True))

    def reference_cost(self, span: int) -> int:
        """What the values of the reference cost for edits within some positions."""
        listed = list(zip(self.taps, self.wanted[1:], strict=True))
        return sum(t * (2 * e + span) for t, e in listed[: self.depth])

    def reference_values(self, span: int) -> int:
        """How many values of each channel are kept for them."""
        return sum(2 * self.used[at] + span for at in self.kept)
