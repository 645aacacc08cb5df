"""The networks of SpliceAI, OpenSpliceAI and Pangolin as their authors describe them.

Every convolution is padded with zeros, so that nothing gets shorter, and the context is cropped in
the end; batch norms stand on their own; sums are taken tap by tap, in Float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTHS = [11] * 8 + [21] * 4 + [41] * 4
DILATIONS = [1] * 4 + [4] * 4 + [10] * 4 + [25] * 4


def random_parts(
    units: int = 4, channels: int = 5, outputs: int = 3, seed: int = 0
) -> dict[str, NDArray[np.float32]]:
    """Random arrays of a network, by the names of :func:`splice_meta.base_models.network.build`."""
    rng = np.random.default_rng(seed)
    parts: dict[str, Any] = {}

    def convolution(name: str, out: int, into: int, width: int) -> None:
        # Small in the units: what many of them add up must not drown the sequence.
        spread = (0.4 if width > 1 else 1) / np.sqrt(into * width)
        parts[f"{name}.weight"] = rng.normal(0, spread, (out, into, width))
        parts[f"{name}.bias"] = rng.normal(0, 0.1, out)

    convolution("entry", channels, 4, 1)
    convolution("skip.0", channels, channels, 1)
    for unit in range(units):
        for name in ("norm1", "norm2"):
            parts[f"{unit}.{name}.gamma"] = rng.normal(1, 0.3, channels)
            parts[f"{unit}.{name}.beta"] = rng.normal(0, 0.3, channels)
            parts[f"{unit}.{name}.mean"] = rng.normal(0, 0.5, channels)
            parts[f"{unit}.{name}.variance"] = rng.uniform(0.2, 2, channels)
        for name in ("first", "second"):
            convolution(f"{unit}.{name}", channels, channels, WIDTHS[unit])
        if unit % 4 == 3:
            convolution(f"skip.{unit // 4 + 1}", channels, channels, 1)
    convolution("head", outputs, channels, 1)
    return {name: values.astype(np.float32) for name, values in parts.items()}


def naive_probabilities(
    parts: dict[str, NDArray[np.float32]],
    letters: NDArray[np.float32],
    epsilon: float,
    slope: float,
) -> NDArray[np.float64]:
    """Probabilities of the positions inside the context: (outputs, length).

    Args:
        parts: The arrays.
        letters: Shape (length + context, 4): one-hot.
        epsilon: Of the batch norms.
        slope: Of the activations below 0.
    """

    def convolve(x: NDArray[np.float64], name: str, dilation: int = 1) -> NDArray[np.float64]:
        weights = parts[f"{name}.weight"].astype(np.float64)
        out, _, width = weights.shape
        reach = (width - 1) * dilation // 2
        wide = np.pad(x, ((0, 0), (reach, reach)))
        total = np.zeros((out, x.shape[1]))
        for tap in range(width):
            total += weights[:, :, tap] @ wide[:, tap * dilation : tap * dilation + x.shape[1]]
        return total + parts[f"{name}.bias"].astype(np.float64)[:, None]

    def norm(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        gamma, beta, mean, variance = (
            parts[f"{name}.{part}"].astype(np.float64)[:, None]
            for part in ("gamma", "beta", "mean", "variance")
        )
        return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta

    def activate(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(x > 0, x, slope * x)

    units = sum(name.endswith(".first.weight") for name in parts)
    x = convolve(letters.T.astype(np.float64), "entry")
    line = convolve(x, "skip.0")
    context = 0
    for unit in range(units):
        dilation = DILATIONS[unit]
        inner = convolve(activate(norm(x, f"{unit}.norm1")), f"{unit}.first", dilation)
        x = x + convolve(activate(norm(inner, f"{unit}.norm2")), f"{unit}.second", dilation)
        context += 2 * (WIDTHS[unit] - 1) * dilation
        if unit % 4 == 3:
            line = line + convolve(x, f"skip.{unit // 4 + 1}")
    half = context // 2
    raw = convolve(line[:, half : line.shape[1] - half], "head")
    powers = np.exp(raw - raw.max(axis=0))
    found: NDArray[np.float64] = powers / powers.sum(axis=0)
    return found
