"""The graphs that score an edit between the reference's values, see :mod:`.cone`.

Each serves all networks of an ensemble: their arrays are inputs, by name, beside what is said here.
"""

from __future__ import annotations

from typing import Any

from splice_meta.base_models.cone import Cone
from splice_meta.base_models.network import UNITS_PER_SKIP, Network
from splice_meta.base_models.openvino_layers import Layers


def window_model(openvino: Any, network: Network, cone: Cone, size: int) -> Any:
    """An edit alone: its ``letters`` with all context, to probabilities as far as the cone reaches.

    Args:
        openvino: The package.
        network: One of the networks.
        cone: Theirs.
        size: Positions that edits put in.
    """
    layers = Layers(openvino.opset13, network, is_open=True)
    length = size + 2 * cone.wanted[0]
    found = layers.whole(layers.letters(length), length)
    return openvino.Model([found], layers.inputs, "window")


def reference_model(openvino: Any, network: Network, cone: Cone, span: int, is_scored: bool) -> Any:
    """The reference's ``letters`` to the values that edits look at, in the order of ``cone.kept``.

    The letters reach ``cone.wanted[0]`` to each side of the edits' positions, values ``cone.used``.

    Args:
        openvino: The package.
        network: One of the networks.
        cone: Theirs.
        span: Positions within which edits lie.
        is_scored: Whether its probabilities, as far as the cone reaches, come behind the values.
            What only they need is left out otherwise.
    """
    layers = Layers(openvino.opset13, network, is_open=True)
    length, values = span + 2 * cone.wanted[0], list[Any]()
    probabilities = layers.whole(layers.letters(length), length, values)
    found = [
        layers.cut(values[at - 1], span + 2 * cone.wanted[at], span + 2 * cone.used[at])
        for at in cone.kept
    ]
    if is_scored:
        found.append(probabilities)
    return openvino.Model(found, layers.inputs, "reference")


def edit_model(openvino: Any, network: Network, cone: Cone, size: int) -> Any:
    """The ``letters`` around an edit, and the reference's values, to probabilities.

    The letters reach ``cone.used[0]`` to each side of what is put in. Values are inputs by the
    names of :func:`beside`, for each of ``cone.kept``.

    Args:
        openvino: The package.
        network: One of the networks.
        cone: Theirs.
        size: Positions that edits put in.
    """
    layers = Layers(openvino.opset13, network, is_open=True)

    def cut(node: Any, extent: int, wanted: int) -> Any:
        return layers.cut(node, size + 2 * extent, size + 2 * wanted)

    def widened(node: Any, at: int) -> Any:
        more = cone.used[at] - cone.made[at]
        if not more:
            return node
        left, right = (layers.activations(name, more) for name in beside(at))
        return layers.join(left, node, right)

    node = layers.enter(layers.letters(size + 2 * cone.used[0]))
    line = layers.skip(cut(node, cone.used[0], cone.reach), 0)
    for unit in range(len(network.units)):
        at = 2 * unit
        seen = cut(node, cone.used[at], cone.made[at + 1] + cone.looks[at])
        inner = widened(layers.first(seen, unit), at + 1)
        passed = cut(node, cone.used[at], cone.made[at + 2])
        node = widened(layers.second(inner, passed, unit), at + 2)
        if (unit + 1) % UNITS_PER_SKIP == 0:
            wanted = cut(node, cone.used[at + 2], cone.reach)
            line = layers.skip(wanted, (unit + 1) // UNITS_PER_SKIP, line)
    return openvino.Model([layers.probabilities(line)], layers.inputs, "edit")


def beside(at: int) -> tuple[str, str]:
    """The names of the reference's values to the left and to the right of computed ones."""
    return f"left.{at}", f"right.{at}"
