"""PyTorch's state_dict files (``.pt``) as arrays, without PyTorch and without running anything.

Such a file is a zip archive: ``data.pkl`` describes tensors, each a view of the bytes in
``data/KEY``. It is read as data, see :mod:`splice_meta.model.unpickle`: what it names is compared
with a fixed list and never imported.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from splice_meta.errors import ModelError
from splice_meta.model.held import Held, Named
from splice_meta.model.unpickle import DataUnpickler

STORAGES: dict[str, np.dtype[Any]] = {
    "FloatStorage": np.dtype("<f4"), "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"), "LongStorage": np.dtype("<i8"), "IntStorage": np.dtype("<i4"),
}  # fmt: skip
_ADMITTED = {
    ("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"), *(("torch", name) for name in STORAGES),
}  # fmt: skip
NORM = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
"""PyTorch's names of the arrays of a batch norm, and ours."""

MOST_BYTES = 1 << 30
"""No file of weights here is near it."""


class _StateUnpickler(DataUnpickler):
    def find_class(self, module: str, name: str) -> Named:
        if (module, name) in _ADMITTED:
            return Named(module, name)
        raise ValueError(f"it holds {f'{module}.{name}'[:100]}, which is not a part of weights")

    def load_storage(self) -> None:
        """BINPERSID: a storage stays the description that stands for it."""
        self.stack.append(Held(Named("torch", "storage"), (self.stack.pop(),)))

    def load_build(self) -> None:
        """BUILD: a state_dict's notes on versions of its modules are left out."""
        state = self.stack.pop()
        if isinstance(self.stack[-1], Held):
            self.stack[-1].state = state

    dispatch: ClassVar[dict[int, Any]] = {
        **DataUnpickler.dispatch,
        pickle.BINPERSID[0]: load_storage,
        pickle.BUILD[0]: load_build,
    }


def read_state_dict(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a state_dict by name; ``module.`` in front of names is taken off.

    Raises:
        ValueError: If it is none, with what it is instead.
        OSError: If it cannot be read.
    """
    if not zipfile.is_zipfile(path):
        raise ValueError("it is no archive as torch.save writes it")
    try:
        with zipfile.ZipFile(path) as archive:
            return _arrays(archive)
    except (ModelError, zipfile.BadZipFile, pickle.UnpicklingError, KeyError) as error:
        raise ValueError(f"it is damaged ({str(error).splitlines()[0]})") from None
    except (TypeError, IndexError, AttributeError, EOFError) as error:
        raise ValueError(f"it is damaged ({type(error).__name__})") from None


def named_parts(
    state: Mapping[str, NDArray[Any]], names: Mapping[str, str]
) -> dict[str, NDArray[np.float32]]:
    """The arrays of convolutions and batch norms, by the names of :func:`network.build`.

    Args:
        state: The arrays of a state_dict.
        names: Our name of each layer by the file's.

    Raises:
        ValueError: If the state has other arrays than those.
    """
    parts = {}
    for name, values in state.items():
        layer, _, array = name.rpartition(".")
        if array == "num_batches_tracked":
            continue
        if layer not in names:
            raise ValueError(f"it has an array {name[:60]}")
        ours = names[layer]
        part = NORM.get(array, array) if ".norm" in ours else array
        parts[f"{ours}.{part}"] = values
    return parts


def _arrays(archive: zipfile.ZipFile) -> dict[str, NDArray[Any]]:
    if sum(each.file_size for each in archive.infolist()) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES >> 30} GiB")
    [pickled] = [name for name in archive.namelist() if name.endswith("/data.pkl")] or [""]
    if not pickled:
        raise ValueError("it has no data.pkl")
    folder = pickled.removesuffix("data.pkl")
    order = f"{folder}byteorder"
    if order in archive.namelist() and archive.read(order) != b"little":
        raise ValueError("its numbers are big-endian")
    state = _StateUnpickler(io.BytesIO(archive.read(pickled))).load()
    if not isinstance(state, dict | OrderedDict):
        what = state.what.name if isinstance(state, Held) else type(state).__name__
        raise ValueError(f"it holds a {what} in place of a state_dict")
    return {
        str(name).removeprefix("module."): _tensor(value, archive, folder)
        for name, value in state.items()
    }


def _tensor(held: Any, archive: zipfile.ZipFile, folder: str) -> NDArray[Any]:
    if isinstance(held, Held) and held.what.name == "_rebuild_parameter":
        held = held.args[0]
    if not isinstance(held, Held) or held.what.name != "_rebuild_tensor_v2":
        raise ValueError("it holds something else than weights")
    storage, offset, shape, strides = held.args[:4]
    _, kind, key, _, _ = storage.args[0]
    values: NDArray[Any] = np.frombuffer(
        archive.read(f"{folder}data/{key}"), STORAGES[kind.name]
    )
    steps = [1, *np.cumprod(shape[:0:-1]).tolist()][len(shape) - 1 :: -1] if shape else []
    if any(step != own for step, own, size in zip(steps, strides, shape, strict=True) if size > 1):
        raise ValueError("it holds an array that is not a plain block")
    count = prod(shape)
    if not 0 <= offset <= offset + count <= len(values):
        raise ValueError("an array is cut short")
    return values[offset : offset + count].reshape(shape)
