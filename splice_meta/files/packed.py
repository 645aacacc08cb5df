"""Text files, plain or compressed: told apart by content, read as a stream, refused if cut off.

Every member of a gzip file and every frame of a zstd file is read. A file that was cut between two
of them is a whole file to any reader; only bgzip says where it ends, by an empty last block.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, cast

from splice_meta.errors import InputError

Packing = Literal["plain", "gzip", "bgzip", "zstd"]

BLOCK_BYTES = 1 << 18
"""What is read at once: it stays in the processor's cache."""

LONGEST_LINE = 1 << 26
"""Bytes of a line above which a file is not text of lines; so much may be held in memory."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_BGZIP_FIELD = b"BC\x02\x00"

BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends a bgzip file."""


def packing_of(path: Path) -> Packing:
    """How a file is compressed, by its first bytes.

    Raises:
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(_GZIP):
        return "bgzip" if head[12:] == _BGZIP_FIELD else "gzip"
    return "zstd" if head.startswith(_ZSTD) else "plain"


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """Open a plain, gzip, bgzip or zstd file, to read the text in it.

    Args:
        path: The file.

    Raises:
        InputError: If it is compressed, and damaged or cut off; also while it is read.
        OSError: If it cannot be opened.
    """
    packing = packing_of(path)
    if packing == "bgzip":
        _check_bgzip_end(path)
    with path.open("rb") as file:
        try:
            yield _reader(file, packing)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise _damaged(path, packing, str(error)) from error
        except OSError as error:
            if packing != "zstd" or error.errno is not None:
                raise
            raise _damaged(path, packing, str(error)) from error


def blocks(path: Path) -> Iterator[bytes]:
    """The text in a file, in blocks of whole lines; only the last line may lack its end.

    Args:
        path: A plain, gzip, bgzip or zstd file.

    Raises:
        InputError: If it cannot be read, has no lines, or is compressed and damaged or cut off.
    """
    try:
        with unpacked(path) as file:
            while block := file.read(BLOCK_BYTES) + file.readline(LONGEST_LINE):
                if len(block) > LONGEST_LINE:
                    raise InputError(
                        f"{path} is not text: a line has more than {LONGEST_LINE >> 20} MiB.",
                        "Check what the file is.",
                    )
                yield block
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}.",
            "Check the path and the permissions.",
        ) from error


def _reader(file: IO[bytes], packing: Packing) -> IO[bytes]:
    if packing == "plain":
        return file
    if packing == "zstd":
        import pyarrow as pa

        stream = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
        return cast(IO[bytes], io.BufferedReader(stream, BLOCK_BYTES))
    return cast(IO[bytes], gzip.GzipFile(fileobj=file))


def _damaged(path: Path, packing: Packing, reason: str) -> InputError:
    return InputError(
        f"The {packing} file {path} is damaged or cut off: {reason.rstrip('.')}.",
        "Copy or download it again.",
    )


def _check_bgzip_end(path: Path) -> None:
    """Refuse a bgzip file without its end mark: cut between two blocks it is still valid gzip."""
    with path.open("rb") as file:
        file.seek(-min(len(BGZIP_END), path.stat().st_size), os.SEEK_END)
        if file.read() != BGZIP_END:
            raise InputError(
                f"The bgzip file {path} has no end mark, so it is probably cut off.",
                "Copy or download it again, or pack it again with bgzip.",
            )
