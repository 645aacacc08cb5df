"""The machine-readable record of an evaluation."""

from __future__ import annotations

from typing import Any

import polars as pl

from splice_meta.evaluation.intervals import COVERAGE
from splice_meta.evaluation.summary import Evaluation


def record(evaluation: Evaluation, source: str, explained: pl.DataFrame | None) -> dict[str, Any]:
    """An evaluation as nested plain objects, ready for JSON.

    Args:
        evaluation: The figures.
        source: What was evaluated, as the user named it.
        explained: From :func:`splice_meta.explain`, or None.

    Returns:
        ``source``, ``kind``, ``systems``, ``reference``, ``resamples``, ``seed``, ``coverage`` of
        the intervals, ``explanations``, and ``groups`` by name, each with ``genes``,
        ``positions``, ``sites``, ``reliability`` and ``systems``: by name, class and metric
        ``value``, ``low``, ``high`` and, but for the reference, ``change``, ``change_low``,
        ``change_high``.
    """
    return {
        "source": source,
        "kind": evaluation.kind,
        "systems": list(evaluation.systems),
        "reference": evaluation.systems[0],
        "resamples": evaluation.resamples,
        "seed": evaluation.seed,
        "coverage": COVERAGE,
        "groups": {
            group.name: {
                "genes": group.genes,
                "positions": group.positions,
                "sites": group.sites,
                "systems": figures_of(evaluation, group.name),
                "reliability": evaluation.reliability.filter(group=group.name)
                .drop("group")
                .to_dicts(),
            }
            for group in evaluation.groups
        },
        "explanations": [] if explained is None else explained.to_dicts(),
    }


def figures_of(evaluation: Evaluation, group: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The figures of one group of genes by system, class and metric, see :func:`record`."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in evaluation.table.filter(group=group).iter_rows(named=True):
        for name in evaluation.systems:
            figure = {"value": row[name], "low": row[f"{name}_low"], "high": row[f"{name}_high"]}
            if name != evaluation.systems[0]:
                figure |= {
                    key: row[f"{name}_{key}"] for key in ("change", "change_low", "change_high")
                }
            found.setdefault(name, {}).setdefault(row["class"], {})[row["metric"]] = figure
    return found
