"""What the trees add to: the base model's log-probabilities."""

from __future__ import annotations

from dataclasses import dataclass

from splice_meta.errors import ModelError
from splice_meta.files.records import shown

LEAST_FLOOR, MOST_FLOOR = 1e-12, 0.1
"""What the floor of a margin may be."""


@dataclass(frozen=True, kw_only=True)
class Margin:
    """That the trees add to the base model's log-probabilities rather than start from nothing.

    With several base models it is the logarithm of a weighted mean of their probabilities: on
    held-out genes that ranked better than a mean of their logarithms.

    Args:
        floor: Base probabilities below it count as it.
        weights: Of the base models in the manifest's order, summing to 1; empty for one base
            model, or equal weights.

    Raises:
        ModelError: If floor or weights are not of that kind.
    """

    floor: float = 1e-7
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not LEAST_FLOOR <= self.floor <= MOST_FLOOR:
            raise ModelError(
                f"The floor of the model's margin is {shown(self.floor)}.",
                f"It must lie from {LEAST_FLOOR:g} to {MOST_FLOOR:g}.",
            )
        # Written so that NaN is refused.
        are_shares = all(0 <= weight <= 1 for weight in self.weights)
        if self.weights and not (are_shares and abs(sum(self.weights) - 1) <= 1e-6):
            raise ModelError(
                f"The weights of the base models are {', '.join(map(str, self.weights))}.",
                "They must not be negative, and sum to 1.",
            )
