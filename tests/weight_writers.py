"""Files of weights as PyTorch and keras 2 write them, written without either."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from naive_network import DILATIONS
from numpy.typing import NDArray

Parts = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Name:
    """A class or function that a pickle names."""

    module: str
    name: str


@dataclass(frozen=True)
class Storage:
    """The bytes of a tensor, which a pickle refers to."""

    key: str
    count: int
    kind: str = "FloatStorage"


class Writer(pickle._Pickler):
    """Writes tensors as ``torch.save`` does."""

    dispatch = pickle._Pickler.dispatch.copy()

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=2)
        self.stored: list[bytes] = []

    def persistent_id(self, value: Any) -> Any:
        if not isinstance(value, Storage):
            return None
        return ("storage", Name("torch", value.kind), value.key, "cpu", value.count)

    def save_name(self, value: Name) -> None:
        self.write(f"c{value.module}\n{value.name}\n".encode())

    def save_tensor(self, value: NDArray[Any]) -> None:
        kind = {"f": "FloatStorage", "i": "LongStorage"}[value.dtype.kind]
        storage = Storage(str(len(self.stored)), value.size, kind)
        self.stored.append(value.tobytes())
        steps = tuple(step // value.itemsize for step in value.strides)
        self.save(Name("torch._utils", "_rebuild_tensor_v2"))
        self.save((storage, 0, value.shape, steps, False, OrderedDict()))
        self.write(pickle.REDUCE)

    dispatch[Name] = save_name
    dispatch[np.ndarray] = save_tensor


def save_torch(path: Path, value: Any) -> Path:
    """Write what ``torch.save`` would; arrays become tensors."""
    pickled = io.BytesIO()
    writer = Writer(pickled)
    writer.dump(value)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled.getvalue())
        archive.writestr("archive/byteorder", "little")
        for key, raw in enumerate(writer.stored):
            archive.writestr(f"archive/data/{key}", raw)
    return path


_NORM = {"gamma": "weight", "beta": "bias", "mean": "running_mean", "variance": "running_var"}


def _state(parts: Parts, layer: Callable[[str], str]) -> dict[str, NDArray[Any]]:
    state: dict[str, NDArray[Any]] = {}
    for name, values in parts.items():
        front, _, array = name.rpartition(".")
        state[f"{layer(front)}.{_NORM.get(array, array)}"] = values
        if array == "variance":
            state[f"{layer(front)}.num_batches_tracked"] = np.array(7, np.int64)
    return state


def openspliceai_state(parts: Parts) -> dict[str, NDArray[Any]]:
    """A network's arrays by OpenSpliceAI's names; every fifth of its units is the skip line's."""
    ends = {"entry": "initial_conv", "skip.0": "initial_skip.conv", "head": "final_conv"}
    inner = {"norm1": "batchnorm1", "norm2": "batchnorm2", "first": "conv1", "second": "conv2"}

    def layer(front: str) -> str:
        if front in ends:
            return ends[front]
        if front.startswith("skip."):
            return f"residual_units.{5 * int(front[5:]) - 1}.conv"
        unit, _, part = front.partition(".")
        return f"residual_units.{int(unit) + int(unit) // 4}.{inner[part]}"

    return _state(parts, layer)


def pangolin_state(parts: Parts, head: int, others: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """A network's arrays by Pangolin's names, its head being the one of that number."""
    inner = {"norm1": "bn1", "norm2": "bn2", "first": "conv1", "second": "conv2"}

    def layer(front: str) -> str:
        if front.startswith("skip."):
            number = int(front[5:])
            return f"convs.{number - 1}" if number else "skip"
        if front in ("entry", "head"):
            return "conv1" if front == "entry" else f"conv_last{head}"
        unit, _, part = front.partition(".")
        return f"resblocks.{unit}.{inner[part]}"

    return {**_state(parts, layer), **others}


def save_keras(path: Path, parts: Parts, change: Callable[[list[Any]], Any] = len) -> Path:
    """Write a network as keras 2 does: layers numbered in the order in which they were made."""
    import h5py

    units = sum(name.endswith(".first.weight") for name in parts)
    order = ["entry", "skip.0"]
    for unit in range(units):
        order += [f"{unit}.first", f"{unit}.second"]
        order += [f"skip.{unit // 4 + 1}"] if unit % 4 == 3 else []
    layers: list[dict[str, Any]] = []

    def add(kind: str, name: str, **config: Any) -> None:
        layers.append({"class_name": kind, "config": {"name": name, **config}})

    add("InputLayer", "input_1")
    add("Activation", "activation_1", activation="relu")
    arrays: dict[str, dict[str, Any]] = {"input_1": {}, "activation_1": {}}
    for number, name in enumerate([*order, "head"], start=1):
        layer = f"conv1d_{number}"
        dilation = DILATIONS[int(name.split(".")[0])] if name[0].isdigit() else 1
        add("Conv1D", layer, dilation_rate=[dilation])
        arrays[layer] = {
            "kernel:0": parts[f"{name}.weight"].transpose(2, 1, 0), "bias:0": parts[f"{name}.bias"]
        }  # fmt: skip
    for number in range(2 * units):
        layer, name = f"batch_normalization_{number + 1}", f"{number // 2}.norm{number % 2 + 1}"
        add("BatchNormalization", layer, epsilon=1e-3)
        arrays[layer] = {
            "gamma:0": parts[f"{name}.gamma"], "beta:0": parts[f"{name}.beta"],
            "moving_mean:0": parts[f"{name}.mean"], "moving_variance:0": parts[f"{name}.variance"],
        }  # fmt: skip
    change(layers)
    # Layers are listed by their place in the network, not by their number.
    layers.sort(key=lambda layer: layer["config"]["name"])
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"config": {"layers": layers}})
        for layer, listed in arrays.items():
            group = file.create_group(f"model_weights/{layer}")
            for array, values in listed.items():
                group.create_dataset(f"{layer}/{array}", data=values)
    return path
