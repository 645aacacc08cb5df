"""The ledger of a job: what it is made from, its shards, and which of them are finished.

One line of JSON each, in ``ledger.jsonl`` in the job's folder: ``run`` (digests of everything that
is given), ``plan`` (its shards, and what else it is to go on with), and one ``shard`` for each that
is finished, written when its parts are in place. In an object store, where nothing can be
appended, ``ledger.jsonl`` is a folder with an object for each line.

A part counts only once its shard is listed; of two lines of one shard the later counts. An object
appears when its upload is complete, and nothing is renamed: there the listing alone tells a
finished part from one that a process left behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from splice_meta.errors import InputError, UsageError
from splice_meta.files.records import Entry
from splice_meta.files.stores import Place
from splice_meta.jobs.lines import Lines, create_lines, read_lines
from splice_meta.jobs.plan import Part, R, Shard, Task

FORMAT = 1
_HINT = "Start again with --overwrite instead of --resume."


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What a ledger says.

    Attributes:
        given: Digests of what the job is made from, by name.
        started: When it started; with a time zone, so that machines agree on the latest.
        plan: Digests by name, shards and notes; None where it did not get there.
        shards: The lines of finished shards, by number.
        end: Bytes that the whole lines take.
    """

    given: Mapping[str, str]
    started: datetime
    plan: Entry | None
    shards: Mapping[int, Entry]
    end: int


def create_ledger(path: Place, given: Mapping[str, str]) -> bool:
    """Write the ledger of a job that starts.

    Returns:
        False if another job has one there already, which only an object store tells.
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
            "Resume it with the version of splice_meta that started it.",
        )
    kinds = [(each.at("record").text(), each) for each in others]
    plans = [_plan(each) for kind, each in kinds if kind == "plan"]
    shards = [_shard(each) for kind, each in kinds if kind == "shard"]
    return Recorded(
        given=_texts(first.at("given")),
        started=_moment(first.at("started")),
        plan=plans[-1] if plans else None,
        shards={each.at("number").whole(): each for each in shards},
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


def _plan(entry: Entry) -> Entry:
    """The line of a plan, its shape checked; the notes are for the job to check."""
    _texts(entry.at("digests"))
    entry.at("notes").fields()
    return entry


def _shard(entry: Entry) -> Entry:
    """The line of a shard; what every job notes of one is checked here, the rest by the job."""
    entry.at("number").whole()
    _common(entry)
    return entry


def _common(line: Entry) -> dict[str, Any]:
    """What the line of a shard says in every job."""
    return {
        "failures": _texts(line.at("failures")),
        "parts": tuple(map(_part, line.at("parts").items())),
        "seconds": line.at("seconds").number(0),
    }


def _part(entry: Entry) -> Part:
    known = {field.name for field in fields(Part)}
    if set(entry.fields()) != known:
        entry.refuse(f"an object of {', '.join(sorted(known))}")
    entry.at("rows").whole()
    entry.at("bytes").whole()
    entry.at("table").text()
    entry.at("path").text(1 << 14)
    return Part(**entry.value)


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
        self, digests: Mapping[str, str], shards: Sequence[Shard], notes: Mapping[str, Any]
    ) -> None:
        """Note the plan.

        Args:
            digests: Of items and shards, by name.
            shards: Each is noted as first item, item after the last, size.
            notes: What else the job goes on with.
        """
        listed = [[shard.first, shard.stop, shard.size] for shard in shards]
        self._lines.append(
            {"record": "plan", "digests": {**digests}, "shards": listed, "notes": {**notes}}
        )

    def write_shard(self, task: Task[R], receipt: R) -> None:
        """Note a finished shard, whose parts are in place."""
        self._lines.append(
            {
                "record": "shard",
                "number": receipt.shard.number,
                "seconds": receipt.seconds,
                "parts": [asdict(part) for part in receipt.parts],
                "failures": receipt.failures,
                **task.note(receipt),
            }
        )


def receipt_of(task: Task[R], line: Entry, shard: Shard) -> R:
    """The receipt that a shard's line was written from.

    Raises:
        InputError: If the line is damaged.
    """
    return replace(task.noted(line, shard), **_common(line))


def refuse_differences(job: str, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse to go on with a job that is not the same any more.

    Args:
        job: What it is, and its name.
        before: Digests by name, as the ledger has them.
        now: The same of what is given now.

    Raises:
        UsageError: It names what differs.
    """
    names = dict.fromkeys([*before, *now])
    differing = [name for name in names if before.get(name) != now.get(name)]
    if differing:
        raise UsageError(
            f"The {job} cannot be resumed; changed since it started: {', '.join(differing)}.",
            "Give the same as before; to start again, leave --resume out or give --overwrite.",
        )
