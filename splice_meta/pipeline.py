"""The way from base scores to predictions: only here are the stages put together.

``base scores -> contract -> selection -> features -> harmonize -> predict -> combine``, as lazy
plans over a batch of whole genes. The plans are the same for one gene and for many, and nothing
is collected before the predict batch.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from splice_meta.combine import PLACE, combine
from splice_meta.contracts import FLOAT_MEASURES, MEASURES, SCORES, with_axis
from splice_meta.errors import UsageError
from splice_meta.features import plan_features as plan_feature_columns
from splice_meta.harmonize import Fills, find_fills, harmonize
from splice_meta.manifest import FeatureManifest, load_manifest
from splice_meta.model.bundle import MetaModel, load_model
from splice_meta.selection import gene_summary, mark_uncertain
from splice_meta.settings import Columns, FeatureSettings, Mode, RunSettings, Selection
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.opened import BaseScores
from splice_meta.sources.training_dataset import mark_trained

log = logging.getLogger("splice_meta")


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
        complete: The combined prediction, lazy over collected columns.
        marked: Every row of the batch with base scores and measures.
        matrix: The features of the adjusted rows with their keys; None in ``base_only``.
        genes: One row per gene: positions, uncertain, adjusted, achieved rate and thresholds.
    """

    complete: pl.LazyFrame
    marked: pl.DataFrame
    matrix: pl.DataFrame | None
    genes: pl.DataFrame


def plan_features(
    scores: Any,
    manifest: str | FeatureManifest = "reference124",
    *,
    features: FeatureSettings | None = None,
    selection: Selection | None = None,
) -> pl.LazyFrame:
    """The lazy plan of a feature matrix.

    Args:
        scores: Base scores, anything :func:`splice_meta.scan_scores` reads. They are checked.
        manifest: ``reference124``, ``extended``, a manifest or a manifest file. With several base
            models a manifest known by name lists the features of scores once for each.
        features: Which families are made; all by default.
        selection: Only the uncertain positions of this selection; every position if None.

    Returns:
        ``gene_id``, ``position``, then exactly the manifest's columns in its order and types.

    Raises:
        FeatureError: If the manifest needs a feature that nothing makes and that is never filled.
        ContractError: If the scores break the contract.
    """
    opened = open_scores(scores)
    rows = opened.all_rows()
    settings = features or FeatureSettings()
    listed = load_manifest(manifest, opened.several)
    axis = with_axis(rows)
    marked = axis if selection is None else mark_uncertain(axis, selection)
    picked = None if selection is None else "is_uncertain"
    return harmonize_plan(marked, listed, settings, picked, gene_values=opened.gene_values)


def fills_of(scores: BaseScores, manifest: FeatureManifest, settings: FeatureSettings) -> Fills:
    """What a manifest's features would be filled with for these scores, and why.

    Raises:
        FeatureError: If a feature is missing that is never filled.
    """
    return fills_of_rows(scores.all_rows(), scores.gene_values, manifest, settings)


def fills_of_rows(
    rows: pl.LazyFrame,
    values: pl.DataFrame | None,
    manifest: FeatureManifest,
    settings: FeatureSettings,
) -> Fills:
    """As :func:`fills_of`, for canonical scores and the genomic features of their genes."""
    _, made = plan_feature_columns(with_axis(rows), manifest, settings, gene_values=values)
    fills = find_fills(manifest, made, settings, "base" in rows.collect_schema())
    return replace(fills, partly=_partly_filled(values, made))


def _partly_filled(values: pl.DataFrame | None, made: Sequence[str]) -> str:
    """A sentence on genes whose genomic features are not all known; empty if they are."""
    if values is None:
        return ""
    known = values.select("gene_id", *(name for name in values.columns[1:] if name in made))
    lacking = known.filter(pl.any_horizontal(pl.exclude("gene_id").is_null()))
    if lacking.is_empty() or known.width == 1:
        return ""
    return (
        f"genomic features filled for {lacking.height:,} of {known.height:,} genes that the "
        f"annotation lacks or knows no exons of, first {lacking['gene_id'][0]}"
    )


def harmonize_plan(
    marked: pl.LazyFrame,
    manifest: FeatureManifest,
    settings: FeatureSettings,
    picked: str | None,
    also: Sequence[str] = (),
    gene_values: pl.DataFrame | None = None,
) -> pl.LazyFrame:
    """Features of the picked rows, harmonized.

    Args:
        marked: Canonical scores with the position axis.
        manifest: What the model needs.
        settings: Which families are on.
        picked: The Boolean column that marks the wanted rows; every row if None.
        also: Score columns to keep behind the features, where the manifest lacks them.
        gene_values: The annotation's genomic features by ``gene_id``.
    """
    plan, made = plan_feature_columns(marked, manifest, settings, picked, gene_values)
    fills = find_fills(manifest, made, settings, "base" in marked.collect_schema())
    return harmonize(plan, manifest, fills, also)


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
    kept = marked.select(_kept_columns(marked.collect_schema().names(), settings))
    return BatchPlan(kept if dataset is None else mark_trained(kept, dataset), matrix, genes)


def _kept_columns(names: Sequence[str], settings: RunSettings) -> list[str | pl.Expr]:
    """The columns of a batch that are collected: those that some output needs."""
    wanted = {"gene_id", *PLACE, "position", *SCORES, "is_uncertain", "is_adjusted"}
    if settings.columns == "full":
        wanted |= {*MEASURES, "splice_type"}
    if "base" in settings.outputs:
        wanted |= {"base", "splice_type"}
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
        marked, genes = pl.collect_all([plan.marked, plan.genes])
        matrix, found = None, pl.DataFrame()
    else:
        from splice_meta.model.predict import predict_proba

        marked, genes, matrix = pl.collect_all([plan.marked, plan.genes, plan.matrix])
        found = predict_proba(model, matrix, settings.predict_rows)
    return BatchPrediction(
        complete=combine(marked.lazy(), found, settings.columns),
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

    About twice what was measured as the growth of the process over one batch of 1.3 or 3.1
    million positions (110 features, full columns): at most 141 bytes per position in
    ``base_only``, 189 in ``hybrid``, 726 in ``meta_only``.
    """
    share = {"hybrid": 0.1, "meta_only": 1.0, "base_only": 0.0}[settings.mode]
    if settings.mode == "hybrid" and settings.selection.is_tuned:
        share = settings.selection.target_rate
    return feature_bytes(len(model.manifest.names) if model else 0, share)


def feature_bytes(features: int, share: float) -> int:
    """Bytes per position where features are made for a share (0..1) of the positions."""
    return 260 + int(12 * features * share)


def require_model(model: Any, mode: Mode, trust_pickle: bool = False) -> MetaModel | None:
    """Load the model where the mode needs one.

    Args:
        model: A model or where it lies.
        mode: ``base_only`` needs none.
        trust_pickle: Allow pickled models, through an allow-list.

    Raises:
        UsageError: If there is none.
    """
    if model is None and mode != "base_only":
        raise UsageError(f"The mode {mode} needs a model.", "Give a model, or use base_only.")
    return (
        None
        if model is None or mode == "base_only"
        else load_model(model, trust_pickle=trust_pickle)
    )


def require_base_models(model: MetaModel | None, scores: BaseScores) -> None:
    """Refuse scores that lack a base model the meta-model needs.

    A model whose features name none takes unnamed scores as they are; under names, its (first)
    base model must be the first, because that is the one whose predictions are kept and
    recalibrated.

    Raises:
        UsageError: It says which base models are needed and which are there.
    """
    if model is None:
        return
    needed, given = model.manifest.base_models, scores.names
    missing = [name for name in needed if name not in given]
    primary = model.base_models[:1]
    if not needed and given:
        missing = [name for name in primary if name != given[0]]
    if missing:
        wanted = " and ".join(needed or primary)
        listed = ", ".join(given) or "scores without a name"
        first = "" if needed else " first"
        raise UsageError(
            f"The model needs base scores of {wanted}{first}; given are {listed}.",
            f"Give --scores {missing[0]}=PATH (in Python a mapping of names to scores).",
        )


def predict(
    scores: Any,
    model: Any = None,
    *,
    mode: Mode | None = None,
    selection: Selection | None = None,
    features: FeatureSettings | None = None,
    columns: Columns | None = None,
    genes: str | Sequence[str] | None = None,
    settings: RunSettings | None = None,
) -> pl.DataFrame:
    """Complete-coverage predictions, one row per nucleotide, in input order.

    Args:
        scores: Base scores, anything :func:`splice_meta.scan_scores` reads. They are checked.
        model: A :class:`MetaModel`, a bundle directory, a model file or ``bundled:NAME``; may be
            None in ``base_only``.
        mode: ``hybrid`` (default), ``meta_only`` or ``base_only``.
        selection: What counts as uncertain.
        features: Which feature families are made.
        columns: ``full`` (default) or ``lean``.
        genes: Only these genes; those without scores are named in a warning.
        settings: All of the above, and the memory budget, at once; the arguments above that are
            given win over it.

    Returns:
        The combined prediction, see the README's table of outputs.

    Raises:
        SpliceMetaError: If settings, scores or model cannot be used.
    """
    given = settings or RunSettings()
    chosen = replace(
        given,
        mode=mode or given.mode,
        columns=columns or given.columns,
        outputs=("complete",),
        selection=selection or given.selection,
        features=features or given.features,
    )
    loaded = require_model(model, chosen.mode)
    opened = open_scores(scores, [genes] if isinstance(genes, str) else genes)
    require_base_models(loaded, opened)
    for gene in opened.absent:
        log.warning("Gene %s has no base scores.", gene)
    return pl.concat(
        predict_genes(opened, first, stop, loaded, chosen).complete.collect()
        for first, stop in opened.batches(chosen.memory, bytes_per_position(loaded, chosen))
    )
