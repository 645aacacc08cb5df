"""The layers of a network as OpenVINO's own operations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.network import UNITS_PER_SKIP, Network


class Layers:
    """Lays a network's operations.

    Args:
        opset: OpenVINO's operations.
        network: The network.
        is_open: Its arrays are inputs of the graph, by their names, so that one graph serves all
            networks of the same form. The values are the same to the bit.

    Attributes:
        inputs: Of the graph, in the order in which they are laid.
    """

    def __init__(self, opset: Any, network: Network, is_open: bool = False) -> None:
        self._graph, self.network, self._is_open = opset, network, is_open
        self._arrays = shaped(network)
        self._laid: dict[str, Any] = {}
        self.inputs: list[Any] = []

    def letters(self, length: int) -> Any:
        """A sequence that is given: one-hot, channels before positions."""
        return self._input("letters", (1, 4, length))

    def activations(self, name: str, length: int) -> Any:
        """Values of a layer that are given."""
        return self._input(name, (1, len(self.network.entry.bias), length))

    def enter(self, letters: Any) -> Any:
        """The entry."""
        return self._convolve(letters, "entry", 1)

    def first(self, node: Any, unit: int) -> Any:
        """A unit up to what its second convolution takes."""
        scaled = self._graph.multiply(node, self._array(f"{unit}.scale"))
        inner = self._activate(self._graph.add(scaled, self._array(f"{unit}.shift")))
        dilation = self.network.units[unit].first.dilation
        return self._activate(self._convolve(inner, f"{unit}.first", dilation))

    def second(self, inner: Any, passed: Any, unit: int) -> Any:
        """A unit's second convolution, and what passes by the unit, of the same positions."""
        made = self._convolve(inner, f"{unit}.second", self.network.units[unit].second.dilation)
        return self._graph.add(made, passed)

    def skip(self, node: Any, number: int, line: Any = None) -> Any:
        """What a skip adds to the skip line of the same positions."""
        made = self._multiplied(node, f"skip.{number}", 1)
        # The bias last: OpenVINO adds in another order where the arrays are constants, otherwise.
        whole = made if line is None else self._graph.add(made, line)
        return self._graph.add(whole, self._array(f"skip.{number}.bias"))

    def probabilities(self, line: Any) -> Any:
        """The head and the softmax."""
        return self._graph.softmax(self._convolve(line, "head", 1), 1)

    def cut(self, node: Any, size: int, wanted: int) -> Any:
        """The positions in the middle."""
        if size == wanted:
            return node
        # From, to, in steps of, along which axis.
        numbers = ((size - wanted) // 2, (size + wanted) // 2, 1, 2)
        return self._graph.slice(
            node, *(self._graph.constant(np.array([number], np.int64)) for number in numbers)
        )

    def join(self, *nodes: Any) -> Any:
        """Positions of several nodes in a row."""
        return self._graph.concat(list(nodes), 2)

    def whole(self, letters: Any, length: int, values: list[Any] | None = None) -> Any:
        """The probabilities of every position that has its context in the sequence.

        Args:
            letters: The sequence.
            length: Its positions.
            values: Gets what is behind each dilated convolution, in their order.
        """
        values = [] if values is None else values
        node = self.enter(letters)
        line, line_length = self.skip(node, 0), length
        for number, unit in enumerate(self.network.units):
            shorter = length - 2 * unit.reach
            inner = self.first(node, number)
            node, length = self.second(inner, self.cut(node, length, shorter), number), shorter
            values += [inner, node]
            if (number + 1) % UNITS_PER_SKIP == 0:
                line = self.cut(line, line_length, length)
                line, line_length = self.skip(node, (number + 1) // UNITS_PER_SKIP, line), length
        return self.probabilities(line)

    def _input(self, name: str, shape: tuple[int, ...]) -> Any:
        node = self._graph.parameter(list(shape), np.float32)
        node.output(0).set_names({name})
        self.inputs.append(node)
        return node

    def _array(self, name: str) -> Any:
        if name not in self._laid:
            array = self._arrays[name]
            self._laid[name] = (
                self._input(name, array.shape) if self._is_open else self._graph.constant(array)
            )
        return self._laid[name]

    def _multiplied(self, node: Any, name: str, dilation: int) -> Any:
        weights = self._array(f"{name}.weight")
        return self._graph.convolution(node, weights, [1], [0], [0], [dilation])

    def _convolve(self, node: Any, name: str, dilation: int) -> Any:
        made = self._multiplied(node, name, dilation)
        return self._graph.add(made, self._array(f"{name}.bias"))

    def _activate(self, node: Any) -> Any:
        if self.network.slope == 0:
            return self._graph.relu(node)
        slope = self._graph.constant(np.array([self.network.slope], np.float32))
        return self._graph.prelu(node, slope)


def shaped(network: Network) -> dict[str, NDArray[np.float32]]:
    """A network's arrays by name; numbers by channel as they go with (batch, channels, length)."""
    return {
        name: array if array.ndim == 3 else array.reshape(1, -1, 1)
        for name, array in network.arrays.items()
    }
