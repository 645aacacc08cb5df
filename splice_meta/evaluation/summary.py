"""Figures and intervals of every group of genes, systems side by side, as one table."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.evaluation.intervals import interval, resampled_figures
from splice_meta.evaluation.metrics import EXTENT, Figures, point_figures, reliability
from splice_meta.evaluation.ranking import Floats
from splice_meta.evaluation.tally import SITES, Tally

log = logging.getLogger("splice_meta")

ORDER = (
    "log_loss_per_site", "brier_per_site", "average_precision", "top_k_accuracy", "precision",
    "recall", "f1", "best_f1", "best_threshold", "best_precision", "best_recall",
    "true_positives", "false_positives", "false_negatives", "rescued", "lost",
    "false_positives_removed", "false_positives_added", "ece", "ece_scored", "sites",
    "positions", "candidates",
)  # fmt: skip
"""The metrics, in the order of the result's rows."""


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
        table: What :func:`splice_meta.evaluate` returns.
        reliability: What was predicted and what was true by bin of probability, see
            :func:`splice_meta.evaluation.metrics.reliability`.
        kind: ``predictions``, ``run`` or ``base scores``.
        systems: Names of the systems; the first is the reference.
        groups: The groups of genes.
        resamples: How often genes were drawn for the intervals.
        seed: Random seed of the draws.
    """

    table: pl.DataFrame
    reliability: pl.DataFrame
    kind: str
    systems: tuple[str, ...]
    groups: tuple[Group, ...]
    resamples: int
    seed: int


def summarise(sums: Tally, *, resamples: int, seed: int, kind: str = "frame") -> Evaluation:
    """Figures and intervals from sums.

    Args:
        sums: From :func:`splice_meta.evaluation.tally.tally`.
        resamples: How often genes are drawn.
        seed: Random seed of the draws.
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
    # One gene is drawn again and again: an interval without width would say nothing.
    is_drawn = resamples > 0 and members.sum() > 1
    drawn = resampled_figures(sums, members, resamples, seed) if is_drawn else {}
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
