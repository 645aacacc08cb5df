"""The machine-readable record of a run: settings, versions, digests, thresholds achieved."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from typing import Any

import polars as pl

from splice_meta.digests import input_digests
from splice_meta.report.summary import RunSummary
from splice_meta.runs.scorer import NOTHING, Scored
from splice_meta.runs.task import RunTask

LIBRARIES = ("splice_meta", "polars", "pyarrow", "numpy", "xgboost")


def run_metadata(
    job: RunTask, summary: RunSummary, reference: Sequence[str] = (), scored: Scored = NOTHING
) -> dict[str, Any]:
    """Everything needed to tell what a run was made from; lists of genes are frames.

    Args:
        job: The run's scores, model, settings and layout.
        summary: What it came to.
        reference: The files of annotation and sequence.
        scored: What was scored in this run.
    """
    settings = asdict(job.settings)
    settings["features"]["custom"] = sorted(job.settings.features.custom)
    done = summary.genes.filter(pl.col("status") == "done")
    return {
        "run": job.layout.run_name,
        "settings": settings,
        "versions": {name: import_module(name).__version__ for name in LIBRARIES}
        | {"python": platform.python_version()},
        "inputs": _inputs(job, scored),
        "base_scores": {
            "taken_for": summary.base_scores,
            "distribution": summary.comparison,
            "made_by": [asdict(each) if each is not None else None for each in job.scores.makers],
        },
        "reference": input_digests(reference) if reference else None,
        "scored": {"genes": list(scored.genes), "weights_sha256": dict(scored.by)}
        if scored.genes
        else None,
        "model": {
            "source": job.model.source,
            "sha256": job.model.digest(),
            "features": len(job.model.manifest.names),
            "base_models": list(job.model.base_models),
        }
        if job.model
        else None,
        "warnings": list(summary.warnings),
        "filled_features": list(summary.fills),
        "filled_gain_share": summary.filled_gain_share,
        "positions": summary.positions,
        "recalibrated": summary.recalibrated,
        "thresholds_achieved": done.select(
            "gene_id", "achieved_rate", "lowest_criteria", "lowest_entropy"
        ),
    }


def _inputs(job: RunTask, scored: Scored) -> list[dict[str, Any]]:
    """The base scores that were given; those made in this run may be gone by now."""
    given = [file for file in job.scores.files if file not in scored.files]
    if not job.scores.files:
        return [{"source": "a frame"}]
    return input_digests(given)
