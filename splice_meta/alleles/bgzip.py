"""Writing bgzip: gzip in blocks, each with its length, so that programs can begin within a file.

The layout is that of the SAM specification (section 4.1): members of at most 64 KiB with a field
``BC`` that holds the member's length less 1, and an empty member at the end.
"""

from __future__ import annotations

import struct
import zlib
from typing import IO

from splice_meta.files.packed import BGZIP_END

BLOCK = 0xFF00
"""Bytes of text in a member: so many fit one even where they cannot be compressed."""

_LEVEL = 6
_HEAD = struct.Struct("<4BI2BH2BHH")


class BgzipWriter:
    """Packs what is written to it; :meth:`close` writes the rest and the end.

    Args:
        file: Open for writing; it stays open.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._rest = b""

    def write(self, data: bytes) -> None:
        """Write bytes; the last of them wait until a member is full."""
        data = self._rest + data
        whole = len(data) - len(data) % BLOCK
        for first in range(0, whole, BLOCK):
            self._file.write(_member(data[first : first + BLOCK]))
        self._rest = data[whole:]

    def close(self) -> None:
        """Write the last member and the empty one."""
        if self._rest:
            self._file.write(_member(self._rest))
        self._rest = b""
        self._file.write(BGZIP_END)


def _member(data: bytes) -> bytes:
    pack = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = pack.compress(data) + pack.flush()
    length = _HEAD.size + len(packed) + 8
    head = _HEAD.pack(0x1F, 0x8B, 8, 4, 0, 0, 0xFF, 6, 66, 67, 2, length - 1)
    return head + packed + struct.pack("<II", zlib.crc32(data), len(data))
