"""What a job is: shards in order, and a task that makes each of them into files and a receipt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from splice_meta.files.records import Entry
from splice_meta.files.stores import Place


@dataclass(frozen=True)
class Shard:
    """One piece of a job.

    Attributes:
        number: 0-based, in order.
        of: How many shards the job has.
        first: The first of its items, 0-based in the order of the job's.
        stop: The item after its last.
        size: What progress counts, such as rows.
    """

    number: int
    of: int
    first: int
    stop: int
    size: int


@dataclass(frozen=True)
class Part:
    """A file that a shard wrote.

    Attributes:
        table: Which table it is of or a part of, as :meth:`Task.files` names it.
        path: Where it lies, from a folder that the task knows.
        rows: Its rows.
        bytes: Its size.
        sha256_of_ends: Digest of its first and last MiB; empty for an object.
        etag: The ETag of an object; empty for a file.
    """

    table: str
    path: str
    rows: int
    bytes: int
    sha256_of_ends: str = ""
    etag: str = ""


@dataclass(frozen=True)
class Receipt:
    """What a shard came to; small, since it may come from another process.

    Attributes:
        shard: The shard.
        failures: Reason by item that could not be done.
        parts: The files it wrote.
        seconds: Wall time.
    """

    shard: Shard
    failures: dict[str, str] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    seconds: float = 0.0


R = TypeVar("R", bound=Receipt)

Told = Callable[[int], None]
"""Called with what is done of a shard, in its size, while it is made."""


class Task(Protocol[R]):
    """What is done with each shard of a job, and where its files lie.

    It is frozen, and goes to every worker once. A shard's files are written whole; the same shard
    may be made twice, with the same bytes.
    """

    @property
    def what(self) -> str:
        """What the job is, for messages."""

    @property
    def at_once(self) -> int:
        """How many shards one process makes at once."""

    @property
    def tells(self) -> bool:
        """Whether a shard says how far it is while it is made."""

    @property
    def retries(self) -> bool:
        """Whether a resumed job tries shards again of which an item failed."""

    @property
    def folder(self) -> Place:
        """The job's folder, which holds its ledger and which every worker must see."""

    def absolute(self) -> Task[R]:
        """The same, with paths that mean the same in every process."""

    def open(self, sent: bool) -> None:
        """Make what a process needs once, before its first shard.

        Args:
            sent: Whether it came to a worker, rather than being the caller's own.
        """

    def run(self, shard: Shard, room: AbstractContextManager[object], told: Told) -> R:
        """Make a shard.

        Args:
            shard: Which one.
            room: Held while it needs memory and processors, not while its files are flushed.
            told: Called with what is done meanwhile.
        """

    def close(self) -> None:
        """Free what :meth:`open` made; shards that are still under way end early, by an error."""

    def lost(self, shard: Shard, reason: str) -> R:
        """The receipt of a shard that no worker survived."""

    def files(self, shard: Shard) -> Mapping[str, Place]:
        """Every file that a shard may write, by the name of its table."""

    def folders(self) -> list[Place]:
        """Where its files lie, and what killed processes left unfinished."""

    def note(self, receipt: R) -> dict[str, Any]:
        """What the ledger keeps of a receipt beside what every receipt has."""

    def noted(self, line: Entry, shard: Shard) -> R:
        """The receipt that a line of the ledger was written from.

        Raises:
            InputError: If the line is damaged.
        """


def ledger_of(folder: Place) -> Place:
    """The ledger in a job's folder; in an object store a folder of lines."""
    return folder / "ledger.jsonl"
