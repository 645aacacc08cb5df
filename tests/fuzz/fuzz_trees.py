"""The check of XGBoost files: what it accepts, XGBoost loads and predicts with.

XGBoost itself runs in a process of its own, for one accepted input in twenty.
"""

from __future__ import annotations

import os

import numpy as np

from splice_meta.errors import ModelError
from splice_meta.model.structure import check_trees

EVERY = 20
_accepted = 0


def one_input(data: bytes) -> None:
    global _accepted
    try:
        check_trees(data, "f")
    except ModelError:
        return
    _accepted += 1
    if _accepted % EVERY == 0:
        assert loads(data), "XGBoost crashes on, or refuses, what the check accepts"


def loads(data: bytes) -> bool:
    """Whether XGBoost, in a process of its own, loads and uses a model."""
    child = os.fork()
    if child == 0:
        os._exit(_use(data))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _use(data: bytes) -> int:
    import xgboost

    try:
        booster = xgboost.Booster({"nthread": 1}, model_file=bytearray(data))
        count = booster.num_features()
        if count > 10_000:
            return 0
        rows = np.random.default_rng(0).standard_normal((16, count)) * 100
        rows[0] = np.nan
        booster.inplace_predict(rows.astype(np.float32), validate_features=False)
        booster.get_score(importance_type="total_gain")
    except xgboost.core.XGBoostError as error:
        # A refusal in plain words is no fault: the trial tells the user.
        print(str(error)[:300], flush=True)
    return 0


def _seeds() -> list[bytes]:
    """Small models of each kind; trained elsewhere, so that forks begin without threads."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        import pickle

        with os.fdopen(write, "wb") as file:
            pickle.dump(_models(), file)
        os._exit(0)
    os.close(write)
    import pickle

    with os.fdopen(read, "rb") as file:
        found: list[bytes] = pickle.load(file)
    os.waitpid(child, 0)
    return found


def _models() -> list[bytes]:
    import xgboost

    x = np.random.default_rng(0).random((60, 3), dtype=np.float32)
    kinds = [
        {}, {"booster": "dart", "rate_drop": 0.5}, {"gamma": 1.0, "tree_method": "exact"},
        {"multi_strategy": "multi_output_tree", "tree_method": "hist"},
    ]  # fmt: skip
    found = []
    for kind in kinds:
        given = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "nthread": 1}
        data = xgboost.DMatrix(x, np.arange(60) % 3)
        booster = xgboost.train(given | kind, data, 1)
        found += [bytes(booster.save_raw(form)) for form in ("ubj", "json")]
    data = xgboost.DMatrix(x, np.arange(60) % 2)
    binary = xgboost.train({"objective": "binary:logistic", "max_depth": 2}, data, 2)
    return [*found, bytes(binary.save_raw("ubj"))]


SEEDS = _seeds()
