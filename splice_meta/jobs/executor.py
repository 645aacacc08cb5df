"""Who makes the shards of a job: this process, or Dask."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from splice_meta.errors import UsageError
from splice_meta.jobs.ledger import Ledger
from splice_meta.jobs.leftovers import remove_temporaries
from splice_meta.jobs.local import run_local
from splice_meta.jobs.plan import R, Shard, Task

if TYPE_CHECKING:
    from distributed import Client

Cluster: TypeAlias = "str | Path | Client | None"
"""A running Dask scheduler: its address, its scheduler file or a connected client; or none."""

Executor = Callable[[Any, Sequence[Shard]], Generator[Any, None, None]]
"""Makes the shards of a task; yields how much was done meanwhile (int), and their receipts as they
come, in any order."""


def choose_executor(workers: int | None, cluster: Cluster) -> Executor:
    """The executor that was asked for; a cluster that cannot be reached is refused now.

    Args:
        workers: Worker processes to start on this machine, or None.
        cluster: A running scheduler. With neither the shards are made in this process.

    Raises:
        UsageError: If both are given, there are no workers or too many, the cluster is not a file
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
    from splice_meta.jobs.dask import run_dask
    from splice_meta.jobs.dask_cluster import connect
    from splice_meta.jobs.dask_workers import require_dask

    require_dask(workers)
    if cluster is not None:
        with connect(cluster):
            pass

    def run(task: Task[R], shards: Sequence[Shard]) -> Generator[int | R, None, None]:
        return run_dask(task, shards, workers, cluster)

    return run


def check_task(execute: Executor, task: Task[R]) -> None:
    """Refuse a task that this executor cannot hand to others.

    Raises:
        UsageError: It says why.
    """
    if execute is not run_local:
        from splice_meta.jobs.dask import pack

        pack(task)


def execute(
    executor: Executor, task: Task[R], shards: Sequence[Shard], ledger: Ledger
) -> Iterator[tuple[int, R | None]]:
    """Make shards; each is in the ledger as soon as its parts are written.

    Args:
        executor: Who makes them.
        task: What is done with them.
        shards: Those to make.
        ledger: The job's.

    Yields:
        What was done since, in the shards' size; with the receipt of a shard that is finished.
    """
    try:
        with closing(executor(task, shards)) as coming:  # workers end before an interrupt is told
            for each in coming:
                if isinstance(each, int):
                    yield each, None
                else:
                    ledger.write_shard(task, each)
                    yield (0 if task.tells else each.shard.size), each
    finally:
        remove_temporaries(task.folders())
