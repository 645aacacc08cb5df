"""One batch of whole genes: its plans, collected together, and its prediction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from splice_meta.combine import PLACE, combine
from splice_meta.contracts import (
    AXIS,
    FLOAT_MEASURES,
    GENE,
    MEASURES,
    SCORES,
    column,
    with_axis,
)
from splice_meta.model.bundle import MetaModel
from splice_meta.outcome import Outcome
from splice_meta.pipeline.comparing import compared_columns
from splice_meta.pipeline.matrix import harmonize_plan, input_columns
from splice_meta.runtime.stages import FEATURES, PREDICT, READ, stage
from splice_meta.selection import gene_summary, mark_uncertain
from splice_meta.settings import RunSettings
from splice_meta.sink import as_text, code_texts
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.training_dataset import mark_trained

ENGINE: Literal["in-memory"] = "in-memory"
"""A batch fits in memory, and its plans share the marked rows, which this engine does not copy; the
streaming engine takes a third more CPU time for the same bits."""


BLOCK_ROWS = 1 << 17
"""Picked rows whose features are in memory at a time, about 1 KB each: so they do not grow with a
gene. As many as the shards of a run in ``hybrid`` have by default."""


SUMMED = frozenset({"gene_id", GENE, "criteria_met", *SCORES, "is_uncertain", "is_adjusted"})
"""The columns that the summary of genes reads."""


@dataclass(frozen=True)
class BatchPrediction:
    """What one gene batch came to.

    Attributes:
        complete: The combined prediction, lazy over collected columns; texts of genes are coded,
            see :func:`splice_meta.sink.code_texts`.
        marked: Every row of the batch with base scores and measures; texts of genes are coded.
        outcome: What became of the rows, for those who need but a few of them.
        matrix: The features of the adjusted rows with their keys; None where it was not asked for.
        genes: One row per gene: positions, uncertain, adjusted, achieved rate and thresholds.
    """

    complete: pl.LazyFrame
    marked: pl.DataFrame
    outcome: Outcome
    matrix: pl.DataFrame | None
    genes: pl.DataFrame


def plan_marked(
    scores: pl.LazyFrame, model: MetaModel | None, settings: RunSettings
) -> pl.LazyFrame:
    """The lazy plan of one gene batch up to the selection.

    Args:
        scores: Canonical base scores of whole genes, each gene's rows adjacent and ascending.
        model: The meta-model; may be None in ``base_only``.
        settings: Mode, selection and features.

    Returns:
        Every row with ``is_uncertain``, ``is_adjusted`` and what outputs, features and
        :func:`splice_meta.selection.gene_summary` need.
    """
    marked = _mark(scores, settings)
    names = marked.collect_schema().names()
    wanted = SUMMED | _read_columns(names, model, settings)
    return marked.select(
        pl.col(name).cast(pl.Float32) if name in FLOAT_MEASURES else column(name)
        for name in names
        if name in wanted
    )


def _mark(scores: pl.LazyFrame, settings: RunSettings) -> pl.LazyFrame:
    """Canonical scores with the position axis, the measures and what the model sees of them."""
    adjusted = {
        "hybrid": pl.col("is_uncertain"),
        "meta_only": pl.lit(True),
        "base_only": pl.lit(False),
    }[settings.mode]
    measured = settings.columns == "full"
    marked = mark_uncertain(with_axis(scores), settings.selection, measured)
    return marked.with_columns(is_adjusted=adjusted)


def _read_columns(
    names: Collection[str], model: MetaModel | None, settings: RunSettings
) -> set[str]:
    """Of the columns of marked scores those that the outputs, the counts and the features need."""
    marks = {"is_uncertain", "is_adjusted", "splice_type"}
    wanted = {"gene_id", AXIS, *PLACE, "position", *SCORES, "base", *marks}
    wanted |= compared_columns(model)
    if settings.columns == "full":
        wanted |= {*MEASURES}
    if model is not None and settings.mode != "base_only":
        wanted |= input_columns(names, model.manifest, settings.features) | {*model.columns}
    return wanted


def describe_plan(
    scores: BaseScores, first: int, stop: int, model: MetaModel | None, settings: RunSettings
) -> str:
    """The optimized query plan of a gene batch, as Polars words it, for debugging."""
    rows = scores.batch(first, stop)
    if model is None or settings.mode == "base_only":
        return plan_marked(rows, model, settings).explain()
    marked = _mark(rows, settings)
    return plan_matrix(marked, model, settings, "is_adjusted", scores.gene_values).explain()


def plan_matrix(
    marked: pl.LazyFrame,
    model: MetaModel,
    settings: RunSettings,
    picked: str,
    gene_values: pl.DataFrame | None = None,
) -> pl.LazyFrame:
    """The features that a model reads of the rows marked as ``picked``, and what it adds to."""
    return harmonize_plan(
        marked, model.manifest, settings.features, picked, (*SCORES, *model.columns), gene_values
    )


def predict_batch(
    scores: pl.LazyFrame,
    model: MetaModel | None,
    settings: RunSettings,
    dataset: pl.LazyFrame | None = None,
    gene_values: pl.DataFrame | None = None,
    keep_matrix: bool = False,
) -> BatchPrediction:
    """Predict one gene batch: its rows are marked, then the model runs on blocks of those picked.

    Args:
        scores: As for :func:`plan_marked`.
        model: The meta-model; may be None in ``base_only``.
        settings: How to predict.
        dataset: Training genes and positions, to mark rows that were trained on.
        gene_values: The annotation's genomic features by ``gene_id``.
        keep_matrix: Whether the features are wanted, too.

    Raises:
        ModelError: If the model's predictions are not probabilities.
        FeatureError: If the model needs features that cannot be made.
    """
    with stage(READ):
        rows = code_texts(_in_one_piece(scores.collect(engine=ENGINE)))
        # Bases go around the plan, which would copy their chunks together.
        bases = rows.select(name for name in ("base",) if name in rows.columns)
        marked = plan_marked(rows.drop(bases.columns).lazy(), model, settings).collect(
            engine=ENGINE
        )
        del rows  # with columns that are not read on
        genes = gene_summary(marked)
        marked = marked.drop(SUMMED - _read_columns(marked.columns, model, settings))
        marked = marked.hstack(bases)
    found, matrix = pl.DataFrame(), None
    if model is not None and settings.mode != "base_only":
        found, matrix = predict_picked(marked, model, settings, gene_values, keep_matrix)
    if dataset is not None:
        keys = as_text(marked.lazy().select("gene_id", "position"))
        marked = marked.hstack(mark_trained(keys, dataset).select("in_training").collect())
    outcome = Outcome.of(marked, found)
    return BatchPrediction(
        complete=combine(marked, outcome, settings.columns),
        marked=marked,
        outcome=outcome,
        matrix=matrix,
        genes=genes,
    )


def _in_one_piece(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows whose numbers lie in one piece: once for all who look at them with numpy."""
    return pl.DataFrame([each if each.dtype == pl.String else each.rechunk() for each in rows])


def predict_picked(
    marked: pl.DataFrame,
    model: MetaModel,
    settings: RunSettings,
    gene_values: pl.DataFrame | None,
    keep_matrix: bool = False,
) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """The model's probabilities of the adjusted rows; and their features, if they are kept.

    Args:
        marked: Rows with the position axis, each gene's full axis or what of it features may look
            at; ``is_adjusted`` marks those that are wanted.
        model: The meta-model.
        settings: Which features are made, and how many rows go to the model at a time.
        gene_values: The annotation's genomic features by ``gene_id``.
        keep_matrix: Whether the features are wanted, too.
    """
    from splice_meta.model.predict import predict_proba

    kind = marked.schema["gene_id"]
    rows = marked.lazy()
    if settings.features.custom:  # they may take the ids for text
        rows, kind = as_text(rows), pl.String()
    if gene_values is not None:
        gene_values = gene_values.with_columns(pl.col("gene_id").cast(kind, strict=False))
    found, kept = [], []
    for block in _blocks(marked["is_adjusted"]):
        picked = rows.with_columns(is_adjusted=block)
        with stage(FEATURES):
            matrix = plan_matrix(picked, model, settings, "is_adjusted", gene_values).collect(
                engine=ENGINE
            )
        with stage(PREDICT):
            found.append(predict_proba(model, matrix, settings.predict_rows))
        if keep_matrix:
            kept.append(matrix)
    return pl.concat(found), as_text(pl.concat(kept).lazy()).collect() if kept else None


def _blocks(picked: pl.Series) -> list[pl.Series]:
    """The picked rows as masks of up to :data:`BLOCK_ROWS` of them each; at least one mask."""
    count = int(picked.sum())
    if count <= BLOCK_ROWS:
        return [picked]
    rows = picked.arg_true().to_numpy()
    blocks = []
    for some in np.array_split(rows, -(-count // BLOCK_ROWS)):
        mask = np.zeros(len(picked), np.bool_)
        mask[some] = True
        blocks.append(pl.Series(mask))
    return blocks


def predict_genes(
    scores: BaseScores,
    first: int,
    stop: int,
    model: MetaModel | None,
    settings: RunSettings,
    dataset: pl.LazyFrame | None = None,
    keep_matrix: bool = False,
) -> BatchPrediction:
    """Predict the genes first..stop (0-based, in input order) of checked base scores.

    Raises:
        InputError: If the rows are not those that were checked, as with a lazy frame that gives
            its rows in another order each time it is evaluated.
    """
    rows, values = scores.batch(first, stop), scores.gene_values
    batch = predict_batch(rows, model, settings, dataset, values, keep_matrix)
    scores.verify(batch.genes, first, stop)
    return batch
