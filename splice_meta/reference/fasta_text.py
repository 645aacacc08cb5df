"""The text of a FASTA file: whether it is a nucleotide sequence, and how to make it an even one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from splice_meta.errors import InputError

_CHUNK_BYTES = 1 << 22
_BLANKS = b" \t\r\n\v\f"
_BASES = b"ACGTUNXacgtunx"  # some programs mask with X
_GAPS = frozenset(b"-.~")
_CODES = _GAPS | frozenset(b"RYSWKMBDHVryswkmbdhv")
_MOST_STRANGE = 0.02
"""The largest share of letters that are no codes of nucleotides in a nucleotide sequence."""
_LEAST_BASES = 0.5
"""The least share of A, C, G, T, U and N in a nucleotide sequence of any length to speak of."""
_LENGTH_TO_SPEAK_OF = 100


@dataclass
class _Record:
    """What one record of the text holds.

    Attributes:
        name: The first word of its header.
        bases: Number of A, C, G, T, U and N.
        others: How often each other byte comes, without line ends.
        last: Its last byte.
    """

    name: str
    bases: int = 0
    others: Counter[int] = field(default_factory=Counter)
    last: int = 0

    def add(self, text: bytes) -> None:
        """Count a part of the sequence."""
        rest = text.translate(None, _BASES)
        self.bases += len(text) - len(rest)
        self.others.update(rest.translate(None, b"\r\n"))
        inner = text.rstrip(_BLANKS)
        self.last = inner[-1] if inner else self.last


def check_letters(path: Path, text: Path) -> bool:
    """Refuse a file that holds no nucleotide sequence.

    Args:
        path: What the user gave, for messages.
        text: The unpacked text.

    Returns:
        Whether the sequence has blanks, or an asterisk behind a record: signs that are not bases,
        which :func:`write_even` leaves out.

    Raises:
        InputError: If a record is protein, or has digits or other signs.
    """
    is_uneven = False
    for record in _records(path, text):
        blanks = sum(record.others.pop(sign, 0) for sign in _BLANKS)
        ends_in_stop = record.others[ord("*")] == 1 and record.last == ord("*")
        is_uneven |= blanks > 0 or ends_in_stop
        if ends_in_stop:
            del record.others[ord("*")]
        _check(path, record)
    return is_uneven


def _check(path: Path, record: _Record) -> None:
    total = record.bases + sum(n for c, n in record.others.items() if c not in _GAPS)
    strange = Counter({c: n for c, n in record.others.items() if c not in _CODES})
    digits = sum(strange[sign] for sign in b"0123456789")
    if digits:
        raise InputError(
            f"The record {record.name} of {path} has {digits:,} digits in its sequence, as GenBank "
            "files have.",
            "Write it as FASTA: letters alone between the headers.",
        )
    is_long = total >= _LENGTH_TO_SPEAK_OF
    if strange.total() > _MOST_STRANGE * total or (is_long and record.bases < _LEAST_BASES * total):
        shown = "".join(chr(c) for c, _ in record.others.most_common(5) if 32 < c < 127)
        share = f"{100 * record.bases / total:.0f}%"
        raise InputError(
            f"The record {record.name} of {path} is not a nucleotide sequence: {share} of it is A, "
            f"C, G, T, U or N; the other letters are {shown or 'no text'} ...; it may be protein.",
            "Give the genome as FASTA.",
        )


def _records(path: Path, text: Path) -> Iterator[_Record]:
    record: _Record | None = None
    for header, sequence in _pieces(text):
        if header is not None:
            if record is not None:
                yield record
            record = _Record(_name(path, header))
        if record is None:
            _check_before(path, sequence)
        else:
            record.add(sequence)
    if record is not None:
        yield record


def _name(path: Path, header: bytes) -> str:
    if b"\r" in header.rstrip():
        raise InputError(
            f"The lines of {path} end with CR alone.",
            "Write it with the line ends of Unix: 'tr \\r \\n'.",
        )
    words = header.decode(errors="replace").split()
    if not words:
        raise InputError(
            f"{path} cannot be used as FASTA: a record has no name behind its '>'.",
            "Give each record a name of its own.",
        )
    return words[0]


def _check_before(path: Path, text: bytes) -> None:
    """Refuse text before the first header, but for comments and empty lines."""
    first = next((line for line in text.split(b"\n") if line.strip()[:1] not in (b"", b";")), b"")
    if first:
        looks = {b"@": "FASTQ", b"L": "GenBank", b"I": "EMBL"}.get(first[:1], "")
        is_known = looks and first.startswith((b"@", b"LOCUS ", b"ID "))
        likely = f"; it looks like {looks}" if is_known else ""
        raise InputError(
            f"{path} cannot be used as FASTA: it does not begin with a header, a line with '>' and "
            f"a name{likely}.",
            "Give the sequence as FASTA.",
        )


def _pieces(text: Path) -> Iterator[tuple[bytes | None, bytes]]:
    """Headers, without their sign, each with some of its sequence; None where more of it follows.

    What stands before the first header comes with None.
    """
    with text.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            # With a line break in front, so that a header at its start is found.
            first, *records = (b"\n" + chunk + file.readline()).split(b"\n>")
            if first[1:]:
                yield None, first[1:]
            for record in records:
                header, _, sequence = record.partition(b"\n")
                yield header, sequence


def write_even(text: Path, new_text: Path, new_index: Path) -> None:
    """Write a text again with each sequence on one line, without blanks, and its index.

    Args:
        text: FASTA that :func:`check_letters` passed.
        new_text: Where to.
        new_index: Its index, in the format of samtools' ``.fai``.
    """
    index: list[list[int | str]] = []
    with new_text.open("wb") as out:
        for header, sequence in _pieces(text):
            if header is not None:
                name = header.decode(errors="replace").split()[0]
                out.write(b"\n" * bool(index) + b">" + name.encode() + b"\n")
                index.append([name, 0, out.tell()])
            if index:
                bases = sequence.translate(None, _BLANKS + b"*")
                index[-1][1] += len(bases)  # type: ignore[operator]
                out.write(bases)
        out.write(b"\n")
        out.flush()
        os.fsync(out.fileno())
    lines = (f"{name}\t{n}\t{offset}\t{n}\t{int(n) + 1}\n" for name, n, offset in index)
    with new_index.open("w", encoding="utf-8") as out_index:
        out_index.writelines(lines)
        out_index.flush()
        os.fsync(out_index.fileno())
