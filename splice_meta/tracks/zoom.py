"""The summaries of a bigWig file by which browsers draw wide spans."""

from __future__ import annotations

import shutil
import tempfile
import zlib
from dataclasses import dataclass, field
from typing import IO, BinaryIO

import numpy as np
import numpy.typing as npt

from splice_meta.tracks.boxes import BOX, Boxes, write_tree

RECORD = np.dtype(
    [
        ("chrom", "<u4"), ("start", "<u4"), ("end", "<u4"), ("count", "<u4"),
        ("least", "<f4"), ("largest", "<f4"), ("sum", "<f4"), ("squares", "<f4"),
    ]
)  # fmt: skip
_SUMS = np.dtype(
    [
        ("start", "i8"), ("end", "i8"), ("count", "i8"),
        ("least", "f8"), ("largest", "f8"), ("sum", "f8"), ("squares", "f8"),
    ]
)  # fmt: skip

FIRST, FACTOR, MOST = 64, 4, 9
"""Bases of a record of the finest level, how much wider those of the next are, most levels."""

PER_BLOCK = 512


@dataclass
class _Level:
    reduction: int
    file: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    boxes: list[Boxes] = field(default_factory=list)
    written: int = 0


class Zoom:
    """The levels while values come in; their blocks wait in temporary files.

    Args:
        longest: Bases of the longest chromosome: no record need be wider.
    """

    def __init__(self, longest: int) -> None:
        widths = [FIRST * FACTOR**number for number in range(MOST)]
        self.levels = [_Level(width) for width in widths if width == FIRST or width < longest]

    @property
    def largest_block(self) -> int:
        """Bytes of a block before it is packed."""
        return PER_BLOCK * RECORD.itemsize

    def add(
        self, chrom: int, positions: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
    ) -> None:
        """Add the values of single bases, see :meth:`splice_meta.tracks.bigwig.BigWig.add`."""
        rows = np.empty(positions.size, _SUMS)
        rows["start"], rows["end"], rows["count"] = positions, positions + 1, 1
        for name in ("least", "largest", "sum"):
            rows[name] = values
        rows["squares"] = values * values
        for level in self.levels:
            rows = _summed(rows, level.reduction)
            _write(level, chrom, rows)

    def write(self, file: BinaryIO) -> list[tuple[int, int, int]]:
        """Write the levels at the end of a file.

        Returns:
            Width, offset of the data and offset of the index of each.
        """
        found = []
        for level in self.levels:
            at = file.tell()
            boxes = np.concatenate(level.boxes)
            file.write(int(boxes.size).to_bytes(4, "little"))
            boxes["offset"] += file.tell()
            level.file.seek(0)
            shutil.copyfileobj(level.file, file)
            level.file.close()
            index = file.tell()
            write_tree(file, boxes, index, PER_BLOCK)
            found.append((level.reduction, at, index))
        return found


def _summed(rows: npt.NDArray[np.void], width: int) -> npt.NDArray[np.void]:
    """Sum rows over windows of a width."""
    window = rows["start"] // width
    first = np.concatenate(([0], np.flatnonzero(np.diff(window)) + 1))
    found = np.empty(first.size, _SUMS)
    found["start"] = rows["start"][first]
    found["end"] = rows["end"][np.append(first[1:], rows.size) - 1]
    found["least"] = np.minimum.reduceat(rows["least"], first)
    found["largest"] = np.maximum.reduceat(rows["largest"], first)
    for name in ("count", "sum", "squares"):
        found[name] = np.add.reduceat(rows[name], first)
    return found


def _write(level: _Level, chrom: int, rows: npt.NDArray[np.void]) -> None:
    records = np.empty(rows.size, RECORD)
    records["chrom"] = chrom
    for name in _SUMS.names or ():
        records[name] = rows[name]
    for first in range(0, records.size, PER_BLOCK):
        block = records[first : first + PER_BLOCK]
        packed = zlib.compress(block.tobytes(), 1)
        start, end = int(block["start"][0]), int(block["end"][-1])
        level.boxes.append(np.array([(chrom, start, chrom, end, level.written, len(packed))], BOX))
        level.file.write(packed)
        level.written += len(packed)
