"""The figures of an evaluation row by row, from their definitions or by scikit-learn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
from sklearn.metrics import average_precision_score, brier_score_loss

NAMES = ("neither", "donor", "acceptor")


def naive(rows: pl.DataFrame, system: str, reference: str) -> dict[tuple[str, str], float]:
    """Every figure of one system; columns are named CLASS_SYSTEM."""
    table = rows.to_dicts()
    weights = [row.get("weight", 1.0) for row in table]
    sites = sum(w for row, w in zip(table, weights, strict=True) if row["truth"] != "neither")
    nothing = float("nan")
    loss = sum(
        -w * math.log(max(row[f"{row['truth']}_{system}"], 1e-9))
        for row, w in zip(table, weights, strict=True)
    )
    brier = brier_score_loss(
        [NAMES.index(row["truth"]) for row in table],
        np.array([[row[f"{name}_{system}"] for name in NAMES] for row in table]),
        sample_weight=weights, labels=[0, 1, 2], scale_by_half=False,
    ) * sum(weights)  # fmt: skip
    candidates = [_is_candidate(row, reference) for row in table]
    scored = [_is_scored(row, reference) for row in table]
    in_candidates = sum(w for w, is_in in zip(weights, candidates, strict=True) if is_in)
    found = {
        ("log_loss_per_site", "all"): loss / sites if sites else nothing,
        ("brier_per_site", "all"): brier / sites if sites else nothing,
        ("sites", "all"): sites,
        ("positions", "all"): sum(weights),
        ("candidates", "all"): in_candidates,
    }
    for name in ("donor", "acceptor"):
        scores = [row[f"{name}_{system}"] for row in table]
        before = [row[f"{name}_{reference}"] for row in table]
        truth = [row["truth"] == name for row in table]
        of_class = {
            **decisions(truth, scores, before, weights),
            **ranking(truth, scores, weights),
            "ece": calibration(truth, scores, weights, candidates),
            "ece_scored": calibration(truth, scores, weights, scored),
            "sites": sum(w for w, is_site in zip(weights, truth, strict=True) if is_site),
        }
        found |= {(metric, name): value for metric, value in of_class.items()}
    for metric in ("ece", "ece_scored"):
        found[metric, "all"] = (found[metric, "donor"] + found[metric, "acceptor"]) / 2
    return found


def _is_scored(row: dict[str, Any], reference: str) -> bool:
    return max(row[f"donor_{reference}"], row[f"acceptor_{reference}"]) >= 0.001


def _is_candidate(row: dict[str, Any], reference: str) -> bool:
    return _is_scored(row, reference) or row["truth"] != "neither"


def decisions(truth: list, scores: list, before: list, weights: list) -> dict[str, float]:
    names = (
        "true_positives", "false_positives", "false_negatives", "rescued", "lost",
        "false_positives_removed", "false_positives_added",
    )  # fmt: skip
    count = dict.fromkeys(names, 0.0)
    for is_site, score, was, weight in zip(truth, scores, before, weights, strict=True):
        called, called_before = score >= 0.5, was >= 0.5
        if is_site:
            count["true_positives" if called else "false_negatives"] += weight
            if called != called_before:
                count["rescued" if called else "lost"] += weight
        else:
            if called:
                count["false_positives"] += weight
            if called != called_before:
                count["false_positives_added" if called else "false_positives_removed"] += weight
    hits, wrong, missed = (count[name] for name in names[:3])
    nothing = float("nan")
    return {
        **count,
        "precision": hits / (hits + wrong) if hits + wrong else nothing,
        "recall": hits / (hits + missed) if hits + missed else nothing,
        "f1": 2 * hits / (2 * hits + wrong + missed) if hits + wrong + missed else nothing,
    }


def ranking(truth: list, scores: list, weights: list) -> dict[str, float]:
    names = (
        "average_precision", "top_k_accuracy", "best_f1", "best_threshold", "best_precision",
        "best_recall",
    )  # fmt: skip
    if not any(truth):
        return dict.fromkeys(names, float("nan"))
    sites = sum(w for w, is_site in zip(weights, truth, strict=True) if is_site)
    room, top = sites, 0.0
    best = (-1.0, 0.0, 0.0, 0.0)
    for threshold in sorted(set(scores), reverse=True):
        tied = [i for i, s in enumerate(scores) if s == threshold]
        weight = sum(weights[i] for i in tied)
        taken = min(room, weight)
        top += taken * sum(weights[i] for i in tied if truth[i]) / weight
        room -= taken
        called = [i for i, s in enumerate(scores) if s >= threshold]
        hits = sum(weights[i] for i in called if truth[i])
        all_called = sum(weights[i] for i in called)
        f1 = 2 * hits / (all_called + sites)
        if f1 > best[0] + 1e-12:
            best = (f1, threshold, hits / all_called, hits / sites)
    precision = average_precision_score(truth, scores, sample_weight=weights)
    return dict(zip(names, (float(precision), top / sites, *best), strict=True))


def calibration(truth: list, scores: list, weights: list, candidates: list) -> float:
    bins: dict[int, list[tuple[float, float, float]]] = {}
    for row in zip(truth, scores, weights, candidates, strict=True):
        is_site, score, weight, is_candidate = row
        if is_candidate:
            bins.setdefault(min(int(score * 15), 14), []).append((weight, score, is_site))
    total = sum(w for held in bins.values() for w, _, _ in held)
    if not total:
        return float("nan")
    error = 0.0
    for held in bins.values():
        weight = sum(w for w, _, _ in held)
        mean = sum(w * p for w, p, _ in held) / weight
        share = sum(w * y for w, _, y in held) / weight
        error += weight / total * abs(mean - share)
    return error
