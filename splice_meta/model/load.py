"""A meta-model by its name: a bundle, one that comes with the package, or somebody else's file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from splice_meta.bundled import bundled_model
from splice_meta.errors import ModelError, UsageError
from splice_meta.files.stores import refuse_pipe
from splice_meta.model.bundle import MetaModel
from splice_meta.model.bundle_files import read_bundle
from splice_meta.model.bundle_writer import RECORD
from splice_meta.model.estimator import is_estimator, manifest_of, order_of
from splice_meta.model.foreign import load_foreign
from splice_meta.model.results_folder import model_in


def load_model(
    source: Any,
    *,
    trust_pickle: bool = False,
    classes: tuple[str, ...] | None = None,
    origin: str | None = None,
) -> MetaModel:
    """Load a meta-model.

    Args:
        source: A bundle directory, ``bundled:NAME``, someone else's model file (see
            :mod:`splice_meta.model.foreign`) or the folder of results it lies in, a model
            (returned as it is), or an estimator: an object with ``predict_proba``,
            ``feature_names_in_`` and ``classes_``, as scikit-learn's have after fitting to a frame.
        trust_pickle: Allow pickle and joblib files, through an unpickler that admits a fixed
            list of classes.
        classes: Class order of a file that does not state it.
        origin: Whose definitions the names of its features have, one of
            :data:`splice_meta.manifest.ORIGINS`; a bundle states it. By default those of
            meta-spliceai where its classes are in the file, else this package's.

    Raises:
        ModelError: If there is no such model, or it cannot be used.
        UntrustedModelError: If it is a pickle and ``trust_pickle`` is not set.
        UsageError: If an origin is given for what states it itself.
    """
    if isinstance(source, MetaModel):
        return source
    if is_estimator(source):
        manifest = manifest_of(source)
        return MetaModel(
            manifest=replace(manifest, origin=origin) if origin else manifest,
            boosters=(source,),
            kind="estimator",
            classes=order_of(source, classes),
            source=f"a {type(source).__name__}",
        )
    text = str(source)
    path = bundled_model(text.removeprefix("bundled:")) if text.startswith("bundled:") else Path(
        source
    )  # fmt: skip
    if not path.exists():
        raise ModelError(
            f"There is no model at {path}.",
            "Give a bundle directory, or bundled:openspliceai-mane.",
        )
    for each in (path, *(path.iterdir() if path.is_dir() else ())):
        refuse_pipe(each)
    if path.is_dir():
        inside = None if (path / RECORD).exists() else model_in(path)
        if inside is None:
            _refuse_origin(path, origin)
            return read_bundle(path, text)
        path = inside
    return load_foreign(path, trust_pickle=trust_pickle, classes=classes, origin=origin)


def _refuse_origin(path: Path, origin: str | None) -> None:
    if origin is not None:
        raise UsageError(
            f"{path} is a bundle, which states the origin of its features itself.",
            "Leave the origin out; it belongs to files of other systems.",
        )
