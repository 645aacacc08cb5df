"""Networks on a CPU by OpenVINO: one graph for all of them, one thread for each window.

The graph is made of OpenVINO's own operations for a fixed length, since its convolutions are slow
where the length is open. Lengths are rounded up, so that few graphs are compiled; the bits of a
score do not depend on the length, nor on where in it the position lies.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.network import Ensemble
from splice_meta.base_models.openvino_graphs import Graphs
from splice_meta.base_models.openvino_layers import Layers
from splice_meta.base_models.windows import rounded
from splice_meta.errors import UsageError

MOST_GRAPHS = 2
"""Lengths whose graphs are kept; each has the memory of its layers for every thread."""

PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}
INSTALL = "Install it with: pip install 'splice_meta[openspliceai]'"


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
        self.openvino = openvino
        self._core = openvino.Core()
        self.ensemble, self.precision, self.parallel = ensemble, precision, threads
        self._graphs = Graphs(self.compiled, MOST_GRAPHS)

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
            length = padded.shape[2]
            with self._graphs.request(length, partial(self._model, length)) as request:
                request.infer([padded], share_inputs=True)
                means = request.get_output_tensor(0).data
                found.append(means[0, :, : size - self.ensemble.context].copy())
        return np.stack(found)

    def compiled(self, model: Any) -> Any:
        """A model, ready to run in as many threads as calls run at once."""
        return self._core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": PRECISIONS[self.precision],
                "NUM_STREAMS": self.parallel,
                "INFERENCE_NUM_THREADS": self.parallel,
                "ENABLE_CPU_PINNING": False,  # two processes would share one core
            },
        )

    def _model(self, length: int) -> Any:
        graph = self.openvino.opset13
        letters = graph.parameter([1, 4, length], np.float32)
        outputs = [
            Layers(graph, network).whole(letters, length) for network in self.ensemble.networks
        ]
        means = [_mean(graph, [outputs[at] for at in some]) for some in self.ensemble.means]
        whole = means[0] if len(means) == 1 else graph.concat(means, 1)
        return self.openvino.Model([whole], [letters], "networks")


def _mean(graph: Any, nodes: list[Any]) -> Any:
    total = nodes[0]
    for node in nodes[1:]:
        total = graph.add(total, node)
    share = graph.constant(np.array(1 / len(nodes), dtype=np.float32))
    return graph.multiply(total, share)
