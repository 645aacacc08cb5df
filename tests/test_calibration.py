"""Calibration against plain formulas, its fit against data whose miscalibration is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import xgboost
from conftest import make_scores
from hypothesis import given, settings

import splice_meta as sm
from splice_meta.contracts import SCORES
from splice_meta.errors import ModelError
from splice_meta.files.records import Entry, parse_record
from splice_meta.manifest import FeatureManifest
from splice_meta.model.bundle import MetaModel
from splice_meta.model.calibration import Calibration, read_calibration
from splice_meta.model.margin import Margin
from splice_meta.model.predict import predict_proba
from splice_meta.training.calibrate import cross_fitted, fit_calibration

CURVES = (
    ((0.1, 0.4, 0.9), (0.2, 0.3, 0.8)),
    ((0.2,), (0.5,)),
    ((0.0, 0.5, 0.6, 1.0), (1e-7, 0.1, 0.1, 0.99)),
)
CALIBRATIONS = {
    "cold": Calibration(kind="temperature", temperature=0.5),
    "warm": Calibration(kind="temperature", temperature=2.5),
    "same": Calibration(kind="temperature"),
    "platt": Calibration(kind="platt", slopes=(0.7, 1.3, 1.0), intercepts=(0.1, -2.0, 0.0)),
    "isotonic": Calibration(kind="isotonic", knots=CURVES),
}
by_calibration = pytest.mark.parametrize("calibration", CALIBRATIONS.values(), ids=CALIBRATIONS)

# Rows where logarithms and curves go wrong: certain, almost certain, even, at the knots.
EDGE_ROWS = (
    (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (1 / 3, 1 / 3, 1 / 3), (0.1, 0.4, 0.5), (0.9, 0.1, 0.0),
    (1 - 2e-9, 1e-9, 1e-9), (1.0, 1e-12, 0.0), (0.2, 0.2, 0.6), (0.95, 0.05, 0.0),
)  # fmt: skip


def inside(p: float) -> float:
    return min(max(p, 1e-9), 1 - 1e-9)


def interpolate(p: float, x: tuple[float, ...], y: tuple[float, ...]) -> float:
    if p <= x[0]:
        return y[0]
    for i in range(1, len(x)):
        if p <= x[i]:
            return y[i - 1] + (y[i] - y[i - 1]) * (p - x[i - 1]) / (x[i] - x[i - 1])
    return y[-1]


def naive(calibration: Calibration, row: tuple[float, ...]) -> list[float]:
    mapped = []
    for c, p in enumerate(map(inside, row)):
        if calibration.kind == "temperature":
            mapped.append(p ** (1 / calibration.temperature))
        elif calibration.kind == "platt":
            z = calibration.slopes[c] * math.log(p / (1 - p)) + calibration.intercepts[c]
            mapped.append(1 / (1 + math.exp(-z)))
        else:
            mapped.append(interpolate(p, *calibration.knots[c]))
    return [value / sum(mapped) for value in mapped]


@st.composite
def rows(draw: st.DrawFn) -> list[tuple[float, ...]]:
    share = st.floats(0, 1, width=32)
    drawn = draw(st.lists(st.tuples(share, share), max_size=10))
    free = [(a * b, a * (1 - b), 1 - a) for a, b in drawn]
    return [*free, *draw(st.lists(st.sampled_from(EDGE_ROWS), min_size=1, max_size=4))]


@by_calibration
@settings(max_examples=40, deadline=None)
@given(probabilities=rows())
def test_calibrated_probabilities_equal_the_formula_and_sum_to_one(
    calibration: Calibration, probabilities: list[tuple[float, ...]]
) -> None:
    given_rows = np.array(probabilities, np.float32)

    found = calibration.apply(given_rows)

    assert found.dtype == np.float32
    assert found.shape == given_rows.shape
    expected = [naive(calibration, tuple(map(float, row))) for row in given_rows]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(found.astype(np.float64).sum(axis=1), 1, atol=2e-7)
    assert (found > 0).all()


@by_calibration
def test_rows_are_calibrated_one_by_one(calibration: Calibration) -> None:
    p = np.random.default_rng(1).dirichlet([0.2, 0.2, 2], 400).astype(np.float32)

    together = calibration.apply(p)

    for part in (1, 3, 64, 399):
        pieces = [calibration.apply(p[i : i + part]) for i in range(0, 400, part)]
        assert np.concatenate(pieces).tobytes() == together.tobytes()


@pytest.mark.parametrize("label", ["cold", "warm", "platt", "isotonic"])
def test_odds_of_two_classes_do_not_fall_where_their_probabilities_move_apart(label: str) -> None:
    # Mass moves from class b to class a; the third stays.
    calibration = CALIBRATIONS[label]
    steps = np.linspace(0, 0.7, 200)
    for a in range(3):
        b, rest = (a + 1) % 3, (a + 2) % 3
        p = np.zeros((200, 3))
        p[:, a], p[:, b], p[:, rest] = steps, 0.7 - steps, 0.3

        found = calibration.apply(p).astype(np.float64)

        assert (np.diff(found[:, a] / found[:, b]) >= -1e-5).all()


@pytest.mark.parametrize("label", ["cold", "warm", "same"])
def test_temperature_keeps_the_order_of_the_classes(label: str) -> None:
    p = np.random.default_rng(2).dirichlet([1, 1, 1], 300)

    found = CALIBRATIONS[label].apply(p)

    assert (found.argsort(axis=1) == p.argsort(axis=1)).all()
    if label != "same":
        is_warmer = found.max(axis=1) < p.max(axis=1)
        assert is_warmer.all() if label == "warm" else not is_warmer.any()


@pytest.mark.parametrize("slope", [50.0, 1e4])
def test_steep_slopes_give_no_nan(slope: float) -> None:
    calibration = Calibration(kind="platt", slopes=(slope,) * 3, intercepts=(0.0,) * 3)

    found = calibration.apply(np.array(EDGE_ROWS))

    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=2e-7)


# ------------------------------------------------------------------------------------------ kept


@by_calibration
def test_numbers_survive_json(calibration: Calibration) -> None:
    text = json.dumps(calibration.to_dict())

    assert read_calibration(parse_record(text.encode(), "f")) == calibration


def test_no_calibration_is_none() -> None:
    assert read_calibration(None) is None


NAN, INF = float("nan"), float("inf")
STRAIGHT = ((0.1, 0.9), (0.2, 0.8))


@pytest.mark.parametrize(
    "numbers",
    [
        {"kind": "temperature", "temperature": 0.0},
        {"kind": "temperature", "temperature": -1.0},
        {"kind": "temperature", "temperature": NAN},
        {"kind": "temperature", "temperature": INF},
        {"kind": "platt"},
        {"kind": "platt", "slopes": (1.0, 1.0), "intercepts": (0.0, 0.0)},
        {"kind": "platt", "slopes": (1.0, 1.0, 1.0), "intercepts": (0.0, 0.0)},
        {"kind": "platt", "slopes": (1.0, 0.0, 1.0), "intercepts": (0.0, 0.0, 0.0)},
        {"kind": "platt", "slopes": (1.0, -1.0, 1.0), "intercepts": (0.0, 0.0, 0.0)},
        {"kind": "platt", "slopes": (1.0, NAN, 1.0), "intercepts": (0.0, 0.0, 0.0)},
        {"kind": "platt", "slopes": (1.0, 1.0, INF), "intercepts": (0.0, 0.0, 0.0)},
        {"kind": "platt", "slopes": (1.0, 1.0, 1.0), "intercepts": (0.0, NAN, 0.0)},
        {"kind": "platt", "slopes": (1.0, 1.0, 1.0), "intercepts": (0.0, -INF, 0.0)},
        {"kind": "isotonic"},
        {"kind": "isotonic", "knots": (STRAIGHT,) * 2},
        {"kind": "isotonic", "knots": (STRAIGHT, STRAIGHT, ((), ()))},
        {"kind": "isotonic", "knots": (STRAIGHT, STRAIGHT, ((0.1, 0.9), (0.2,)))},
        {"kind": "isotonic", "knots": (STRAIGHT, STRAIGHT, ((0.9, 0.1), (0.2, 0.8)))},
        {"kind": "isotonic", "knots": (STRAIGHT, STRAIGHT, ((0.1, 0.1), (0.2, 0.8)))},
        {"kind": "isotonic", "knots": (STRAIGHT, STRAIGHT, ((0.1, 0.9), (0.8, 0.2)))},
        {"kind": "isotonic", "knots": (STRAIGHT, STRAIGHT, ((0.1, 0.9), (0.0, 0.8)))},
        {"kind": "isotonic", "knots": (STRAIGHT, STRAIGHT, ((0.1, 0.9), (0.2, 1.0)))},
        {"kind": "isotonic", "knots": (STRAIGHT, STRAIGHT, ((NAN,), (0.2,)))},
        {"kind": "isotonic", "knots": (STRAIGHT, STRAIGHT, ((0.1, INF), (0.2, 0.8)))},
    ],
)
def test_damaged_numbers_are_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="damaged"):
        Calibration(**numbers)
    with pytest.raises(ModelError):
        read_calibration(Entry(numbers, "f", kind=ModelError))


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ModelError, match='of kind "beta" that this version cannot apply'):
        read_calibration(Entry({"kind": "beta"}, "f", kind=ModelError))


NAMES = ("donor_score", "context_max", "donor_acceptor_diff")
TABLE = make_scores({"A": list(range(1, 120)), "B": [3, 4, 8]})


def make_model(calibration: Calibration | None) -> MetaModel:
    rng = np.random.default_rng(3)
    x = rng.random((200, len(NAMES))).astype(np.float32)
    data = xgboost.DMatrix(x, rng.integers(0, 3, 200), feature_names=list(NAMES))
    parameters = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "seed": 1}
    parameters["nthread"] = 1  # a tiny model is slowed down by threads
    return MetaModel(
        manifest=FeatureManifest(NAMES),
        boosters=(xgboost.train(parameters, data, 3),),
        margin=Margin(),
        calibration=calibration,
    )


@by_calibration
def test_bundle_predicts_the_same_after_saving(calibration: Calibration, tmp_path: Path) -> None:
    model = make_model(calibration)

    again = sm.load_model(model.save(tmp_path / "bundle"))

    assert again.calibration == calibration
    assert again.digest() == model.digest() != replace(model, calibration=None).digest()
    before = sm.predict(TABLE, model, mode="meta_only")
    assert sm.predict(TABLE, again, mode="meta_only").equals(before)


@by_calibration
def test_predictions_are_calibrated_and_independent_of_the_batch(calibration: Calibration) -> None:
    model = make_model(calibration)
    features = sm.plan_features(TABLE, model.manifest).collect()
    features = features.hstack(TABLE.select(set(SCORES) - set(features.columns)))

    found = predict_proba(model, features)

    raw = replace(model, calibration=None).predict_proba(features).to_numpy()
    assert found.to_numpy().tobytes() == calibration.apply(raw).tobytes()
    for rows in (7, 100):
        assert predict_proba(model, features, rows).equals(found)
    small = sm.RunSettings(mode="meta_only", predict_rows=60)
    assert sm.predict(TABLE, model, settings=small).equals(
        sm.predict(TABLE, model, mode="meta_only")
    )


def test_damaged_calibration_of_a_bundle_is_a_model_error(tmp_path: Path) -> None:
    folder = make_model(CALIBRATIONS["platt"]).save(tmp_path / "bundle")
    data = json.loads((folder / "bundle.json").read_text())
    for damage in ({"slopes": [1, 1]}, {"intercepts": [NAN, 0, 0]}, {"slopes": "x"}):
        changed = data | {"calibration": data["calibration"] | damage}
        (folder / "bundle.json").write_text(json.dumps(changed))
        with pytest.raises(ModelError):
            sm.load_model(folder)


# ---------------------------------------------------------------------------------------- fitted


def draw_truth(p: np.ndarray, seed: int) -> np.ndarray:
    spots = np.random.default_rng(seed).random((len(p), 1))
    return np.minimum((p.cumsum(axis=1) < spots).sum(axis=1), 2).astype(np.int64)


def true_probabilities(count: int) -> np.ndarray:
    return np.random.default_rng(7).dirichlet([3.0, 0.5, 0.5], count)


def sharpen(p: np.ndarray, power: float) -> np.ndarray:
    raised = p**power
    return (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)


def log_loss(p: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    picked = np.maximum(p[np.arange(truth.size), truth].astype(np.float64), 1e-12)
    return float(-(weight * np.log(picked)).sum() / weight.sum())


def calibration_error(p: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    """Mean gap between probability and frequency in ten bins, over the three classes."""
    total = 0.0
    for c in range(3):
        bins = np.minimum((p[:, c] * 10).astype(int), 9)
        for number in range(10):
            here = bins == number
            total += abs(float((weight[here] * (p[here, c] - (truth[here] == c))).sum()))
    return total / weight.sum() / 3


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0, 4.0])
def test_fit_finds_the_temperature(power: float) -> None:
    # p^power, renormalised, is undone by T = power.
    p = true_probabilities(40_000)
    truth, weight = draw_truth(p, 1), np.ones(40_000)

    fitted = fit_calibration("temperature", sharpen(p, power), truth, weight)

    assert fitted is not None
    assert fitted.temperature == pytest.approx(power, rel=0.03)


def test_temperature_is_the_best_of_its_neighbours() -> None:
    p = true_probabilities(3000)
    truth, weight = draw_truth(p, 2), np.random.default_rng(1).integers(1, 9, 3000).astype(float)
    shown = sharpen(p, 1.7)

    fitted = fit_calibration("temperature", shown, truth, weight)

    assert fitted is not None
    best = log_loss(fitted.apply(shown), truth, weight)
    for factor in (0.9, 0.97, 1.03, 1.1):
        other = replace(fitted, temperature=fitted.temperature * factor)
        assert log_loss(other.apply(shown), truth, weight) > best


@pytest.mark.parametrize("choice", ["temperature", "platt", "isotonic"])
@pytest.mark.parametrize("power", [0.4, 3.0])
def test_fit_mends_other_rows_of_the_same_kind(choice: Any, power: float) -> None:
    p = true_probabilities(20_000)
    shown, truth, weight = sharpen(p, power), draw_truth(p, 3), np.ones(20_000)
    seen, unseen = slice(0, 10_000), slice(10_000, None)

    fitted = fit_calibration(choice, shown[seen], truth[seen], weight[seen])

    assert fitted is not None
    mended = fitted.apply(shown[unseen])
    labelled = (truth[unseen], weight[unseen])
    assert log_loss(mended, *labelled) < log_loss(shown[unseen], *labelled) - 0.005
    assert calibration_error(mended, *labelled) < 0.5 * calibration_error(shown[unseen], *labelled)


@pytest.mark.parametrize("choice", ["temperature", "platt", "isotonic"])
def test_weight_of_a_row_is_that_of_so_many_rows(choice: Any) -> None:
    p = true_probabilities(400)
    shown, truth = sharpen(p, 2.0), draw_truth(p, 4)
    weight = np.random.default_rng(5).integers(1, 5, 400)
    again = np.repeat(np.arange(400), weight)

    weighted = fit_calibration(choice, shown, truth, weight.astype(np.float64))
    repeated = fit_calibration(choice, shown[again], truth[again], np.ones(again.size))

    assert weighted is not None
    assert repeated is not None
    np.testing.assert_allclose(weighted.apply(shown), repeated.apply(shown), atol=1e-3)


def test_nothing_is_fitted_if_nothing_is_wanted() -> None:
    p, truth, weight = true_probabilities(10), np.zeros(10, np.int64), np.ones(10)

    assert fit_calibration("none", p.astype(np.float32), truth, weight) is None


@pytest.mark.parametrize("choice", ["temperature", "platt", "isotonic"])
def test_a_class_may_be_missing(choice: Any) -> None:
    # Few genes may hold no acceptor at all.
    p = true_probabilities(500)
    truth = np.minimum(draw_truth(p, 6), 1)

    fitted = fit_calibration(choice, p.astype(np.float32), truth, np.ones(500))

    assert fitted is not None
    found = fitted.apply(p)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=2e-7)


@pytest.mark.parametrize("choice", ["platt", "isotonic", "temperature"])
def test_classes_told_apart_without_fault(choice: Any) -> None:
    truth = np.arange(300) % 3
    p = (np.eye(3)[truth] * 0.7 + 0.1).astype(np.float32)

    fitted = fit_calibration(choice, p, truth, np.ones(300))

    assert fitted is not None
    found = fitted.apply(p)
    assert np.isfinite(found).all()
    assert (found.argmax(axis=1) == truth).all()


@pytest.mark.parametrize("choice", ["platt"])
def test_predictions_that_go_the_wrong_way_are_no_damaged_bundle(choice: Any) -> None:
    # The more is predicted the rarer it is: nothing rises, so the calibration is nearly flat.
    p = true_probabilities(2000)
    truth = draw_truth(p, 8)
    turned = p[:, [1, 2, 0]].astype(np.float32)

    fitted = fit_calibration(choice, turned, truth, np.ones(2000))

    assert fitted is not None
    assert np.isfinite(fitted.apply(turned)).all()


@pytest.mark.parametrize("choice", ["temperature", "platt", "isotonic"])
def test_each_fold_is_calibrated_by_the_others(choice: Any) -> None:
    p = true_probabilities(900)
    shown, truth = sharpen(p, 2.0), draw_truth(p, 9)
    weight, fold = np.ones(900), np.arange(900) % 3

    found = cross_fitted(choice, shown, truth, weight, fold)

    for number in range(3):
        held = fold == number
        fitted = fit_calibration(choice, shown[~held], truth[~held], weight[~held])
        assert fitted is not None
        assert np.array_equal(found[held], fitted.apply(shown[held]))
    # What a fold's own truth says does not reach its predictions.
    flipped = np.where(fold == 1, (truth + 1) % 3, truth)
    again = cross_fitted(choice, shown, flipped, weight, fold)
    assert np.array_equal(again[fold == 1], found[fold == 1])
    assert not np.array_equal(again[fold == 0], found[fold == 0])


def test_cross_fitting_nothing_changes_nothing() -> None:
    p = true_probabilities(30).astype(np.float32)

    found = cross_fitted("none", p, np.zeros(30, np.int64), np.ones(30), np.arange(30) % 2)

    assert np.array_equal(found, p)
