"""Going on with an interrupted run: which one, whether it is the same, what is left to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from splice_meta.digests import ends_of
from splice_meta.errors import InputError, OutputError, UsageError
from splice_meta.runs.identity import plan_digests
from splice_meta.runs.ledger import (
    Ledger,
    create_ledger,
    read_ledger,
    receipt_of,
    refuse_differences,
)  # fmt: skip
from splice_meta.runs.leftovers import remove_parts, remove_temporaries
from splice_meta.runs.lines import open_lines
from splice_meta.runs.outputs import HOME, OutputLayout, check_run_name, new_run_name
from splice_meta.runs.room import make_room
from splice_meta.runs.scorer import Scored
from splice_meta.runs.shards import Shard
from splice_meta.runs.task import Receipt
from splice_meta.sources.opened import BaseScores
from splice_meta.stores import Place

log = logging.getLogger("splice_meta")


def name_of_run(root: Place, asked: str | None, resume: bool) -> str:
    """The name of the run that starts or goes on.

    Args:
        root: The output directory.
        asked: The name that was asked for.
        resume: Take the latest run by its ledger where no name was asked for.

    Raises:
        UsageError: If the name is no folder name.
    """
    if asked is not None:
        return check_run_name(asked)
    found = []
    if resume:
        runs = root / HOME / "predictions"
        for folder in runs.iterdir() if runs.is_dir() else ():
            try:
                recorded = read_ledger(folder / "ledger.jsonl")
            except InputError:  # another run's; if it is the wanted one, its name finds it
                continue
            if recorded is not None:
                found.append((recorded.started, folder.name))
    return max(found)[1] if found else new_run_name(root)


def refuse_both(resume: bool, overwrite: bool) -> None:
    """Refuse to go on with a run and to start it anew.

    Raises:
        UsageError: If both are asked for.
    """
    if resume and overwrite:
        raise UsageError(
            "--resume and --overwrite contradict each other.",
            "Give --resume to go on with a run, --overwrite to start it anew.",
        )


@contextmanager
def open_ledger(
    layout: OutputLayout,
    given: Mapping[str, str],
    inputs: Sequence[object],
    resume: bool,
    overwrite: bool,
    named: bool = True,
) -> Iterator[tuple[Ledger, OutputLayout]]:
    """The ledger of a run that starts, or of the one to go on with where that has begun.

    Args:
        layout: Where the run's files lie.
        given: Digests of what it is made from.
        inputs: What it reads.
        resume: Go on with the run if there is one.
        overwrite: Replace it.
        named: Whether its name was asked for; if not, it may start under another one.

    Yields:
        The ledger, and where the run's files lie.

    Raises:
        SpliceMetaError: If the run is there and may be neither gone on with nor replaced; nothing
            is written then.
    """
    before = read_ledger(layout.ledger) if resume else None
    if before is None:
        layout = _start(layout, given, inputs, overwrite, named)
    else:  # opening may take the lines from another process
        refuse_differences(layout.run_name, before.given, given)
    with open_lines(layout.ledger) as lines:
        recorded = read_ledger(layout.ledger)  # again: now nobody else writes to it
        if recorded is None:
            raise OutputError(f"{layout.ledger} is gone.", "Start the run again.")
        refuse_differences(layout.run_name, recorded.given, given)
        yield Ledger(lines, recorded, before is not None), layout


def _start(
    layout: OutputLayout,
    given: Mapping[str, str],
    inputs: Sequence[object],
    overwrite: bool,
    named: bool,
) -> OutputLayout:
    """Make room and the ledger; under another name where the run needs none of its own."""
    while True:
        layout = make_room(layout, inputs, overwrite, named)
        if create_ledger(layout.ledger, given):
            return layout
        if named:
            raise OutputError(
                f"There is a run in {layout.predictions} already.", "Give another --run-name."
            )
        layout = replace(layout, run_name=new_run_name(layout.root))


def scored_before(ledger: Ledger, folder: Path) -> Mapping[str, str] | None:
    """What became of genes that the run had scored before it was interrupted.

    Args:
        ledger: The run's ledger.
        folder: Where its scores lie.

    Returns:
        Reason by gene that failed; None where scoring had not come to its end, or its tables are
        gone, as they are after a complete run that did not keep them.

    Raises:
        InputError: If a table is not what it was.
    """
    if ledger.recorded.plan is None:
        return None
    noted = ledger.recorded.plan["scored"]
    there = {name: folder / name for name in noted["files"] if (folder / name).exists()}
    for name, path in there.items():
        if ends_of(path) != noted["files"][name]:
            raise InputError(
                f"{path} is not as this run scored it.",
                "Start the run anew with --overwrite in place of --resume.",
            )
    failures: Mapping[str, str] = noted["failures"]
    return failures if len(there) == len(noted["files"]) else None


def take_over(
    ledger: Ledger,
    layout: OutputLayout,
    scores: BaseScores,
    shards: Sequence[Shard],
    scored: Scored,
) -> tuple[list[Receipt], list[Shard]]:
    """Check or note the plan; then clear away what is not finished.

    Args:
        ledger: The run's ledger.
        layout: Where its files lie.
        scores: The scores of all genes.
        shards: Its shards.
        scored: What was scored in this run.

    Returns:
        The receipts of the shards that need not be done again, and the other shards.

    Raises:
        UsageError: If genes or shards are others than before; nothing is changed then.
    """
    digests = plan_digests(scores, shards)
    if ledger.recorded.plan is not None:
        refuse_differences(layout.run_name, ledger.recorded.plan["digests"], digests)
    ledger.repair()
    remove_temporaries(layout, reports=ledger.resumed)
    if ledger.recorded.plan is None:
        ledger.write_plan(digests, shards, _noted(scored))
    noted = ledger.recorded.shards
    receipts = [receipt_of(noted[each.number], each) for each in shards if each.number in noted]
    whole = [receipt for receipt in receipts if _is_whole(receipt, layout)]
    taken = {receipt.shard.number for receipt in whole}
    left = [shard for shard in shards if shard.number not in taken]
    remove_parts(layout, left)
    if ledger.resumed:
        log.info("Resumed: %d of %d shards were done already", len(taken), len(shards))
    for gene, why in ((gene, why) for each in whole for gene, why in each.failures.items()):
        log.warning("Gene %s had failed: %s", gene, why)
    return whole, left


def _noted(scored: Scored) -> dict[str, Any]:
    """What the plan notes of scores that were made in this run."""
    files = {Path(file).name: ends_of(Path(file)) for file in scored.files}
    return {"files": files, "failures": {**scored.failures}}


def _is_whole(receipt: Receipt, layout: OutputLayout) -> bool:
    """Whether the parts of a listed shard are as they were written; if not, it is logged."""
    places = layout.parts(receipt.shard.number, receipt.shard.of)
    for part in receipt.parts:
        path, stated = places.get(part.table), asdict(part)
        if path is None:
            log.warning("Shard %d is done again: it has a part of no table.", receipt.shard.number)
            return False
        missing = not path.is_file()
        if missing or any(stated.get(name) != value for name, value in ends_of(path).items()):
            fate = "missing" if missing else "altered"
            log.warning("Shard %d is done again: %s is %s.", receipt.shard.number, path, fate)
            return False
    return True
