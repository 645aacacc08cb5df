"""Unpacking compressed files, up to a limit that grows with the file."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from splice_meta.errors import ModelError
from splice_meta.model.held import HINT

UNPACKERS: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"BZ": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lambda: lzma.LZMADecompressor(memlimit=_MOST_FOR_LZMA),
    b"\x5d\x00": lambda: lzma.LZMADecompressor(memlimit=_MOST_FOR_LZMA),
    b"\x78": zlib.decompressobj,
}
"""What unpacks a file that begins in this way."""

_MOST_FOR_LZMA = 256 << 20
_MOST_STREAMS = 100


def most_unpacked(size: int) -> int:
    """Bytes that a compressed file may unpack to: trees shrink to a third, text to a tenth.

    Args:
        size: Bytes of the file.
    """
    return (32 << 20) + 40 * size


def unpacked(data: bytes, unpacker: Callable[[], Any], path: Path) -> bytes:
    """What compressed data unpacks to; several streams may follow each other.

    Raises:
        ModelError: If it is more than such a file should.
        EOFError: If it is cut short.
    """
    limit = most_unpacked(len(data))
    parts: list[bytes] = []
    left = limit
    for _ in range(_MOST_STREAMS):
        stream = unpacker()
        part = stream.decompress(data, left + 1)
        left -= len(part)
        if left < 0:
            raise ModelError(f"{path} unpacks to more than {limit >> 20:,} MiB.", HINT)
        if not stream.eof:
            raise EOFError("it is cut short")
        parts.append(part)
        data = stream.unused_data
        if not data:
            return b"".join(parts)
    raise ModelError(f"{path} holds more than {_MOST_STREAMS} compressed streams.", HINT)
