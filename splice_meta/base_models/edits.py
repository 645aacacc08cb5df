"""Scores of altered sequences: what a base model gives around each edit of a gene.

Scores are those of the altered gene, scored whole. Any base model scores each edit in a window of
its own, with half a context on each side, so that its positions see all that they see in the gene.
Networks that OpenVINO runs in float32, such as those of SpliceAI, OpenSpliceAI and Pangolin on a
CPU, score edits that are near each other between values of the reference that they share
(:mod:`.cone`), and others in the smallest window. Which of the two is a matter of cost
(:mod:`.edit_tiles`), not of values: their bits are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.altered import Bases, Edit, Reference
from splice_meta.base_models.edit_tiles import Wide
from splice_meta.base_models.edits_on_openvino import EditsOnOpenVino
from splice_meta.base_models.network_model import NetworkModel
from splice_meta.base_models.on_openvino import OnOpenVino
from splice_meta.base_models.protocol import BaseModel, extras_of, parallel_of
from splice_meta.base_models.windows import (
    WINDOW,
    GeneScores,
    Window,
    batches,
    cut,
    encoded,
    overlapped,
    refuse_nonsense,
    score_windows,
    window_of,
)  # fmt: skip
from splice_meta.contracts import SCORES


class EditScorer:
    """Scores the alternative sequence around edits.

    Calls may come from several threads. Each holds the scores of its edits, 12 KB for an edit at a
    reach of 500; edits that are near each other should come in one call.

    Args:
        model: The base model.
    """

    def __init__(self, model: BaseModel) -> None:
        self.model = model
        self._pool = ThreadPoolExecutor(parallel_of(model), "edits")
        self._between: EditsOnOpenVino | None = None
        self._lock = Lock()

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
        width = len(SCORES) + len(extras_of(self.model))
        found = [np.empty((0, width), np.float32)] * len(edits)
        spans = [reference.span(edit, reach) for edit in edits]
        left = [number for number, (first, stop) in enumerate(spans) if first < stop]
        between = self._between_to(reach)
        if between is not None:
            made = (Wide.of(reference, edits[number], number) for number in left)
            wide = [each for each in made if each is not None]
            for each, rows in self._near(between, reference, wide):
                first, stop = (at - each.start + reach for at in spans[each.number])
                refuse_nonsense(self.model, reference.gene_id, spans[each.number][0], rows)
                found[each.number] = rows[first:stop]
            left = sorted(set(left) - {each.number for each in wide})
        half = self.model.context // 2
        genes = []
        for number in left:
            first, stop = spans[number]
            bases = reference.altered(edits[number], first - half, stop + half)
            genes.append(GeneScores(reference.gene_id, bases, 2 * half, width))
        self._score(cut(genes, WINDOW))
        for number, gene in zip(left, genes, strict=True):
            found[number] = gene.scores
        return found

    def reference_scores(
        self, reference: Reference, stretches: Sequence[tuple[int, int]] | None = None
    ) -> NDArray[np.float32]:
        """The scores of the gene itself.

        Args:
            reference: The gene, from :meth:`reference`.
            stretches: The first position and the one behind the last of what is wanted, within the
                gene; the whole gene if None.

        Returns:
            Shape (length, 3 + extras); NaN where nothing was wanted.

        Raises:
            ModelError: If what the base model gives is no probabilities.
        """
        half, width = self.model.context // 2, len(SCORES) + len(extras_of(self.model))
        bases = reference.between(-half, reference.length + half)
        gene = GeneScores(reference.gene_id, bases, 2 * half, width)
        gene.scores[:] = np.nan
        wanted = [(0, reference.length)] if stretches is None else stretches
        self._score(
            Window(gene, start, min(start + step, stop))
            for first, stop in wanted
            for step in [window_of(stop - first, WINDOW)]
            for start in range(first, stop, step)
        )
        return gene.scores

    def _score(self, windows: Iterable[Window]) -> None:
        listed = batches(windows, self.model.batch)
        for _ in overlapped(
            lambda batch: score_windows(self.model, batch),
            listed,
            self._pool,
            parallel_of(self.model),
        ):
            pass

    def _near(
        self, between: EditsOnOpenVino, reference: Reference, edits: list[Wide]
    ) -> Iterator[tuple[Wide, NDArray[np.float32]]]:
        """Scores of edits by the networks themselves."""
        assert isinstance(self.model, NetworkModel)
        for edit, means in between.means(reference, edits):
            letters = encoded(edit.around(reference, between.cone.wanted[0]))
            yield edit, self.model.read(means[None], letters[None])[0]

    def _between_to(self, reach: int) -> EditsOnOpenVino | None:
        """What scores edits between values of the reference, if these networks can be so scored."""
        model = self.model
        if not isinstance(model, NetworkModel) or not isinstance(model.engine, OnOpenVino):
            return None
        # Shorter products round between layers, and where depends on the graph.
        if not model.ensemble.is_uniform or model.precision != "float32":
            return None
        with self._lock:
            if self._between is None or self._between.cone.reach != reach:
                self._between = EditsOnOpenVino(model.engine, reach, self._pool)
            return self._between
