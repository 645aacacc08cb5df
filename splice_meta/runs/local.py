"""Running shards in this process: two are computed while a third is flushed."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from threading import Semaphore

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

    A shard is handed out only when a receipt has been taken, so that an interrupt waits for those
    that are handed out, one of which may not have begun, and no others.

    Args:
        job: What the shards share.
        shards: Those to run.

    Yields:
        The receipt of each shard as soon as its parts are written, in no particular order.
    """
    if shards and any(handler.level <= PLAN for handler in log.handlers):
        first = shards[0]
        plan = describe_plan(job.scores, first.first, first.stop, job.model, job.settings)
        log.log(PLAN, "%s", plan)
    if len(shards) == 1:
        yield run_shard(job, shards[0])
        return
    waiting, room = iter(shards), Semaphore(AT_ONCE)
    with ThreadPoolExecutor(AT_ONCE + FLUSHED) as pool:
        running: set[Future[Receipt]] = set()
        while True:
            while len(running) < AT_ONCE + FLUSHED and (shard := next(waiting, None)) is not None:
                running.add(pool.submit(run_shard, job, shard, room))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
