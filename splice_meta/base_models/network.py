"""Dilated residual networks as data: layers and weights, whatever engine runs them.

SpliceAI (Jaganathan et al., Cell 2019), OpenSpliceAI (Chao et al., 2025) and Pangolin (Zeng and Li,
Genome Biology 2022) share one trunk. An entry convolution makes channels of the four letters.
Residual units follow, each of them twice a batch norm, an activation and a dilated convolution. The
skip line adds up 1-wide convolutions of what goes in and of what comes out behind every fourth
unit; the head makes the outputs of it, and a softmax their probabilities.

No layer is padded: each convolution shortens its input, and what passes by it is cut to the same
positions. That gives the values that padding and cropping in the end gives, without computing what
is cropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

UNITS_PER_SKIP = 4
WIDTHS = (11,) * 8 + (21,) * 4 + (41,) * 4
DILATIONS = (1,) * 4 + (4,) * 4 + (10,) * 4 + (25,) * 4
"""Widths and dilations of the residual units; smaller networks have the first 4, 8 or 12."""


@dataclass(frozen=True)
class Convolution:
    """A convolution.

    Attributes:
        weights: Shape (channels out, channels in, width); the width is odd.
        bias: Shape (channels out,).
        dilation: Positions from one tap to the next.
    """

    weights: Floats
    bias: Floats
    dilation: int = 1

    @property
    def reach(self) -> int:
        """Positions that it looks to each side."""
        return int(self.weights.shape[2] - 1) * self.dilation // 2

    def then(self, scale: Floats, shift: Floats) -> Convolution:
        """This convolution and a batch norm behind it, as one convolution."""
        wide = scale.astype(np.float64)
        weights = (self.weights * wide[:, None, None]).astype(np.float32)
        return Convolution(weights, (self.bias * wide + shift).astype(np.float32), self.dilation)


def batch_norm(
    gamma: Floats, beta: Floats, mean: Floats, variance: Floats, epsilon: float
) -> tuple[Floats, Floats]:
    """Scale and shift, by channel, that a trained batch norm comes to.

    ``gamma * (x - mean) / sqrt(variance + epsilon) + beta``
    """
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
    return scale.astype(np.float32), (beta - scale * mean).astype(np.float32)


@dataclass(frozen=True)
class Unit:
    """A residual unit; its input, cut to the same positions, is added to what it gives.

    Attributes:
        scale: Of its first batch norm, by channel.
        shift: The same.
        first: Its first convolution, with the second batch norm in it.
        second: Its second convolution.
    """

    scale: Floats
    shift: Floats
    first: Convolution
    second: Convolution

    @property
    def reach(self) -> int:
        """Positions that it looks to each side."""
        return self.first.reach + self.second.reach


@dataclass(frozen=True)
class Network:
    """A network of this kind.

    Attributes:
        entry: From four letters to the channels of the trunk; 1 wide.
        units: The residual units.
        skips: 1-wide convolutions of the skip line: of what enters the first unit, then of what
            leaves every fourth.
        head: From the skip line to the outputs; 1 wide. A softmax makes them probabilities.
        slope: Of the activations below 0: 0 for a rectifier.
    """

    entry: Convolution
    units: tuple[Unit, ...]
    skips: tuple[Convolution, ...]
    head: Convolution
    slope: float = 0.0

    @property
    def context(self) -> int:
        """How many nucleotides around a position it sees, half of them on each side."""
        return 2 * sum(unit.reach for unit in self.units)

    @property
    def outputs(self) -> int:
        """How many probabilities it gives."""
        return len(self.head.bias)

    @property
    def products(self) -> int:
        """Multiplications and additions for one position, were no neighbour computed with it."""
        listed = [self.entry, self.head, *self.skips, *self.dilated]
        return 2 * sum(each.weights.size for each in listed)

    @property
    def dilated(self) -> tuple[Convolution, ...]:
        """The convolutions of the units, in their order."""
        return tuple(each for unit in self.units for each in (unit.first, unit.second))

    @property
    def arrays(self) -> dict[str, Floats]:
        """Every array by the names of :func:`build`, and ``N.scale`` and ``N.shift`` of unit N."""
        layers = {"entry": self.entry, "head": self.head}
        layers |= {f"skip.{number}": layer for number, layer in enumerate(self.skips)}
        found: dict[str, Floats] = {}
        for number, unit in enumerate(self.units):
            layers |= {f"{number}.first": unit.first, f"{number}.second": unit.second}
            found |= {f"{number}.scale": unit.scale, f"{number}.shift": unit.shift}
        for name, layer in layers.items():
            found |= {f"{name}.weight": layer.weights, f"{name}.bias": layer.bias}
        return found


@dataclass(frozen=True)
class Ensemble:
    """Networks that see the same context, and the mean of which counts.

    Attributes:
        networks: All of them.
        groups: Of each network which mean it goes into, counted from 0.
    """

    networks: tuple[Network, ...]
    groups: tuple[int, ...]

    @property
    def context(self) -> int:
        """How many nucleotides around a position they see."""
        return self.networks[0].context

    @property
    def means(self) -> list[list[int]]:
        """The networks of each group."""
        return [
            [at for at, mine in enumerate(self.groups) if mine == group]
            for group in range(max(self.groups) + 1)
        ]

    @property
    def is_uniform(self) -> bool:
        """Whether the networks differ in nothing but the numbers in their arrays."""

        def form(network: Network) -> list[object]:
            shapes = [(name, array.shape) for name, array in network.arrays.items()]
            return [network.slope, [layer.dilation for layer in network.dilated], sorted(shapes)]

        return all(form(network) == form(self.networks[0]) for network in self.networks)


def build(parts: Mapping[str, Floats], epsilon: float, slope: float) -> Network:
    """Put a network together from its arrays.

    Args:
        parts: By name: ``entry``, ``skip.0`` ..., ``head``, and for unit N ``N.first``,
            ``N.second``, each with ``.weight`` (channels out, channels in, width) and ``.bias``
            behind; ``N.norm1``, ``N.norm2`` with ``.gamma``, ``.beta``, ``.mean``, ``.variance``.
        epsilon: Of the batch norms.
        slope: Of the activations below 0.

    Raises:
        ValueError: If an array is missing, or of a shape that does not fit.
    """
    count = sum(name.endswith(".first.weight") for name in parts)
    if not count or count % UNITS_PER_SKIP or count > len(DILATIONS):
        raise ValueError(f"it has {count} residual units, not 4, 8, 12 or 16")

    def array(name: str, *shape: int) -> Floats:
        found = parts.get(name)
        if found is None:
            raise ValueError(f"it has no array {name}")
        wanted = ["any" if size < 0 else str(size) for size in shape]
        if found.ndim != len(shape) or any(
            size not in (-1, own) for size, own in zip(shape, found.shape, strict=True)
        ):
            raise ValueError(f"{name} has the shape {found.shape}, not ({', '.join(wanted)})")
        if not np.isfinite(found).all():
            raise ValueError(f"{name} holds numbers that are not finite")
        return np.ascontiguousarray(found, dtype=np.float32)

    channels = len(array("entry.bias", -1))

    def convolution(name: str, out: int, into: int, width: int, dilation: int = 1) -> Convolution:
        weights = array(f"{name}.weight", out, into, width)
        return Convolution(weights, array(f"{name}.bias", len(weights)), dilation)

    def norm(name: str) -> tuple[Floats, Floats]:
        gamma, beta, mean, variance = (
            array(f"{name}.{part}", channels) for part in ("gamma", "beta", "mean", "variance")
        )
        return batch_norm(gamma, beta, mean, variance, epsilon)

    units = []
    for number, (width, dilation) in enumerate(
        zip(WIDTHS[:count], DILATIONS[:count], strict=True)
    ):
        first, second = (
            convolution(f"{number}.{name}", channels, channels, width, dilation)
            for name in ("first", "second")
        )
        units.append(Unit(*norm(f"{number}.norm1"), first.then(*norm(f"{number}.norm2")), second))
    return Network(
        entry=convolution("entry", channels, 4, 1),
        units=tuple(units),
        skips=tuple(
            convolution(f"skip.{number}", channels, channels, 1)
            for number in range(count // UNITS_PER_SKIP + 1)
        ),
        head=convolution("head", -1, channels, 1),
        slope=slope,
    )
