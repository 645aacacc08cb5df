"""Networks by PyTorch: on GPUs, and on CPUs where it is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.network import UNITS_PER_SKIP, Convolution, Ensemble, Network
from splice_meta.base_models.torch_device import batch_of, choose_device
from splice_meta.errors import UsageError


class OnTorch:
    """Runs an ensemble on a torch device.

    Args:
        ensemble: The networks.
        precision: ``float32`` or ``bfloat16``.
        device: ``auto``, ``cpu``, ``cuda`` ...

    Raises:
        UsageError: If torch is not installed, or there is no such device.
    """

    parallel = 1

    def __init__(self, ensemble: Ensemble, precision: str, device: str) -> None:
        try:
            import torch
        except ImportError as error:
            raise UsageError(
                f"PyTorch is not installed ({error}).", "Install it with: pip install torch"
            ) from None
        self.device = choose_device(device)
        self._torch = torch
        self.ensemble, self.precision = ensemble, precision
        self.batch = batch_of(self.device)
        self._type = getattr(torch, precision)
        self._layers: dict[int, tuple[Any, Any]] = {}
        self._networks = [self._on_device(network) for network in ensemble.networks]

    def _on_device(self, network: Network) -> Any:
        """A network's arrays on the device, by the identity of what they come from."""

        def put(values: NDArray[np.float32]) -> Any:
            return self._torch.from_numpy(values.copy()).to(self.device, self._type)

        for unit in network.units:
            self._layers[id(unit)] = put(unit.scale[:, None]), put(unit.shift[:, None])
        listed = [network.entry, network.head, *network.skips]
        listed += [each for unit in network.units for each in (unit.first, unit.second)]
        for layer in listed:
            self._layers[id(layer)] = put(layer.weights), put(layer.bias)
        return network

    def tensor(self, sequences: NDArray[np.float32]) -> Any:
        """A batch as the networks take it, on their device: (batch, 4, length + context)."""
        turned = np.ascontiguousarray(sequences.transpose(0, 2, 1))
        return self._torch.from_numpy(turned).to(self.device, self._type)

    def run(self, batch: Any) -> Any:
        """The bare forward passes: (batch, groups x outputs, length), on the device."""
        found = [self._run(network, batch).softmax(1) for network in self._networks]
        means = [
            sum(found[at] for at in members) / len(members) for members in self.ensemble.means
        ]
        return self._torch.cat(means, 1)

    def forward(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean probabilities of each group of networks.

        Args:
            sequences: Shape (batch, length + context, 4): one-hot A, C, G, T.

        Returns:
            Shape (batch, groups x outputs, length).
        """
        with self._torch.inference_mode():
            made: NDArray[np.float32] = self.run(self.tensor(sequences)).float().cpu().numpy()
        return made

    def _run(self, network: Network, batch: Any) -> Any:
        functions = self._torch.nn.functional

        def convolve(values: Any, layer: Convolution) -> Any:
            weights, bias = self._layers[id(layer)]
            return functions.conv1d(values, weights, bias, dilation=layer.dilation)

        def activate(values: Any) -> Any:
            return functions.leaky_relu(values, network.slope)

        values = convolve(batch, network.entry)
        line = convolve(values, network.skips[0])
        for number, unit in enumerate(network.units, start=1):
            scale, shift = self._layers[id(unit)]
            inner = activate(convolve(activate(values * scale + shift), unit.first))
            values = convolve(inner, unit.second) + _cut(values, unit.reach)
            if number % UNITS_PER_SKIP == 0:
                more = convolve(values, network.skips[number // UNITS_PER_SKIP])
                line = more + _cut(line, (line.shape[2] - more.shape[2]) // 2)
        return convolve(line, network.head).float()


def _cut(values: Any, reach: int) -> Any:
    return values[:, :, reach : values.shape[2] - reach]
