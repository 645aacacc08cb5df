"""The evaluation card: what held-out genes say about a model, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.contracts import CLASSES, scores_of
from splice_meta.evaluation.evaluate import measure
from splice_meta.evaluation.record import figures_of
from splice_meta.evaluation.summary import summarise
from splice_meta.evaluation.tally import tally
from splice_meta.model.bundle import MetaModel
from splice_meta.runtime.watching import Watcher
from splice_meta.settings import TrainSettings
from splice_meta.sources.opened import BaseScores
from splice_meta.training.boost import Problem
from splice_meta.training.cross_validation import cross_validate
from splice_meta.training.strata import by_chromosome, by_distance, by_gene_length

RESAMPLES = 1000


def make_card(
    held_out: pl.DataFrame,
    base_models: Sequence[str],
    columns: tuple[str, str, str],
    places: pl.DataFrame,
    base_trained: Collection[str] | None,
) -> dict[str, Any]:
    """Base models and meta-model side by side, on genes that were held out.

    Args:
        held_out: Training rows with out-of-fold predictions and weights.
        base_models: The base models, the primary one first; empty for a single one.
        columns: The columns of the out-of-fold predictions: donor, acceptor, neither.
        places: ``gene_id`` and ``chrom`` of the genes.
        base_trained: Chromosomes the base models were trained on; None where that is not known.

    Returns:
        Plain objects for JSON: ``how``, what was evaluated, ``systems`` by name, class and metric;
        ``reliability`` by system, class and bin of probability, with counts; and figures
        ``by_chromosome``, ``by_gene_length`` and ``by_distance`` to the nearest annotated site,
        see :mod:`splice_meta.training.strata`.
    """
    others = {name: scores_of(name) for name in base_models[1:]}
    systems = {"base": scores_of(), **others, "meta_model": columns}
    sums = tally(lambda: [held_out], systems, bases=tuple(systems)[:-1])
    found = summarise(sums, resamples=RESAMPLES, seed=0, kind="held-out genes")
    return {
        "how": "predictions of held-out genes by models that did not see them, weighted to "
        "complete coverage; intervals over genes",
        "genes": len(sums.genes),
        "positions": float(sums.positions.sum()),
        "sites": float(sum(counts.sum() for counts in sums.sites.values())),
        "systems": figures_of(found, "all"),
        "reliability": found.reliability.drop("group").to_dicts(),
        "by_chromosome": by_chromosome(sums, places, base_trained),
        "by_gene_length": by_gene_length(sums),
        "by_distance": by_distance(held_out, systems),
    }


def test_figures(
    scores: BaseScores, model: MetaModel, advanced: Callable[[int], None]
) -> dict[str, Any]:
    """Base models and the model's modes side by side, over every position of genes left for it.

    Args:
        scores: Checked base scores of the test genes.
        model: The finished model.
        advanced: Told about progress, in positions.

    Returns:
        As :func:`make_card`.
    """
    watch = Watcher(advanced=advanced)
    found = measure(scores, model, modes=("hybrid", "meta_only"), progress=watch)
    (group, *_) = found.groups
    chroms = scores.frame.select(pl.col("chrom").unique().sort()).collect().to_series().to_list()
    return {
        "how": "every position of genes on chromosomes that were not trained on; intervals over "
        "genes",
        "chromosomes": chroms,
        "genes": group.genes,
        "positions": group.positions,
        "sites": group.sites,
        "systems": figures_of(found, "all"),
    }


def control_figures(
    problem: Problem,
    fold: npt.NDArray[np.int64],
    settings: TrainSettings,
    advanced: Callable[[int], None],
) -> dict[str, Any]:
    """Cross-validate with the candidates' labels shuffled among them.

    Nothing is left to learn, so the average precision among candidates must be the share of
    sites among them. More would mean that features know the labels in another way than through
    the position they belong to.

    Args:
        problem: The training rows.
        fold: The fold of each row.
        settings: The seed of the shuffle.
        advanced: Told about progress, see
            :func:`splice_meta.training.cross_validation.cross_validate`.

    Returns:
        By class: ``average_precision`` and ``chance``, over candidates.
    """
    from sklearn.metrics import average_precision_score

    is_candidate = np.flatnonzero(problem.positions <= 1)
    truth = problem.truth.copy()
    truth[is_candidate] = np.random.default_rng(settings.seed).permutation(truth[is_candidate])
    found = cross_validate(replace(problem, truth=truth), [fold], advanced).probabilities
    return {
        name: {
            "average_precision": float(
                average_precision_score(truth[is_candidate] == c, found[is_candidate, c])
            ),
            "chance": float((truth[is_candidate] == c).mean()),
        }
        for c, name in enumerate(CLASSES)
        if c > 0
    }
