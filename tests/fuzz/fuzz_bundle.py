"""What ``bundle.json`` says of a model, its card, and whether such a model predicts numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from splice_meta.errors import ModelError, SpliceMetaError
from splice_meta.files.records import parse_record
from splice_meta.model.bundle_files import _check_record, _stated
from splice_meta.model.calibration import Calibration
from splice_meta.model.predict import base_margin
from splice_meta.report.describe_model import _figures

CURVE = ((0.1, 0.5, 0.9), (0.2, 0.5, 0.8))
CALIBRATIONS = [
    Calibration(kind="temperature", temperature=1.5),
    Calibration(kind="platt", slopes=(1.0, 2.0, 0.5), intercepts=(0.0, -1.0, 1.0)),
    Calibration(kind="isotonic", knots=(CURVE, CURVE, CURVE)),
]
FIGURE = {"value": 0.5, "low": 0.1, "high": 0.9}
CARD = {
    "genes": 3, "positions": 10.0, "sites": 2, "chromosomes": ["1"],
    "systems": {"base": {
        "all": {"log_loss_per_site": FIGURE, "brier_per_site": FIGURE, "ece": FIGURE},
        "donor": {"average_precision": FIGURE, "top_k_accuracy": FIGURE},
        "acceptor": {"average_precision": FIGURE, "top_k_accuracy": {"value": None, "low": None}},
    }},
    "score_distances": [{"genes": "test", "distance": 0.1, "bound": 0.4}, {"genes": "training"}],
}  # fmt: skip
SEEDS = [
    json.dumps(
        {
            "kind": "multiclass", "classes": ["neither", "donor", "acceptor"],
            "margin": {"floor": 1e-7, "weights": [0.25, 0.75]},
            "calibration": each.to_dict(), "base_models": ["a", "b"], "training_genes": ["G"],
            "sha256": {"bundle.json": "ab"}, "card": CARD,
        }
    ).encode()
    for each in CALIBRATIONS
]  # fmt: skip
P = np.array([[1, 0, 0], [0, 1, 0], [1e-9, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]], np.float32)
NAMES = [("n", "d", "a"), ("n", "d", "a")]
FRAME = pl.DataFrame({"n": P[:, 0], "d": P[:, 1], "a": P[:, 2]})


def one_input(data: bytes) -> None:
    try:
        found = parse_record(data, "bundle.json", ModelError)
        card = found.find("card")
        stated = _stated(found, "multiclass")
        if card is not None:
            _figures("Held-out genes", card)
        digests = found.find("sha256")
    except SpliceMetaError:
        return
    if stated["calibration"] is not None:
        mapped = stated["calibration"].apply(P)
        assert np.isfinite(mapped).all(), stated["calibration"]
        assert np.allclose(mapped.sum(axis=1), 1, atol=1e-5)
    margin = stated["margin"]
    if margin is not None and len(margin.weights) in (0, 2):
        for kind in ("multiclass", "three_binary"):
            assert np.isfinite(base_margin(FRAME, NAMES, kind, margin)).all(), margin
    if digests is not None:
        try:
            _check_record(Path("f"), found, digests)
        except SpliceMetaError:
            return
