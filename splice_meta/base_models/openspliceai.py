"""OpenSpliceAI: the network of the PyPI package ``openspliceai``, with weights from a folder.

Chao et al., OpenSpliceAI, 2025. The weights are PyTorch state_dicts (``model_10000nt_rs10.pt``
...); the mean of the networks is the score. Files are loaded with ``weights_only=True``, so none
can run code.
"""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.torch_device import batch_of, choose_device
from splice_meta.base_models.weights import digest_of, reason_of, weight_files
from splice_meta.errors import InputError, UsageError

CHANNELS = 32
WIDTHS = (11,) * 8 + (21,) * 4 + (41,) * 4
DILATIONS = (1,) * 4 + (4,) * 4 + (10,) * 4 + (25,) * 4
"""Widths and dilations of the residual units; smaller networks have the first 4, 8 or 12."""
UNITS = (4, 8, 12, 16)
"""How many residual units there are for a context of 80, 400, 2,000 and 10,000."""


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
        contexts = [_context(_units(state)) for state in states]
        if len(set(contexts)) > 1:
            pairs = zip(files, contexts, strict=True)
            listed = ", ".join(f"{file.name}: {context:,}" for file, context in pairs)
            raise InputError(
                f"{weights} holds networks of several contexts ({listed}).",
                "Put the networks of one context into a folder of their own.",
            )
        self.context = contexts[0]
        count = _units(states[0])
        widths, dilations = np.array(WIDTHS[:count]), np.array(DILATIONS[:count])
        self._networks = []
        for file, state in zip(files, states, strict=True):
            network = package.SpliceAI(CHANNELS, widths, dilations)
            try:
                network.load_state_dict(state)
            except RuntimeError as error:
                # Its first line says no more than that there are errors.
                raise _no_network(
                    file, reason_of(Exception(str(error).partition("\n")[2]))
                ) from None
            self._networks.append(network.eval().to(self.device))

    def _state(self, file: Path) -> dict[str, Any]:
        try:
            with warnings.catch_warnings(action="ignore"):
                state = self._torch.load(file, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError:  # torch's words tell how to run the code in it
            raise _no_network(file, "it holds something else than weights") from None
        except Exception as error:  # torch has many
            raise _no_network(file, reason_of(error)) from None
        if not isinstance(state, dict):
            raise _no_network(file, f"it holds a {type(state).__name__}")
        state = {str(name).removeprefix("module."): value for name, value in state.items()}
        if _units(state) not in UNITS:
            raise _no_network(file, f"it has {_units(state)} residual units, not 4, 8, 12 or 16")
        return state

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
    """How many residual units a state has."""
    return sum(name.endswith(".conv1.weight") for name in state)


def _context(units: int) -> int:
    """The context of a network of so many residual units."""
    pairs = zip(WIDTHS[:units], DILATIONS[:units], strict=True)
    return 2 * sum(dilation * (width - 1) for width, dilation in pairs)


def _no_network(file: Path, why: str) -> InputError:
    return InputError(
        f"{file} holds no OpenSpliceAI network: {why}.",
        "Give the state_dicts of OpenSpliceAI, as its authors publish them.",
    )
