"""SpliceAI: the weights of the PyPI package ``spliceai``.

Jaganathan et al., Cell 2019. Neither the package's code nor keras is run; only its five HDF5 files
are read. The mean of the networks is the score.
"""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from splice_meta.base_models.engines import MakeEngine
from splice_meta.base_models.network import Floats, Network, build
from splice_meta.base_models.network_model import NetworkModel, backwards
from splice_meta.base_models.weights import digest_of, read_ensemble, weight_files
from splice_meta.errors import UsageError

WEIGHTS = "pip install --no-deps spliceai"
CONTEXT = 10_000
_NORMS = {
    "gamma:0": "gamma", "beta:0": "beta", "moving_mean:0": "mean", "moving_variance:0": "variance",
}  # fmt: skip


def load_spliceai(weights: str | Path | None, make_engine: MakeEngine) -> NetworkModel:
    """The mean of the five SpliceAI networks.

    Args:
        weights: Folder with ``.h5`` files; by default those of the installed package.
        make_engine: What runs them.

    Raises:
        UsageError: If the weights, or what reads them, are not installed.
        InputError: If a file holds no such network.
    """
    files = weight_files(weights if weights is not None else _packaged(), ".h5")
    try:
        import h5py  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"SpliceAI's weights are read by h5py ({error}).",
            "Install it with: pip install 'splice_meta[spliceai]'",
        ) from None
    ensemble = read_ensemble(
        files, _read, "SpliceAI", "Give the .h5 files of the package spliceai.", CONTEXT
    )
    return NetworkModel("spliceai", ensemble, digest_of(files), make_engine, backwards)


def _packaged() -> Path:
    """The folder of the installed package's weights; its code is not run."""
    found = find_spec("spliceai")
    if found is None or not found.submodule_search_locations:
        raise UsageError(
            "The weights of SpliceAI are not installed.",
            f"Install the package that has them, without what only its own code needs: {WEIGHTS}",
        )
    return Path(found.submodule_search_locations[0]) / "models"


def _read(file: Path) -> Network:
    """A network of a keras 2 file.

    Layers are numbered in the order in which they were made: entry, skip, then for four units two
    convolutions each, skip, and so on; the head is the last. The batch norms are numbered by
    themselves.
    """
    import h5py

    with h5py.File(file) as stored:
        layers = json.loads(stored.attrs["model_config"])["config"]["layers"]
        kinds = {layer["config"]["name"]: layer for layer in layers}
        arrays = {name: _arrays(stored["model_weights"][name]) for name in kinds}
    convolutions = _in_order(kinds, "Conv1D")
    norms = _in_order(kinds, "BatchNormalization")
    _refuse_other_layers(kinds)
    names = _names(len(norms) // 2)
    if len(names) != len(convolutions) or len(norms) % 2:
        raise ValueError(f"it has {len(convolutions)} convolutions and {len(norms)} batch norms")
    parts: dict[str, Floats] = {}
    for name, layer in zip(names, convolutions, strict=True):
        parts[f"{name}.weight"] = arrays[layer]["kernel:0"].transpose(2, 1, 0)
        parts[f"{name}.bias"] = arrays[layer]["bias:0"]
    for at, layer in enumerate(norms):
        for theirs, ours in _NORMS.items():
            parts[f"{at // 2}.norm{at % 2 + 1}.{ours}"] = arrays[layer][theirs]
    network = build(parts, kinds[norms[0]]["config"]["epsilon"] if norms else 0.0, slope=0.0)
    used = [kinds[name]["config"]["dilation_rate"][0] for name in convolutions]
    wanted = [
        network.units[int(name.split(".")[0])].first.dilation if name[0].isdigit() else 1
        for name in names
    ]
    if used != wanted:
        raise ValueError("its dilations are others")
    return network


def _arrays(group: Any) -> dict[str, Floats]:
    """The arrays of a layer by the last part of their name; datasets lie a level below."""
    found: dict[str, Floats] = {}

    def take(name: str, item: Any) -> None:
        if hasattr(item, "shape"):
            found[name.split("/")[-1]] = np.asarray(item, dtype=np.float32)

    group.visititems(take)
    return found


def _in_order(kinds: dict[str, Any], kind: str) -> list[str]:
    """The layers of a kind in the order of their numbers."""
    named = [name for name, layer in kinds.items() if layer["class_name"] == kind]
    return sorted(named, key=lambda name: int(re.sub(r"\D", "", name.split("_")[-1]) or 0))


def _names(units: int) -> list[str]:
    names = ["entry", "skip.0"]
    for unit in range(units):
        names += [f"{unit}.first", f"{unit}.second"]
        if unit % 4 == 3:
            names.append(f"skip.{unit // 4 + 1}")
    return [*names, "head"]


def _refuse_other_layers(kinds: dict[str, Any]) -> None:
    """Refuse what is no network of this kind, though its arrays might fit."""
    activations = {
        layer["config"]["activation"]
        for layer in kinds.values()
        if layer["class_name"] == "Activation"
    }
    known = {"InputLayer", "Conv1D", "BatchNormalization", "Activation", "Add", "Cropping1D"}
    others = sorted({layer["class_name"] for layer in kinds.values()} - known)
    if others or activations != {"relu"}:
        raise ValueError(f"it has other layers ({', '.join([*others, *sorted(activations)])})")
