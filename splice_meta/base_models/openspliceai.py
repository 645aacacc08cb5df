"""OpenSpliceAI: the network of the PyPI package ``openspliceai``, with weights from a folder.

Chao et al., OpenSpliceAI, 2025. The weights are PyTorch state_dicts (``model_10000nt_rs10.pt``
...); the mean of the networks is the score. Files are loaded with ``weights_only=True``, so none
can run code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.torch_device import batch_of, choose_device
from splice_meta.base_models.weights import digest_of, weight_files
from splice_meta.errors import InputError, UsageError

CHANNELS = 32
WIDTHS = (11,) * 8 + (21,) * 4 + (41,) * 4
DILATIONS = (1,) * 4 + (4,) * 4 + (10,) * 4 + (25,) * 4
"""Widths and dilations of the residual units; smaller networks have the first 4, 8 or 12."""


class OpenSpliceAI:
    """The mean of OpenSpliceAI networks that share one context.

    Args:
        weights: Folder with the ``.pt`` files, or one of them.
        device: ``auto``, ``cpu``, ``cuda`` ...

    Raises:
        UsageError: If the extra is not installed or no weights are given.
        InputError: If a file holds no such network, or networks of two contexts are mixed.
    """

    name = "openspliceai"

    def __init__(self, weights: str | Path | None = None, device: str = "auto") -> None:
        if weights is None:
            raise UsageError(
                "OpenSpliceAI needs its weights.",
                "Give --weights FOLDER with its .pt files (the README says where they are).",
            )
        files = weight_files(weights, ".pt")
        try:
            import openspliceai.train_base.openspliceai as package
            import torch
        except ImportError as error:
            raise UsageError(
                f"OpenSpliceAI is not installed ({error}).",
                "Install it with: pip install 'splice_meta[openspliceai]'",
            ) from None
        self._torch = torch
        self.device = choose_device(device)
        self.batch = batch_of(self.device)
        self.digest = digest_of(files)
        states = [self._state(file) for file in files]
        units = {file.name: _units(state) for file, state in zip(files, states, strict=True)}
        if len(set(units.values())) > 1:
            listed = ", ".join(f"{name}: {count} units" for name, count in units.items())
            raise InputError(
                f"{weights} holds networks of several contexts ({listed}).",
                "Put the networks of one context into a folder of their own.",
            )
        count = next(iter(units.values()))
        widths, dilations = np.array(WIDTHS[:count]), np.array(DILATIONS[:count])
        self.context = int(2 * np.sum(dilations * (widths - 1)))
        self._networks = []
        for file, state in zip(files, states, strict=True):
            network = package.SpliceAI(CHANNELS, widths, dilations)
            try:
                network.load_state_dict(state)
            except RuntimeError as error:
                raise _no_network(file, str(error).splitlines()[0]) from None
            self._networks.append(network.eval().to(self.device))

    def _state(self, file: Path) -> dict[str, Any]:
        try:
            state = self._torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # torch has many; a refused pickle among them
            raise _no_network(file, str(error).splitlines()[0][:120]) from None
        if not isinstance(state, dict):
            raise _no_network(file, f"it holds a {type(state).__name__}")
        return {name.removeprefix("module."): value for name, value in state.items()}

    def tensor(self, sequences: NDArray[np.float32]) -> Any:
        """A batch as the networks take it, on their device: (batch, 4, length + context)."""
        return self._torch.from_numpy(np.ascontiguousarray(sequences.transpose(0, 2, 1))).to(
            self.device
        )

    def forward(self, batch: Any) -> Any:
        """The mean of the networks' bare forward passes: (batch, 3, length)."""
        return sum(network(batch) for network in self._networks) / len(self._networks)

    def predict(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score a batch, see :class:`splice_meta.base_models.protocol.BaseModel`."""
        with self._torch.inference_mode():
            mean = self.forward(self.tensor(sequences)).cpu().numpy()
        # The network's channels are neither, acceptor, donor.
        return np.ascontiguousarray(mean[:, ::-1, :].transpose(0, 2, 1), dtype=np.float32)


def _units(state: dict[str, Any]) -> int:
    """How many residual units a state has: 4, 8, 12 or 16 for a context of 80 to 10,000."""
    return sum(name.endswith(".conv1.weight") for name in state)


def _no_network(file: Path, why: str) -> InputError:
    return InputError(
        f"{file} holds no OpenSpliceAI network: {why}.",
        "Give the state_dicts of OpenSpliceAI, as its authors publish them.",
    )
