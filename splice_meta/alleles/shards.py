"""Cutting pairs of variants and genes into shards."""

from __future__ import annotations

from collections.abc import Sequence

from splice_meta.jobs.plan import Shard

LEAST, MOST = 8, 512
"""Pairs of a shard of short genes, where there are few pairs, and many."""

SHARDS = 64
"""About how many shards there are where neither counts: enough for progress, and for workers."""

TOGETHER = 64
"""Pairs of one gene that one shard has at least where there are as many: the reference of a gene
is scored in each shard that it is in."""


def make_shards(counts: Sequence[int]) -> list[Shard]:
    """Cut the pairs, which are in order of genes, into shards.

    Args:
        counts: The pairs of each gene. They alone decide, so that a job is cut alike wherever it
            goes on.
    """
    size = min(max(-(-sum(counts) // SHARDS), LEAST), MOST)
    most = max(size, TOGETHER)
    cuts: list[tuple[int, int]] = []
    at = 0
    for count in counts:
        for first in range(at, at + count, most):
            stop = min(first + most, at + count)
            is_whole = first == at
            if cuts and is_whole and stop - cuts[-1][0] <= size:
                cuts[-1] = (cuts[-1][0], stop)
            else:
                cuts.append((first, stop))
        at += count
    return [
        Shard(number, len(cuts), first, stop, stop - first)
        for number, (first, stop) in enumerate(cuts)
    ]
