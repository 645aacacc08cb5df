"""The machine-readable record of a run: settings, versions, digests, thresholds achieved."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.report.summary import RunSummary
from splice_meta.runs.scorer import NOTHING, Scored
from splice_meta.runs.task import Job

LIBRARIES = ("splice_meta", "polars", "pyarrow", "numpy", "xgboost")


def run_metadata(
    job: Job, summary: RunSummary, reference: Sequence[str] = (), scored: Scored = NOTHING
) -> dict[str, Any]:
    """Everything needed to tell what a run was made from.

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
        "filled_features": list(summary.fills),
        "filled_gain_share": summary.filled_gain_share,
        "positions": summary.positions,
        "recalibrated": summary.recalibrated,
        "thresholds_achieved": done.select(
            "gene_id", "achieved_rate", "lowest_criteria", "lowest_entropy"
        ).to_dicts(),
    }


def _inputs(job: Job, scored: Scored) -> list[dict[str, Any]]:
    """The base scores that were given; those made in this run may be gone by now."""
    given = [file for file in job.scores.files if file not in scored.files]
    if not job.scores.files:
        return [{"source": "a frame"}]
    return input_digests(given)


def input_digests(files: Sequence[str]) -> list[dict[str, Any]]:
    """Which files went in: path, size in bytes, and SHA-256 of the first and last MiB.

    A whole-genome table is not read a second time for its digest; a Parquet file's last MiB
    holds its footer with the statistics of every row group. Addresses of object stores are named
    only.

    Args:
        files: The files.
    """
    found = []
    for file in files:
        entry: dict[str, Any] = {"source": file}
        if Path(file).is_file():
            size = Path(file).stat().st_size
            with Path(file).open("rb") as stream:
                digest = hashlib.sha256(stream.read(1 << 20))
                stream.seek(max(size - (1 << 20), 0))
                digest.update(stream.read())
            entry |= {"bytes": size, "sha256_of_ends": digest.hexdigest()}
        found.append(entry)
    return found
