"""From anything that can be evaluated to figures with intervals, systems side by side."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.errors import UsageError
from splice_meta.evaluation.intervals import interval, resampled_figures
from splice_meta.evaluation.metrics import EXTENT, Figures, point_figures, reliability
from splice_meta.evaluation.modes import chosen_modes, predict_modes, with_base
from splice_meta.evaluation.ranking import Floats
from splice_meta.evaluation.subject import Subject, open_subject
from splice_meta.evaluation.tally import SITES, Batches, Systems, Tally, tally
from splice_meta.model.bundle import MetaModel, load_model
from splice_meta.settings import Mode, RunSettings

log = logging.getLogger("splice_meta")

ORDER = (
    "log_loss_per_site", "brier_per_site", "average_precision", "top_k_accuracy", "precision",
    "recall", "f1", "best_f1", "best_threshold", "best_precision", "best_recall",
    "true_positives", "false_positives", "false_negatives", "rescued", "lost",
    "false_positives_removed", "false_positives_added", "ece", "sites", "positions", "candidates",
)  # fmt: skip
"""The metrics, in the order of the result's rows."""

Progress = Callable[[int, int], None]
"""Told the positions gone through so far, and how many there are to go through."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """A set of genes that is evaluated on its own.

    Attributes:
        name: ``all``, ``seen`` or ``unseen``.
        genes: Number of genes.
        positions: Number of positions.
        sites: Number of annotated sites.
    """

    name: str
    genes: int
    positions: float
    sites: float


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Figures, and what they were made from.

    Attributes:
        table: What :func:`evaluate` returns.
        reliability: What was predicted and what was true by bin of probability, see
            :func:`splice_meta.evaluation.metrics.reliability`.
        kind: ``predictions``, ``run`` or ``base scores``.
        systems: Names of the systems; the first is the reference.
        groups: The groups of genes.
        resamples: How often genes were drawn for the intervals.
        seed: Of the draws.
    """

    table: pl.DataFrame
    reliability: pl.DataFrame
    kind: str
    systems: tuple[str, ...]
    groups: tuple[Group, ...]
    resamples: int
    seed: int


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
    trust_pickle: bool = False,
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
    * ``ece``: expected calibration error over candidates (max of donor and acceptor of the first
      system at least 0.001, or annotated): sum over 15 bins of equal width of (share of
      candidates in the bin) x |mean p - mean y|.
    * ``sites``: annotated sites.

    Over both (class ``all``):

    * ``log_loss_per_site``: sum of -ln p(true class) over all positions, divided by the number of
      annotated sites; p below 1e-9 counts as 1e-9.
    * ``brier_per_site``: sum over positions and the three classes of (p - y)^2, divided likewise.
    * ``ece``: the mean of the donor's and the acceptor's.
    * ``sites``, ``positions``, ``candidates``.

    Intervals hold the middle 95% of the figures of ``resamples`` draws of genes with replacement
    (as many as there are genes); all systems see the same draws, so changes are paired. Few genes
    give wide intervals, and with fewer than about ten they are themselves uncertain.

    Args:
        source: Complete-coverage predictions that have ``true_splice_type`` (a frame, a Parquet
            file or a directory of parts): systems ``base`` and ``final``; the output directory of
            a run: the same; or base scores with ``splice_type``, anything
            :func:`splice_meta.scan_scores` reads: ``base`` and, with a model, each of ``modes``.
        model: A model, a bundle directory, a model file or ``bundled:NAME``.
        modes: ``base_only``, ``hybrid``, ``meta_only``; by default all of them.
        genes: Only these genes; those without scores are named in a warning.
        training_genes: Genes the model was trained on; by default those the run or the model
            names. Where some of them are evaluated, the groups ``seen`` and ``unseen`` are shown
            beside ``all``.
        resamples: How often genes are drawn; 0 for no intervals.
        seed: Of the draws; the same seed gives the same intervals.
        settings: Selection, features and memory of the predictions.
        trust_pickle: Allow pickled models, through an allow-list.

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
        resamples=resamples, seed=seed, settings=settings, trust_pickle=trust_pickle,
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
    trust_pickle: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """As :func:`evaluate`, with the reliability table and what was evaluated.

    Args:
        source: As for :func:`evaluate`, like the other arguments.
        model: The model.
        modes: Which modes.
        genes: Only these genes.
        training_genes: Genes the model was trained on.
        resamples: How often genes are drawn.
        seed: Of the draws.
        settings: Selection, features and memory.
        trust_pickle: Allow pickled models.
        progress: Told how far it is.
    """
    if resamples < 0 or seed < 0:
        raise UsageError("Resamples and seed are not negative.", "Give 0 resamples for none.")
    chosen = settings or RunSettings()
    loaded = None if model is None else load_model(model, trust_pickle=trust_pickle)
    subject = open_subject(source, [genes] if isinstance(genes, str) else genes)
    for gene in subject.scores.absent:
        log.warning("Gene %s has no base scores.", gene)
    if training_genes is None:
        training_genes = subject.trained or (loaded.training_genes if loaded else ())
    with _prepared(subject, loaded, modes, chosen, progress) as (batches, systems):
        sums = tally(batches, systems, training_genes)
    return summarise(sums, resamples=resamples, seed=seed, kind=subject.kind)


@contextmanager
def _prepared(
    subject: Subject,
    model: MetaModel | None,
    modes: Sequence[Mode] | None,
    settings: RunSettings,
    progress: Progress | None,
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
    report = _counter(passes * subject.scores.table.positions, progress)
    if not chosen:
        yield lambda: _told(subject.batches(settings.memory), report), subject.systems
        return
    with tempfile.TemporaryDirectory(prefix="splice_meta_evaluate_") as folder:
        files = predict_modes(subject.scores, model, settings, chosen, Path(folder), report)
        yield lambda: _told(map(pl.read_parquet, files), report), with_base(chosen)


def _counter(total: int, progress: Progress | None) -> Callable[[int], None]:
    done = 0

    def add(positions: int) -> None:
        nonlocal done
        done += positions
        if progress is not None:
            progress(done, total)

    return add


def _told(batches: Iterator[pl.DataFrame], report: Callable[[int], None]) -> Iterator[pl.DataFrame]:
    for batch in batches:
        yield batch
        report(batch.height)


def summarise(sums: Tally, *, resamples: int, seed: int, kind: str = "frame") -> Evaluation:
    """Figures and intervals from sums.

    Args:
        sums: From :func:`splice_meta.evaluation.tally.tally`.
        resamples: How often genes are drawn.
        seed: Of the draws.
        kind: What was evaluated.
    """
    groups = _groups(sums)
    tables = [_table(sums, name, who, resamples, seed) for name, who in groups.items()]
    return Evaluation(
        table=pl.concat(tables),
        reliability=pl.concat([reliability(sums, name, who) for name, who in groups.items()]),
        kind=kind,
        systems=tuple(sums.systems),
        groups=tuple(
            Group(
                name=name,
                genes=int(who.sum()),
                positions=float(sums.positions[who].sum()),
                sites=float(_sites(sums)[who].sum()),
            )
            for name, who in groups.items()
        ),
        resamples=resamples,
        seed=seed,
    )


def _sites(sums: Tally) -> Floats:
    """Annotated sites of both classes, shape (genes,)."""
    return sums.sites["donor"] + sums.sites["acceptor"]


def _groups(sums: Tally) -> dict[str, npt.NDArray[np.bool_]]:
    """The genes of each group: all, and where some were seen in training, seen and unseen."""
    groups = {"all": np.ones(len(sums.genes), bool)}
    if sums.is_seen.any():
        groups |= {"seen": sums.is_seen, "unseen": ~sums.is_seen}
    for name, who in list(groups.items()):
        if who.any() and not _sites(sums)[who].sum():
            log.warning("The %s genes have no annotated site; they are left out.", name)
        if not _sites(sums)[who].sum():
            del groups[name]
    return groups


def _table(
    sums: Tally, group: str, members: npt.NDArray[np.bool_], resamples: int, seed: int
) -> pl.DataFrame:
    """The rows of one group."""
    points = {name: point_figures(sums, name, members) for name in sums.systems}
    drawn = resampled_figures(sums, members, resamples, seed) if resamples else {}
    first = next(iter(sums.systems))
    keys = [(m, c) for m in ORDER for c in (*SITES, "all") if (m, c) in points[first]]
    columns: dict[str, list[float | str]] = {
        "group": [group] * len(keys),
        "metric": [metric for metric, _ in keys],
        "class": [name for _, name in keys],
    }
    for name in sums.systems:
        columns |= _three(name, keys, points[name], drawn.get(name))
    for name in list(sums.systems)[1:]:
        change = {key: points[name][key] - points[first][key] for key in keys}
        paired = {k: drawn[name][k] - drawn[first][k] for k in keys} if drawn else None
        columns |= _three(f"{name}_change", keys, change, paired)
    numbers = [name for name in columns if name not in ("group", "metric", "class")]
    return pl.DataFrame(columns, schema_overrides=dict.fromkeys(numbers, pl.Float64)).with_columns(
        pl.col(numbers).fill_nan(None)
    )


def _three(
    name: str, keys: Sequence[tuple[str, str]], points: Figures, drawn: Figures | None
) -> dict[str, list[float | str]]:
    """A figure and the ends of its interval, by metric."""
    nothing = (float("nan"), float("nan"))
    ends = [nothing if drawn is None or key[0] in EXTENT else interval(drawn[key]) for key in keys]
    return {
        name: [float(points[key][0]) for key in keys],
        f"{name}_low": [low for low, _ in ends],
        f"{name}_high": [high for _, high in ends],
    }
