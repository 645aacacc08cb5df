"""What the package carries: demo genes and meta-models."""

from __future__ import annotations

from pathlib import Path

from splice_meta.errors import ModelError

_HERE = Path(__file__).resolve().parent


def fixtures() -> Path:
    """The folder with the demo genes: their scores, annotation and sequence.

    In an installed package it lies inside it; in a source checkout it is ``data/fixtures``.
    """
    installed = _HERE / "fixtures"
    return installed if installed.is_dir() else _HERE.parents[1] / "data" / "fixtures"


def bundled_models() -> list[str]:
    """The names of the models that come with the package."""
    models = _HERE / "models"
    return sorted(path.name for path in models.iterdir() if (path / "bundle.json").exists())


def bundled_model(name: str) -> Path:
    """The bundle directory of a model that comes with the package.

    Raises:
        ModelError: If there is no such model; those there are are named.
    """
    known = bundled_models()
    if name not in known:
        raise ModelError(
            f"There is no bundled model {name!r}.",
            f"Bundled are: {', '.join(f'bundled:{other}' for other in known)}.",
        )
    return _HERE / "models" / name
