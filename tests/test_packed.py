"""Compressed text: every member and frame is read, by every reader; a cut one is refused."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from fasta_files import BGZIP_END, bgzip_block

from splice_meta.errors import InputError
from splice_meta.files.packed import blocks, packing_of
from splice_meta.reference.annotation import open_annotation
from splice_meta.reference.sequence import Genome

GTF = "".join(
    f'1\tx\t{kind}\t{start}\t{start + 8}\t.\t+\t.\tgene_id "G{start}"; transcript_id "T{start}";\n'
    for start in range(1, 5000, 10)
    for kind in ("gene", "transcript", "exon")
).encode()
FASTA = b">1\n" + b"ACGTACGTAC\n" * 1000


def zstd(raw: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(raw)
    return bytes(sink.getvalue())


def halves(raw: bytes) -> tuple[bytes, bytes]:
    cut = raw.index(b"\n", len(raw) // 2) + 1
    return raw[:cut], raw[cut:]


def bgzip(raw: bytes) -> bytes:
    return b"".join(bgzip_block(raw[n : n + 3000]) for n in range(0, len(raw), 3000)) + BGZIP_END


SKIPPED = b"\x50\x2a\x4d\x18\x04\0\0\0abcd"
PACKED = {
    "plain": lambda raw: raw,
    "gzip": gzip.compress,
    "gzip of two members": lambda raw: b"".join(map(gzip.compress, halves(raw))),
    "gzip with empty members": lambda raw: b"".join(map(gzip.compress, (b"", raw, b""))),
    "bgzip": bgzip,
    "zstd": zstd,
    "zstd of two frames": lambda raw: b"".join(map(zstd, halves(raw))),
    "zstd with empty frames": lambda raw: b"".join(map(zstd, (b"", raw, b""))),
    "zstd with a skipped frame": lambda raw: SKIPPED.join(map(zstd, halves(raw))),
}


@pytest.mark.parametrize("packing", PACKED)
def test_all_members_and_frames_are_read(tmp_path: Path, packing: str) -> None:
    path = tmp_path / "text"
    path.write_bytes(PACKED[packing](GTF))

    assert packing_of(path) == packing.split()[0]
    assert b"".join(blocks(path)) == GTF
    assert pl.scan_lines(path, glob=False).collect().height == GTF.count(b"\n")


@pytest.mark.parametrize("packing", PACKED)
def test_annotation_and_sequence_are_whole_whatever_the_packing(
    tmp_path: Path, packing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "a.gtf").write_bytes(PACKED[packing](GTF))
    (tmp_path / "a.fa").write_bytes(PACKED[packing](FASTA))

    assert open_annotation(tmp_path / "a.gtf").genes.height == 500
    assert Genome(tmp_path / "a.fa").covers("1", 1, 10_000)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.compress(GTF)[:-9], "gzip file .* is damaged or cut off"),
        (gzip.compress(GTF)[:-8] + b"\0" * 8, "gzip file .* is damaged or cut off"),
        (gzip.compress(GTF) + b"more", "gzip file .* is damaged or cut off"),
        (zstd(GTF)[:-9], "zstd file .* is damaged or cut off"),
        (zstd(GTF) + b"more", "zstd file .* is damaged or cut off"),
        (bgzip(GTF)[: -len(BGZIP_END)], "bgzip file .* has no end mark"),
    ],
)
def test_damaged_and_cut_files_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "a.gtf.gz"
    path.write_bytes(content)

    with pytest.raises(InputError, match=says) as error:
        list(blocks(path))
    assert re.search(r"a\.gtf\.gz", error.value.message)
