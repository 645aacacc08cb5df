"""OpenSpliceAI: its networks, from the state_dicts that its authors publish.

Chao et al., OpenSpliceAI, 2025. The mean of the networks (``model_10000nt_rs10.pt`` ...) is the
score. Neither its package nor PyTorch is needed to read them.
"""

from __future__ import annotations

from pathlib import Path

from splice_meta.base_models.engines import MakeEngine
from splice_meta.base_models.network import Network, build
from splice_meta.base_models.network_model import NetworkModel, backwards
from splice_meta.base_models.state_dict import named_parts, read_state_dict
from splice_meta.base_models.weights import digest_of, read_ensemble, weight_files
from splice_meta.errors import UsageError

EPSILON = 1e-5
SLOPE = 0.1
ENDS = {"initial_conv": "entry", "initial_skip.conv": "skip.0", "final_conv": "head"}
"""Its names of what lies around the residual units, and ours."""

UNIT = {"batchnorm1": "norm1", "batchnorm2": "norm2", "conv1": "first", "conv2": "second"}
"""Its names of the parts of a residual unit, and ours."""


def load_openspliceai(weights: str | Path | None, make_engine: MakeEngine) -> NetworkModel:
    """The mean of OpenSpliceAI networks that share one context.

    Args:
        weights: Folder with the ``.pt`` files, or one of them.
        make_engine: What runs them.

    Raises:
        UsageError: If no weights are given.
        InputError: If a file holds no such network, or networks of two contexts are mixed.
    """
    if weights is None:
        raise UsageError(
            "OpenSpliceAI needs its weights.",
            "Give --weights FOLDER with its .pt files; docs/how-to/from-a-genome.md has links.",
        )
    files = weight_files(weights, ".pt")
    ensemble = read_ensemble(
        files, _read, "OpenSpliceAI",
        "Give the state_dicts of OpenSpliceAI, as its authors publish them.",
    )  # fmt: skip
    return NetworkModel("openspliceai", ensemble, digest_of(files), make_engine, backwards)


def _read(file: Path) -> Network:
    state = read_state_dict(file)
    # Residual units and the skip line's convolutions are numbered together.
    numbers = sorted({int(name.split(".")[1]) for name in state if name.startswith("residual_")})
    skips = [at for at in numbers if f"residual_units.{at}.conv.weight" in state]
    units = [at for at in numbers if at not in skips]
    names = dict(ENDS)
    names |= {f"residual_units.{at}.conv": f"skip.{n}" for n, at in enumerate(skips, start=1)}
    names |= {
        f"residual_units.{at}.{theirs}": f"{n}.{ours}"
        for n, at in enumerate(units)
        for theirs, ours in UNIT.items()
    }
    return build(named_parts(state, names), EPSILON, SLOPE)
