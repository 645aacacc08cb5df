"""Long genes in overlapping windows, without seams.

A network with a context of c looks c / 2 nucleotides to each side and no further. A window of n
positions goes in with c / 2 more nucleotides on each side, so that each of its positions sees all
its context: where a gene is cut has no effect on a score (beyond the rounding of Float32).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.protocol import LETTERS, BaseModel
from splice_meta.contracts import RANGE_TOLERANCE
from splice_meta.errors import ModelError

WINDOW = 100_000
"""Most positions of a window: shorter ones lose more to the context they share, longer ones take
more memory (on one core with a context of 10,000, 20,000 positions reach 0.79, 50,000 reach 0.94
and 75,000 reach 0.97 of the speed of 100,000)."""

LEAST_WINDOW = 10_000
"""Windows are made no shorter than that to give every core one."""

MOST_AT_ONCE = 480_000
"""Positions of all windows that are in work at once: OpenVINO takes about 1.1 KB for each, for as
many lengths as :data:`splice_meta.base_models.on_openvino.MOST_GRAPHS`."""

STEP = 2048
"""The least step of lengths that count as alike, see :func:`rounded`."""

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
        width: Values of a position: 3, and those of further columns.

    Attributes:
        scores: Shape (length, width): donor, acceptor, neither, then further columns.
        missing: Positions that have no scores yet.
    """

    gene_id: str
    bases: NDArray[np.uint8]
    context: int
    width: int = 3
    scores: NDArray[np.float32] = field(init=False)
    missing: int = field(init=False)

    def __post_init__(self) -> None:
        self.missing = len(self.bases) - self.context
        self.scores = np.empty((self.missing, self.width), dtype=np.float32)


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
        row[: len(window.bases)] = encoded(window.bases)
    return batch


def encoded(bases: NDArray[np.uint8]) -> NDArray[np.float32]:
    """One-hot bases, shape (length, 4), channels A, C, G, T; zeros for N."""
    return _ONE_HOT[bases]


def rounded(length: int) -> int:
    """A length rounded up to one of few, by no more than a sixteenth, or to :data:`STEP`.

    Engines make a graph for each length, which takes as long as some thousand positions.
    """
    step = max(STEP, (1 << (length.bit_length() - 1)) // 16)
    return -(-length // step) * step


def window_of(length: int, most: int) -> int:
    """The positions of a gene's windows: as few windows as there can be, and those alike."""
    windows = max(1, -(-length // most))
    return max(1, -(-length // windows))


def spread(positions: int, most: int, parallel: int) -> int:
    """The most positions of a window, so that each of some calls at once gets some.

    Args:
        positions: Of all genes.
        most: The most where there is enough for all, and memory for them.
        parallel: Calls at once.
    """
    share = min(-(-positions // parallel), MOST_AT_ONCE // parallel)
    return min(most, max(LEAST_WINDOW, share))


def cut(genes: Iterable[GeneScores], most: int) -> Iterator[Window]:
    """Cut genes into windows of up to ``most`` positions, those of a gene alike."""
    for gene in genes:
        length = len(gene.scores)
        size = window_of(length, most)
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


def overlapped(
    do: Callable[[list[Window]], None],
    listed: Iterable[list[Window]],
    pool: ThreadPoolExecutor,
    ahead: int,
) -> Iterator[list[Window]]:
    """Do something with batches, some of them at once; give them back in order, done.

    Args:
        do: What to do.
        listed: The batches.
        pool: The threads to do it in.
        ahead: How many batches may wait for a thread, or run, beside the one that is given back.
    """
    waiting: deque[tuple[list[Window], Future[None]]] = deque()
    try:
        for batch in listed:
            waiting.append((batch, pool.submit(do, batch)))
            if len(waiting) > ahead:
                first, done = waiting.popleft()
                done.result()
                yield first
        while waiting:
            first, done = waiting.popleft()
            done.result()
            yield first
    finally:
        for _, left in waiting:
            left.cancel()


def score_windows(model: BaseModel, windows: list[Window]) -> None:
    """Score a batch of windows into their genes, which still count them as missing.

    Raises:
        ModelError: If what the base model gives is not probabilities; nothing is stored then.
    """
    sequences = one_hot(windows)
    found = model.predict(sequences)
    shape = (len(windows), sequences.shape[1] - model.context, windows[0].gene.width)
    if found.shape != shape:
        raise ModelError(
            f"The base model {model.name} gave an array of shape {found.shape} for {shape}.",
            "It must give donor, acceptor and neither for every position inside its context.",
        )
    for window, rows in zip(windows, found, strict=True):
        length = window.stop - window.first
        refuse_nonsense(model, window.gene.gene_id, window.first, rows[:length])
    for window, rows in zip(windows, found, strict=True):
        length = window.stop - window.first
        window.gene.scores[window.first : window.stop] = rows[:length]


def refuse_nonsense(
    model: BaseModel, gene_id: str, first: int, rows: NDArray[np.float32]
) -> None:
    """Refuse what cannot be scores.

    Args:
        model: The base model, for the message.
        gene_id: The gene, likewise.
        first: The position of the first row in the gene, 0-based.
        rows: Shape (positions, width).

    Raises:
        ModelError: If they are not probabilities.
    """
    with np.errstate(invalid="ignore"):  # inf - inf
        total = rows[:, :3].sum(axis=1, dtype=np.float64)
    # A comparison with NaN is false, so that NaN is refused too.
    inside = (rows >= -RANGE_TOLERANCE) & (rows <= 1 + RANGE_TOLERANCE)
    good = (np.abs(total - 1) <= SUM_TOLERANCE) & inside.all(axis=1)
    bad = np.flatnonzero(~good)
    if len(bad):
        gives = ", ".join(f"{value:g}" for value in rows[bad[0]])
        raise ModelError(
            f"The base model {model.name} gave no probabilities at {len(bad):,} positions of gene "
            f"{gene_id}, first {gives} at position {first + bad[0] + 1}.",
            "Try another --device; nothing of this gene is written.",
        )
