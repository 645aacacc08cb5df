"""XGBoost models from files: checked, tried in a process of their own, then loaded."""

from __future__ import annotations

import re
import signal
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from splice_meta.errors import ModelError
from splice_meta.manifest import FeatureManifest
from splice_meta.model.structure import Soundness, check_trees

LONGEST_TRIAL = 120
"""Seconds that a model may take to be loaded and tried."""

_LARGEST = 4 << 30
_TRIAL = Path(__file__).with_name("trial.py")
_WHERE = re.compile(r"\[[\d:]+\] \S+:\d+:")
_HINT = "Save the model as .ubj or .json again, with XGBoost 3.1 or newer."


def read_model_file(path: Path) -> bytes:
    """The bytes of a model file.

    Raises:
        ModelError: If it cannot be read.
    """
    if not path.exists():
        raise ModelError(
            f"There is no model file {path}.", "The bundle is incomplete; get or make it again."
        )
    if not path.is_file():
        raise ModelError(f"{path} is not a file.", "Give a model file, or a bundle directory.")
    try:
        if path.stat().st_size > _LARGEST:
            raise ModelError(f"{path} has more than {_LARGEST >> 30} GiB.", "Give a model file.")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read: {error.strerror}.", "Check the path and the permissions."
        ) from None


def load_boosters(
    files: Mapping[str, bytes], trial: bool = True
) -> tuple[list[Any], list[Soundness]]:
    """Load XGBoost models, after looking at them.

    Args:
        files: What model files hold, by what to call them in errors.
        trial: Try them in a process of their own first, which costs half a second: XGBoost is
            imported there once more.

    Returns:
        The boosters, and what is said of each.

    Raises:
        ModelError: If one is damaged or not a model of trees, or XGBoost does not read it.
    """
    sound = [check_trees(data, name) for name, data in files.items()]
    if trial:
        _try_out(files)
    return [_load(name, data) for name, data in files.items()], sound


def _load(name: str, data: bytes) -> Any:
    import xgboost

    try:
        # What it says of files of earlier versions is of no use to anybody.
        with xgboost.config_context(verbosity=0):
            return xgboost.Booster(model_file=bytearray(data))
    except xgboost.core.XGBoostError as error:
        raise ModelError(f"XGBoost does not read {name} ({reason_of(error)}).", _HINT) from None


def reason_of(error: Exception) -> str:
    """What an error of XGBoost says, without the place in its code and the C++ stack."""
    text = _WHERE.sub("", str(error).split("Stack trace:")[0])
    return " ".join(text.split())[:200].rstrip(".") or type(error).__name__


def _try_out(files: Mapping[str, bytes]) -> None:
    """Load and use models in another process.

    Raises:
        ModelError: If that process is ended by a fault, takes too long, or says what is wrong.
    """
    names = " and ".join(files)
    sent = b"".join(struct.pack(">Q", len(data)) + data for data in files.values())
    try:
        # -P: nothing is imported from the folder that the command runs in.
        found = subprocess.run(
            [sys.executable, "-P", str(_TRIAL)],
            input=sent, capture_output=True, timeout=LONGEST_TRIAL, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ModelError(
            f"XGBoost took more than {LONGEST_TRIAL} s to load {names} and predict a few rows.",
            _HINT,
        ) from None
    except OSError as error:
        raise ModelError(
            f"The process that tries {names} does not start: {error.strerror}.",
            "A bundle that this version saved needs no such trial: make one elsewhere.",
        ) from None
    said = found.stdout.decode(errors="replace").strip()
    if found.returncode < 0:
        ended = signal.Signals(-found.returncode).name
        raise ModelError(
            f"XGBoost crashes on {names} ({ended}): the file is damaged.", _HINT
        )  # fmt: skip
    if said != "sound":
        reason = reason_of(RuntimeError(said or found.stderr.decode(errors="replace")[-200:]))
        raise ModelError(f"XGBoost does not read {names} ({reason}).", _HINT)


def name_features(booster: Any, manifest: FeatureManifest, where: Path, first: bool = False) -> Any:
    """Give a booster its manifest's feature names, after checking that they agree.

    Args:
        booster: The booster.
        manifest: The features.
        where: Where they come from.
        first: It may read only the first of them, as members of a combination may.
    """
    count = booster.num_features()
    names = manifest.names[:count] if first else manifest.names
    if count != len(names):
        raise ModelError(
            f"The model in {where} reads {count} features, its manifest lists "
            f"{len(manifest.names)}.",
            "Model and manifest do not belong together; give those of one training.",
        )
    if booster.feature_names and tuple(booster.feature_names) != names:
        raise ModelError(
            f"The feature names in the model in {where} are not those of its manifest.",
            "Model and manifest do not belong together; give those of one training.",
        )
    booster.feature_names = list(names)
    return booster
