"""Intervals: the figures again for genes drawn with replacement.

Genes, not positions, are drawn, because positions of one gene are not independent. Every system
sees the same draws, so differences between systems are paired.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from splice_meta.evaluation.metrics import (
    RANKED,
    Figures,
    exact_ranking,
    resampled_ranking,
    summed_figures,
)  # fmt: skip
from splice_meta.evaluation.ranking import Floats
from splice_meta.evaluation.tally import Tally

COVERAGE = 0.95
_CHUNK = 1 << 21


def draw(members: npt.NDArray[np.bool_], resamples: int, rng: np.random.Generator) -> Floats:
    """How often each gene is drawn: as many draws as there are members, with replacement.

    Args:
        members: Which genes are drawn from, shape (genes,).
        resamples: How many times.
        rng: Where the draws come from. Drawing 3 and then 2 gives the same as drawing 5.

    Returns:
        Shape (resamples, genes); 0 for genes that are no members.
    """
    places = np.flatnonzero(members)
    weights = np.zeros((resamples, members.size))
    drawn = rng.integers(0, places.size, (resamples, places.size))
    rows = np.broadcast_to(np.arange(resamples)[:, None], drawn.shape)
    np.add.at(weights, (rows, places[drawn]), 1.0)
    return weights


def resampled_figures(
    tally: Tally, members: npt.NDArray[np.bool_], resamples: int, seed: int
) -> dict[str, Figures]:
    """The figures of every system for resampled genes.

    Args:
        tally: The sums.
        members: The genes of the group, shape (genes,).
        resamples: How many times genes are drawn.
        seed: Random seed of the draws.

    Returns:
        By system: each figure, shape (resamples,).
    """
    rng = np.random.default_rng(seed)
    chunk = max(_CHUNK // _width(tally), 1)
    parts: dict[str, list[Figures]] = {name: [] for name in tally.systems}
    for first in range(0, resamples, chunk):
        weights = draw(members, min(chunk, resamples - first), rng)
        for name, found in parts.items():
            found.append(
                summed_figures(tally, name, weights) | resampled_ranking(tally, name, weights)
            )
    joined = {
        name: {key: np.concatenate([f[key] for f in found]) for key in found[0]}
        for name, found in parts.items()
    }
    for name, figures in joined.items():
        _centre(tally, name, members, figures)
    return joined


def _width(tally: Tally) -> int:
    """Numbers that one resample takes at once."""
    pairs = [r.gene.size for system in tally.systems.values() for r in system.ranking.values()]
    return max(len(tally.genes), *pairs)


def _centre(tally: Tally, name: str, members: npt.NDArray[np.bool_], figures: Figures) -> None:
    """Shift ranking figures by what merged bins of low scores change; nothing if none were."""
    once = members.astype(np.float64)[None, :]
    exact, merged = exact_ranking(tally, name, members), resampled_ranking(tally, name, once)
    for key in figures:
        if key[0] in RANKED:
            figures[key] = np.clip(figures[key] + (exact[key] - merged[key]), 0.0, 1.0)


def interval(values: Floats) -> tuple[float, float]:
    """The percentile interval of resampled figures; resamples without a figure are left out.

    Args:
        values: Shape (resamples,).

    Returns:
        Lower and upper end, not a number if no resample has the figure.
    """
    there = values[np.isfinite(values)]
    if not there.size:
        return float("nan"), float("nan")
    low, high = np.quantile(there, ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2))
    return float(low), float(high)
