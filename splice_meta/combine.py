"""Complete coverage: the meta-model's probabilities where it ran, the base model's elsewhere."""

from __future__ import annotations

import polars as pl

from splice_meta.contracts import FINAL, MEASURES, SCORES, PredictionSource, class_expr
from splice_meta.settings import Columns

PLACE = ("chrom", "strand", "genomic_position")


def combine(
    marked: pl.LazyFrame, recalibrated: pl.DataFrame, columns: Columns = "full"
) -> pl.LazyFrame:
    """One row per nucleotide, with base and final probabilities side by side.

    Args:
        marked: Canonical scores with the measures, ``is_uncertain`` and ``is_adjusted``.
        recalibrated: ``donor``, ``acceptor``, ``neither`` for the adjusted rows, in their order.
        columns: ``lean`` leaves the measures out.

    Returns:
        The combined prediction, rows in the order of ``marked``. Base scores are passed through
        untouched.
    """
    schema = marked.collect_schema()
    adjusted = pl.col("is_adjusted")
    # The i-th adjusted row takes the i-th recalibrated one.
    place = adjusted.cum_sum().cast(pl.Int64) - 1
    final = {
        final: (
            pl.when(adjusted)
            .then(pl.lit(recalibrated[final.removesuffix("_meta")]).gather(place.clip(0)))
            .otherwise(pl.col(score))
            if recalibrated.height
            else pl.col(score)
        )
        for final, score in zip(FINAL, SCORES, strict=True)
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
            extras.append(pl.col("splice_type").alias("true_splice_type"))
    if "in_training" in schema:
        extras.append(pl.col("in_training"))
    return (
        marked.with_columns(**final)
        .with_columns(_final_type=class_expr(*FINAL))
        .select(
            "gene_id",
            *(name for name in PLACE if name in schema),
            "position",
            *SCORES,
            *FINAL,
            pl.col("_final_type").alias("splice_type"),
            source.alias("prediction_source"),
            "is_uncertain",
            "is_adjusted",
            *extras,
        )
    )
