"""Making shards on Dask: each writes its own parts and returns its small receipt."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from splice_meta.errors import ClusterError, OutputError, UsageError
from splice_meta.jobs.dask_workers import Workers, open_workers
from splice_meta.jobs.plan import R, Shard, Task
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.process import share_cores

if TYPE_CHECKING:
    from distributed import Client, Future

log = logging.getLogger("splice_meta")

AHEAD = 2
"""Shards under way per worker thread: one that runs, one that waits for it."""
LEAST_AHEAD = 4
"""Shards under way however few threads there are: what a cluster that adapts grows by."""
RETRIES = 2
"""How often a shard is tried again whose part could not be written, as on a shared file system."""
LARGEST_TASK = 1 << 28
"""Bytes that may go to every worker; score files count with their paths, frames in full."""
POLL_SECONDS = 1.0
LOST = "the Dask workers that ran it have ended; memory may be short"


def run_dask(
    task: Task[R], shards: Sequence[Shard], workers: int | None, cluster: str | Path | Client | None
) -> Generator[int | R, None, None]:
    """Make shards on Dask.

    What the shards share goes to each worker once, also to those that join late or replace one
    that died. A shard whose worker dies is made again by another; items of a shard that ends one
    worker after the other, alone, are reported as failed.

    Args:
        task: What is done with them.
        shards: Those to make.
        workers: Processes to start on this machine, or None.
        cluster: Address, scheduler file or client of a running scheduler, or None.

    Yields:
        The receipt of each shard as soon as its parts are written, in the order of their ends.

    Raises:
        ClusterError: If the workers or the scheduler are lost for good.
        OutputError: If parts cannot be written.
    """
    if not shards:
        return
    payload = pack(task)
    with open_workers(workers, cluster) as found:
        name = f"splice-meta-{uuid4().hex}"
        try:
            with _losing_scheduler():
                found.client.register_plugin(_carrier(payload), name=name)
            for receipt in _run_all(found, task, shards, name):
                if task.tells:
                    yield receipt.shard.size
                yield receipt
        finally:
            if not found.local:  # local ones end anyway
                with suppress(ClusterError), _losing_scheduler():
                    found.client.unregister_worker_plugin(name)


def pack(task: Task[R]) -> bytes:
    """What the shards share, as it goes to the workers.

    Raises:
        UsageError: If it cannot be sent, or is too large to.
    """
    import cloudpickle

    try:
        packed: bytes = cloudpickle.dumps(task.absolute())
    except Exception as error:  # pickle raises whatever the object at hand raises
        raise UsageError(
            f"The {task.what} cannot be sent to Dask workers: "
            f"{str(error).strip().splitlines()[0]}.",
            "What is given as an object (a base model, a feature family, a frame of scores) must "
            "not hold open files, locks or connections.",
        ) from None
    if len(packed) > LARGEST_TASK:
        raise UsageError(
            f"The {task.what} takes {len(packed) >> 20:,} MiB to send to every Dask worker, "
            "which is too much.",
            "Write scores that are a frame to a Parquet file and give its path.",
        )
    return packed


def _carrier(payload: bytes) -> Any:
    """A worker plugin that brings the task: Dask hands it to every worker, whenever it joins."""
    from distributed import WorkerPlugin

    class Carrier(WorkerPlugin):  # type: ignore[misc]
        def __init__(self, payload: bytes, versions: dict[str, str]) -> None:
            self.payload, self.versions = payload, versions
            self.task: Any = None

        def teardown(self, worker: Any) -> None:
            if self.task is not None:
                self.task.close()

    return Carrier(payload, _versions())


def _versions() -> dict[str, str]:
    return {name: import_module(name).__version__ for name in ("splice_meta", "polars")}


def _run_sent(name: str, shard: Shard) -> Any:
    """Make a shard in a worker."""
    from distributed import get_worker

    worker = get_worker()
    carrier = worker.plugins[name]
    try:
        with plain_panics():
            with _OPENING:  # one task for all threads of the worker
                if carrier.task is None:
                    share_cores(worker.state.nthreads)
                    carrier.task = _unpack(carrier.payload, carrier.versions)
                    carrier.task.open(sent=True)
            return carrier.task.run(shard, nullcontext(), lambda _: None)
    except (KeyboardInterrupt, SystemExit) as error:  # Dask sends nothing back of these
        raise ClusterError(
            f"A Dask worker was ended while it ran a shard ({type(error).__name__}).",
            "Finished shards are kept; run again with --resume.",
        ) from error


_OPENING = Lock()


def _unpack(payload: bytes, versions: dict[str, str]) -> Any:
    """The task, in a worker, once.

    Raises:
        ClusterError: If other versions are installed here.
        OutputError: If the job's folder is not to be seen from here.
    """
    import pickle

    if _versions() != versions:
        raise ClusterError(
            f"A Dask worker has {_versions()}, this process {versions}.",
            "Install the same versions on all workers.",
        )
    task = pickle.loads(payload)
    if not task.folder.is_dir():
        raise OutputError(
            f"A Dask worker does not see the folder {task.folder}.",
            "Give an output on a file system that all workers share.",
        )
    return task


def _run_all(
    found: Workers, task: Task[R], shards: Sequence[Shard], carrier: str
) -> Generator[R, None, None]:
    """Run the shards; those that Dask gave up go once more, one at a time.

    Dask cannot tell the shard that ended a worker from one that waited in the same worker.
    """
    killed: list[Shard] = []
    for shard, receipt in _run_some(found, shards, carrier):
        if receipt is None:
            killed.append(shard)
        else:
            yield receipt
    for shard in killed:
        for _, receipt in _run_some(found, [shard], carrier, again=True):
            yield receipt or task.lost(shard, LOST)


def _run_some(
    found: Workers, shards: Sequence[Shard], carrier: str, again: bool = False
) -> Generator[tuple[Shard, Any], None, None]:
    """Keep a few shards under way until all are done; no receipt for those that Dask gave up."""
    client, waiting = found.client, deque(shards)
    running: dict[Future, Shard] = {}
    ended: SimpleQueue[Future] = SimpleQueue()
    known: set[str] = set()
    try:
        while waiting or running:
            with _losing_scheduler():
                threads = client.nthreads()
            _say_lost(known - set(threads), found.local)
            known = set(threads)
            ahead = max(AHEAD * sum(threads.values()), LEAST_AHEAD)
            while waiting and len(running) < ahead:
                shard = waiting.popleft()
                key = f"{carrier}-{shard.number}{'-again' if again else ''}"
                future = client.submit(_run_sent, carrier, shard, key=key, retries=RETRIES)
                running[future] = shard
                future.add_done_callback(ended.put)
            try:
                future = ended.get(timeout=POLL_SECONDS)
            except Empty:
                found.check()
            else:
                yield running.pop(future), _receipt(future)
    finally:
        with suppress(ClusterError), _losing_scheduler():
            client.cancel(list(running), force=True)


def _receipt(future: Future) -> Any:
    """What a shard came to; None if every worker it was given to has ended."""
    from distributed import KilledWorker

    if future.cancelled():  # not by us
        with _losing_scheduler():
            future.result()
    try:
        return future.result()
    except KilledWorker:
        return None
    except ModuleNotFoundError as error:
        raise ClusterError(
            f"A Dask worker lacks the Python module {error.name}.",
            "Install the same versions of splice_meta and what it needs on all workers.",
        ) from error


def _say_lost(workers: set[str], local: bool) -> None:
    for worker in sorted(workers):
        # Workers of a cluster come and go as it adapts.
        level = logging.WARNING if local else logging.INFO
        log.log(level, "A worker has ended (%s); its shards are run again.", worker)


@contextmanager
def _losing_scheduler() -> Generator[None, None, None]:
    """Say in plain words that a scheduler does not answer any more."""
    try:
        yield
    except (CancelledError, OSError) as error:
        raise ClusterError(
            f"The Dask scheduler was lost ({type(error).__name__}).",
            "Finished shards are kept; run again with --resume.",
        ) from error
