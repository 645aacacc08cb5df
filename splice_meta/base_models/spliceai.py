"""SpliceAI: the weights of the PyPI package ``spliceai``, run by keras 3 on torch.

Jaganathan et al., Cell 2019. The package's code is not imported (it installs a signal handler and
wants TensorFlow); only its five HDF5 files are read. Their mean is the score.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.torch_device import batch_of, choose_device
from splice_meta.base_models.weights import digest_of, reason_of, weight_files
from splice_meta.errors import InputError, UsageError

INSTALL = "Install it with: pip install 'splice_meta[spliceai]'"


class SpliceAI:
    """The mean of the five SpliceAI networks.

    Args:
        weights: Folder with ``.h5`` files; by default those of the installed package.
        device: ``auto``, ``cpu``, ``cuda`` ...

    Raises:
        UsageError: If the extra is not installed, or keras runs on another backend already.
        InputError: If a file holds no such network.
    """

    name = "spliceai"
    context = 10_000

    def __init__(self, weights: str | Path | None = None, device: str = "auto") -> None:
        files = weight_files(weights if weights is not None else _packaged(), ".h5")
        keras = _keras()
        import torch

        self._torch, self._keras = torch, keras
        self.device = choose_device(device)
        self.batch = batch_of(self.device)
        self.digest = digest_of(files)
        self._networks = []
        for file in files:
            try:
                with keras.device(self.device):
                    network = keras.models.load_model(file, compile=False)
                shape = network.compute_output_shape((1, self.context + 1, 4))
                if np.ravel(shape).tolist() != [1, 1, 3]:
                    raise ValueError(f"it gives other than 3 scores in a context of {self.context}")
            except Exception as error:  # keras and h5py have many
                raise InputError(
                    f"{file} holds no SpliceAI network: {reason_of(error)}.",
                    "Give the .h5 files of the package spliceai.",
                ) from None
            self._networks.append(network)

    def tensor(self, sequences: NDArray[np.float32]) -> Any:
        """A batch as the networks take it, on their device: (batch, length + context, 4)."""
        return self._torch.from_numpy(np.ascontiguousarray(sequences)).to(self.device)

    def forward(self, batch: Any) -> Any:
        """The mean of the networks' bare forward passes: (batch, length, 3)."""
        with self._keras.device(self.device):
            # The files name their one input, and keras wants it as a list then.
            total = sum(network([batch], training=False) for network in self._networks)
        return total / len(self._networks)

    def predict(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score a batch, see :class:`splice_meta.base_models.protocol.BaseModel`."""
        with self._torch.inference_mode():
            mean = self.forward(self.tensor(sequences)).cpu().numpy()
        # The network's channels are neither, acceptor, donor.
        return np.ascontiguousarray(mean[:, :, ::-1], dtype=np.float32)


def _packaged() -> Path:
    """The folder of the installed package's weights; its code is not run."""
    found = find_spec("spliceai")
    if found is None or not found.submodule_search_locations:
        raise UsageError("SpliceAI is not installed.", INSTALL)
    return Path(found.submodule_search_locations[0]) / "models"


def _keras() -> Any:
    """Keras on torch.

    Keras reads its backend once, from the environment, when it is imported.
    """
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "torch"
    try:
        import h5py  # noqa: F401
        import keras
        import torch  # noqa: F401
    except ImportError as error:
        raise UsageError(f"SpliceAI needs keras, torch and h5py ({error}).", INSTALL) from None
    if keras.backend.backend() != "torch":
        raise UsageError(
            f"keras is running on {keras.backend.backend()} in this process.",
            "Load SpliceAI before anything imports keras, or set KERAS_BACKEND=torch.",
        )
    return keras
