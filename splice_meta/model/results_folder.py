"""The model in a folder of results, as the older systems leave it after training."""

from __future__ import annotations

from pathlib import Path

from splice_meta.errors import ModelError
from splice_meta.model.bundle_writer import MANIFEST
from splice_meta.model.foreign import PICKLES, XGBOOST_FILES, model_kind

PREFERRED = ("model_multiclass_all_genes.pkl", "model_multiclass.pkl")
"""The final models by meta-spliceai's names; that of all genes goes first, as in its own loader."""

OURS = ("model.ubj", "neither.ubj")
"""The files of trees of a bundle, or the first of them."""

_NO_MODELS = ("feature_manifest.json", "train.features.json")


def model_in(folder: Path) -> Path | None:
    """The model file of a folder of results; None where there is none.

    Args:
        folder: A directory that is not a bundle.

    Raises:
        ModelError: If there are several, none of them by a name of :data:`PREFERRED`.
    """
    for name in PREFERRED:
        if (folder / name).is_file():
            return folder / name
    if (folder / MANIFEST).exists() and any((folder / name).exists() for name in OURS):
        return None  # a bundle without its bundle.json: what the trees add to would be lost
    kinds = (*XGBOOST_FILES, *PICKLES, ".skops")
    found = [
        path
        for path in sorted(folder.iterdir())
        if model_kind(path) in kinds and path.is_file() and _may_be(path)
    ]
    if len(found) > 1:
        raise ModelError(
            f"{folder} holds several model files: {', '.join(path.name for path in found[:5])}.",
            "Give the path of one of them.",
        )
    return found[0] if found else None


def _may_be(path: Path) -> bool:
    """Whether a file may be a model; of JSON files (reports, metrics) only those named so."""
    if path.name.startswith(".") or path.name in _NO_MODELS:
        return False
    return path.suffix != ".json" or "model" in path.name
