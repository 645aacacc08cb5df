"""Edits scored by OpenVINO: between kept values of the reference where edits are near each other.

A tile of edits is worked on network by network: one call computes the reference's values, then each
edit is a call of its own that looks at them. The bits of a score do not depend on the tile, on what
else is in it, nor on the thread: they are those of the ordinary scoring of the altered gene.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.altered import Reference
from splice_meta.base_models.budget import Budget
from splice_meta.base_models.cone import Cone
from splice_meta.base_models.cone_graphs import (
    beside,
    edit_model,
    reference_model,
    window_model,
)  # fmt: skip
from splice_meta.base_models.edit_tiles import SPANS, Tile, Wide, tiles
from splice_meta.base_models.network import Floats
from splice_meta.base_models.on_openvino import OnOpenVino
from splice_meta.base_models.openvino_graphs import Graphs
from splice_meta.base_models.openvino_layers import shaped
from splice_meta.base_models.windows import encoded

MOST_GRAPHS = 6
"""Kept graphs: of each size of an edit two, and some spans of the reference."""

MOST_KEPT = 256 * 2**20
"""Most bytes of the reference's values at once, of all calls together."""

CALLS = 4
"""Edits of a tile that a thread takes at once."""

Finish = Callable[[], list[Floats]]


class EditsOnOpenVino:
    """Scores edits on a CPU.

    Args:
        engine: The networks; they must be uniform.
        reach: How far scores are wanted.
        pool: The threads to do it in.
    """

    def __init__(self, engine: OnOpenVino, reach: int, pool: ThreadPoolExecutor) -> None:
        self._openvino, self._ensemble = engine.openvino, engine.ensemble
        self._network = engine.ensemble.networks[0]
        self._pool, self._ahead = pool, engine.parallel
        self._graphs = Graphs(engine.compiled, MOST_GRAPHS)
        self.cone = Cone.of(self._network, reach)
        self._arrays = [
            {
                name: self._openvino.Tensor(np.ascontiguousarray(array))
                for name, array in shaped(network).items()
            }
            for network in engine.ensemble.networks
        ]
        self.spans: Sequence[int] = SPANS
        self._kept = Budget(MOST_KEPT)

    def _bytes(self, span: int) -> int:
        """What the reference's values for a tile take."""
        channels = len(self._network.entry.bias)
        return 4 * channels * self.cone.reference_values(span) if span else 0

    def means(
        self, reference: Reference, edits: Sequence[Wide], is_scored: bool = False
    ) -> Iterator[tuple[Wide | Tile, NDArray[np.float32]]]:
        """The mean probabilities of each group of networks, around each edit.

        Args:
            reference: The gene.
            edits: Edits of it, each of them alone.
            is_scored: Whether the reference's own are wanted, too.

        Yields:
            Each edit, in the order of the gene, and its means, shape (groups x outputs, positions),
            of the positions within reach of what the wide edit puts in. Behind the edits of a tile
            the tile itself, if it is wanted, and those of the reference around it.
        """
        waiting: deque[tuple[Tile, Future[Finish]]] = deque()
        found: list[list[Floats]] = []

        def finished() -> Iterator[tuple[Wide | Tile, NDArray[np.float32]]]:
            tile, started = waiting.popleft()
            try:
                found.append(started.result()())
            finally:
                self._kept.give_back(self._bytes(tile.span))
            if len(found) == len(self._ensemble.networks):
                listed: list[Wide | Tile] = [*tile.edits]
                if is_scored:
                    listed.append(tile)
                for each, outputs in zip(listed, zip(*found, strict=True), strict=True):
                    yield each, self._mean(outputs)
                found.clear()

        try:
            for tile in tiles(edits, self.cone, self.spans, is_scored):
                start = partial(self._start_tile, is_scored) if tile.span else self._score_alone
                for network in range(len(self._ensemble.networks)):
                    if len(waiting) > self._ahead:
                        yield from finished()
                    while not self._kept.take(self._bytes(tile.span), is_patient=not waiting):
                        yield from finished()
                    waiting.append((tile, self._pool.submit(start, reference, tile, network)))
            while waiting:
                yield from finished()
        finally:
            for tile, left in waiting:
                left.cancel()
                self._kept.give_back(self._bytes(tile.span))

    def _mean(self, outputs: Sequence[Floats]) -> NDArray[np.float32]:
        """As the engine's graph makes it, to the bit."""
        found = []
        for members in self._ensemble.means:
            total = outputs[members[0]]
            for member in members[1:]:
                total = total + outputs[member]
            found.append(total * np.float32(1 / len(members)))
        return np.concatenate(found)

    def _score_alone(self, reference: Reference, tile: Tile, network: int) -> Finish:
        (edit,) = tile.edits
        size = len(edit.bases)
        make = partial(window_model, self._openvino, self._network, self.cone, size)
        with self._graphs.request(("window", size), make) as request:
            self._give(request, network, encoded(edit.around(reference, self.cone.wanted[0])))
            request.infer()
            found = [request.get_output_tensor(0).data[0].copy()]
        return lambda: found

    def _start_tile(
        self, is_scored: bool, reference: Reference, tile: Tile, network: int
    ) -> Finish:
        """Compute the reference's values, and leave the edits to any thread."""
        graph, request = self._graphs.take(
            ("reference", tile.span, is_scored),
            lambda: reference_model(self._openvino, self._network, self.cone, tile.span, is_scored),
        )
        bases = tile.around(reference, self.cone.wanted[0])
        self._give(request, network, encoded(bases))
        request.infer()
        values = {
            at: request.get_output_tensor(number).data for number, at in enumerate(self.cone.kept)
        }
        parts = [
            self._pool.submit(self._score_edits, reference, tile, values, some, network)
            for some in range(0, len(tile.edits), CALLS)
        ]

        def finish() -> list[Floats]:
            found = [outputs for part in parts for outputs in part.result()]
            if is_scored:
                found.append(request.get_output_tensor(len(values)).data[0].copy())
            graph.give_back(request)  # the values are its own until here
            return found

        return finish

    def _score_edits(
        self, reference: Reference, tile: Tile, values: dict[int, Floats], some: int, network: int
    ) -> list[Floats]:
        found = []
        for edit in tile.edits[some : some + CALLS]:
            size = len(edit.bases)
            make = partial(edit_model, self._openvino, self._network, self.cone, size)
            with self._graphs.request(("edit", size), make) as request:
                self._give(request, network, encoded(edit.around(reference, self.cone.used[0])))
                for at, array in values.items():
                    left, right = beside(at)
                    used, made = self.cone.used[at], self.cone.made[at]
                    # The values begin `used` before the tile; those on the right, `made` behind
                    # the end of what the edit replaces.
                    low, high = edit.start - tile.start, edit.end - tile.start + used + made
                    more = used - made
                    request.get_tensor(left).data[...] = array[:, :, low : low + more]
                    request.get_tensor(right).data[...] = array[:, :, high : high + more]
                request.infer()
                found.append(request.get_output_tensor(0).data[0].copy())
        return found

    def _give(self, request: Any, network: int, letters: Floats) -> None:
        """Give a request the arrays of a network and its letters."""
        arrays = self._arrays[network]
        for port in request.model_inputs:
            name = port.get_any_name()
            if name in arrays:
                request.set_tensor(port, arrays[name])
        request.get_tensor("letters").data[0] = letters.T
