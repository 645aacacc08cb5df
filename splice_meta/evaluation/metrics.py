"""Figures from the sums of a tally, for any multiplicity of the genes.

The formulas stand in :func:`splice_meta.evaluate`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.evaluation.ranking import Counts, Floats, ranking_figures, ratio
from splice_meta.evaluation.tally import BINS, DECISIONS, SITES, Tally

Figures = dict[tuple[str, str], Floats]
"""Figures by metric and class, each of shape (resamples,)."""

EXTENT = ("sites", "positions", "candidates")
"""Metrics that say how much was evaluated; they have no interval."""

RANKED = (
    "average_precision", "top_k_accuracy", "best_f1", "best_threshold", "best_precision",
    "best_recall",
)  # fmt: skip


def summed_figures(tally: Tally, name: str, weights: Floats) -> Figures:
    """The figures that are not of the ranking.

    Args:
        tally: The sums.
        name: The system.
        weights: How often each gene counts, shape (resamples, genes).
    """
    system = tally.systems[name]
    sites = {site: weights @ tally.sites[site] for site in SITES}
    every = sites["donor"] + sites["acceptor"]
    found: Figures = {
        ("log_loss_per_site", "all"): ratio(weights @ system.log_loss, every),
        ("brier_per_site", "all"): ratio(weights @ system.brier, every),
        ("sites", "all"): every,
        ("positions", "all"): weights @ tally.positions,
        ("candidates", "all"): weights @ tally.candidates,
    }
    for site in SITES:
        cases = dict(zip(DECISIONS, (weights @ system.decisions[site]).T, strict=True))
        hits, called = cases["true_positives"], cases["true_positives"] + cases["false_positives"]
        found |= {(case, site): values for case, values in cases.items()}
        found |= {
            ("precision", site): ratio(hits, called),
            ("recall", site): ratio(hits, sites[site]),
            ("f1", site): ratio(2 * hits, called + sites[site]),
            ("ece", site): calibration_error(system.calibration[site], weights),
            ("ece_scored", site): calibration_error(system.scored[site], weights),
            ("sites", site): sites[site],
        }
    for metric in ("ece", "ece_scored"):
        found[metric, "all"] = (found[metric, "donor"] + found[metric, "acceptor"]) / 2
    return found


def calibration_error(calibration: Floats, weights: Floats) -> Floats:
    """Expected calibration error of one class, shape (resamples,).

    sum over bins b of w_b / W x |mean p - mean truth|, which is the sum of |sum of w p - sum of
    w truth| divided by W.

    Args:
        calibration: The sums by gene and bin, shape (genes, 3, bins).
        weights: How often each gene counts, shape (resamples, genes).
    """
    sums = (weights @ calibration.reshape(len(weights[0]), -1)).reshape(-1, 3, BINS)
    gaps = np.abs(sums[:, 1] - sums[:, 2]).sum(axis=1)
    return ratio(gaps, sums[:, 0].sum(axis=1))


def exact_ranking(tally: Tally, name: str, members: npt.NDArray[np.bool_]) -> Figures:
    """The ranking's figures over the genes of a group, each once.

    Args:
        tally: The sums.
        name: The system.
        members: Which genes; all, the seen ones or the unseen ones.
    """
    # Row 0 of the exact counts is the unseen genes, row 1 the seen ones.
    parts = [p for p, has in enumerate((~tally.is_seen, tally.is_seen)) if (members & has).any()]
    found: Figures = {}
    for site, ranking in tally.systems[name].ranking.items():
        counts = ranking.exact
        group = Counts(
            scores=counts.scores,
            total=counts.total[parts].sum(axis=0, keepdims=True),
            hits=counts.hits[parts].sum(axis=0, keepdims=True),
        )
        found |= {(metric, site): values for metric, values in ranking_figures(group).items()}
    return found


def resampled_ranking(tally: Tally, name: str, weights: Floats) -> Figures:
    """The ranking's figures over genes taken as often as their weights say.

    Args:
        tally: The sums.
        name: The system.
        weights: Shape (resamples, genes).
    """
    return {
        (metric, site): values
        for site, ranking in tally.systems[name].ranking.items()
        for metric, values in ranking_figures(ranking.resampled(weights)).items()
    }


def point_figures(tally: Tally, name: str, members: npt.NDArray[np.bool_]) -> Figures:
    """All figures of a system over the genes of a group, each of shape (1,)."""
    once = members.astype(np.float64)[None, :]
    return summed_figures(tally, name, once) | exact_ranking(tally, name, members)


def reliability(tally: Tally, group: str, members: npt.NDArray[np.bool_]) -> pl.DataFrame:
    """The reliability table of a group: what was predicted and what was true, by bin.

    Returns:
        ``group``, ``system``, ``class``, ``low`` and ``high`` (the bin, high exclusive but for
        the last), ``weight`` (candidates in it), ``mean_probability``, ``share_annotated``; empty
        bins have null means.
    """
    edges = np.arange(BINS + 1) / BINS
    parts = []
    for name, system in tally.systems.items():
        for site in SITES:
            weight, p, truth = system.calibration[site][members].sum(axis=0)
            parts.append(
                pl.DataFrame(
                    {
                        "low": edges[:-1],
                        "high": edges[1:],
                        "weight": weight,
                        "mean_probability": ratio(p, weight),
                        "share_annotated": ratio(truth, weight),
                    }
                ).select(
                    pl.lit(group).alias("group"),
                    pl.lit(name).alias("system"),
                    pl.lit(site).alias("class"),
                    pl.all().fill_nan(None),
                )
            )
    return pl.concat(parts)
