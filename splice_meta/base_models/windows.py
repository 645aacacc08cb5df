"""Long genes in overlapping windows, without seams.

A network with a context of c looks c / 2 nucleotides to each side and no further. A window of n
positions goes in with c / 2 more nucleotides on each side, so that each of its positions sees all
its context: where a gene is cut has no effect on a score (beyond the rounding of Float32).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.protocol import LETTERS, BaseModel
from splice_meta.contracts import RANGE_TOLERANCE
from splice_meta.errors import ModelError

WINDOW = 100_000
"""Positions of a window: shorter ones lose more to the context they share, and longer ones were
slower again with both base models on two cores (25,000 to 400,000 tried)."""

MAX_PADDING = 0.25
"""Most padding of a batch, as a share of its sequence: windows of unlike lengths go one by one."""

SUM_TOLERANCE = 1e-3
"""How far from 1 the three probabilities of a position may sum up."""

_ONE_HOT = np.zeros((256, 4), dtype=np.float32)
_ONE_HOT[list(LETTERS), range(4)] = 1.0


@dataclass
class GeneScores:
    """The scores of one gene, filled window by window.

    Args:
        gene_id: The gene.
        bases: ASCII codes of the gene with half a context on each side, 5' to 3' on the transcript
            strand.
        context: The base model's context.

    Attributes:
        scores: Shape (length, 3): donor, acceptor, neither.
        missing: Positions that have no scores yet.
    """

    gene_id: str
    bases: NDArray[np.uint8]
    context: int
    scores: NDArray[np.float32] = field(init=False)
    missing: int = field(init=False)

    def __post_init__(self) -> None:
        self.missing = len(self.bases) - self.context
        self.scores = np.empty((self.missing, 3), dtype=np.float32)


@dataclass(frozen=True)
class Window:
    """The positions first..stop (0-based) of a gene."""

    gene: GeneScores
    first: int
    stop: int

    @property
    def bases(self) -> NDArray[np.uint8]:
        """ASCII codes of the window with its context, a view."""
        return self.gene.bases[self.first : self.stop + self.gene.context]


def one_hot(windows: list[Window]) -> NDArray[np.float32]:
    """Encode windows, filled up with zeros at their 3' end to the length of the longest.

    Returns:
        Shape (windows, length + context, 4), channels A, C, G, T.
    """
    longest = max(len(window.bases) for window in windows)
    batch = np.zeros((len(windows), longest, 4), dtype=np.float32)
    for row, window in zip(batch, windows, strict=True):
        np.take(_ONE_HOT, window.bases, axis=0, out=row[: len(window.bases)])
    return batch


def cut(genes: Iterable[GeneScores], size: int) -> Iterator[Window]:
    """Cut genes into windows of ``size`` positions; the last of a gene is shorter."""
    for gene in genes:
        length = len(gene.scores)
        for first in range(0, length, size):
            yield Window(gene, first, min(first + size, length))


def batches(windows: Iterable[Window], count: int) -> Iterator[list[Window]]:
    """Put up to ``count`` adjacent windows together where that needs little padding."""
    held: list[Window] = []
    for window in windows:
        lengths = [len(w.bases) for w in (*held, window)]
        padded = len(lengths) * max(lengths)
        if held and (len(held) == count or padded > (1 + MAX_PADDING) * sum(lengths)):
            yield held
            held = []
        held.append(window)
    if held:
        yield held


def score_windows(model: BaseModel, windows: list[Window]) -> None:
    """Score a batch of windows into their genes.

    Raises:
        ModelError: If what the base model gives is no probabilities; nothing is stored then.
    """
    sequences = one_hot(windows)
    found = model.predict(sequences)
    shape = (len(windows), sequences.shape[1] - model.context, 3)
    if found.shape != shape:
        raise ModelError(
            f"The base model {model.name} gave an array of shape {found.shape} for {shape}.",
            "It must give donor, acceptor and neither for every position inside its context.",
        )
    for window, rows in zip(windows, found, strict=True):
        _refuse_nonsense(model, window, rows[: window.stop - window.first])
    for window, rows in zip(windows, found, strict=True):
        length = window.stop - window.first
        window.gene.scores[window.first : window.stop] = rows[:length]
        window.gene.missing -= length


def _refuse_nonsense(model: BaseModel, window: Window, rows: NDArray[np.float32]) -> None:
    with np.errstate(invalid="ignore"):  # inf - inf
        total = rows.sum(axis=1, dtype=np.float64)
    # A comparison with NaN is false, so that NaN is refused too.
    inside = (rows >= -RANGE_TOLERANCE) & (rows <= 1 + RANGE_TOLERANCE)
    good = (np.abs(total - 1) <= SUM_TOLERANCE) & inside.all(axis=1)
    bad = np.flatnonzero(~good)
    if len(bad):
        gives = ", ".join(f"{value:g}" for value in rows[bad[0]])
        raise ModelError(
            f"The base model {model.name} gave no probabilities at {len(bad):,} positions of gene "
            f"{window.gene.gene_id}, first {gives} at position {window.first + bad[0] + 1}.",
            "Try another --device; nothing of this gene is written.",
        )
