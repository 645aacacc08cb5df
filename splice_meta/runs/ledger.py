"""The ledger of a run: what it is made from, its shards, and which of them are finished.

One line of JSON each, in ``ledger.jsonl`` in the run's folder: ``run`` (digests of everything that
is given), ``plan`` (genes and shards, known when all genes have scores), and one ``shard`` for each
that is finished, written when its parts are in place. In an object store, where nothing can be
appended, ``ledger.jsonl`` is a folder with an object for each line.

A part counts only once its shard is listed; of two lines of one shard the later counts. An object
appears when its upload is complete, and nothing is renamed: there the listing alone tells a
finished part from one that a process left behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

import polars as pl

from splice_meta.errors import InputError, UsageError
from splice_meta.model.distribution import NONE
from splice_meta.records import Entry
from splice_meta.runs.lines import Lines, Record, create_lines, read_lines
from splice_meta.runs.shards import Shard
from splice_meta.runs.task import GENES_DONE, Part, Receipt
from splice_meta.stores import Place

FORMAT = 1
_HINT = "Start the run anew with --overwrite in place of --resume."


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a ledger says.

    Attributes:
        given: Digests of what the run is made from, by name.
        started: When the run started; with a time zone, so that machines agree on the latest.
        plan: Digests of genes and shards, and what was scored; None where it did not get there.
        shards: The lines of finished shards, by number.
        end: Bytes that the whole lines take.
    """

    given: Mapping[str, str]
    started: datetime
    plan: Record | None
    shards: Mapping[int, Record]
    end: int


def create_ledger(path: Place, given: Mapping[str, str]) -> bool:
    """Write the ledger of a run that starts.

    Returns:
        False if another run has one there already, which only an object store tells.
    """
    started = datetime.now(UTC).isoformat()
    first = {"record": "run", "format": FORMAT, "started": started, "given": {**given}}
    return create_lines(path, first)


def read_ledger(path: Place) -> Recorded | None:
    """What a ledger says; None if there is none.

    Raises:
        InputError: If it is damaged elsewhere than at its end, or of a later version.
    """
    records, end = read_lines(path)
    if not records:
        return None
    first, *others = (
        Entry(record, f"Line {number} of {path}", hint=_HINT)
        for number, record in enumerate(records, start=1)
    )
    version = first.at("format").whole()
    if version != FORMAT:
        raise InputError(
            f"{path} has format {version}, this version reads {FORMAT}.",
            "Go on with the version of splice_meta that began the run.",
        )
    kinds = [(each.at("record").text(), each) for each in others]
    plans = [_plan(each) for kind, each in kinds if kind == "plan"]
    shards = [_shard(each) for kind, each in kinds if kind == "shard"]
    return Recorded(
        given=_texts(first.at("given")),
        started=_moment(first.at("started")),
        plan=plans[-1] if plans else None,
        shards={each["number"]: each for each in shards},
        end=end,
    )


def _moment(entry: Entry) -> datetime:
    try:
        # Local time of this machine where no zone is noted, as before version 0.2.
        return datetime.fromisoformat(entry.text()).astimezone(UTC)
    except (ValueError, OverflowError):
        entry.refuse("a date and time")


def _texts(entry: Entry) -> dict[str, str]:
    return {name: each.text(1 << 20) for name, each in entry.fields().items()}


def _plan(entry: Entry) -> Record:
    """The line of a plan, its shape checked."""
    _texts(entry.at("digests"))
    scored = entry.at("scored")
    for each in scored.at("files").fields().values():
        each.fields()
    _texts(scored.at("failures"))
    return dict(entry.value)


def _shard(entry: Entry) -> Record:
    """The line of a shard, its shape checked."""
    entry.at("number").whole()
    entry.at("seconds").number(0)
    _texts(entry.at("failures"))
    for column in entry.at("genes").fields().values():
        column.items()
    for part in entry.at("parts").items():
        known = {field.name for field in fields(Part)}
        if set(part.fields()) != known:
            part.refuse(f"an object of {', '.join(sorted(known))}")
        part.at("rows").whole()
        part.at("bytes").whole()
        part.at("table").text()
        part.at("path").text(1 << 14)
    for change in entry.at("changes").items():
        pair = [each.whole(-(1 << 62)) for each in change.items()]
        if len(pair) != 2:
            change.refuse("a list of two numbers")
    beside = entry.find("beside")
    for counted in beside.fields().values() if beside is not None else ():
        classes = [each.items() for each in counted.items()]
        if [len(each) for each in classes] != list(NONE.shape[1:]) * len(NONE):
            counted.refuse("the counts of two classes of scores")
        for each in (bin_ for bins in classes for bin_ in bins):
            each.whole()
    return dict(entry.value)


class Ledger:
    """A ledger that is written to.

    Args:
        lines: Its file.
        recorded: What stood in it before.
        resumed: Whether the run goes on rather than starts.
    """

    def __init__(self, lines: Lines, recorded: Recorded, resumed: bool) -> None:
        self._lines, self.recorded, self.resumed = lines, recorded, resumed

    def repair(self) -> None:
        """Drop a torn last line, so that the next one stands on its own."""
        self._lines.cut(self.recorded.end)

    def write_plan(
        self, digests: Mapping[str, str], shards: Sequence[Shard], scored: Mapping[str, Any]
    ) -> None:
        """Note genes and shards.

        Args:
            digests: Of genes and shards, by name.
            shards: Each is noted as first gene, gene after the last, positions.
            scored: The tables that were scored in this run, and reasons by gene that failed.
        """
        listed = [[shard.first, shard.stop, shard.positions] for shard in shards]
        self._lines.append(
            {"record": "plan", "digests": {**digests}, "shards": listed, "scored": {**scored}}
        )

    def write_shard(self, receipt: Receipt) -> None:
        """Note a finished shard, whose parts are in place."""
        self._lines.append(
            {
                "record": "shard",
                "number": receipt.shard.number,
                "seconds": receipt.seconds,
                "parts": [asdict(part) for part in receipt.parts],
                "genes": receipt.genes.to_dict(as_series=False),
                "failures": receipt.failures,
                "changes": list(receipt.changes.items()),
                "beside": {**receipt.beside},
            }
        )


def receipt_of(record: Record, shard: Shard) -> Receipt:
    """The receipt that a shard's line was written from."""
    columns = record["genes"]
    try:
        types = {name: GENES_DONE[name] for name in columns}
        genes = pl.DataFrame(columns, schema_overrides=types)
    except (KeyError, TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"The genes of shard {record['number']} in the ledger are damaged ({reason}).", _HINT
        ) from None
    return Receipt(
        shard,
        genes,
        record["failures"],
        tuple(Part(**part) for part in record["parts"]),
        record["seconds"],
        dict(record["changes"]),
        dict(record.get("beside", {})),
    )


def refuse_differences(run: str, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse to go on with a run that is not the same any more.

    Args:
        run: Its name.
        before: Digests by name, as the ledger has them.
        now: The same of what is given now.

    Raises:
        UsageError: It names what differs.
    """
    names = dict.fromkeys([*before, *now])
    differing = [name for name in names if before.get(name) != now.get(name)]
    if differing:
        raise UsageError(
            f"The run {run} cannot go on: it began with other {', '.join(differing)}.",
            "Give the same as then, or leave --resume out to start another run.",
        )
