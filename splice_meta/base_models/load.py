"""Finding a base model by its name: built in, or from an installed package's entry point."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from splice_meta.base_models.engines import choose_engine
from splice_meta.base_models.openspliceai import load_openspliceai
from splice_meta.base_models.pangolin import load_pangolin
from splice_meta.base_models.protocol import BaseModel
from splice_meta.base_models.spliceai import load_spliceai
from splice_meta.errors import ModelError, UsageError

GROUP = "splice_meta.base_models"
"""Entry points of this group name a callable ``(weights, device) -> BaseModel``."""

BUILT_IN = ("openspliceai", "pangolin", "spliceai")


def base_model_names() -> tuple[str, ...]:
    """The names :func:`load_base_model` knows here: built in, then of installed packages."""
    return (*BUILT_IN, *(name for name in _installed() if name not in BUILT_IN))


def load_base_model(
    name: str,
    weights: str | Path | None = None,
    device: str = "auto",
    *,
    engine: str = "auto",
    precision: str = "float32",
    tissues: bool = False,
) -> BaseModel:
    """Load a base model.

    Args:
        name: ``openspliceai``, ``pangolin``, ``spliceai`` or the name of an installed package's
            entry point.
        weights: Where its weights are; what may be left out depends on the base model.
        device: ``auto``, ``cpu``, ``cuda`` ...
        engine: ``openvino`` (CPU), ``torch``, or ``auto``: OpenVINO where there is no GPU.
        precision: ``float32`` or ``bfloat16``.
        tissues: Also give Pangolin's values of the four tissues.

    Raises:
        UsageError: If there is no such base model, or what it needs is not installed or broken, or
            an option does not fit it.
        InputError: If its weights cannot be read.
        ModelError: If an entry point gives something else than a base model.
    """
    if tissues and name != "pangolin":
        raise UsageError(f"{name} has no values by tissue.", "Leave --tissues out.")
    if name in BUILT_IN:
        make = choose_engine(engine, device, precision)
        if name == "pangolin":
            return load_pangolin(weights, make, tissues)
        return (load_spliceai if name == "spliceai" else load_openspliceai)(weights, make)
    installed = _installed()
    if name not in installed:
        raise UsageError(
            f"There is no base model {name!r}.", f"There are: {', '.join(base_model_names())}."
        )
    if engine != "auto" or precision != "float32":
        raise UsageError(
            f"Engine and precision of {name} are its own.", "Leave --engine and --precision out."
        )
    try:
        made_by = installed[name].load()
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"The base model {name} cannot be loaded: {error}.",
            f"Check the installed package with the entry point {installed[name].value}.",
        ) from error
    model = made_by(weights, device)
    if not isinstance(model, BaseModel):
        raise ModelError(
            f"The entry point {installed[name].value} of the base model {name} gives a "
            f"{type(model).__name__}, which lacks some of name, context, batch, digest, predict.",
            "See splice_meta.BaseModel for what a base model has.",
        )
    return model


def base_model_of(weights: str | Path) -> str | None:
    """The built-in base model whose weights lie in a folder, by their names; None if unclear."""
    place = Path(weights).expanduser()
    files = [place] if place.is_file() else list(place.iterdir()) if place.is_dir() else []
    told = {
        "pangolin": any(re.fullmatch(r"final\..*\.v2", file.name) for file in files),
        "openspliceai": any(file.suffix == ".pt" for file in files),
        "spliceai": any(file.suffix == ".h5" for file in files),
    }
    found = [name for name, is_there in told.items() if is_there]
    return found[0] if len(found) == 1 else None


def _installed() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
