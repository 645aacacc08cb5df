"""Telling tables of predictions from base scores, whichever version wrote them.

In a table of predictions ``splice_type`` is the truth, as it is in base scores, and
``predicted_type`` the class with the largest final probability. Version 0.1.0 wrote the predicted
class as ``splice_type``, and the truth as ``true_splice_type``.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import polars as pl

from splice_meta.contracts import FINAL
from splice_meta.errors import InputError

PredictionLayout = Literal["current", "0.1.0"]

OLD_TRUTH = "true_splice_type"
"""What version 0.1.0 called the truth in tables of predictions."""

_MARKS = frozenset({*FINAL, "predicted_type", "prediction_source", OLD_TRUTH})


def prediction_layout(columns: Collection[str]) -> PredictionLayout | None:
    """Which layout of predictions a table has; None where it holds no predictions.

    Args:
        columns: Its columns.
    """
    if _MARKS.isdisjoint(columns):
        return None
    return "current" if "predicted_type" in columns else "0.1.0"


def check_layouts(tables: Sequence[pl.LazyFrame], names: Sequence[str]) -> None:
    """Refuse tables that are to be read as one though a column means two things in them.

    Args:
        tables: The tables.
        names: What each is called.

    Raises:
        InputError: If not all hold base scores, or predictions of one layout.
    """
    layouts = [prediction_layout(table.collect_schema().names()) for table in tables]
    other = next((place for place, each in enumerate(layouts) if each != layouts[0]), None)
    if other is not None:
        raise InputError(
            f"{names[0]} holds {_WORDS[layouts[0]]}, {names[other]} {_WORDS[layouts[other]]}.",
            "Give tables of one kind.",
        )


_WORDS: dict[PredictionLayout | None, str] = {
    None: "base scores",
    "current": "predictions",
    "0.1.0": "predictions in the layout of version 0.1.0",
}


def refuse_predictions(table: pl.LazyFrame, name: str) -> None:
    """Refuse predictions where base scores are meant.

    What is learned from or predicted again must not have been predicted: its features would lack
    the sequence, and the predicted class might be taken for the truth.

    Args:
        table: Any table, with its own column names.
        name: What it is called.

    Raises:
        InputError: If it holds predictions.
    """
    if prediction_layout(table.collect_schema().names()) is not None:
        raise InputError(
            f"{name} holds predictions, not base scores.",
            "Give the base scores they were made from, or the run's own copy of them, "
            "base_model_predictions.parquet.",
        )


def truth_of_predictions(table: pl.LazyFrame) -> pl.LazyFrame:
    """Predictions with the truth, where they have it, as ``splice_type``.

    Args:
        table: Predictions of either layout.

    Raises:
        InputError: If two columns say what the truth is.
    """
    columns = table.collect_schema().names()
    if prediction_layout(columns) == "0.1.0":
        table = table.drop("splice_type", strict=False)
    elif OLD_TRUTH in columns and "splice_type" in columns:
        raise InputError(
            f"The predictions have both splice_type and {OLD_TRUTH}.",
            "splice_type is the truth; take the other column out.",
        )
    return table.rename({OLD_TRUTH: "splice_type"}, strict=False)
