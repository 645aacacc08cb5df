"""FASTA files for tests, and a reference that looks up one base at a time."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Packing = Literal["plain", "gzip", "bgzip"]
BGZIP_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")


@dataclass(frozen=True)
class Record:
    name: str
    bases: str
    wrap: int = 60
    newline: str = "\n"


def fasta_text(records: list[Record]) -> str:
    lines = []
    for r in records:
        lines.append(f">{r.name}{r.newline}")
        starts = range(0, len(r.bases), r.wrap)
        lines += [r.bases[i : i + r.wrap] + r.newline for i in starts]
    return "".join(lines)


def write_fasta(path: Path, text: str, packing: Packing = "plain") -> Path:
    raw = text.encode()
    if packing == "gzip":
        raw = gzip.compress(raw, 1)
    elif packing == "bgzip":
        blocks = [raw[i : i + 1000] for i in range(0, len(raw), 1000)]
        raw = b"".join(map(bgzip_block, blocks)) + BGZIP_END
    path.write_bytes(raw)
    return path


def bgzip_block(raw: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    body = packer.compress(raw) + packer.flush()
    head = bytes.fromhex("1f8b08040000000000ff060042430200")
    sizes = struct.pack("<II", zlib.crc32(raw), len(raw))
    return head + struct.pack("<H", len(body) + 25) + body + sizes


def naive_fetch(bases: dict[int, str], start: int, end: int) -> str:
    """Bases by position; N for what is absent or no A, C, G, T."""
    found = ""
    for position in range(start, end + 1):
        base = bases.get(position, "N").upper()
        found += base if base in "ACGT" else "N"
    return found


def naive_transcript(bases: dict[int, str], strand: str, start: int, end: int) -> str:
    forward = naive_fetch(bases, start, end)
    if strand == "+":
        return forward
    other = {"A": "T", "C": "G", "G": "C", "T": "A", "N": "N"}
    return "".join(other[base] for base in reversed(forward))
