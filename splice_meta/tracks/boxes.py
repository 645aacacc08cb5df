"""The R tree of a bigWig file: which block of it holds which span of the genome."""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

BOX = np.dtype(
    [
        ("first_chrom", "<u4"), ("start", "<u4"), ("last_chrom", "<u4"), ("end", "<u4"),
        ("offset", "<u8"), ("size", "<u8"),
    ]
)  # fmt: skip
"""A block of the file (leaf) and the span it covers, 0-based, half open."""

_INNER = np.dtype(BOX.descr[:-1])
_MAGIC = 0x2468ACE0
_FAN = 256
"""Boxes of a node."""

Boxes = npt.NDArray[np.void]


def write_tree(file: BinaryIO, boxes: Boxes, end_of_data: int, per_slot: int) -> None:
    """Write the index of blocks at the end of a file.

    Args:
        file: At its end.
        boxes: The blocks as :data:`BOX`, ascending by chromosome and start; at least one.
        end_of_data: Offset behind the last block.
        per_slot: Most items of a block.
    """
    levels = [boxes]
    while levels[0].size > _FAN:
        levels.insert(0, _above(levels[0]))
    whole = _above(levels[0])[0]
    head = struct.pack(
        "<IIQIIIIQII", _MAGIC, _FAN, boxes.size, whole["first_chrom"], whole["start"],
        whole["last_chrom"], whole["end"], end_of_data, per_slot, 0,
    )  # fmt: skip
    file.write(head)
    place = file.tell()
    for number, level in enumerate(levels):
        is_leaf = number == len(levels) - 1
        place += _nodes(level.size) * 4 + level.size * (BOX if is_leaf else _INNER).itemsize
        if not is_leaf:
            below = levels[number + 1].size
            item = (BOX if number + 2 == len(levels) else _INNER).itemsize
            level["offset"] = place + np.arange(_nodes(below)) * (4 + _FAN * item)
        for first in range(0, level.size, _FAN):
            node = level[first : first + _FAN]
            file.write(struct.pack("<BBH", is_leaf, 0, node.size))
            file.write((node if is_leaf else _inner(node)).tobytes())


def _nodes(boxes: int) -> int:
    return -(-boxes // _FAN)


def _above(boxes: Boxes) -> Boxes:
    """The box around each node's boxes."""
    first = np.arange(0, boxes.size, _FAN)
    last = np.minimum(first + _FAN, boxes.size) - 1
    around = np.zeros(first.size, BOX)
    around["first_chrom"], around["start"] = boxes["first_chrom"][first], boxes["start"][first]
    # Blocks ascend and do not overlap: the last one reaches furthest.
    around["last_chrom"], around["end"] = boxes["last_chrom"][last], boxes["end"][last]
    return around


def _inner(boxes: Boxes) -> Boxes:
    found = np.zeros(boxes.size, _INNER)
    for name in _INNER.names or ():
        found[name] = boxes[name]
    return found
