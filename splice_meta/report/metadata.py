"""The machine-readable record of a run: settings, versions, digests, thresholds achieved."""

from __future__ import annotations

import platform
import shlex
import sys
from dataclasses import asdict
from datetime import datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.files.digests import input_digests
from splice_meta.reference.reference import Reference
from splice_meta.report.describe_model import describe_model
from splice_meta.report.summary import RunSummary
from splice_meta.runs.scorer import NOTHING, Scored
from splice_meta.runs.task import RunTask

LIBRARIES = ("polars", "pyarrow", "numpy", "xgboost")


def run_metadata(
    job: RunTask,
    summary: RunSummary,
    reference: Reference | None = None,
    scored: Scored = NOTHING,
    changes: pl.DataFrame | None = None,
) -> dict[str, Any]:
    """Everything needed to tell what a run was made from; lists of genes are frames.

    Args:
        job: The run's scores, model, settings and layout.
        summary: What it came to.
        reference: Annotation and sequence.
        scored: What was scored in this run.
        changes: ``change`` and ``positions``, see :mod:`splice_meta.runs.figures`.
    """
    files = reference.files if reference is not None else ()
    annotation = reference.annotation if reference is not None else None
    settings = asdict(job.settings)
    settings["features"]["custom"] = sorted(job.settings.features.custom)
    done = summary.genes.filter(pl.col("status") == "done")
    return {
        "run": job.layout.run_name,
        "finished": datetime.now().astimezone().isoformat(" ", "seconds"),
        "command": _command(),
        "settings": settings,
        "versions": {
            "splice_meta": import_module("splice_meta").__version__,
            **{name: version(name) for name in LIBRARIES},  # not imported: no mode needs them all
            "python": platform.python_version(),
        },
        "inputs": _inputs(job, scored),
        "base_scores": {
            "taken_for": summary.base_scores,
            "distribution": summary.comparison,
            "made_by": [asdict(each) if each is not None else None for each in job.scores.makers],
        },
        "reference": input_digests(files) if files else None,
        "annotation": annotation.source if annotation is not None else None,
        "scored": {"genes": list(scored.genes), "weights_sha256": dict(scored.by)}
        if scored.genes
        else None,
        "model": {
            "source": job.model.source,
            "sha256": job.model.digest(),
            "features": len(job.model.manifest.names),
            "base_models": list(job.model.base_models),
            "card": describe_model(job.model),
        }
        if job.model
        else None,
        "warnings": list(summary.warnings),
        "filled_features": list(summary.fills),
        "filled_gain_share": summary.filled_gain_share,
        "positions": summary.positions,
        "recalibrated": summary.recalibrated,
        "summary": summary.lines(),
        "skew": summary.skew(),
        "seconds_by_stage": {name: round(each, 3) for name, each in summary.stages.items()},
        "changes": changes.rows() if changes is not None else [],
        "thresholds_achieved": done.select(
            "gene_id", "achieved_rate", "lowest_criteria", "lowest_entropy"
        ),
    }


def _command() -> str:
    """The command line, where the program is ours."""
    name, *arguments = sys.argv or [""]
    is_ours = Path(name).name in ("splice-meta", "__main__.py")
    return shlex.join(["splice-meta", *arguments]) if is_ours else ""


def _inputs(job: RunTask, scored: Scored) -> list[dict[str, Any]]:
    """The base scores that were given; those made in this run may be gone by now."""
    given = [file for file in job.scores.files if file not in scored.files]
    if not job.scores.files:
        return [{"source": "a frame"}]
    return input_digests(given)
