"""Networks on a CPU by OpenVINO: one graph for all of them, one thread for each window.

The graph is made of OpenVINO's own operations for a fixed length, since its convolutions are slow
where the length is open. Lengths are rounded up, so that few graphs are compiled; the bits of a
score do not depend on the length, nor on where in it the position lies.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.network import UNITS_PER_SKIP, Convolution, Ensemble, Network
from splice_meta.base_models.windows import rounded
from splice_meta.errors import UsageError

MOST_GRAPHS = 2
"""Lengths whose graphs are kept; each has the memory of its layers for every thread."""

PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}
INSTALL = "Install it with: pip install 'splice_meta[openspliceai]'"


@dataclass
class _Graph:
    """The graph of a length, and the ways to run it that no thread uses."""

    compiled: Any = None
    idle: list[Any] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)


class OnOpenVino:
    """Runs an ensemble on a CPU.

    Args:
        ensemble: The networks.
        precision: ``float32`` or ``bfloat16``.
        threads: How many calls run at once, each on one thread.

    Raises:
        UsageError: If OpenVINO is not installed.
    """

    batch = 1

    def __init__(self, ensemble: Ensemble, precision: str, threads: int) -> None:
        try:
            import openvino
        except ImportError as error:
            raise UsageError(f"OpenVINO is not installed ({error}).", INSTALL) from None
        self._openvino = openvino
        self._core = openvino.Core()
        self.ensemble, self.precision, self.parallel = ensemble, precision, threads
        self._graphs: OrderedDict[int, _Graph] = OrderedDict()
        self._lock = Lock()

    def forward(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean probabilities of each group of networks.

        Args:
            sequences: Shape (1, length + context, 4): one-hot A, C, G, T.

        Returns:
            Shape (1, groups x outputs, length).
        """
        found = []
        for sequence in sequences:
            size = len(sequence)
            padded = np.zeros((1, 4, rounded(size)), dtype=np.float32)
            padded[0, :, :size] = sequence.T
            with self._request(padded.shape[2]) as request:
                request.infer([padded], share_inputs=True)
                means = request.get_output_tensor(0).data
                found.append(means[0, :, : size - self.ensemble.context].copy())
        return np.stack(found)

    @contextmanager
    def _request(self, length: int) -> Iterator[Any]:
        """A way to run the graph of a length that no other thread uses meanwhile."""
        with self._lock:
            graph = self._graphs.setdefault(length, _Graph())
            self._graphs.move_to_end(length)
            if len(self._graphs) > MOST_GRAPHS:
                self._graphs.popitem(last=False)
        with graph.lock:  # other lengths go on while this one is compiled
            graph.compiled = graph.compiled or self._compiled(length)
            request = graph.idle.pop() if graph.idle else graph.compiled.create_infer_request()
        yield request
        graph.idle.append(request)

    def _compiled(self, length: int) -> Any:
        return self._core.compile_model(
            self._model(length),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": PRECISIONS[self.precision],
                "NUM_STREAMS": self.parallel,
                "INFERENCE_NUM_THREADS": self.parallel,
                "ENABLE_CPU_PINNING": False,  # two processes would share one core
            },
        )

    def _model(self, length: int) -> Any:
        graph = self._openvino.opset13
        letters = graph.parameter([1, 4, length], np.float32)
        outputs = [
            graph.softmax(_lay(graph, network, letters, length), 1)
            for network in self.ensemble.networks
        ]
        means = [_mean(graph, [outputs[at] for at in some]) for some in self.ensemble.means]
        whole = means[0] if len(means) == 1 else graph.concat(means, 1)
        return self._openvino.Model([whole], [letters], "networks")


def _lay(graph: Any, network: Network, letters: Any, length: int) -> Any:
    """A network's operations up to the head."""

    def constant(values: NDArray[Any], shape: tuple[int, ...] | None = None) -> Any:
        return graph.constant(values if shape is None else values.reshape(shape))

    def convolve(node: Any, layer: Convolution) -> Any:
        made = graph.convolution(
            node, constant(layer.weights), [1], [0], [0], [layer.dilation]
        )  # fmt: skip
        return graph.add(made, constant(layer.bias, (1, -1, 1)))

    def activate(node: Any) -> Any:
        if network.slope == 0:
            return graph.relu(node)
        return graph.prelu(node, constant(np.array([network.slope], np.float32)))

    def cut(node: Any, size: int, wanted: int) -> Any:
        # From, to, in steps of, along which axis.
        numbers = ((size - wanted) // 2, (size + wanted) // 2, 1, 2)
        return graph.slice(node, *(constant(np.array([n], np.int64)) for n in numbers))

    node = convolve(letters, network.entry)
    line, line_length = convolve(node, network.skips[0]), length
    for number, unit in enumerate(network.units, start=1):
        scaled = graph.multiply(node, constant(unit.scale, (1, -1, 1)))
        inner = activate(graph.add(scaled, constant(unit.shift, (1, -1, 1))))
        inner = convolve(activate(convolve(inner, unit.first)), unit.second)
        shorter = length - 2 * unit.reach
        node, length = graph.add(inner, cut(node, length, shorter)), shorter
        if number % UNITS_PER_SKIP == 0:
            more = convolve(node, network.skips[number // UNITS_PER_SKIP])
            line, line_length = graph.add(cut(line, line_length, length), more), length
    return convolve(line, network.head)


def _mean(graph: Any, nodes: list[Any]) -> Any:
    total = nodes[0]
    for node in nodes[1:]:
        total = graph.add(total, node)
    share = graph.constant(np.array(1 / len(nodes), dtype=np.float32))
    return graph.multiply(total, share)
