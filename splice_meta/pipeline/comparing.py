"""Comparing the scores of a run, batch by batch, with those its model was trained on."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from splice_meta.model.bundle import MetaModel
from splice_meta.model.distribution import (
    DISTRIBUTIONS,
    NONE,
    Comparison,
    Counts,
    ScoreDistribution,
    compare,
    count_beside,
    read_distributions,
    scores_of_table,
)  # fmt: skip
from splice_meta.pipeline.matching import needed_base_models

log = logging.getLogger("splice_meta")

BesideCounts = Mapping[str, list[list[int]]]
"""By base model, how many donor and acceptor scores lie in each bin; see
:func:`splice_meta.model.distribution.count_beside`."""


def _trained(model: MetaModel) -> dict[str, ScoreDistribution | None]:
    """The training scores of each base model that a model reads; None where it lacks them."""
    last = _read[0] if _read else None
    if last is None or last[0] is not model:
        last = (model, _read_trained(model))
        _read[:] = [last]
    return last[1]


_read: list[tuple[MetaModel, dict[str, ScoreDistribution | None]]] = []
"""The training scores of the model that was asked for last: each batch of a run asks for them."""


def _read_trained(model: MetaModel) -> dict[str, ScoreDistribution | None]:
    stated = read_distributions(model.metadata.get(DISTRIBUTIONS), model.source or "the model")
    return {name: stated.get(name) for name in needed_base_models(model) or ("",)}


def _columns(model: MetaModel, name: str) -> tuple[str, str]:
    return scores_of_table(name if model.manifest.base_models else "")


def compared_columns(model: MetaModel | None) -> set[str]:
    """The score columns that a comparison reads; none where the model knows no training scores."""
    if model is None:
        return set()
    known = [name for name, each in _trained(model).items() if each is not None]
    return {column for name in known for column in _columns(model, name)}


def count_scores(model: MetaModel | None, batches: Iterable[pl.DataFrame]) -> BesideCounts:
    """Count the scores of some batches, by base model; small, and sums of it are of all batches.

    Args:
        model: The meta-model, which knows what is compared.
        batches: Rows of whole genes with :func:`compared_columns`.
    """
    if model is None:
        return {}
    known = [name for name, each in _trained(model).items() if each is not None]
    total = {name: NONE for name in known}
    for rows in batches if known else ():
        for name in known:
            total[name] = total[name] + count_beside(rows, _columns(model, name))
    return {name: counts.tolist() for name, counts in total.items()}


def compare_scores(
    model: MetaModel | None, counts: Iterable[BesideCounts]
) -> dict[str, Comparison]:
    """Compare what was counted of all batches, by base model; nothing without a model."""
    if model is None:
        return {}
    total: dict[str, Counts] = {}
    for each in counts:
        for name, values in each.items():
            total[name] = total.get(name, NONE) + np.array(values, np.int64)
    return {name: compare(each, total.get(name)) for name, each in _trained(model).items()}


def warn_of(compared: Mapping[str, Comparison]) -> list[str]:
    """Log a warning for each base model whose scores differ; the same as text."""
    found = []
    for name, each in compared.items():
        if each.differs:
            found.append(
                f"The base scores are not distributed like those the model was trained on"
                f"{f', of {name}' if name else ''}: their distance is {each.distance:.2f}, where "
                f"up to {each.bound:.2f} is usual. If another base model made them, the model's "
                "probabilities are wrong; use a model that was trained on its scores."
            )
    for text in found:
        log.warning("%s", text)
    return found


def said_comparison(compared: Mapping[str, Comparison]) -> str:
    """How the scores compare with those the model was trained on, in a few words."""
    told = []
    for name, each in compared.items():
        front = f"{name}: " if len(compared) > 1 else ""
        if each.distance is None:
            told.append(f"{front}not compared with the training scores: {each.why_not}")
        else:
            kind = "unlike" if each.differs else "like"
            told.append(
                f"{front}{kind} the training scores (distance {each.distance:.2f}, bound "
                f"{each.bound:.2f})"
            )
    return "; ".join(told)
