"""Going on with an interrupted job: whether it is the same, and what is left to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from splice_meta.errors import OutputError, UsageError
from splice_meta.files.digests import digest_of, ends_of
from splice_meta.files.stores import Place
from splice_meta.jobs.ledger import Ledger, Recorded, read_ledger, receipt_of, refuse_differences
from splice_meta.jobs.leftovers import remove_parts, remove_temporaries
from splice_meta.jobs.lines import open_lines
from splice_meta.jobs.plan import R, Shard, Task

log = logging.getLogger("splice_meta")


def refuse_both(resume: bool, overwrite: bool) -> None:
    """Refuse to go on with a job and to start it anew.

    Raises:
        UsageError: If both are asked for.
    """
    if resume and overwrite:
        raise UsageError(
            "--resume and --overwrite contradict each other.",
            "Give --resume to finish it, or --overwrite to start again.",
        )


@contextmanager
def open_ledger(
    path: Place, job: str, given: Mapping[str, str], resumed: bool
) -> Iterator[Ledger]:
    """The ledger of a job that has begun, for this process alone.

    Args:
        path: Where it lies.
        job: What the job is, and its name.
        given: Digests of what it is made from.
        resumed: Whether it goes on rather than starts.

    Raises:
        SpliceMetaError: If another process has it, or the job is another one.
    """
    if resumed:  # opening may take the lines from another process
        refuse_differences(job, recorded(path).given, given)
    with open_lines(path) as lines:
        found = recorded(path)  # again: now nobody else writes to it
        refuse_differences(job, found.given, given)
        yield Ledger(lines, found, resumed)


def recorded(path: Place) -> Recorded:
    """What a ledger says that must be there."""
    found = read_ledger(path)
    if found is None:
        raise OutputError(f"{path} is gone.", "Start again.")
    return found


def digests_of(items: object, shards: Sequence[Shard]) -> dict[str, str]:
    """Digests of a plan: of its items, and of how they are packed into shards."""
    packed = [(shard.first, shard.stop, shard.size) for shard in shards]
    return {"genes": digest_of(items), "shards": digest_of(packed)}


def take_over(
    ledger: Ledger,
    job: str,
    task: Task[R],
    shards: Sequence[Shard],
    digests: Mapping[str, str],
    notes: Mapping[str, Any],
    beside: Sequence[Place] = (),
) -> tuple[list[R], list[Shard]]:
    """Check or note the plan; then clear away what is not finished.

    Args:
        ledger: The job's ledger.
        job: What the job is, and its name.
        task: What is done with its shards.
        shards: All of them.
        digests: Of the plan, see :func:`digests_of`.
        notes: What else the job goes on with.
        beside: Files that only a resumed job may clear around.

    Returns:
        The receipts of the shards that need not be done again, and the other shards.

    Raises:
        UsageError: If the plan is another than before; nothing is changed then.
    """
    before = ledger.recorded
    if before.plan is not None:
        refuse_differences(job, before.plan.at("digests").value, digests)
    ledger.repair()
    remove_temporaries(task.folders(), beside if ledger.resumed else ())
    if before.plan is None:
        ledger.write_plan(digests, shards, notes)
    listed = [each for each in shards if each.number in before.shards]
    receipts = [receipt_of(task, before.shards[each.number], each) for each in listed]
    whole = [each for each in receipts if _is_whole(task, each)]
    taken = {receipt.shard.number for receipt in whole}
    left = [shard for shard in shards if shard.number not in taken]
    remove_parts(task, left)
    if ledger.resumed:
        log.info("Resumed: %d of %d shards were already done", len(taken), len(shards))
    return whole, left


def _is_whole(task: Task[R], receipt: R) -> bool:
    """Whether a listed shard need not be done again; if a part is not as it was, that is logged."""
    if task.retries and receipt.failures:
        return False
    places, number = task.files(receipt.shard), receipt.shard.number
    for part in receipt.parts:
        path, stated = places.get(part.table), asdict(part)
        if path is None:
            log.warning("Shard %d is computed again: it has a part of no table.", number)
            return False
        missing = not path.is_file()
        if missing or any(stated.get(name) != value for name, value in ends_of(path).items()):
            fate = "missing" if missing else "altered"
            log.warning("Shard %d is computed again: %s is %s.", number, path, fate)
            return False
    return True
