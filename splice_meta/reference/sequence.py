"""The reference sequence, from a FASTA file of a genome or of slices of one."""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from splice_meta.errors import InputError
from splice_meta.reference.fasta_cache import open_fasta
from splice_meta.reference.record_names import place_of, say_names

if TYPE_CHECKING:
    from pyfaidx import Faidx

Bases = npt.NDArray[np.uint8]
"""ASCII codes of A, C, G, T or N, one per base."""

N = ord("N")


def _table(read: bytes, written: bytes) -> Bases:
    """A table of 256 codes: each letter of ``read``, in either case, to ``written``, else N."""
    table = np.full(256, N, np.uint8)
    for letters in (read.upper(), read.lower()):
        table[np.frombuffer(letters, np.uint8)] = np.frombuffer(written, np.uint8)
    return table


_PLAIN = _table(b"ACGTU", b"ACGTT")
_COMPLEMENT = _table(b"ACGTU", b"TGCAA")
# 0 for bases, 1 for N and X, 2 for anything else.
_KIND = np.full(256, 2, np.uint8)
_KIND[np.frombuffer(b"ACGTUacgtu", np.uint8)] = 0
_KIND[np.frombuffer(b"NXnx", np.uint8)] = 1


@dataclass(frozen=True)
class _Record:
    """A record of the FASTA and the span of its chromosome, 1-based, both ends included.

    Args:
        name: Its name in the file.
        start: First position.
        end: Last position.
        is_reverse: Whether it is the reverse complement, as the strand in its name says.
    """

    name: str
    start: int
    end: int
    is_reverse: bool = False


@dataclass(frozen=True)
class _Opened:
    """An open file and what is in it, by chromosome in the order of the file.

    Args:
        process: The process that opened it.
        faidx: The index and the open text.
        records: Records, ascending by start and by end, none within another.
        spans: What the records cover, ascending, with gaps between.
    """

    process: int
    faidx: Faidx
    records: dict[str, list[_Record]]
    spans: dict[str, list[tuple[int, int]]]


class Genome:
    """Random access to the bases of a FASTA file, by chromosome and position.

    A record is a whole chromosome, or a slice named ``chrom:start-end`` (1-based, both ends
    included, as samtools names slices) whose length is end - start + 1. Where the length is end -
    start, the name counts from 0 and without its end, as bedtools does; a warning says so. A record
    of another length is a chromosome of that very name, which is said, too. A name in front
    (``gene::chrom:start-end``) does not matter; ``(-)`` and ``/rc`` behind say that the record is
    the reverse complement. Slices of a chromosome may touch and overlap where their bases agree.

    U counts as T; any other letter than A, C, G and T counts as N, see :meth:`letters`.

    The file is opened when it is first needed, and again in each process: what is pickled is the
    path. The first use of a file unpacks and indexes it, see :mod:`.fasta_cache`.

    Args:
        path: A FASTA file: plain text, gzip or bgzip.
        quiet: Say nothing of what the names of its records are taken for.

    Raises:
        InputError: By any method, if the file is missing, damaged, not FASTA of nucleotides, has
            two records of one name or slices that contradict each other.
        OutputError: By any method, if there is no room to unpack and index the file.
    """

    def __init__(self, path: str | Path, quiet: bool = False) -> None:
        self._quiet = quiet
        self.source = str(path)
        self._path = Path(path).absolute()
        self._opened: _Opened | None = None

    def __reduce__(self) -> tuple[type[Genome], tuple[str, bool]]:
        return Genome, (str(self._path), True)

    @property
    def chroms(self) -> tuple[str, ...]:
        """Names of the chromosomes, in the order of the file, slices without their coordinates."""
        return tuple(self._open().records)

    def spans(self, chrom: str) -> list[tuple[int, int]]:
        """The spans of a chromosome that are there: 1-based, both ends included, ascending.

        Slices that touch or overlap make one span.
        """
        return list(self._with(chrom).spans[chrom])

    def sizes(self) -> dict[str, int]:
        """The bases of each chromosome that is there as a whole, in a record of its own name."""
        records = self._open().records
        return {
            chrom: found[0].end
            for chrom, found in records.items()
            if len(found) == 1 and found[0].name == chrom
        }

    def covers(self, chrom: str, start: int, end: int) -> bool:
        """Whether every base from ``start`` to ``end`` (1-based, both included) is there."""
        spans = self._with(chrom).spans[chrom]
        place = bisect_right(spans, start, key=lambda span: span[0]) - 1
        return place >= 0 and end <= spans[place][1]

    def fetch(self, chrom: str, start: int, end: int) -> Bases:
        """The bases from ``start`` to ``end`` (1-based, both included) on the forward strand.

        Args:
            chrom: A name out of ``chroms``.
            start: First position; below 1 there is N.
            end: Last position; ``start - 1`` for no base at all.

        Returns:
            Upper case ASCII codes, end - start + 1 of them; N where the FASTA has nothing or a
            letter other than A, C, G, T, U (which is T).
        """
        if end < start - 1:
            raise InputError(
                f"The span {start}-{end} of {chrom} ends before it starts.",
                "Give the lower position first, on both strands.",
            )
        opened = self._with(chrom)
        bases = np.full(end - start + 1, N, np.uint8)
        for record, low, high in self._parts(opened, chrom, start, end):
            bases[low - start : high - start + 1] = self._read(opened.faidx, record, low, high)
        return bases

    def letters(self, chrom: str, start: int, end: int) -> tuple[int, int, int]:
        """What a span, 1-based with both ends, is made of.

        Returns:
            How many letters are there, how many of them N (or X), and how many others that are
            neither A, C, G, T, U nor N.
        """
        counts = np.zeros(3, np.int64)
        opened = self._with(chrom)
        for record, low, high in self._parts(opened, chrom, start, end):
            counts += np.bincount(_KIND[self._raw(opened.faidx, record, low, high)], minlength=3)
        return int(counts.sum()), int(counts[1]), int(counts[2])

    @staticmethod
    def _parts(
        opened: _Opened, chrom: str, start: int, end: int
    ) -> Iterator[tuple[_Record, int, int]]:
        """The records that a span touches, and the positions in each."""
        records = opened.records[chrom]
        first = bisect_left(records, start, key=lambda record: record.end)
        stop = bisect_right(records, end, key=lambda record: record.start)
        for record in records[first:stop]:
            yield record, max(start, record.start), min(end, record.end)

    def _open(self) -> _Opened:
        process = os.getpid()
        # A file that a parent process opened would be read from two places at once.
        if self._opened is None or self._opened.process != process:
            faidx = open_fasta(self._path)
            records = self._layout(faidx)
            spans = {chrom: _merged(found) for chrom, found in records.items()}
            self._opened = _Opened(process, faidx, records, spans)
        return self._opened

    def _with(self, chrom: str) -> _Opened:
        """What is open, after a check that it has the chromosome."""
        opened = self._open()
        if chrom not in opened.records:
            names = list(opened.records)
            some = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            raise InputError(
                f"The FASTA file {self.source} has no chromosome {chrom!r}.",
                f"Use a name it has: {some}.",
            )
        return opened

    def _layout(self, faidx: Faidx) -> dict[str, list[_Record]]:
        by_chrom: dict[str, list[_Record]] = {}
        places = {name: place_of(name, entry.rlen) for name, entry in faidx.index.items()}
        for name, entry in faidx.index.items():
            place = places[name]
            record = _Record(name, place.start, place.start + entry.rlen - 1, place.is_reverse)
            by_chrom.setdefault(place.chrom, []).extend([record] if entry.rlen else [])
        layout = {chrom: self._without_nested(faidx, found) for chrom, found in by_chrom.items()}
        if not self._quiet:
            say_names(self.source, places)
        return layout

    def _without_nested(self, faidx: Faidx, records: list[_Record]) -> list[_Record]:
        """Sort the records of a chromosome, leave out those within another, compare overlaps.

        The record that reaches furthest so far covers all that the next one shares with any, so
        comparing these two is enough.
        """
        kept: list[_Record] = []
        for record in sorted(records, key=lambda r: (r.start, -r.end)):
            if kept and record.start <= kept[-1].end:
                shared = record.start, min(record.end, kept[-1].end)
                one, other = (self._read(faidx, r, *shared) for r in (kept[-1], record))
                if not np.array_equal(one, other):
                    at = record.start + int(np.flatnonzero(one != other)[0])
                    raise InputError(
                        f"The records {kept[-1].name} and {record.name} of {self.source} overlap "
                        f"and have different bases at position {at}.",
                        "Leave one of them out.",
                    )
            if not kept or record.end > kept[-1].end:
                kept.append(record)
        return kept

    def _read(self, faidx: Faidx, record: _Record, start: int, end: int) -> Bases:
        """The bases of a span that lies within a record, A, C, G, T or N."""
        raw = self._raw(faidx, record, start, end)
        return reverse_complement(raw) if record.is_reverse else _PLAIN[raw]

    def _raw(self, faidx: Faidx, record: _Record, start: int, end: int) -> Bases:
        """The letters of the record that a span is made from, in the record's order."""
        if record.is_reverse:
            first, last = record.end - end + 1, record.end - start + 1
        else:
            first, last = start - record.start + 1, end - record.start + 1
        text = faidx.fetch(record.name, first, last)
        raw = np.frombuffer(text.encode("ascii", errors="replace"), np.uint8)
        if raw.size != end - start + 1 or bool((raw <= ord(" ")).any()):
            raise InputError(
                f"The record {record.name} of {self.source} is not {end - start + 1} letters long "
                f"from {start} to {end}.",
                "Remove blanks within its lines; if the file changed meanwhile, start again.",
            )
        return raw


def _merged(records: list[_Record]) -> list[tuple[int, int]]:
    """What ascending records cover; those that touch or overlap make one span."""
    spans: list[tuple[int, int]] = []
    for record in records:
        if spans and record.start <= spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], record.end)
        else:
            spans.append((record.start, record.end))
    return spans


def reverse_complement(bases: Bases) -> Bases:
    """The other strand, read 5' to 3'.

    Args:
        bases: ASCII codes, any case; letters other than A, C, G, T become N.

    Returns:
        Upper case ASCII codes of the same number of bases.
    """
    return _COMPLEMENT[bases[::-1]]


def complement(bases: Bases) -> Bases:
    """The other strand base by base, in the order of the forward strand."""
    return _COMPLEMENT[bases]


def transcript_bases(genome: Genome, chrom: str, strand: str, start: int, end: int) -> Bases:
    """The bases of a span on the transcript strand, 5' to 3'.

    Args:
        genome: Where the bases come from.
        chrom: The FASTA's name of the chromosome.
        strand: ``+`` or ``-``.
        start: Lowest position, 1-based on the forward strand.
        end: Highest position, included.

    Returns:
        ASCII codes of A, C, G, T, N; those of the ``-`` strand from ``end`` to ``start``.

    Raises:
        InputError: If the strand is neither, or as :meth:`Genome.fetch`.
    """
    check_strand(strand, f"{chrom}:{start}-{end}")
    bases = genome.fetch(chrom, start, end)
    return reverse_complement(bases) if strand == "-" else bases


def check_strand(strand: str | None, of: str) -> None:
    """Refuse a strand that is neither ``+`` nor ``-``; ``of`` says what it is the strand of."""
    if strand not in ("+", "-"):
        raise InputError(f"The strand of {of} is {strand!r}.", "It must be '+' or '-'.")
