"""Making shards in this process: some are computed while another is flushed."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from queue import SimpleQueue
from typing import Any

from splice_meta.jobs.plan import R, Shard, Task

FLUSHED = 1
"""Shards that may wait for the disk beside those that are computed."""


def run_local(task: Task[R], shards: Sequence[Shard]) -> Generator[int | R, None, None]:
    """Make shards, ``task.at_once`` at a time: while one keeps a single core busy, another goes on.

    Shards whose parts are being flushed to disk do not count: they hold no memory.

    An interrupt waits for the shards that are under way, unless the task ends them; no other is
    begun. One that is alone is made in the caller's thread, where an interrupt reaches it.

    Args:
        task: What is done with them.
        shards: Those to make.

    Yields:
        How much was done since, while shards are made; and the receipt of each as soon as its
        parts are written, in no particular order.
    """
    task.open(sent=False)
    if len(shards) == 1 and not task.tells:
        yield task.run(shards[0], nullcontext(), lambda _: None)
        return
    waiting, computing, running = iter(shards), 0, 0
    told: SimpleQueue[Future[R] | int | None] = SimpleQueue()
    with ThreadPoolExecutor(task.at_once + FLUSHED) as pool, closing(task):
        while True:
            while (
                computing < task.at_once
                and running < task.at_once + FLUSHED
                and (shard := next(waiting, None)) is not None
            ):
                future = pool.submit(task.run, shard, _room(told), told.put)
                future.add_done_callback(told.put)
                computing, running = computing + 1, running + 1
            if not running:
                return
            done = told.get()
            if done is None:
                computing -= 1
            elif isinstance(done, int):
                yield done
            else:
                running -= 1
                yield done.result()


@contextmanager
def _room(told: SimpleQueue[Any]) -> Iterator[None]:
    """What a shard holds while it is computed; says when it needs that no more."""
    try:
        yield
    finally:
        told.put(None)
