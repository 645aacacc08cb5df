"""A base model in a few lines of numpy, and what it must give, position by position.

Each of the three probabilities is 1 + (a sum over the window of context, modulo a prime), divided
by the three together. The table of the sum differs by base, place in the window and probability,
so that any change of one base changes all three sums; all sums are of integers, so that scores
are the same to the bit however a sequence is cut.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
from fasta_files import naive_transcript
from numpy.typing import NDArray

CONTEXT = 20
PRIME = 997
# Distinct for the four bases of a place, and never 0, which is what N adds.
TABLE = np.array(
    [
        [np.random.default_rng([place, k]).permutation(PRIME - 1)[:4] + 1 for place in range(21)]
        for k in range(3)
    ]
)


class TinyNetwork:
    """A network with a context of 20 nucleotides.

    Args:
        batch: How many windows it takes in one call.
        context: Its context; other than 20, only the middle 21 places count.
        digest: Stands for its weights.
    """

    def __init__(self, batch: int = 1, context: int = CONTEXT, digest: str = "tiny") -> None:
        self.name, self.batch, self.context, self.digest = "tiny", batch, context, digest
        self.shapes: list[tuple[int, ...]] = []

    @property
    def positions(self) -> int:
        """How many positions it has scored, padding included."""
        return sum(count * (length - self.context) for count, length, _ in self.shapes)

    def predict(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        assert sequences.dtype == np.float32
        assert sequences.shape[2] == 4
        assert set(np.unique(sequences)) <= {0.0, 1.0}
        assert sequences.sum(axis=2).max() <= 1
        self.shapes.append(sequences.shape)
        length = sequences.shape[1] - self.context
        trim = (self.context - CONTEXT) // 2
        sums = np.zeros((len(sequences), length, 3), dtype=np.int64)
        for place in range(CONTEXT + 1):
            seen = sequences[:, trim + place : trim + place + length].astype(np.int64)
            sums += (seen[:, :, None, :] * TABLE[:, place]).sum(axis=3)
        parts = 1 + sums % PRIME
        return (parts / parts.sum(axis=2, keepdims=True)).astype(np.float32)


def naive_scores(
    bases: dict[int, str], strand: str, start: int, end: int
) -> list[tuple[float, float, float]]:
    """What the network must give for a gene, one position at a time, 5' to 3'."""
    half, rows = CONTEXT // 2, []
    for position in sorted(range(start, end + 1), reverse=strand == "-"):
        window = naive_transcript(bases, strand, position - half, position + half)
        parts = []
        for k in range(3):
            total = 0
            for place, base in enumerate(window):
                if base != "N":
                    total += int(TABLE[k, place, "ACGT".index(base)])
            parts.append(1 + total % PRIME)
        rows.append(tuple(float(np.float32(part / sum(parts))) for part in parts))
    return rows  # type: ignore[return-value]


class Interrupted(TinyNetwork):
    """Interrupts its own process, as Ctrl-C does, in one of its calls."""

    def __init__(self, call: int, error: type[BaseException] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.call, self.error = call, error

    def predict(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        if len(self.shapes) == self.call:
            if self.error:
                raise self.error
            os.kill(os.getpid(), signal.SIGINT)
        return super().predict(sequences)


class Wrong(TinyNetwork):
    """Gives something else than probabilities, or fails, in windows that begin with some bases.

    Args:
        start: The bases.
        fault: What comes instead: the values of one position, an error, or what makes another
            answer of the right one.
        at: The position that gets the values, counted from 0 in the window.
    """

    def __init__(self, start: str, fault: Any, at: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.fault, self.at = fault, at
        letters = [[base == letter for letter in "ACGT"] for base in start]
        self.start = np.array(letters, dtype=bool).reshape(-1, 4)

    def predict(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        found = super().predict(sequences)
        half = self.context // 2
        for row, sequence in zip(found, sequences, strict=True):
            if np.array_equal(sequence[half : half + len(self.start)], self.start):
                if isinstance(self.fault, Exception):
                    raise self.fault
                if callable(self.fault):
                    return self.fault(found)  # type: ignore[no-any-return]
                row[self.at] = self.fault
        return found


def make(weights: str | Path | None, device: str) -> Any:
    """An entry point; ``weights`` says what goes wrong, and where."""
    fault, _, start = str(weights).partition(":")
    if fault == "interrupt":
        return Interrupted(call=1)
    if fault == "nan":
        return Wrong(start, np.nan)
    if fault == "fire":
        return Wrong(start, RuntimeError(f"the device {device} is on fire\nand more"))
    return "no network" if fault == "other" else TinyNetwork()
