"""How variants are scored: a frozen dataclass that checks itself."""

from __future__ import annotations

from dataclasses import dataclass

from splice_meta.errors import UsageError

FARTHEST = 5_000
"""Base models see half a context of 10,000 to each side: beyond nothing can change."""


@dataclass(frozen=True, kw_only=True)
class VariantSettings:
    """What is computed of each variant.

    Attributes:
        distance: How far from a change base scores are computed anew, and deltas are looked for, in
            nucleotides; scores beyond half the base model's context cannot change.
        max_allele: Most bases that a change may replace, or put in their place.
        threshold: Change of probability from which the sites table lists a position.
        mask: Set gains at annotated sites and losses elsewhere to 0, as SpliceAI does.

    Raises:
        UsageError: If a setting is out of its range.
    """

    distance: int = 500
    max_allele: int = 1_000
    threshold: float = 0.1
    mask: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.distance <= FARTHEST:
            raise UsageError(
                f"The distance is {self.distance:,}.", f"Give 1 to {FARTHEST:,} nucleotides."
            )
        if self.max_allele < 1:
            raise UsageError(
                f"The longest allele is {self.max_allele} bases.", "Give at least 1 base."
            )
        if not 0 < self.threshold <= 1:
            raise UsageError(
                f"The threshold of changes is {self.threshold}.",
                "Give a probability above 0 and at most 1.",
            )
