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
from splice_meta.base_models.edit_tiles import Tile, Wide
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
        self._width = len(SCORES) + len(extras_of(model))
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
            ModelError: If what the base model gives is not probabilities.
        """
        return self._altered(reference, edits, reach, None)

    def scores_of_both(
        self, reference: Reference, edits: Sequence[Edit], reach: int
    ) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
        """The scores of the gene itself around edits, and those of the alternative gene.

        Where edits share values of the reference, its scores come with them, so that both take less
        time than one after the other.

        Args:
            reference: The gene, from :meth:`reference`.
            edits: Edits, each of them alone.
            reach: How many positions to either side of what an edit replaces or puts in.

        Returns:
            Of the gene itself, shape (length, 3 + extras), NaN where it is not needed; and what
            :meth:`scores` gives.

        Raises:
            ModelError: If what the base model gives is not probabilities.
        """
        own = np.full((reference.length, self._width), np.nan, np.float32)
        return own, self._altered(reference, edits, reach, own)

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
            ModelError: If what the base model gives is not probabilities.
        """
        half = self.model.context // 2
        bases = reference.between(-half, reference.length + half)
        gene = GeneScores(reference.gene_id, bases, 2 * half, self._width)
        gene.scores[:] = np.nan
        wanted = [(0, reference.length)] if stretches is None else stretches
        self._score(
            Window(gene, start, min(start + step, stop))
            for first, stop in wanted
            for step in [window_of(stop - first, WINDOW)]
            for start in range(first, stop, step)
        )
        return gene.scores

    def _altered(
        self,
        reference: Reference,
        edits: Sequence[Edit],
        reach: int,
        own: NDArray[np.float32] | None,
    ) -> list[NDArray[np.float32]]:
        """The scores around edits, and into ``own`` those of the gene itself there."""
        found = [np.empty((0, self._width), np.float32)] * len(edits)
        spans = [reference.span(edit, reach) for edit in edits]
        left = [number for number, (first, stop) in enumerate(spans) if first < stop]
        between = self._between_to(reach)
        if between is not None:
            made = (Wide.of(reference, edits[number], number) for number in left)
            wide = [each for each in made if each is not None]
            for each, rows in self._near(between, reference, wide, own is not None):
                begins = each.start - reach
                if isinstance(each, Wide):
                    first, stop = spans[each.number]
                    found[each.number] = rows[first - begins : stop - begins]
                elif own is not None:
                    first, stop = max(0, begins), min(len(own), begins + len(rows))
                    own[first:stop] = rows[first - begins : stop - begins]
            left = sorted(set(left) - {each.number for each in wide})
        half = self.model.context // 2
        genes = []
        for number in left:
            first, stop = spans[number]
            bases = reference.altered(edits[number], first - half, stop + half)
            genes.append(GeneScores(reference.gene_id, bases, 2 * half, self._width))
        self._score(cut(genes, WINDOW))
        for number, gene in zip(left, genes, strict=True):
            found[number] = gene.scores
        if own is not None and left:
            rest = self.reference_scores(reference, _stretches(own, edits, left, reach))
            np.copyto(own, rest, where=np.isnan(own))
        return found

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
        self, between: EditsOnOpenVino, reference: Reference, edits: list[Wide], is_scored: bool
    ) -> Iterator[tuple[Wide | Tile, NDArray[np.float32]]]:
        """Scores by the networks themselves, of edits and of tiles of the reference."""
        assert isinstance(self.model, NetworkModel)
        for each, means in between.means(reference, edits, is_scored):
            letters = encoded(each.around(reference, between.cone.wanted[0]))
            rows = self.model.read(means[None], letters[None])[0]
            refuse_nonsense(self.model, reference.gene_id, each.start - between.cone.reach, rows)
            yield each, rows

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


def _stretches(
    own: NDArray[np.float32], edits: Sequence[Edit], numbers: list[int], reach: int
) -> list[tuple[int, int]]:
    """The positions of the gene itself within reach of some edits that have no score yet."""
    wanted = np.zeros(len(own) + 1, np.bool_)
    for number in numbers:
        wanted[max(0, edits[number].start - reach) : max(0, edits[number].end + reach)] = True
    wanted[:-1] &= np.isnan(own[:, 0])
    wanted[-1] = False
    edges = np.flatnonzero(np.diff(wanted, prepend=False))
    return [(int(first), int(stop)) for first, stop in edges.reshape(-1, 2)]
