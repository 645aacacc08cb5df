"""JSON lines that only grow: a file, safe against a torn last line; or objects, one for each line.

Everything that a ledger needs of a file system or an object store stands here. An object store
cannot append, and has no locks: a line is an object ``000012.json`` that must not have been there.
Who opens the lines adds one first, so that a process that had them open before fails at its next.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from contextlib import AbstractContextManager
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Protocol, Self

from splice_meta.errors import InputError, OutputError
from splice_meta.files.ownership import temporary_name
from splice_meta.files.records import parse_record
from splice_meta.files.stores import ObjectPath, Place, read_objects
from splice_meta.sink import not_written, write_text

Record = dict[str, Any]


class Lines(Protocol):
    """Lines that are open for appending by this process alone."""

    def append(self, record: Record) -> None:
        """Write one line; when this returns it is there for good."""

    def cut(self, end: int) -> None:
        """Drop a torn last line: what lies behind the first ``end`` bytes."""


def create_lines(path: Place, first: Record) -> bool:
    """Make the file, or the first object; it appears complete or not at all.

    Returns:
        False if there is one already, which is left as it is: of several who try at once, one
        succeeds.
    """
    if isinstance(path, ObjectPath):
        return _object(path, 0).create(_line(first).encode())
    claim = temporary_name(path)
    write_text(claim, _line(first))
    try:
        os.link(claim, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        claim.replace(path)
    finally:
        claim.unlink(missing_ok=True)
    return True


def open_lines(path: Place) -> AbstractContextManager[Lines]:
    """Open lines that are there, for appending by this process alone.

    Raises:
        OutputError: If another process has them open, or they cannot be written.
    """
    return LineFile(path) if isinstance(path, Path) else LineObjects(path)


def read_lines(path: Place) -> tuple[list[Record], int]:
    """The lines of a file, a torn last one left out; or of objects, which are never torn.

    Args:
        path: The file or folder; one that is not there has no lines.

    Returns:
        The records, and the number of bytes that they take in a file.

    Raises:
        InputError: If another line than the last is damaged.
    """
    if isinstance(path, ObjectPath):
        return _read_objects(path), 0
    data = path.read_bytes() if path.is_file() else b""
    *whole, rest = data.split(b"\n")
    records: list[Record] = []
    end = 0
    for number, line in enumerate(whole, start=1):
        record = _parsed(line)
        if record is None:
            if number == len(whole) and not rest:
                break
            raise InputError(
                f"Line {number} of {path} is damaged, and lines follow it.",
                "Start again with --overwrite instead of --resume.",
            )
        records.append(record)
        end += len(line) + 1
    return records, end


class LineFile:
    """The file, open for appending by this process alone.

    Args:
        path: The file; it must be there.

    Raises:
        OutputError: If another process has it open, or it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._handle = os.open(path, os.O_WRONLY | os.O_APPEND)
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written: {error.strerror}.", "Check its permissions."
            ) from None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            raise OutputError(
                f"The job in {path.parent} is still running.", "Wait for it, or stop it first."
            ) from None
        except OSError:  # a file system without locks
            pass

    def append(self, record: Record) -> None:
        """Write one line; when this returns it is on the disk.

        Raises:
            OutputError: If it cannot be written.
        """
        data = _line(record).encode()
        try:
            written = os.write(self._handle, data)
            os.fsync(self._handle)
        except OSError as error:
            raise not_written(self.path, error) from None
        if written < len(data):  # the rest of the line found no room; --resume drops what is torn
            raise not_written(self.path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def cut(self, end: int) -> None:
        """Drop what lies behind the first ``end`` bytes: a torn last line."""
        if os.fstat(self._handle).st_size > end:
            os.ftruncate(self._handle, end)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._handle)


class LineObjects:
    """Lines as objects; opening adds a line, by which this process takes them over.

    Args:
        path: Their folder.

    Raises:
        OutputError: If another process takes them over at the same time.
    """

    def __init__(self, path: ObjectPath) -> None:
        self.path = path
        self._count = len(path.objects())
        self.append({"record": "opened", "by": token_hex(8)})

    def append(self, record: Record) -> None:
        """Write one line; when this returns it is in the store.

        Raises:
            OutputError: If another process has written this line.
        """
        if not _object(self.path, self._count).create(_line(record).encode()):
            raise OutputError(
                f"Another process has resumed the job in {self.path.parent}.",
                "Leave it to that process; the shards that it lists are complete.",
            )
        self._count += 1

    def cut(self, end: int) -> None:
        """Nothing: an object is whole."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


def _object(path: ObjectPath, number: int) -> ObjectPath:
    return path / f"{number:06d}.json"


def _read_objects(path: ObjectPath) -> list[Record]:
    objects = path.objects()
    records = []
    for number, data in enumerate(read_objects(objects)):
        record = _parsed(data)
        if record is None or objects[number] != _object(path, number):
            raise InputError(
                f"{objects[number]} is damaged, or not the next line.",
                "Start again with --overwrite instead of --resume.",
            )
        records.append(record)
    return records


def _line(record: Record) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"


def _parsed(line: bytes) -> Record | None:
    try:
        record = parse_record(line, "a line").value
    except InputError:
        return None
    return record if isinstance(record, dict) else None
