"""Running shards in this process, one after the other."""

from __future__ import annotations

import logging
from collections.abc import Generator, Sequence

from splice_meta.pipeline.batch import describe_plan
from splice_meta.runs.shards import Shard
from splice_meta.runs.task import Job, Receipt, run_shard

log = logging.getLogger("splice_meta")

PLAN = 5
"""Log level of the query plan, below DEBUG."""
logging.addLevelName(PLAN, "PLAN")


def run_local(job: Job, shards: Sequence[Shard]) -> Generator[Receipt, None, None]:
    """Run shards one after the other.

    Args:
        job: What the shards share.
        shards: Those to run.

    Yields:
        The receipt of each shard as soon as its parts are written.
    """
    if shards and any(handler.level <= PLAN for handler in log.handlers):
        first = shards[0]
        plan = describe_plan(job.scores, first.first, first.stop, job.model, job.settings)
        log.log(PLAN, "%s", plan)
    for shard in shards:
        yield run_shard(job, shard)
