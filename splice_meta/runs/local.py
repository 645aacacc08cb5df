"""Running shards in this process: two are computed while a third is flushed."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue

from splice_meta.pipeline.batch import describe_plan
from splice_meta.runs.shards import AT_ONCE, Shard
from splice_meta.runs.task import Job, Receipt, run_shard

log = logging.getLogger("splice_meta")

PLAN = 5
"""Log level of the query plan, below DEBUG."""
logging.addLevelName(PLAN, "PLAN")

FLUSHED = 1
"""Shards that may wait for the disk beside those that are computed."""


def run_local(job: Job, shards: Sequence[Shard]) -> Generator[Receipt, None, None]:
    """Run shards, :data:`AT_ONCE` at a time: while one keeps a single core busy, another goes on.

    Shards whose parts are being flushed to disk do not count: they hold no memory.

    An interrupt waits for the shards that are under way; no other is begun.

    Args:
        job: What the shards share.
        shards: Those to run.

    Yields:
        The receipt of each shard as soon as its parts are written, in no particular order.
    """
    if shards and any(handler.level <= PLAN for handler in log.handlers):
        first = shards[0]
        plan = describe_plan(job.scores, first.first, first.stop, job.model, job.settings)
        for line in plan.splitlines():
            log.log(PLAN, "%s", line)
    if len(shards) == 1:
        yield run_shard(job, shards[0])
        return
    waiting, computing, running = iter(shards), 0, 0
    told: SimpleQueue[Future[Receipt] | None] = SimpleQueue()
    with ThreadPoolExecutor(AT_ONCE + FLUSHED) as pool:
        while True:
            while (
                computing < AT_ONCE
                and running < AT_ONCE + FLUSHED
                and (shard := next(waiting, None)) is not None
            ):
                pool.submit(run_shard, job, shard, _room(told)).add_done_callback(told.put)
                computing, running = computing + 1, running + 1
            if not running:
                return
            done = told.get()
            if done is None:
                computing -= 1
            else:
                running -= 1
                yield done.result()


@contextmanager
def _room(told: SimpleQueue[Future[Receipt] | None]) -> Iterator[None]:
    """What a shard holds while it is computed; says when it needs that no more."""
    try:
        yield
    finally:
        told.put(None)
