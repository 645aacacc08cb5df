"""From anything that can be evaluated to figures with intervals, systems side by side."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.errors import UsageError
from splice_meta.evaluation.modes import chosen_modes, mode_systems, predict_modes
from splice_meta.evaluation.subject import Subject, open_subject
from splice_meta.evaluation.summary import Evaluation, summarise
from splice_meta.evaluation.tally import Batches, Systems, tally
from splice_meta.model.bundle import MetaModel
from splice_meta.model.load import load_model
from splice_meta.pipeline.matching import fitting, require_base_models, sources_for
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import open_reference
from splice_meta.reference.sequence import Genome
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.watching import Progress, Watcher, watcher_of
from splice_meta.settings import MODES, Mode, RunSettings

log = logging.getLogger("splice_meta")


@plain_panics()
def evaluate(
    source: Any,
    model: Any = None,
    *,
    modes: Sequence[Mode] | None = None,
    genes: str | Sequence[str] | None = None,
    training_genes: Collection[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    settings: RunSettings | None = None,
    annotation: str | Path | Annotation | None = None,
    fasta: str | Path | Genome | None = None,
    trust_pickle: bool = False,
    progress: Progress = False,
) -> pl.DataFrame:
    """How good base and final probabilities are, side by side, over every position.

    Let p be a position's probability of a class, y whether it is annotated as that class. Sums go
    over all positions of a group of genes, negatives included. Per class (``donor``,
    ``acceptor``):

    * ``average_precision``: sum over falling thresholds of (gain in recall) x (precision), as
      scikit-learn's ``average_precision_score``; ties count as one threshold.
    * ``top_k_accuracy``: with k annotated sites, the share of sites among the k positions with
      the highest p; tied positions at the end count by expectation.
    * ``true_positives``, ``false_positives``, ``false_negatives``: called where p >= 0.5.
      ``precision`` = TP / (TP + FP), ``recall`` = TP / (TP + FN), ``f1`` =
      2 TP / (2 TP + FP + FN).
    * ``best_f1``: the largest F1 over all thresholds; ``best_threshold``, ``best_precision`` and
      ``best_recall`` belong to it. Chosen on the data it is measured on, so it flatters.
    * ``rescued``: sites that the first system misses at 0.5 and this one calls; ``lost``: the
      other way round. ``false_positives_removed`` and ``false_positives_added``: the same of
      positions that are no site.
    * ``ece``: expected calibration error over candidates (a base model's donor or acceptor
      score at least 0.001, or annotated): sum over 15 bins of equal width of (share of
      candidates in the bin) x |mean p - mean y|. ``ece_scored``: the same without candidates that
      score less but are annotated, which no model can tell from other positions by such scores.
    * ``sites``: annotated sites.

    Over both (class ``all``):

    * ``log_loss_per_site``: sum of -ln p(true class) over all positions, divided by the number of
      annotated sites; p below 1e-9 counts as 1e-9.
    * ``brier_per_site``: sum over positions and the three classes of (p - y)^2, divided likewise.
    * ``ece``, ``ece_scored``: the mean of the donor's and the acceptor's.
    * ``sites``, ``positions``, ``candidates``.

    Intervals hold the middle 95% of the figures of ``resamples`` draws of genes with replacement
    (as many as there are genes); all systems see the same draws, so changes are paired. With fewer
    than about ten genes intervals are rough, with one gene there are none.

    Args:
        source: Complete-coverage predictions that have ``splice_type``, the truth (a frame, score
            files or a directory of parts; tables of version 0.1.0, too): systems ``base`` and
            ``final``; the output directory of a run: the same; or base scores with
            ``splice_type``, anything :func:`splice_meta.scan_scores` reads: ``base`` and, with a
            model, each of ``modes``.
        model: A model, a bundle directory, a model file or ``bundled:NAME``. It predicts base
            scores; of predictions it only says which genes it was trained on.
        modes: ``base_only``, ``hybrid``, ``meta_only``; by default all of them.
        genes: Only these genes; those without scores are named in a warning.
        training_genes: Genes the model was trained on; by default those the run or the model
            names. Where some of them are evaluated, the groups ``seen`` and ``unseen`` are shown
            next to ``all``.
        resamples: Bootstrap draws of genes for the intervals; 0 for none.
        seed: Random seed of the draws; the same seed gives the same intervals.
        settings: Selection, features and memory of the predictions.
        annotation: GTF or GFF3: its splice sites are the truth, in place of any the source has;
            genes it lacks are left out. Also for genomic features.
        fasta: For bases, where base scores have none.
        trust_pickle: Allow pickled models, through an allow-list.
        progress: Show progress, or a watcher that receives it: positions.

    Returns:
        One row per group, metric and class: ``group``, ``metric``, ``class``, then for each
        system ``NAME``, ``NAME_low``, ``NAME_high``, and for each but the first ``NAME_change``
        (less the first system), ``NAME_change_low``, ``NAME_change_high``; Float64, null where a
        figure is not defined.

    Raises:
        SpliceMetaError: If source, model or settings cannot be used, there is no truth, or no
            annotated site.
    """
    return measure(
        source, model, modes=modes, genes=genes, training_genes=training_genes,
        resamples=resamples, seed=seed, settings=settings, annotation=annotation, fasta=fasta,
        trust_pickle=trust_pickle,
        progress=progress,
    ).table  # fmt: skip


def measure(
    source: Any,
    model: Any = None,
    *,
    modes: Sequence[Mode] | None = None,
    genes: str | Sequence[str] | None = None,
    training_genes: Collection[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    settings: RunSettings | None = None,
    annotation: str | Path | Annotation | None = None,
    fasta: str | Path | Genome | None = None,
    trust_pickle: bool = False,
    progress: Progress = False,
) -> Evaluation:
    """As :func:`evaluate`, with the reliability table and what was evaluated.

    Args:
        source: As for :func:`evaluate`, like the other arguments.
        model: The model.
        modes: Which modes.
        genes: Only these genes.
        training_genes: Genes the model was trained on.
        resamples: How often genes are drawn.
        seed: Random seed of the draws.
        settings: Selection, features and memory.
        annotation: Where the truth comes from.
        fasta: For bases.
        trust_pickle: Allow pickled models.
        progress: Show progress, or a watcher that receives it: positions.
    """
    if resamples < 0 or seed < 0:
        raise UsageError(
            f"There are {resamples} resamples with the seed {seed}; one of them is below 0.",
            "Give numbers of 0 or more; with 0 resamples there are no intervals.",
        )
    chosen = settings or RunSettings()
    whole = None if model is None else load_model(model, trust_pickle=trust_pickle)
    loaded = fitting(whole, source)
    reference = open_reference(annotation, fasta)
    source = sources_for(source, loaded, keep_others=True)
    subject = open_subject(source, [genes] if isinstance(genes, str) else genes, reference)
    if subject.kind == "base scores":
        require_base_models(loaded, subject.scores)
    for gene in subject.scores.absent:
        log.warning("Gene %s has no base scores.", gene)
    if training_genes is None:
        training_genes = subject.trained or (loaded.training_genes if loaded else ())
    with _prepared(subject, loaded, modes, chosen, watcher_of(progress)) as (batches, systems):
        bases = [name for name in systems if name not in ("final", *MODES)]
        sums = tally(batches, systems, training_genes, bases)
    return summarise(sums, resamples=resamples, seed=seed, kind=subject.kind)


@contextmanager
def _prepared(
    subject: Subject,
    model: MetaModel | None,
    modes: Sequence[Mode] | None,
    settings: RunSettings,
    watch: Watcher,
) -> Iterator[tuple[Batches, Systems]]:
    """Batches that can be gone through twice, with their systems.

    Predictions of base scores lie in a temporary folder meanwhile, so that the model runs once.
    """
    if subject.kind != "base scores" and modes:
        raise UsageError(
            "Predictions are evaluated as they are; modes cannot be chosen.",
            "Give base scores and a model to compare modes.",
        )
    chosen = chosen_modes(model, modes) if subject.kind == "base scores" else ()
    passes = 3 if chosen else 2
    watch.started("evaluating", passes * subject.scores.table.positions)
    report = watch.advanced
    if not chosen:
        yield lambda: _told(subject.batches(settings.memory), report), subject.systems
        return
    with tempfile.TemporaryDirectory(prefix="splice_meta_evaluate_") as folder:
        files = predict_modes(
            subject.scores, subject.systems, model, settings, chosen, Path(folder), report
        )
        systems = {**subject.systems, **mode_systems(chosen)}
        yield lambda: _told(map(pl.read_parquet, files), report), systems


def _told(batches: Iterator[pl.DataFrame], report: Callable[[int], None]) -> Iterator[pl.DataFrame]:
    for batch in batches:
        yield batch
        report(batch.height)
