"""Scores of altered sequences: what a base model gives around each edit of a gene."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.altered import Bases, Edit, Reference
from splice_meta.base_models.protocol import BaseModel, extras_of, parallel_of
from splice_meta.base_models.windows import (
    WINDOW,
    GeneScores,
    batches,
    cut,
    overlapped,
    score_windows,
)  # fmt: skip
from splice_meta.contracts import SCORES


class EditScorer:
    """Scores the alternative sequence around edits.

    Each edit's positions go to the base model with half a context on each side, so that they see
    all that they see in the whole gene.

    Args:
        model: The base model.
    """

    def __init__(self, model: BaseModel) -> None:
        self.model = model
        self._pool = ThreadPoolExecutor(parallel_of(model), "edits")

    def __reduce__(self) -> tuple[Any, ...]:
        """The base model, for other processes."""
        return EditScorer, (self.model,)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def reference(self, bases: Bases, flank: int | None = None, gene_id: str = "") -> Reference:
        """What edits of a gene are made on.

        Args:
            bases: ASCII codes of the gene with its flanks, 5' to 3' on the transcript strand.
            flank: Bases of each flank, see :class:`.altered.Reference`; half a context.
            gene_id: Of the gene, for messages.
        """
        half = self.model.context // 2
        return Reference(bases, half if flank is None else flank, gene_id)

    def scores(
        self, reference: Reference, edits: Sequence[Edit], reach: int
    ) -> list[NDArray[np.float32]]:
        """The scores of the alternative gene around each edit.

        Args:
            reference: The gene, from :meth:`reference`.
            edits: Edits, each of them alone.
            reach: How many positions to either side of what an edit puts in.

        Returns:
            For each edit an array of shape (positions, 3 + extras): donor, acceptor, neither and
            the base model's further columns, of the positions that :meth:`.Reference.span` gives.

        Raises:
            ModelError: If what the base model gives is no probabilities.
        """
        half, width = self.model.context // 2, len(SCORES) + len(extras_of(self.model))
        made = []
        for edit in edits:
            first, stop = reference.span(edit, reach)
            # Where the gene has no position within reach, there is nothing to score.
            bases = reference.altered(edit, first - half, stop + half)
            made.append(GeneScores(reference.gene_id, bases, 2 * half, width))
        listed = batches(cut(made, WINDOW), self.model.batch)
        for _ in overlapped(
            lambda batch: score_windows(self.model, batch),
            listed,
            self._pool,
            parallel_of(self.model),
        ):
            pass
        return [each.scores for each in made]
