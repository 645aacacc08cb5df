"""What runs the networks of a base model: OpenVINO on CPUs, PyTorch on GPUs.

``auto`` takes OpenVINO where there is no GPU that PyTorch could use.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from typing import Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from splice_meta.base_models.network import Ensemble
from splice_meta.errors import UsageError
from splice_meta.runtime.process import usable_cores
from splice_meta.settings import EngineName, Precision


class Engine(Protocol):
    """Runs an ensemble.

    Attributes:
        batch: How many windows it takes best in one call.
        parallel: How many calls may run at once, in threads of their own.
        precision: Of its products.
    """

    batch: int
    parallel: int
    precision: str

    def forward(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean probabilities of each group of networks.

        Args:
            sequences: Shape (batch, length + context, 4): one-hot A, C, G, T.

        Returns:
            Shape (batch, groups x outputs, length).
        """
        ...


MakeEngine = Callable[[Ensemble], Engine]


def choose_engine(name: str, device: str, precision: str) -> MakeEngine:
    """What makes the engine of that name, or of a device.

    Args:
        name: ``auto``, ``openvino`` or ``torch``.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``.
        precision: ``float32`` or ``bfloat16``.

    Raises:
        UsageError: If there is no such engine, device or precision, or they do not fit.
    """
    if precision not in get_args(Precision):
        raise UsageError(f"There is no precision {precision!r}.", "Give float32 or bfloat16.")
    if name not in get_args(EngineName):
        raise UsageError(f"There is no engine {name!r}.", "Give auto, openvino or torch.")
    if name == "openvino" and device not in ("auto", "cpu"):
        raise UsageError(
            f"OpenVINO runs on the CPU here, not on {device}.", "Give --engine torch for a GPU."
        )
    if name == "openvino" or (name == "auto" and not _on_gpu(device)):
        from splice_meta.base_models.on_openvino import OnOpenVino

        return lambda ensemble: OnOpenVino(ensemble, precision, usable_cores())
    from splice_meta.base_models.on_torch import OnTorch

    return lambda ensemble: OnTorch(ensemble, precision, device)


GPU_FILES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")
"""One of them is there where Linux has a GPU that torch can use."""


def _on_gpu(device: str) -> bool:
    """Whether torch runs the networks: on a device that is named, or a GPU that is there."""
    if device == "cpu":
        return False
    if device == "auto":
        # Importing torch to find no GPU takes as long as some ten thousand positions.
        none = sys.platform == "linux" and not any(map(os.path.exists, GPU_FILES))
        if none or find_spec("torch") is None:
            return False
    from splice_meta.base_models.torch_device import choose_device

    return choose_device(device) != "cpu"
