"""Writing bigWig files as a stream of arrays.

The format is that of Kent and others, Bioinformatics 26:2204 (2010), version 4, little-endian. A
file is written front to back; what stands in front but is known at the end (offsets, sums) is
filled in then. Memory is that of one array and 32 bytes per block.

Why not a library: pyBigWig 0.3.29 takes 14 bytes for each value of a chromosome when it closes a
file (596 MB for 40 million) and does not come back from a full disk; pybigtools 0.3.0 takes rows,
not arrays, and raises nothing when these end in an error. The tests read the files with both.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from splice_meta.tracks.boxes import BOX, Boxes, write_tree
from splice_meta.tracks.zoom import Zoom

Positions = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]

PER_BLOCK = 4096
"""Values of a block: what a reader unpacks at least."""

_MAGIC, _VERSION, _CHROM_MAGIC = 0x888FFC26, 4, 0x78CA8C91
_HEAD = "<IHHQQQHHQQIQ"
_SUMS = "<Qdddd"
_ZOOM_HEAD = "<IIQQ"
_FIXED_STEP, _VARIABLE_STEP = 3, 2
_LEVEL = 1
"""Of zlib: scores are noise in all but their first bits; level 6 took three times as long and saved
2% in one measurement."""


class BigWig:
    """A bigWig file that takes values in ascending order.

    Args:
        file: Open for reading and writing, empty.
        sizes: Bases of each chromosome.
    """

    def __init__(self, file: BinaryIO, sizes: Mapping[str, int]) -> None:
        # Readers look names up by halving: UCSC's are in the order of their bytes.
        names = sorted(sizes, key=str.encode)
        self._file, self._sizes = file, sizes
        self._number = {name: number for number, name in enumerate(names)}
        self._boxes: list[Boxes] = []
        self._zoom = Zoom(max(sizes.values()))
        self._count, self._sum, self._squares = 0, 0.0, 0.0
        self._least, self._largest = np.inf, -np.inf
        self._last = (-1, -1)
        front = struct.calcsize(_HEAD) + len(self._zoom.levels) * struct.calcsize(_ZOOM_HEAD)
        self._at_sums = front
        file.write(bytes(front + struct.calcsize(_SUMS)))
        self._at_chroms = file.tell()
        self._write_chroms(names)
        self._at_data = file.tell()
        file.write(bytes(8))

    @property
    def count(self) -> int:
        """Values written so far."""
        return self._count

    def add(self, chrom: str, positions: Positions, values: Values) -> None:
        """Add values of single bases.

        Args:
            chrom: One of the chromosomes; they come in the order of their names' bytes.
            positions: 0-based, ascending, without repeats, behind those added before.
            values: One each; finite.
        """
        if not positions.size:
            return
        number = self._number[chrom]
        assert (number, int(positions[0])) > self._last
        assert positions.size == 1 or int(np.diff(positions).min()) > 0
        assert int(positions[-1]) < self._sizes[chrom]
        self._last = (number, int(positions[-1]))
        for first in range(0, positions.size, PER_BLOCK):
            stop = first + PER_BLOCK
            self._write_blocks(number, positions[first:stop], values[first:stop])
        exact = values.astype(np.float64)
        self._count += values.size
        self._sum += float(exact.sum())
        self._squares += float((exact * exact).sum())
        self._least = min(self._least, float(values.min()))
        self._largest = max(self._largest, float(values.max()))
        self._zoom.add(number, positions, exact)

    def close(self) -> None:
        """Write the indices and what stands in front; at least one value must have been added."""
        file = self._file
        at_index = file.tell()
        boxes = np.concatenate(self._boxes)
        write_tree(file, boxes, at_index, PER_BLOCK)
        zooms = self._zoom.write(file)
        unpacked = max(24 + 8 * PER_BLOCK, self._zoom.largest_block)
        file.write(struct.pack("<I", _MAGIC))
        file.seek(0)
        file.write(
            struct.pack(
                _HEAD, _MAGIC, _VERSION, len(zooms), self._at_chroms, self._at_data, at_index,
                0, 0, 0, self._at_sums, unpacked, 0,
            )
        )  # fmt: skip
        for reduction, at, index in zooms:
            file.write(struct.pack(_ZOOM_HEAD, reduction, 0, at, index))
        file.seek(self._at_sums)
        sums = (self._least, self._largest, self._sum, self._squares)
        file.write(struct.pack(_SUMS, self._count, *sums))
        file.seek(self._at_data)
        file.write(struct.pack("<Q", boxes.size))

    def _write_chroms(self, names: list[str]) -> None:
        """The names and sizes of the chromosomes, as a tree of one leaf."""
        width = max(len(name.encode()) for name in names)
        self._file.write(struct.pack("<IIIIQQ", _CHROM_MAGIC, len(names), width, 8, len(names), 0))
        self._file.write(struct.pack("<BBH", 1, 0, len(names)))
        for number, name in enumerate(names):
            self._file.write(name.encode().ljust(width, b"\0"))
            self._file.write(struct.pack("<II", number, self._sizes[name]))

    def _write_blocks(self, number: int, positions: Positions, values: Values) -> None:
        """Successive bases without their positions; where there are many gaps, with them."""
        breaks = np.flatnonzero(np.diff(positions) != 1) + 1
        if 8 * breaks.size > positions.size:
            items = np.empty(positions.size, [("start", "<u4"), ("value", "<f4")])
            items["start"], items["value"] = positions, values
            self._write_block(number, positions, _VARIABLE_STEP, items.tobytes())
            return
        for first, stop in zip((0, *breaks), (*breaks, positions.size), strict=True):
            run = values[first:stop].astype("<f4").tobytes()
            self._write_block(number, positions[first:stop], _FIXED_STEP, run)

    def _write_block(self, number: int, positions: Positions, kind: int, items: bytes) -> None:
        start, end = int(positions[0]), int(positions[-1]) + 1
        step = 1 if kind == _FIXED_STEP else 0
        head = struct.pack("<IIIIIBBH", number, start, end, step, 1, kind, 0, positions.size)
        packed = zlib.compress(head + items, _LEVEL)
        box = np.array([(number, start, number, end, self._file.tell(), len(packed))], BOX)
        self._boxes.append(box)
        self._file.write(packed)
