"""Complete coverage: the meta-model's probabilities where it ran, the base model's elsewhere."""

from __future__ import annotations

import numpy as np
import polars as pl

from splice_meta.contracts import FINAL, MEASURES, SCORES, PredictionSource, class_expr
from splice_meta.outcome import Floats, Outcome, Rows
from splice_meta.settings import Columns

PLACE = ("chrom", "strand", "genomic_position")


def combine(marked: pl.DataFrame, outcome: Outcome, columns: Columns = "full") -> pl.LazyFrame:
    """One row per nucleotide, with base and final probabilities side by side.

    Args:
        marked: Canonical scores with the measures, ``is_uncertain`` and ``is_adjusted``.
        outcome: The final probabilities of the adjusted rows.
        columns: ``lean`` leaves the measures out.

    Returns:
        The combined prediction, rows in the order of ``marked``. Base scores, and ``splice_type``
        (the truth) where the scores have it, are passed through untouched; the predicted class is
        ``predicted_type``.
    """
    schema = marked.schema
    adjusted = pl.col("is_adjusted")
    final = {name: marked[score] for name, score in zip(FINAL, SCORES, strict=True)}
    if outcome.rows.size:
        # The i-th adjusted row takes the i-th recalibrated one.
        final = {
            name: _replaced(base, outcome.rows, outcome.final[name.removesuffix("_meta")])
            for name, base in final.items()
        }
    source = (
        pl.when(adjusted)
        .then(pl.lit("meta_model", PredictionSource))
        .otherwise(pl.lit("base_model", PredictionSource))
    )
    extras: list[pl.Expr] = []
    if columns == "full":
        extras = [pl.col(name) for name in MEASURES]
    if "splice_type" in schema:
        extras.append(pl.col("splice_type"))
    if "in_training" in schema:
        extras.append(pl.col("in_training"))
    return (
        marked.lazy()
        .with_columns(**final)
        .with_columns(_final_type=class_expr(*FINAL))
        .select(
            "gene_id",
            *(name for name in PLACE if name in schema),
            "position",
            *SCORES,
            *FINAL,
            pl.col("_final_type").alias("predicted_type"),
            source.alias("prediction_source"),
            "is_uncertain",
            "is_adjusted",
            *extras,
        )
    )


def _replaced(base: pl.Series, rows: Rows, values: Floats) -> pl.Series:
    """A copy of a column with other values in some rows; in numpy, in a quarter of the time."""
    copy = np.array(base)
    copy[rows] = values
    return pl.Series(copy)
