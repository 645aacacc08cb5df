"""Any estimator with ``predict_proba`` and ``feature_names_in_`` as a meta-model, in Python."""

from __future__ import annotations

import hashlib
import pickle
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import CLASSES
from splice_meta.errors import ModelError
from splice_meta.manifest import FeatureManifest

NEEDED = ("predict_proba", "feature_names_in_", "classes_")


def is_estimator(found: Any) -> bool:
    """Whether an object is an estimator that has been fitted to named columns."""
    return all(hasattr(found, name) for name in NEEDED)


def manifest_of(estimator: Any) -> FeatureManifest:
    """The features that an estimator was fitted to."""
    return FeatureManifest(tuple(str(name) for name in estimator.feature_names_in_))


def order_of(estimator: Any, classes: tuple[str, ...] | None) -> tuple[str, ...]:
    """The classes of its columns: as it was fitted to their names, or as they are given.

    Args:
        estimator: The estimator.
        classes: The order, for one that was fitted to codes.

    Raises:
        ModelError: If it has other classes, or neither says which is which.
    """
    own = [str(each) for each in estimator.classes_]
    if len(own) != len(CLASSES):
        raise ModelError(
            f"The {type(estimator).__name__} knows {len(own)} classes: {', '.join(own[:5])}.",
            f"It must be fitted to {', '.join(CLASSES)}.",
        )
    if sorted(own) == sorted(CLASSES):
        if classes is not None and tuple(classes) != tuple(own):
            raise ModelError(
                f"The {type(estimator).__name__} was fitted to {', '.join(own)} in this order, not "
                f"{', '.join(classes)}.",
                "Leave the classes out.",
            )
        return tuple(own)
    if classes is None:
        raise ModelError(
            f"The {type(estimator).__name__} was fitted to the codes {', '.join(own)}; which is "
            "which class is not said.",
            "Give classes=('neither', 'donor', 'acceptor') in the order of its codes.",
        )
    return tuple(classes)


def probabilities(
    estimator: Any, matrix: npt.NDArray[np.float32], names: tuple[str, ...]
) -> npt.NDArray[np.float32]:
    """What an estimator predicts for some rows, as it gives it.

    Raises:
        ModelError: If it fails, or gives no probabilities of three classes.
    """
    try:
        found = np.asarray(estimator.predict_proba(pl.DataFrame(matrix, schema=list(names))))
    except Exception as error:  # of whatever library
        raise ModelError(
            f"The {type(estimator).__name__} cannot predict: {str(error)[:200]}.",
            "It must take a frame with the columns that it was fitted to.",
        ) from error
    sound = found.shape == (len(matrix), len(CLASSES)) and np.isfinite(found).all()
    if not sound or found.min(initial=0) < 0 or abs(found.sum(axis=1) - 1).max(initial=0) > 1e-3:
        raise ModelError(
            f"The {type(estimator).__name__} does not give probabilities of three classes that sum "
            "to 1.",
            "Give an estimator with such a predict_proba.",
        )
    return np.asarray(found, np.float32)


def digest_of(estimator: Any) -> str:
    """SHA-256 over the pickled estimator, which gives it from another one."""
    try:
        return hashlib.sha256(pickle.dumps(estimator)).hexdigest()
    except Exception as error:  # of whatever object
        raise ModelError(
            f"The {type(estimator).__name__} cannot be pickled: {str(error)[:200]}.",
            "A run must be able to tell it from other models; use sm.predict.",
        ) from error
