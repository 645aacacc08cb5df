"""Tracks row by row, as the documentation words them, and a bigWig file looked at as bytes."""

from __future__ import annotations

import struct
from pathlib import Path

import polars as pl

Track = dict[tuple[str, int], float]


def naive_track(rows: pl.DataFrame, column: str, strand: str) -> Track:
    """The largest value at each base of a strand, by chromosome and 0-based start."""
    found: Track = {}
    for chrom, its, position, value in rows.select(
        "chrom", "strand", "genomic_position", column
    ).iter_rows():
        place = (chrom, position - 1)
        if its == strand:
            found[place] = max(value, found.get(place, 0.0))
    return found


def naive_calls(rows: pl.DataFrame, system: tuple[str, str]) -> set[tuple[str, int, str, str]]:
    """Chromosome, 0-based start, strand and site of what is called at 0.5."""
    return {
        (chrom, position - 1, strand, site)
        for site, column in zip(("donor", "acceptor"), system, strict=True)
        for chrom, strand, position, value in rows.select(
            "chrom", "strand", "genomic_position", column
        ).iter_rows()
        if value >= 0.5
    }


def check_ucsc(path: Path) -> dict[str, int]:
    """Hold a bigWig file against what UCSC's readers take for granted; returns the chromosomes."""
    data = path.read_bytes()
    head = struct.unpack_from("<IHHQQQHHQQIQ", data)
    magic, version, zooms, at_chroms, at_data, at_index = head[:6]
    assert (magic, version) == (0x888FFC26, 4)
    assert data[-4:] == data[:4], "the magic number stands at the end, too"
    assert 1 <= zooms <= 10
    reductions = [struct.unpack_from("<IIQQ", data, 64 + 24 * n)[0] for n in range(zooms)]
    assert reductions == sorted(set(reductions))
    magic, block, width, size, count, _ = struct.unpack_from("<IIIIQQ", data, at_chroms)
    is_leaf, _, items = struct.unpack_from("<BBH", data, at_chroms + 32)
    assert (magic, size, is_leaf, items) == (0x78CA8C91, 8, 1, count)
    assert items <= block
    chroms = {}
    for number in range(items):
        at = at_chroms + 36 + number * (width + 8)
        which, bases = struct.unpack_from("<II", data, at + width)
        assert which == number
        chroms[data[at : at + width].rstrip(b"\0")] = bases
    assert list(chroms) == sorted(chroms), "names are looked up by halving"
    leaves = _leaves(data, at_index)
    assert len(leaves) == struct.unpack_from("<Q", data, at_data)[0]
    _check_leaves(leaves, list(chroms.values()))
    for number in range(zooms):
        _, _, at, index = struct.unpack_from("<IIQQ", data, 64 + 24 * number)
        found = _leaves(data, index)
        assert len(found) == struct.unpack_from("<I", data, at)[0]
        _check_leaves(found, list(chroms.values()))
    return {name.decode(): bases for name, bases in chroms.items()}


def _check_leaves(leaves: list[tuple[int, ...]], sizes: list[int]) -> None:
    """Blocks ascend, do not overlap and end inside their chromosome."""
    before = (-1, 0)
    for first, start, last, end, *_ in leaves:
        assert first == last
        assert start < end <= sizes[first]
        assert first > before[0] or (first == before[0] and start >= before[1])
        before = (last, end)


def _leaves(data: bytes, at: int) -> list[tuple[int, ...]]:
    assert struct.unpack_from("<I", data, at)[0] == 0x2468ACE0
    return _below(data, at + 48)


def _below(data: bytes, at: int) -> list[tuple[int, ...]]:
    is_leaf, _, count = struct.unpack_from("<BBH", data, at)
    form, size = ("<IIIIQQ", 32) if is_leaf else ("<IIIIQ", 24)
    items = [struct.unpack_from(form, data, at + 4 + size * n) for n in range(count)]
    return items if is_leaf else [leaf for item in items for leaf in _below(data, item[4])]
