from __future__ import annotations

import errno
import gzip
import itertools
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from fasta_files import (
    Packing,
    Record,
    bgzip_block,
    fasta_text,
    naive_fetch,
    naive_transcript,
    write_fasta,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from splice_meta.errors import InputError, OutputError
from splice_meta.reference import fasta_cache, sequence
from splice_meta.reference.sequence import Genome, reverse_complement, transcript_bases

PACKINGS = get_args(Packing)
BASES = "ACGTTGCANacgtnRYKacca" * 10


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "splice_meta"


def letters(bases: np.ndarray[Any, np.dtype[np.uint8]]) -> str:
    assert bases.dtype == np.uint8
    return bases.tobytes().decode()


def by_position(bases: str, start: int = 1) -> dict[int, str]:
    return {start + i: base for i, base in enumerate(bases)}


chromosome = st.text("ACGTacgtNnRY", min_size=1, max_size=70)
styles = st.tuples(st.integers(1, 25), st.sampled_from(["\n", "\r\n"]))


@settings(deadline=None)
@given(
    st.lists(st.tuples(chromosome, st.integers(1, 10**9), st.booleans()), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(1, 70), st.integers(0, 70), styles), max_size=5),
    st.tuples(st.integers(-20, 90), st.integers(0, 60)),
    st.sampled_from("+-"),
    st.sampled_from(PACKINGS),
)
def test_any_span_of_any_records(
    chroms: list[tuple[str, int, bool]],
    cuts: list[tuple[int, int, tuple[int, str]]],
    span: tuple[int, int],
    strand: str,
    packing: Packing,
) -> None:
    records, truth = {}, {}
    for k, (bases, offset, whole) in enumerate(chroms):
        there: dict[int, str] = {}
        truth[f"chr{k}"] = 1 if whole else offset, there
        if whole:
            wrap, newline = cuts[0][2] if cuts else (60, "\n")
            records[f"chr{k}"] = Record(f"chr{k} some words", bases, wrap, newline)
            there |= by_position(bases)
            continue
        for first, length, (wrap, newline) in cuts:
            part = bases[first - 1 : first - 1 + length]
            start = offset + first - 1
            name = f"chr{k}:{start}-{start + len(part) - 1}"
            records[name] = Record(name, part, wrap, newline)
            there |= by_position(part, start)
        if not cuts:
            del truth[f"chr{k}"]
    if not records:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = write_fasta(Path(folder, "any.fa"), fasta_text(list(records.values())), packing)
        genome = Genome(path)

        assert genome.chroms == tuple(truth)
        for chrom, (offset, there) in truth.items():
            start = offset - 1 + span[0]
            end = start + span[1] - 1
            assert letters(genome.fetch(chrom, start, end)) == naive_fetch(there, start, end)
            got = letters(transcript_bases(genome, chrom, strand, start, end))
            assert got == naive_transcript(there, strand, start, end)
            if end >= start:
                wanted = range(start, end + 1)
                assert genome.covers(chrom, start, end) == all(p in there for p in wanted)
            spans = genome.spans(chrom)
            assert {p for a, b in spans for p in range(a, b + 1)} == set(there)
            assert all(a <= b for a, b in spans)
            assert all(b + 1 < c for (_, b), (c, _) in itertools.pairwise(spans))


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("wrap", [1, 7, 60, 10_000])
def test_spans_around_every_line_end(
    tmp_path: Path, packing: Packing, newline: str, wrap: int
) -> None:
    text = fasta_text([Record("1", BASES, wrap, newline), Record("2", BASES[3:], wrap, newline)])
    for ending in (newline, ""):
        # The last line may lack its end.
        name = f"g{len(ending)}.fa" + (".gz" if packing != "plain" else "")
        genome = Genome(write_fasta(tmp_path / name, text.removesuffix(newline) + ending, packing))
        for chrom, bases in (("1", BASES), ("2", BASES[3:])):
            there = by_position(bases)
            for start in range(-1, len(bases) + 2):
                for length in (0, 1, 7, 61):
                    end = start + length - 1
                    want = naive_fetch(there, start, end)
                    assert letters(genome.fetch(chrom, start, end)) == want


def test_names_of_slices(tmp_path: Path) -> None:
    text = fasta_text(
        [
            Record("4:11-20 GRCh37", "ACGTACGTAC"),
            Record("HLA-A*01:01:01:01", "ACGT"),
            Record("HLA:B:3-6", "TTTT"),
            Record("5:11-20", "ACGT"),
            Record("6:0-3", "ACGT"),
            Record("4:21-22", "GG"),
            Record("7:1,001-1,004", "ACGT"),
            Record("8", ""),
            Record("9:5-4", ""),
            Record("4:30-31", "CC"),
            Record("gi|5|ref|X.1|", "A"),
            Record("10:1-4/rc", "AACG"),
        ]
    )
    genome = Genome(write_fasta(tmp_path / "g.fa", text))

    assert genome.chroms == (
        "4", "HLA-A*01:01:01:01", "HLA:B", "5:11-20", "6:0-3", "7", "8", "9", "gi|5|ref|X.1|", "10",
    )  # fmt: skip
    assert genome.spans("4") == [(11, 22), (30, 31)]
    assert genome.spans("HLA:B") == [(3, 6)]
    assert genome.spans("5:11-20") == [(1, 4)]
    assert genome.spans("7") == [(1001, 1004)]
    assert genome.spans("8") == genome.spans("9") == []
    assert genome.covers("4", 15, 22)
    assert not genome.covers("4", 20, 30)
    assert not genome.covers("4", 10, 11)
    assert not genome.covers("8", 1, 1)
    assert letters(genome.fetch("4", 9, 32)) == "NNACGTACGTACGGNNNNNNNCCN"
    assert letters(genome.fetch("8", 1, 2)) == "NN"
    assert letters(genome.fetch("10", 1, 4)) == "CGTT"


def test_the_spans_cannot_be_changed_from_outside(tmp_path: Path) -> None:
    genome = Genome(write_fasta(tmp_path / "g.fa", ">1\nACGT\n"))
    genome.spans("1").clear()
    assert genome.spans("1") == [(1, 4)]


def test_overlaps_may_agree_but_not_differ(tmp_path: Path) -> None:
    agreeing = ">1:5-10\nACGTAC\n>1:1-20\nTTTTACGTACGGGGGGGGGG\n>1:18-22\ngggTT\n>1:19-20\nGG\n"
    genome = Genome(write_fasta(tmp_path / "g.fa", agreeing))
    assert genome.spans("1") == [(1, 22)]
    assert letters(genome.fetch("1", 4, 23)) == "TACGTACGGGGGGGGGGTTN"
    # Within the long one, and beyond one that lies within it.
    for other in (">1:8-10\nTAG\n", ">1:18-19\nGA\n", ">1\nT\n>1:22-22\nA\n"):
        path = write_fasta(tmp_path / f"{len(other)}.fa", agreeing + other)
        with pytest.raises(InputError, match="overlap and have different bases at position"):
            Genome(path).spans("1")
    with pytest.raises(InputError, match=r"1:1-20 and 1:8-10 .* at position 10\."):
        Genome(write_fasta(tmp_path / "x.fa", agreeing + ">1:8-10\nTAG\n")).spans("1")


def test_reverse_complement() -> None:
    every = np.arange(256, dtype=np.uint8)
    pairs = dict(zip("ACGTUacgtu", "TGCAATGCAA", strict=True))
    expected = "".join(pairs.get(chr(code), "N") for code in reversed(range(256)))
    assert letters(reverse_complement(every)) == expected
    assert reverse_complement(every[:0]).size == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda g: g.fetch("chr1", 1, 2), "has no chromosome 'chr1'"),
        (lambda g: g.spans("chr1"), "has no chromosome 'chr1'"),
        (lambda g: g.covers("chr1", 1, 2), "has no chromosome 'chr1'"),
        (lambda g: g.fetch("1", 5, 3), "5-3 of 1 ends before it starts"),
        (lambda g: transcript_bases(g, "1", ".", 1, 3), "The strand of 1:1-3 is '.'"),
    ],
)
def test_wrong_questions(tmp_path: Path, call: Any, words: str) -> None:
    genome = Genome(write_fasta(tmp_path / "g.fa", ">1\nACGT\n>2\nA\n"))
    with pytest.raises(InputError) as caught:
        call(genome)
    assert words in caught.value.message
    assert "\n" not in caught.value.message + caught.value.hint
    assert caught.value.hint


def test_the_hint_names_some_chromosomes(tmp_path: Path) -> None:
    genome = Genome(write_fasta(tmp_path / "g.fa", fasta_text([Record(c, "A") for c in "abcdefg"])))
    with pytest.raises(InputError) as caught:
        genome.spans("z")
    assert caught.value.hint == "Use a name it has: a, b, c, d, e, ...."


BAD_FILES = {
    "not FASTA": (b"hello\nworld\n", "cannot be used as FASTA"),
    "empty": (b"", "cannot be used as FASTA"),
    "empty gzip": (gzip.compress(b""), "cannot be used as FASTA"),
    "binary": (bytes(range(256)), "not UTF-8|cannot be used as FASTA"),
    "latin": (b">1 caf\xe9\nACGT\n", "not UTF-8"),
    "no name": (b">\nACGT\n", "cannot be used as FASTA"),
    "twice": (b">1\nACGT\n>1 x\nACGT\n", 'Duplicate key "1"'),
    "cut gzip": (gzip.compress(BASES.encode() * 50)[:-20], "damaged or cut off"),
    "cut gzip head": (gzip.compress(b">1\nACGT\n")[:5], "damaged or cut off"),
    "bad gzip": (gzip.compress(b">1\nACGT\n")[:-6] + b"xxxxxx", "damaged or cut off"),
    "gzip and more": (gzip.compress(b">1\nACGT\n") + b"more", "damaged or cut off"),
    "bad deflate": (gzip.compress(b">1\nACGT\n")[:10] + b"\xff" * 30, "damaged or cut off"),
    "cut bgzip": (bgzip_block(b">1\nACGT\n"), "no end mark"),
}


EVEN = "ACGTACGTACGT"
UNEVEN_FILES = {
    "uneven": ">1\nACGT\nACGTAC\nGT\n",
    "a short line": ">1\nACGT\nAC\nGTACGT\n>2\nA\n",
    "long last line": ">1\nACGT\nACGTACGT\n>2\nA\n",
    "longest last line": ">1\nA\nCGTACGTACGT\n>2\nA\n",
    "long last line, CRLF": ">1\r\nACGT\r\nACGTACGT\r\n>2\r\nA\r\n",
    "some line ends CRLF": ">1\nACGT\r\nACGT\nACGT\r\n>2\r\nA\n",
    "without line end": ">1\nACGT\nACGTACGT",
    "trailing blanks": ">1\nACGTACGT \nACGT\t\n>2\nA\n",
    "even with trailing blanks": ">1\nACGT \nACGT \nACGT \n>2\nA\n",
    "blanks within": ">1\nAC GT\nACG TACGT\n",
    "in groups": ">1\nACGT ACGT ACGT\n",
    "two blank lines between": ">1\nACGT\nACGTACGT\n\n\n>2\nA\n",
    "blank lines within": ">1\nACGT\n\nACGT\n\n\nACGT\n",
    "blank line first": ">1\n\nACGTACGTACGT\n",
    "a stop at the end": ">1\nACGTACGT\nACGT*\n>2\nA\n",
    "a stop on a line of its own": ">1\nACGTACGTACGT\n*\n>2\nA\n",
    "RNA in lower case": ">1\nacguacgu\nacgu\n",
    "a comment before": ";words\n\n>1\nACGT\nACGTACGT\n",
}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("case", UNEVEN_FILES)
def test_lines_of_any_length(
    tmp_path: Path, cache: Path, case: str, packing: Packing
) -> None:
    path = write_fasta(tmp_path / "uneven.fa", UNEVEN_FILES[case], packing)
    for time in range(3):  # the second time from the cache, the third where its text is gone
        if time == 2:
            for text in cache.glob("uneven.fa*.fa"):
                text.unlink()
        genome = Genome(path)
        assert genome.spans("1") == [(1, len(EVEN))]
        for start, end in ((1, 12), (2, 5), (9, 13)):
            assert letters(genome.fetch("1", start, end)) == (EVEN + "N")[start - 1 : end]
        if ">2" in UNEVEN_FILES[case]:
            assert letters(genome.fetch("2", 1, 1)) == "A"


@settings(deadline=None)
@given(
    st.lists(st.lists(st.text("ACGTNacgtn \t", max_size=9), max_size=6), min_size=1, max_size=4),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from(PACKINGS),
)
def test_any_lines_give_what_they_hold(
    records: list[list[str]], newline: str, ends: bool, packing: Packing
) -> None:
    text = "".join(
        f">r{number} words{newline}" + "".join(line + newline for line in lines)
        for number, lines in enumerate(records)
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "any.fa")
        genome = Genome(write_fasta(path, text if ends else text.removesuffix(newline), packing))
        for number, lines in enumerate(records):
            bases = "".join("".join(lines).split()).upper()
            whole = [(1, len(bases))] if bases else []
            assert genome.spans(f"r{number}") == whole
            assert letters(genome.fetch(f"r{number}", 1, len(bases))) == bases


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_chunks_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr("splice_meta.reference.fasta_text._CHUNK_BYTES", chunk)
    text = "".join(f">r{n} x\nACGT{'A' * n}\n\nGG\n" for n in range(30))
    genome = Genome(write_fasta(tmp_path / "g.fa", text))
    for n in range(30):
        assert letters(genome.fetch(f"r{n}", 1, n + 6)) == f"ACGT{'A' * n}GG"


PROTEIN = "MKVLAEGIVPLLLEDRPSW"
NO_NUCLEOTIDES = {
    "protein": (f">p1\n{PROTEIN * 9}\n", "p1 .* not a nucleotide sequence: 11% .* may be protein"),
    "protein in lower case": (f">p1\n{PROTEIN.lower() * 9}\n", "not a nucleotide sequence"),
    "protein with stops": (f">p1\n{PROTEIN * 9}*\n", "not a nucleotide sequence"),
    "a protein behind DNA": (f">1\n{EVEN * 9}\n>p2\n{PROTEIN * 9}\n", "p2 .* not a nucleotide"),
    "protein of few letters": (">p1\n" + "MRVKDHSW" * 20 + "\n", "not a nucleotide sequence"),
    "numbers as GenBank has": (">1\n  1 acgt acgt\n 9 acgt\n", "2 digits .* GenBank"),
    "quality lines": (">1\n" + EVEN * 9 + "\n+\n" + "IIIIFFFF" * 12 + "\n", "not a nucleotide"),
}


@pytest.mark.parametrize("case", NO_NUCLEOTIDES)
def test_what_is_no_nucleotide_sequence_is_refused(tmp_path: Path, case: str) -> None:
    text, words = NO_NUCLEOTIDES[case]
    with pytest.raises(InputError, match=words) as caught:
        Genome(write_fasta(tmp_path / "g.fa", text)).chroms  # noqa: B018
    assert "\n" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "bases", ["N" * 500, "X" * 500, "n" * 300 + "RYSWKM" * 10, "R", "-" * 300 + "ACGT", "ACGT" * 50]
)
def test_masked_and_ambiguous_sequence_is_nucleotide(tmp_path: Path, bases: str) -> None:
    genome = Genome(write_fasta(tmp_path / "g.fa", f">1\n{bases}\n"))
    assert genome.spans("1") == [(1, len(bases))]
    there = sum(map(bases.upper().count, "NX")), sum(map(bases.upper().count, "RYSWKM-"))
    assert genome.letters("1", -5, len(bases) + 5) == (len(bases), *there)


# Of a chromosome of 60 bases: positions 11 to 30.
CHROM = "ACGTTGCANACCTGATTACAGGCATTACAGTACCGATAGGCTAGCTAATTCCGGTTAACGTA"[:60]
REVERSED = naive_transcript(by_position(CHROM), "-", 11, 30)
SLICES = {
    "samtools": ("chr1:11-30", CHROM[10:30], False),
    "samtools, forward": ("chr1:11-30(+)", CHROM[10:30], False),
    "samtools, reverse": ("chr1:11-30/rc", REVERSED, False),
    "samtools, sign": ("chr1:11-30(-)", REVERSED, False),
    "bedtools": ("chr1:10-30", CHROM[10:30], True),
    "bedtools, forward": ("chr1:10-30(+)", CHROM[10:30], True),
    "bedtools, no strand": ("chr1:10-30(.)", CHROM[10:30], True),
    "bedtools, name": ("GP::chr1:10-30", CHROM[10:30], True),
    "bedtools, name and strand": ("G:P::x::chr1:10-30(+)", CHROM[10:30], True),
    "bedtools, reverse": ("GM::chr1:10-30(-)", REVERSED, True),
}


@pytest.mark.parametrize("case", SLICES)
def test_names_of_slices_by_samtools_and_bedtools(
    tmp_path: Path, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    name, bases, from_0 = SLICES[case]
    genome = Genome(write_fasta(tmp_path / "g.fa", f">{name} words\n{bases}\n"))
    assert genome.chroms == ("chr1",)
    assert genome.spans("chr1") == [(11, 30)]
    for start, end in ((11, 30), (15, 20), (11, 11), (30, 30)):
        assert letters(genome.fetch("chr1", start, end)) == CHROM[start - 1 : end]
    assert genome.letters("chr1", 1, 60)[0] == 20
    said = [record.message for record in caplog.records]
    assert len(said) == from_0
    assert all("bedtools" in words and name in words and "position 11" in words for words in said)
    # Another process says nothing more.
    caplog.clear()
    assert pickle.loads(pickle.dumps(genome)).chroms == ("chr1",)
    assert not caplog.records


def test_a_strand_that_is_not_so_is_found_where_records_overlap(tmp_path: Path) -> None:
    text = f">chr1\n{CHROM}\n>GM::chr1:10-30(-)\n{CHROM[10:30]}\n"
    with pytest.raises(InputError, match="have different bases"):
        Genome(write_fasta(tmp_path / "g.fa", text)).chroms  # noqa: B018
    right = f">chr1\n{CHROM}\n>GM::chr1:10-30(-)\n{REVERSED}\n"
    assert Genome(write_fasta(tmp_path / "h.fa", right)).spans("chr1") == [(1, 60)]


def test_a_name_whose_span_does_not_fit_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    genome = Genome(write_fasta(tmp_path / "g.fa", ">GP::chr1:10-40(+)\nACGT\n"))
    assert genome.chroms == ("GP::chr1:10-40(+)",)
    assert "not as long as the span in their names" in caplog.text


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_files(tmp_path: Path, cache: Path, case: str) -> None:
    content, words = BAD_FILES[case]
    path = tmp_path / "bad.fa"
    path.write_bytes(content)
    before = set(cache.rglob("*"))
    with pytest.raises(InputError, match=words) as caught:
        Genome(path).chroms  # noqa: B018
    assert str(path) in caught.value.message
    assert "unpacked" not in caught.value.message
    assert "\n" not in caught.value.message + caught.value.hint
    assert caught.value.hint
    assert set(cache.rglob("*")) == before


def test_missing_file_and_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.fa", tmp_path):
        genome = Genome(path)  # nothing is opened yet
        with pytest.raises(InputError, match="cannot be read: "):
            genome.spans("1")


@pytest.mark.parametrize(
    "content",
    [
        "\n;words\n>1\nACGT\n",
        ">1\nACGT\n\n>2\nA\n",
        ">1\nACG\nA\n\n",
        "> 1 x\nACGT\n",
        ">1\tx\nACGT",
    ],
)
def test_comments_and_blank_lines_between_records(tmp_path: Path, content: str) -> None:
    genome = Genome(write_fasta(tmp_path / "g.fa", content))
    want = "ACGA" if "ACG\n" in content else "ACGT"
    assert letters(genome.fetch("1", 1, 5)) == f"{want}N"


@pytest.mark.parametrize("packing", PACKINGS)
def test_nothing_is_written_beside_the_fasta(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: Packing
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = tmp_path / "data"
    data.mkdir()
    path = write_fasta(data / "g.fa", f">1\n{BASES}\n", packing)
    os.utime(data, ns=(5, 5))

    assert Genome(path).fetch("1", 1, 4).size == 4
    # The time of the folder tells of files that came and went.
    assert data.stat().st_mtime_ns == 5
    assert [file.name for file in data.iterdir()] == ["g.fa"]
    made = sorted((tmp_path / "cache" / "splice_meta").iterdir())
    assert [file.suffix for file in made] == ([".fai"] if packing == "plain" else [".fa", ".fai"])
    # A second look makes nothing new, a changed file is looked at anew.
    times = [file.stat().st_mtime_ns for file in made]
    assert Genome(path).fetch("1", 1, 4).size == 4
    assert [file.stat().st_mtime_ns for file in made] == times
    write_fasta(path, f">1\nGGGG{BASES[4:]}\n", packing)
    os.utime(path, ns=(1, 1))
    assert letters(Genome(path).fetch("1", 1, 4)) == "GGGG"
    write_fasta(path, f">1\nTTTTG{BASES[4:]}\n", packing)
    os.utime(path, ns=(1, 1))
    assert letters(Genome(path).fetch("1", 1, 5)) == "TTTTG"


def test_one_name_in_two_folders(tmp_path: Path) -> None:
    for name, base in (("a", "A"), ("b", "C")):
        (tmp_path / name).mkdir()
        path = write_fasta(tmp_path / name / "g.fa.gz", f">1\n{base}\n", "gzip")
        os.utime(path, ns=(1, 1))
        assert letters(Genome(path).fetch("1", 1, 1)) == base


@pytest.mark.parametrize("lost", [".fa", ".fai"])
def test_a_cleaned_cache_is_filled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = write_fasta(tmp_path / "g.fa.gz", ">1\nACGT\n", "gzip")
    assert Genome(path).chroms == ("1",)
    made = sorted((tmp_path / "cache" / "splice_meta").iterdir())
    next(file for file in made if file.suffix == lost).unlink()
    assert letters(Genome(path).fetch("1", 1, 4)) == "ACGT"
    assert sorted((tmp_path / "cache" / "splice_meta").iterdir()) == made


def test_an_index_is_not_written_again_for_a_file_of_tomorrow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = write_fasta(tmp_path / "g.fa", ">1\nACGT\n")
    os.utime(path, (4e9, 4e9))
    assert Genome(path).chroms == ("1",)
    (index,) = (tmp_path / "cache" / "splice_meta").iterdir()
    os.utime(index, ns=(5, 5))
    assert Genome(path).chroms == ("1",)
    assert index.stat().st_mtime_ns == 5


def test_a_damaged_index_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = write_fasta(tmp_path / "g.fa", ">1\nACGT\n")
    assert Genome(path).chroms == ("1",)
    (index,) = (tmp_path / "cache" / "splice_meta").iterdir()
    index.write_text("1\t4\n")
    with pytest.raises(InputError, match=f"{index.name} of .* is damaged"):
        Genome(path).spans("1")
    index.write_text("1\t9\t3\t9\t10\n")
    with pytest.raises(InputError, match="is not 9 letters long"):
        Genome(path).fetch("1", 1, 9)


@pytest.mark.parametrize("name", ["g.fa.gz", "g.BGZ", "g.fa.zip"])
def test_plain_text_with_the_name_of_a_packed_file(tmp_path: Path, name: str) -> None:
    genome = Genome(write_fasta(tmp_path / name, ">1\nACGT\n"))
    assert letters(genome.fetch("1", 1, 4)) == "ACGT"


@pytest.mark.parametrize("packing", PACKINGS)
def test_without_a_cache(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    packing: Packing,
) -> None:
    (tmp_path / "file").write_text("a file where the cache should be")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    genome = Genome(write_fasta(tmp_path / "g.fa", f">1\n{BASES}\n", packing))

    assert letters(genome.fetch("1", 1, 4)) == "ACGT"
    assert letters(genome.fetch("1", 2, 4)) == "CGT"
    assert list((tmp_path / "temporary").iterdir()) == []
    assert len(caplog.records) == 1

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    with pytest.raises(OutputError, match="no room to unpack") as caught:
        Genome(tmp_path / "g.fa").spans("1")
    assert "XDG_CACHE_HOME" in caught.value.hint


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    copy, calls = shutil.copyfileobj, []

    def full_at_first(source: Any, target: Any, *size: int) -> None:
        calls.append(target.name)
        if len(calls) == 1:
            target.write(b">1\nAC")
            raise OSError(errno.ENOSPC, "No space left on device")
        copy(source, target, *size)

    monkeypatch.setattr(shutil, "copyfileobj", full_at_first)
    genome = Genome(write_fasta(tmp_path / "g.fa.gz", ">1\nACGT\n", "gzip"))
    assert letters(genome.fetch("1", 1, 4)) == "ACGT"
    assert [name.startswith(str(tmp_path / "cache")) for name in calls] == [True, False, False]
    assert list((tmp_path / "cache" / "splice_meta").iterdir()) == []


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert fasta_cache.cache_folder() == Path("/somewhere/splice_meta")
    monkeypatch.setenv("HOME", "/nobody")
    # The standard says to pass over relative paths.
    for relative in ("", "here"):
        monkeypatch.setenv("XDG_CACHE_HOME", relative)
        assert fasta_cache.cache_folder() == Path("/nobody/.cache/splice_meta")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert fasta_cache.cache_folder() == Path("/nobody/.cache/splice_meta")

    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(OSError, match="no home"):
        fasta_cache.cache_folder()


def test_a_pickled_genome_opens_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_fasta(tmp_path / "g.fa.gz", f">1\n{BASES}\n", "gzip")
    monkeypatch.chdir(tmp_path)
    genome = Genome("g.fa.gz")
    assert genome.source == "g.fa.gz"
    before = genome.fetch("1", 5, 50)
    pickled = pickle.dumps(genome)
    assert len(pickled) < 500
    monkeypatch.chdir("/")
    assert np.array_equal(pickle.loads(pickled).fetch("1", 5, 50), before)


def test_each_process_opens_the_file_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def counting(path: Path) -> Any:
        opened.append(path)
        return fasta_cache.open_fasta(path)

    monkeypatch.setattr(sequence, "open_fasta", counting)
    genome = Genome(write_fasta(tmp_path / "g.fa", ">1\nACGT\n"))
    assert opened == []
    genome.fetch("1", 1, 2)
    genome.fetch("1", 1, 4)
    assert len(opened) == 1
    monkeypatch.setattr(os, "getpid", lambda: -1)
    genome.fetch("1", 1, 4)
    assert len(opened) == 2


def test_processes_that_start_at_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    bases = rng.choice(list("ACGTN"), 2_000_000)
    path = write_fasta(tmp_path / "g.fa.gz", fasta_text([Record("1", "".join(bases))]), "gzip")
    code = (
        "import sys; from splice_meta.reference.sequence import Genome\n"
        "sys.stdin.readline()\n"
        "print(Genome(sys.argv[1]).fetch('1', 1, 2_000_000).sum(dtype=int))"
    )
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(3)
    ]
    for process in started:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    said = {process.communicate()[0].strip() for process in started}

    assert said == {str(sum(map(ord, bases)))}
    made = list((tmp_path / "cache" / "splice_meta").iterdir())
    assert sorted(file.suffix for file in made) == [".fa", ".fai"]
