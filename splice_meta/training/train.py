"""From base scores with truth to a meta-model and its evaluation card."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import CLASSES, all_scores_in
from splice_meta.errors import UsageError
from splice_meta.manifest import FeatureManifest
from splice_meta.model.bundle import MetaModel
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import open_reference
from splice_meta.reference.sequence import Genome
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.watching import Progress, Watcher, watcher_of
from splice_meta.settings import TrainSettings
from splice_meta.sink import sink_parquet
from splice_meta.training.boost import boost, make_problem
from splice_meta.training.calibrate import cross_fitted, fit_calibration, log_loss
from splice_meta.training.card import control_figures, make_card, test_figures
from splice_meta.training.cross_validation import cross_validate
from splice_meta.training.description import description
from splice_meta.training.drift import score_distances
from splice_meta.training.rows import TRUTH, WEIGHT, TrainingRows, collect_rows
from splice_meta.training.splits import make_folds
from splice_meta.training.start import empty_model
from splice_meta.training.subject import Subject, open_training

log = logging.getLogger("splice_meta")

HELD_OUT = ("donor_held_out", "acceptor_held_out", "neither_held_out")


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training came to.

    Attributes:
        model: The meta-model, over all training genes.
        held_out: The training rows with out-of-fold predictions: ``gene_id``, ``position``,
            ``truth``, ``weight``, ``fold``, base scores, ``donor_held_out`` ...; calibrated by
            the other folds.
    """

    model: MetaModel
    held_out: pl.DataFrame


@plain_panics()
def train(
    scores: Any,
    manifest: str | Path | FeatureManifest = "extended",
    *,
    settings: TrainSettings | None = None,
    genes: str | Sequence[str] | None = None,
    leave_out: Sequence[str] = (),
    test_chroms: Sequence[str] = (),
    base_model: str = "",
    annotation_features: bool = False,
    annotation: str | Path | Annotation | None = None,
    fasta: str | Path | Genome | None = None,
    control: bool = False,
    licence: str = "",
    held_out: str | Path | None = None,
    base_trained_chroms: Sequence[str] | None = None,
    optional_base_models: bool = False,
    columns: Sequence[str] = (),
    progress: Progress = False,
) -> MetaModel:
    """Train a meta-model on base scores with truth.

    By default the trees add to the base model's log-probabilities; held-out genes decide how many
    rounds; a calibration is fitted to their predictions; the model is then trained on all genes.
    The same input, in whatever order, the same settings and machine give the same bits.

    Args:
        scores: Base scores with ``splice_type``, anything :func:`splice_meta.scan_scores` reads;
            a mapping of names for several base models.
        manifest: ``extended``, ``reference124``, a manifest or a manifest file. Those known by
            name come without features that count annotated sites, see ``annotation_features``.
        settings: How to train.
        genes: Only these genes.
        leave_out: Not these genes; those without scores are named in a warning.
        test_chroms: Not the genes on these chromosomes: the model is tested on them, every
            position of them, and the figures go into its card.
        base_model: Name of the base model, where ``scores`` does not name it.
        annotation_features: Keep the features of the annotation (``num_exons``,
            ``n_splice_sites`` ...) in a manifest known by name, where the scores carry them.
            They tell the model what it is to predict; it learns to trust them, and where a gene is
            annotated poorly it goes wrong with confidence.
        annotation: GTF or GFF3: its splice sites are the truth, in place of any the scores have;
            genes it lacks are left out. Also for the features of the annotation.
        fasta: The sequence, for bases where the scores have none.
        control: Also cross-validate with shuffled labels, which should come out at chance.
        licence: What the base scores' licence allows, for the bundle.
        held_out: Write the out-of-fold predictions here, as Parquet.
        base_trained_chroms: Chromosomes the base models were trained on, where their scores look
            better than they are; by default those of the known base models. The card gives
            figures of these chromosomes and the others apart, and genes on them count
            ``settings.base_trained_weight``.
        optional_base_models: Also train a part of the model for each smaller choice of the base
            models, so that it predicts where the scores of others lack. (One set of trees that
            learned with base models left out of some rows predicted worse, see docs/developer.)
        columns: Columns of numbers of the scores (conservation, chromatin, junction reads ...) that
            are features, too; predictions need them in their tables then.
        progress: Show progress, or a watcher that receives it: positions, then rounds.

    Returns:
        The model; ``.save(path)`` writes the bundle.

    Raises:
        SpliceMetaError: If scores, manifest or settings cannot be used.
    """
    chosen, watch = settings or TrainSettings(), watcher_of(progress)
    reference = open_reference(annotation, fasta)
    choices = smaller_choices(scores) if optional_base_models else []

    def fitted(given: Any) -> Trained:
        subject = open_training(
            given, manifest=manifest, genes=genes, leave_out=leave_out, test_chroms=test_chroms,
            base_model=base_model, annotation_features=annotation_features,
            reference=reference, base_trained_chroms=base_trained_chroms, own=columns,
        )  # fmt: skip
        return fit(subject, chosen, control=control, licence=licence, watch=watch)

    trained = fitted(scores)
    if held_out is not None:
        sink_parquet(trained.held_out.lazy(), Path(held_out))
    return replace(trained.model, parts=tuple(fitted(given).model for given in choices))


def smaller_choices(scores: Any) -> list[dict[str, Any]]:
    """Every choice of some, but not all, of several base models, most first.

    Args:
        scores: Scores by the base models' names.

    Raises:
        UsageError: If there are not several base models.
    """
    if not isinstance(scores, Mapping) or len(scores) < 2:
        raise UsageError(
            "The base models cannot be optional: the scores are not of several.",
            "Give the scores of each base model as NAME=PATH.",
        )
    sizes = range(len(scores) - 1, 0, -1)
    return [dict(some) for size in sizes for some in combinations(scores.items(), size)]


def fit(
    subject: Subject, settings: TrainSettings, *, control: bool, licence: str, watch: Watcher
) -> Trained:
    """Cross-validate, calibrate, train on everything, and write the card.

    Args:
        subject: What to learn from.
        settings: How.
        control: Also cross-validate with shuffled labels.
        licence: For the bundle.
        watch: Told about progress.
    """
    seeds = range(settings.seed, settings.seed + settings.repeats_for(subject.places.height))
    assigned = [make_folds(subject.places, settings.split, settings.folds, s) for s in seeds]
    watch.started("reading", subject.scores.table.positions)
    rows = collect_rows(
        subject.scores, subject.manifest, settings, watch.advanced, subject.base_models
    )
    folds = [_fold_of(rows, each) for each in assigned]
    fold = folds[0]
    blank = empty_model(rows, settings, subject.base_models)
    problem = make_problem(rows, blank, settings, subject.base_trained_genes)
    rounds = settings.rounds * len(problem.outputs)
    watch.started("cross-validating", rounds * (2 if control else 1))
    found = cross_validate(problem, folds, watch.advanced)
    labelled = (problem.truth, problem.weight)
    held = cross_fitted(settings.calibration, found.probabilities, *labelled, fold)
    plain, mended = (log_loss(p, *labelled) for p in (found.probabilities, held))
    if mended > plain:
        log.warning(
            "The %s calibration makes the log-loss of held-out genes %.3f times as large; "
            "calibration none may be better.", settings.calibration, mended / plain,
        )  # fmt: skip
    held_out = _held_out(rows, fold, held)
    shuffled = control_figures(problem, fold, settings, watch.advanced) if control else None
    # All genes are k / (k - 1) times as many as a fold was trained on, and bear more rounds.
    folds_used = int(fold.max()) + 1
    longer = {o: round(n * folds_used / (folds_used - 1)) for o, n in found.rounds.items()}
    watch.started("boosting", 1)
    model = replace(
        blank,
        boosters=boost(problem, longer),
        calibration=fit_calibration(settings.calibration, found.probabilities, *labelled),
        training_genes=tuple(sorted(subject.places["gene_id"])),
    )
    watch.advanced(1)
    card = make_card(
        held_out, subject.base_models, HELD_OUT, subject.places, subject.base_trained
    ) | {
        "shuffled_labels": shuffled,
        "score_distances": score_distances(
            rows.distributions, rows.beside, subject.test, settings.memory
        ),
    }
    if subject.test is not None:
        watch.started("testing", 3 * subject.test.table.positions)
        card |= {"test": test_figures(subject.test, model, watch.advanced)}
    data = description(subject, rows, settings, list(longer.values()))
    return Trained(
        model=replace(model, metadata={**data, "licence": licence, "card": card}),
        held_out=held_out,
    )


def _fold_of(rows: TrainingRows, folds: pl.DataFrame) -> npt.NDArray[np.int64]:
    found = rows.frame.select("gene_id").join(
        folds, on="gene_id", how="left", maintain_order="left"
    )
    return found["fold"].to_numpy()


def _held_out(
    rows: TrainingRows, fold: npt.NDArray[np.int64], held: npt.NDArray[np.float32]
) -> pl.DataFrame:
    scores = [column for names in all_scores_in(rows.frame.columns) for column in names]
    by_class = dict(zip(CLASSES, held.T, strict=True))
    return rows.frame.select("gene_id", "position", TRUTH, WEIGHT, *scores).with_columns(
        pl.Series("fold", fold),
        *(pl.Series(column, by_class[column.split("_")[0]]) for column in HELD_OUT),
    )
