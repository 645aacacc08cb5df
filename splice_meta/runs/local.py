"""Running shards in this process, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from splice_meta.runs.shards import Shard
from splice_meta.runs.task import Job, Receipt, run_shard

Progress = Callable[[Receipt], None]


def run_local(job: Job, shards: Sequence[Shard], progress: Progress) -> list[Receipt]:
    """Run shards one after the other.

    Args:
        job: What the shards share.
        shards: In input order.
        progress: Called with each receipt as soon as its parts are written.
    """
    receipts = []
    for shard in shards:
        receipt = run_shard(job, shard, len(shards))
        progress(receipt)
        receipts.append(receipt)
    return receipts
