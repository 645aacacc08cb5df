"""What a base model is: a batch of sequences in, three probabilities per position out."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

LETTERS = b"ACGT"
"""The order of the four one-hot channels; N and anything else is four zeros."""


@runtime_checkable
class BaseModel(Protocol):
    """A network that scores every nucleotide of a sequence.

    It may also have ``parallel``, how many calls of :meth:`predict` may run at once in threads of
    their own (1), ``precision``, of its products (float32), and ``extras``, the names of further
    columns that :meth:`predict` gives behind the three scores.

    Attributes:
        name: Short name, such as ``spliceai``; it becomes the base model's name in a run.
        context: How many nucleotides around a position it sees, half of them on each side; even.
        batch: How many windows it takes best in one call on its device.
        digest: A text that changes whenever the weights do.
    """

    name: str
    context: int
    batch: int
    digest: str

    def predict(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score a batch.

        Args:
            sequences: Shape (batch, length + context, 4): one-hot A, C, G, T, 5' to 3' on the
                transcript strand; all zero where the base is N or beyond the sequence.

        Returns:
            Shape (batch, length, 3): the probabilities of donor, acceptor and neither.
        """
        ...


def parallel_of(model: BaseModel) -> int:
    """How many calls of a base model may run at once."""
    return int(getattr(model, "parallel", 1))


def precision_of(model: BaseModel) -> str:
    """The precision of a base model's products."""
    return str(getattr(model, "precision", "float32"))


def extras_of(model: BaseModel) -> tuple[str, ...]:
    """The names of further columns that a base model gives."""
    return tuple(getattr(model, "extras", ()))
