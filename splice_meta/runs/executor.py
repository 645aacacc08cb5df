"""Who runs the shards of a run: this process, or Dask."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from splice_meta.errors import UsageError
from splice_meta.runs.local import run_local
from splice_meta.runs.shards import Shard
from splice_meta.runs.task import Job, Receipt

if TYPE_CHECKING:
    from distributed import Client

Receipts = Generator[Receipt, None, None]
Executor = Callable[[Job, Sequence[Shard]], Receipts]
"""Runs shards and yields their receipts as they come, in any order."""


def choose_executor(workers: int | None, cluster: str | Path | Client | None) -> Executor:
    """The executor that was asked for; a cluster that cannot be reached is refused now.

    Args:
        workers: Worker processes to start on this machine, or None.
        cluster: A running Dask scheduler: its address, its scheduler file or a connected client;
            or None. With neither the shards run in this process.

    Raises:
        UsageError: If both are given, there are no workers or too many, the cluster is no file
            and no address, or Dask is not installed.
        ClusterError: If the scheduler does not answer.
    """
    if workers is not None and cluster is not None:
        raise UsageError(
            "Both workers and a cluster are given.",
            "Give --workers to start workers here, or --cluster to join a running scheduler.",
        )
    if workers is not None and workers < 1:
        raise UsageError(f"{workers} workers cannot run anything.", "Give --workers 1 or more.")
    if workers is None and cluster is None:
        return run_local
    from splice_meta.runs.dask import run_dask
    from splice_meta.runs.dask_cluster import connect
    from splice_meta.runs.dask_workers import require_dask

    require_dask(workers)
    if cluster is not None:
        with connect(cluster):
            pass

    def run(job: Job, shards: Sequence[Shard]) -> Receipts:
        return run_dask(job, shards, workers, cluster)

    return run


def check_job(execute: Executor, job: Job) -> None:
    """Refuse a job that this executor cannot hand to others.

    Raises:
        UsageError: It says why.
    """
    if execute is not run_local:
        from splice_meta.runs.dask import pack

        pack(job)
