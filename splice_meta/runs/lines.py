"""A file of JSON lines that only grows, safe against a torn last line.

Everything that a ledger needs of a file system stands here: an object store cannot append, and
would hold each line as an object of its own.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from splice_meta.errors import InputError, OutputError
from splice_meta.sink import write_text

Record = dict[str, Any]


def create_lines(path: Path, first: Record) -> None:
    """Make the file with its first line; it appears whole or not at all."""
    write_text(path, _line(first))


def read_lines(path: Path) -> tuple[list[Record], int]:
    """The lines of the file; a torn last one is left out.

    Args:
        path: The file; one that is not there has no lines.

    Returns:
        The records, and the number of bytes that they take.

    Raises:
        InputError: If another line than the last is damaged.
    """
    data = path.read_bytes() if path.exists() else b""
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
                "Start the run anew with --overwrite in place of --resume.",
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
            raise OutputError(f"{path} cannot be written: {error.strerror}.") from None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._handle)
            raise OutputError(
                f"The run in {path.parent} is still going on.", "Wait for it, or end it first."
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
            raise OutputError(f"{self.path} cannot be written: {error.strerror}.") from None
        if written < len(data):
            raise OutputError(f"{self.path} cannot be written.", "Check the free space.")

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


def _line(record: Record) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"


def _parsed(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
