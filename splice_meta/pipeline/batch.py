"""One batch of whole genes: its plans, collected together, and its prediction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from splice_meta.combine import PLACE, combine
from splice_meta.contracts import FLOAT_MEASURES, MEASURES, SCORES, with_axis
from splice_meta.model.bundle import MetaModel
from splice_meta.pipeline.comparing import compared_columns
from splice_meta.pipeline.matrix import feature_bytes, harmonize_plan
from splice_meta.selection import gene_summary, mark_uncertain
from splice_meta.settings import RunSettings
from splice_meta.sink import code_texts
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.training_dataset import mark_trained

ENGINE: Literal["in-memory"] = "in-memory"
"""A batch fits in memory, and its plans share the marked rows, which this engine does not copy; the
streaming engine takes a third more CPU time for the same bits."""


@dataclass(frozen=True)
class BatchPlan:
    """The lazy plans of one gene batch; they share their scan and selection.

    Attributes:
        marked: Every row with its measures, ``is_uncertain`` and ``is_adjusted``.
        matrix: The manifest's features of the adjusted rows; None in ``base_only``.
        genes: One row per gene: what the selection did.
    """

    marked: pl.LazyFrame
    matrix: pl.LazyFrame | None
    genes: pl.LazyFrame


@dataclass(frozen=True)
class BatchPrediction:
    """What one gene batch came to.

    Attributes:
        complete: The combined prediction, lazy over collected columns; texts of genes are coded,
            see :func:`splice_meta.sink.code_texts`.
        marked: Every row of the batch with base scores and measures; texts of genes are coded.
        matrix: The features of the adjusted rows with their keys; None in ``base_only``.
        genes: One row per gene: positions, uncertain, adjusted, achieved rate and thresholds.
    """

    complete: pl.LazyFrame
    marked: pl.DataFrame
    matrix: pl.DataFrame | None
    genes: pl.DataFrame


def plan_predictions(
    scores: pl.LazyFrame,
    model: MetaModel | None,
    settings: RunSettings,
    dataset: pl.LazyFrame | None = None,
    gene_values: pl.DataFrame | None = None,
) -> BatchPlan:
    """The lazy plans of one gene batch.

    Args:
        scores: Canonical base scores of whole genes, each gene's rows adjacent and ascending.
        model: The meta-model; may be None in ``base_only``.
        settings: Mode, selection and features.
        dataset: Training genes and positions, to mark rows that were trained on.
        gene_values: The annotation's genomic features by ``gene_id``.
    """
    adjusted = {
        "hybrid": pl.col("is_uncertain"),
        "meta_only": pl.lit(True),
        "base_only": pl.lit(False),
    }[settings.mode]
    marked = mark_uncertain(with_axis(scores), settings.selection).with_columns(
        is_adjusted=adjusted
    )
    genes = gene_summary(marked)
    matrix = None
    if model is not None and settings.mode != "base_only":
        matrix = harmonize_plan(
            marked, model.manifest, settings.features, "is_adjusted", (*SCORES, *model.columns),
            gene_values,
        )  # fmt: skip
    names = marked.collect_schema().names()
    kept = marked.select(_kept_columns(names, settings, compared_columns(model)))
    return BatchPlan(kept if dataset is None else mark_trained(kept, dataset), matrix, genes)


def _kept_columns(
    names: Sequence[str], settings: RunSettings, also: Collection[str]
) -> list[str | pl.Expr]:
    """The columns of a batch that are collected: those that some output needs, and others."""
    wanted = {"gene_id", *PLACE, "position", *SCORES, "is_uncertain", "is_adjusted", "splice_type"}
    wanted |= {"base", *also}
    if settings.columns == "full":
        wanted |= {*MEASURES}
    return [
        pl.col(name).cast(pl.Float32) if name in FLOAT_MEASURES else name
        for name in names
        if name in wanted
    ]


def describe_plan(
    scores: BaseScores, first: int, stop: int, model: MetaModel | None, settings: RunSettings
) -> str:
    """The optimized query plan of a gene batch, as Polars words it, for debugging."""
    rows, values = scores.batch(first, stop), scores.gene_values
    plan = plan_predictions(rows, model, settings, gene_values=values)
    return (plan.marked if plan.matrix is None else plan.matrix).explain()


def predict_batch(
    scores: pl.LazyFrame,
    model: MetaModel | None,
    settings: RunSettings,
    dataset: pl.LazyFrame | None = None,
    gene_values: pl.DataFrame | None = None,
) -> BatchPrediction:
    """Predict one gene batch: the plans are collected together, then the model runs, batched.

    Args:
        scores: As for :func:`plan_predictions`.
        model: The meta-model; may be None in ``base_only``.
        settings: How to predict.
        dataset: Training genes and positions.
        gene_values: The annotation's genomic features by ``gene_id``.

    Raises:
        ModelError: If the model's predictions are not probabilities.
        FeatureError: If the model needs features that cannot be made.
    """
    plan = plan_predictions(scores, model, settings, dataset, gene_values)
    if plan.matrix is None or model is None:
        marked, genes = pl.collect_all([plan.marked, plan.genes], engine=ENGINE)
        matrix, found = None, pl.DataFrame()
    else:
        from splice_meta.model.predict import predict_proba

        plans = [plan.marked, plan.genes, plan.matrix]
        marked, genes, matrix = pl.collect_all(plans, engine=ENGINE)
        found = predict_proba(model, matrix, settings.predict_rows)
    marked = code_texts(marked)
    return BatchPrediction(
        complete=combine(marked, found, settings.columns),
        marked=marked,
        matrix=matrix,
        genes=genes,
    )


def predict_genes(
    scores: BaseScores,
    first: int,
    stop: int,
    model: MetaModel | None,
    settings: RunSettings,
    dataset: pl.LazyFrame | None = None,
) -> BatchPrediction:
    """Predict the genes first..stop (0-based, in input order) of checked base scores.

    Raises:
        InputError: If the rows are not those that were checked, as with a lazy frame that gives
            its rows in another order each time it is evaluated.
    """
    rows, values = scores.batch(first, stop), scores.gene_values
    batch = predict_batch(rows, model, settings, dataset, values)
    scores.verify(batch.genes, first, stop)
    return batch


def bytes_per_position(model: MetaModel | None, settings: RunSettings) -> int:
    """How much memory a run is planned with per position of its gene batch, in bytes.

    With it the process of a run of 100 million positions at 1 GiB, two shards in flight, grew by
    0.7 GiB in ``hybrid`` (124 features, 10%) and by 0.5 GiB where hardly a position was picked
    (lean columns, the complete table only).
    """
    share = {"hybrid": 0.1, "meta_only": 1.0, "base_only": 0.0}[settings.mode]
    if settings.mode == "hybrid" and settings.selection.is_tuned:
        share = settings.selection.target_rate
    return feature_bytes(len(model.manifest.names) if model else 0, share)
