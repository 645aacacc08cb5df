from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fasta_files import Record, fasta_text, naive_transcript, write_fasta
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from tiny_network import CONTEXT, Interrupted, TinyNetwork, Wrong, naive_scores

import splice_meta as sm
from splice_meta.base_models import load, score_task, scoring
from splice_meta.base_models.weights import digest_of, weight_files
from splice_meta.base_models.windows import (
    GeneScores,
    batches,
    cut,
    score_windows,
    window_of,
)
from splice_meta.contracts import SCORES
from splice_meta.errors import (
    InputError,
    ModelError,
    OutputError,
    SpliceMetaError,
    UsageError,
)
from splice_meta.jobs.ledger import read_ledger
from splice_meta.reference.sequence import Genome

TESTS = Path(__file__).parent
HALF = CONTEXT // 2


# --- A small genome and its genes --------------------------------------------------------------


def random_bases(first: int, last: int, seed: int) -> dict[int, str]:
    """Bases by position: both cases, and N here and there."""
    drawn = np.random.default_rng(seed).choice(list("ACGTacgtACGTacgtN"), last - first + 1)
    return dict(zip(range(first, last + 1), map(str, drawn), strict=True))


def slice_of(name: str, bases: dict[int, str]) -> Record:
    return Record(f"{name}:{min(bases)}-{max(bases)}", "".join(bases.values()))


FIRST_SLICE = random_bases(101, 400, seed=1)
FIRST_SLICE |= dict.fromkeys(range(205, 222), "N") | dict.fromkeys(range(230, 236), "R")
SECOND_SLICE = random_bases(411, 500, seed=2)
BASES = {"chr1": FIRST_SLICE | SECOND_SLICE, "chr2": random_bases(1, 150, seed=3)}
RECORDS = [
    slice_of("chr1", FIRST_SLICE),
    slice_of("chr1", SECOND_SLICE),
    Record("chr2", "".join(BASES["chr2"].values())),
]

# name: (id, chromosome, strand, start, end, type)
GENES = {
    "PLUS": ("ENSG01.3", "chr1", "+", 150, 260, "protein_coding"),
    "MINUS": ("ENSG02.1", "chr1", "-", 155, 262, "protein_coding"),
    "FIRST": ("ENSG03.1", "chr1", "+", 101, 140, "protein_coding"),
    "LAST": ("ENSG04.2", "chr1", "-", 385, 395, "protein_coding"),
    "GAP": ("ENSG05.1", "chr1", "+", 411, 430, "protein_coding"),
    "ONE": ("ENSG06.1", "chr2", "+", 1, 1, "protein_coding"),
    "ONEREV": ("ENSG07.1", "chr2", "-", 150, 150, "protein_coding"),
    "WHOLE": ("ENSG08.1", "chr2", "-", 1, 150, "protein_coding"),
    "LNC": ("ENSG09.1", "chr1", "+", 440, 470, "lncRNA"),
    "TWICE": ("ENSG10.1", "chr1", "+", 450, 460, "lncRNA"),
    "BEYOND": ("ENSG12.1", "chr1", "+", 390, 405, "protein_coding"),
    "ELSEWHERE": ("ENSG13.1", "chr9", "+", 10, 20, "protein_coding"),
}
CODING = [place[0] for name, place in GENES.items() if place[5] != "lncRNA"][:-2]
EXONS = {
    ("PLUS", "T1"): [(150, 180), (200, 230), (240, 260)],
    ("PLUS", "T2"): [(150, 170), (200, 260)],
    # An exon of one base: a donor and an acceptor at one position.
    ("MINUS", "T3"): [(155, 190), (210, 210), (250, 262)],
}
TRUTH = {
    "PLUS": {170: 1, 180: 1, 200: 2, 230: 1, 240: 2},
    "MINUS": {190: 2, 210: 1, 250: 1},
}


def gtf_line(kind: str, name: str, start: int, end: int, more: str = "") -> str:
    gene, chrom, strand, _, _, gene_type = GENES[name]
    attributes = f'gene_id "{gene}"; gene_type "{gene_type}"; gene_name "{name}"; {more}'
    return f"{chrom}\ttest\t{kind}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n"


def gtf_text() -> str:
    lines = [gtf_line("gene", name, place[3], place[4]) for name, place in GENES.items()]
    # Two genes of one name.
    lines.append(lines[list(GENES).index("TWICE")].replace("ENSG10.1", "ENSG11.1"))
    # Those of which nothing more is said have one exon each, and so no site.
    alone = {(name, f"{name}1"): [GENES[name][3:5]] for name in GENES}
    told = {name for name, _ in EXONS}
    exons = EXONS | {key: spans for key, spans in alone.items() if key[0] not in told}
    for (name, transcript), spans in exons.items():
        ids = f'transcript_id "{transcript}";'
        lines += [gtf_line("exon", name, *span, ids) for span in spans]
    lines.append(gtf_line("exon", "TWICE", 450, 460, 'transcript_id "TWICE2";'))
    lines[-1] = lines[-1].replace("ENSG10.1", "ENSG11.1")
    return "".join(lines)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("place")
    write_fasta(folder / "genome.fa", fasta_text(RECORDS))
    (folder / "genes.gtf").write_text(gtf_text())
    return folder


@pytest.fixture
def score(place: Path, tmp_path: Path) -> Callable[..., sm.ScoreResult]:
    def score_into(*genes: str, output: str | Path = "out.parquet", **options: Any) -> Any:
        given: dict[str, Any] = {"base_model": TinyNetwork(), "genes": genes or None}
        return sm.score(
            place / "genes.gtf", place / "genome.fa", tmp_path / output, **(given | options)
        )

    return score_into


def expected_table(name: str, truth: bool = False) -> pl.DataFrame:
    gene, chrom, strand, start, end, _ = GENES[name]
    scores = naive_scores(BASES[chrom], strand, start, end)
    along = sorted(range(start, end + 1), reverse=strand == "-")
    columns: dict[str, Any] = {
        "gene_id": [gene] * len(along),
        "chrom": [chrom] * len(along),
        "strand": [strand] * len(along),
        "position": range(1, len(along) + 1),
        "genomic_position": along,
        **{name: [row[k] for row in scores] for k, name in enumerate(SCORES)},
        "base": list(naive_transcript(BASES[chrom], strand, start, end)),
    }
    if truth:
        columns["splice_type"] = [TRUTH.get(name, {}).get(position, 0) for position in along]
    types = dict.fromkeys(SCORES, pl.Float32) | ({"splice_type": pl.Int8} if truth else {})
    return pl.DataFrame(columns, schema_overrides=types)


def expected_tables(*names: str, truth: bool = False) -> pl.DataFrame:
    return pl.concat(expected_table(name, truth) for name in names)


def table_of(result: sm.ScoreResult) -> pl.DataFrame:
    return result.scores().collect()


def fates(result: sm.ScoreResult) -> dict[str, str]:
    """The reasons by gene; empty for those that are done."""
    assert (result.genes["status"] == "failed").equals(result.genes["reason"] != "")
    return dict(result.genes.select("gene_id", "reason").iter_rows())


def begin_of(name: str, skip: int = 0, count: int = 8) -> str:
    """Bases of a gene on the transcript strand, as :class:`tiny_network.Wrong` takes them."""
    _, chrom, strand, start, end, _ = GENES[name]
    return naive_transcript(BASES[chrom], strand, start, end)[skip : skip + count]


def second_window(name: str, most: int) -> int:
    """Where the second window of a gene begins, counted from 0."""
    _, _, _, start, end, _ = GENES[name]
    return window_of(end - start + 1, most)


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


# --- What is written ---------------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 2, 7, 10, 110, 111, 112, 10_000])
@pytest.mark.parametrize("batch", [1, 3, 8])
def test_every_position_sees_its_whole_context(
    score: Callable[..., sm.ScoreResult], window: int, batch: int
) -> None:
    names = list(GENES)[:8]

    result = score(*names, base_model=TinyNetwork(batch), window=window)

    assert_frame_equal(table_of(result), expected_tables(*names), check_exact=True)
    assert result.failed == 0


def test_changes_of_any_base_in_the_context_change_all_three_scores() -> None:
    # Of the reference: what the tests above compare with does see all.
    bases = dict(enumerate("ACGTTGCAACGGTTACGATCA"))
    [before] = naive_scores(bases, "+", HALF, HALF)

    for place in bases:
        for other in set("ACGTN") - {bases[place]}:
            [after] = naive_scores(bases | {place: other}, "+", HALF, HALF)
            assert all(a != b for a, b in zip(before, after, strict=True))
    assert before not in naive_scores(bases, "-", HALF, HALF)


def test_columns_dtypes_and_order(score: Callable[..., sm.ScoreResult]) -> None:
    result = score("WHOLE", "PLUS", truth=True)

    table = table_of(result)
    assert dict(table.schema) == {
        "gene_id": pl.String, "chrom": pl.String, "strand": pl.String, "position": pl.Int64,
        "genomic_position": pl.Int64, "donor_score": pl.Float32, "acceptor_score": pl.Float32,
        "neither_score": pl.Float32, "base": pl.String, "splice_type": pl.Int8,
    }  # fmt: skip
    assert table["gene_id"].unique(maintain_order=True).to_list() == ["ENSG08.1", "ENSG01.3"]
    assert result.genes.rows() == [("ENSG08.1", "done", "", 150), ("ENSG01.3", "done", "", 111)]


def test_what_is_scored_is_good_for_everything_else(score: Callable[..., sm.ScoreResult]) -> None:
    result = score("PLUS", "WHOLE", truth=True)

    found = sm.predict(result.path, mode="base_only")

    assert found.select(SCORES).equals(table_of(result).select(SCORES))


@pytest.mark.parametrize("batch", [1, 4])
def test_truth_is_that_of_all_transcripts(score: Callable[..., sm.ScoreResult], batch: int) -> None:
    names = ("MINUS", "PLUS", "ONE")

    result = score(*names, truth=True, window=50, base_model=TinyNetwork(batch))

    assert_frame_equal(table_of(result), expected_tables(*names, truth=True), check_exact=True)


@pytest.mark.parametrize("packing", ["gzip", "bgzip"])
def test_names_of_the_fasta_may_be_others(tmp_path: Path, place: Path, packing: Any) -> None:
    records = [Record(r.name.removeprefix("chr"), r.bases) for r in RECORDS]
    fasta = write_fasta(tmp_path / "g.fa.gz", fasta_text(records), packing)

    result = sm.score(
        place / "genes.gtf", fasta, tmp_path / "o.parquet", base_model=TinyNetwork(), genes="MINUS"
    )

    assert_frame_equal(table_of(result), expected_table("MINUS"), check_exact=True)


def test_opened_annotation_and_genome_are_taken(tmp_path: Path, place: Path) -> None:
    annotation, genome = sm.open_annotation(place / "genes.gtf"), Genome(place / "genome.fa")

    result = sm.score(
        annotation, genome, tmp_path / "o.parquet", base_model=TinyNetwork(), genes=["GAP"]
    )

    assert_frame_equal(table_of(result), expected_table("GAP"), check_exact=True)


# --- Windows and batches -----------------------------------------------------------------------


@st.composite
def many_genes(draw: st.DrawFn) -> list[str]:
    lengths = draw(st.lists(st.integers(0, 60), min_size=1, max_size=5))
    return [
        draw(st.text("ACGTN", min_size=length + CONTEXT, max_size=length + CONTEXT))
        for length in lengths
    ]


@given(many_genes(), st.integers(1, 70), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_no_seams(texts: list[str], size: int, batch: int) -> None:
    genes = [
        GeneScores(str(n), np.frombuffer(text.encode(), np.uint8), CONTEXT)
        for n, text in enumerate(texts)
    ]
    network = TinyNetwork(batch)

    for windows in batches(cut(genes, size), batch):
        score_windows(network, windows)
        for window in windows:
            window.gene.missing -= window.stop - window.first

    for text, gene in zip(texts, genes, strict=True):
        assert gene.missing == 0
        bases = dict(enumerate(text))
        expected = naive_scores(bases, "+", HALF, len(text) - HALF - 1)
        assert list(map(tuple, gene.scores.tolist())) == expected
    assert all(count <= batch and length - CONTEXT <= size for count, length, _ in network.shapes)


def test_windows_of_like_length_go_together_and_others_do_not() -> None:
    def gene(length: int) -> GeneScores:
        return GeneScores("g", np.zeros(length + CONTEXT, np.uint8), CONTEXT)

    def sizes(lengths: list[int], count: int) -> list[list[int]]:
        windows = cut(map(gene, lengths), 100)
        return [[w.stop - w.first for w in batch] for batch in batches(windows, count)]

    assert sizes([350], 3) == [[88, 88, 88], [86]]
    assert sizes([100, 90, 80, 100], 8) == [[100, 90, 80, 100]]
    assert sizes([100, 1, 1, 100], 8) == [[100], [1, 1], [100]]
    assert sizes([5, 5, 5], 1) == [[5], [5], [5]]
    assert sizes([], 4) == []


def test_no_more_than_a_quarter_of_a_batch_is_padding(
    score: Callable[..., sm.ScoreResult],
) -> None:
    network = TinyNetwork(batch=8)

    result = score(base_model=network, window=40)

    assert max(count for count, _, _ in network.shapes) > 1
    letters = sum(result.genes["positions"]) + CONTEXT * sum(n for n, _, _ in network.shapes)
    assert sum(count * length for count, length, _ in network.shapes) <= 1.25 * letters


def test_progress_adds_up(score: Callable[..., sm.ScoreResult]) -> None:
    planned, steps = [], []
    watcher = sm.Watcher(lambda *told: planned.append(told), steps.append)

    score("PLUS", "ONE", "GHOST", window=50, progress=watcher)

    assert planned == [("scoring 2 genes, 112 nt, with tiny", 112)]
    assert steps == [37, 37, 37, 1]


@pytest.mark.parametrize("window", [0, -5])
def test_a_window_needs_a_position(score: Callable[..., sm.ScoreResult], window: int) -> None:
    with pytest.raises(UsageError, match=f"window is {window} positions"):
        score("PLUS", window=window)


# --- Which genes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["ENSG01.3"], ["ENSG01.3"]),
        # Ids are kept as they were asked for.
        (["ENSG01"], ["ENSG01"]),
        (["ENSG01.9"], ["ENSG01.9"]),
        (["PLUS"], ["ENSG01.3"]),
        (["PLUS", "ENSG01.3", "ENSG01", "ONE", "PLUS"], ["ENSG01.3", "ENSG06.1"]),
        (["ENSG01", "PLUS"], ["ENSG01"]),
        (["LNC"], ["ENSG09.1"]),
    ],
)
def test_ids_and_names(
    score: Callable[..., sm.ScoreResult], asked: list[str], found: list[str]
) -> None:
    result = score(*asked, truth=True)

    assert fates(result) == dict.fromkeys(found, "")
    table = table_of(result)
    assert table["gene_id"].unique(maintain_order=True).to_list() == found
    names = {gene.split(".")[0]: name for name, (gene, *_) in GENES.items()}
    expected = expected_tables(*(names[gene.split(".")[0]] for gene in found), truth=True)
    assert_frame_equal(table.drop("gene_id"), expected.drop("gene_id"), check_exact=True)


def test_all_genes_of_a_type_that_lie_in_the_fasta(score: Callable[..., sm.ScoreResult]) -> None:
    coding = score(output="a.parquet")
    lnc = score(output="b.parquet", gene_types=["lncRNA"])
    every = score(output="c.parquet", gene_types=())

    assert fates(coding) == dict.fromkeys(CODING, "")
    assert list(fates(lnc)) == ["ENSG09.1", "ENSG10.1", "ENSG11.1"]
    assert sorted(fates(every)) == sorted([*fates(coding), *fates(lnc)])


def test_genes_without_a_type_count(tmp_path: Path, place: Path) -> None:
    text = (place / "genes.gtf").read_text().replace('gene_type "lncRNA";', "")
    (tmp_path / "g.gtf").write_text(text)

    result = sm.score(
        tmp_path / "g.gtf", place / "genome.fa", tmp_path / "o.parquet", base_model=TinyNetwork()
    )

    assert sorted(fates(result)) == sorted([*CODING, "ENSG09.1", "ENSG10.1", "ENSG11.1"])


def test_genes_that_cannot_be_scored_are_listed_and_the_others_done(
    score: Callable[..., sm.ScoreResult],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The command line, run in another test, takes the log for itself.
    monkeypatch.setattr(logging.getLogger("splice_meta"), "propagate", True)
    with caplog.at_level(logging.WARNING, "splice_meta"):
        result = score("GHOST", "PLUS", "ELSEWHERE", "BEYOND", "TWICE", "ONE")

    assert fates(result) == {
        "ENSG01.3": "",
        "ENSG06.1": "",
        "GHOST": "no gene has this id or name",
        "ELSEWHERE": "the FASTA has no chromosome chr9",
        "BEYOND": "its span chr1:390-405 does not lie in the FASTA",
        "TWICE": "fits several genes: ENSG10.1, ENSG11.1",
    }
    assert result.failed == 4
    assert result.genes["positions"].to_list() == [111, 1, 0, 0, 0, 0]
    assert_frame_equal(table_of(result), expected_tables("PLUS", "ONE"), check_exact=True)
    assert "Gene GHOST failed: no gene has this id or name" in caplog.messages


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"genes": ["GHOST", "BEYOND"]}, r"GHOST: no gene has this id or name\."),
        ({"genes": []}, "No gene is named"),
        ({"gene_types": ["tRNA"]}, "No gene of the wanted types lies in the FASTA"),
    ],
)
def test_no_gene_to_score(
    score: Callable[..., sm.ScoreResult], tmp_path: Path, options: dict[str, Any], words: str
) -> None:
    network = TinyNetwork()

    with pytest.raises(SpliceMetaError, match=words) as caught:
        score(**({"base_model": network} | options))

    assert_two_plain_lines(caught.value)
    assert network.shapes == []
    assert files_in(tmp_path) == []


def test_other_chromosomes_name_both_styles(tmp_path: Path, place: Path) -> None:
    fasta = write_fasta(tmp_path / "g.fa", ">scaffold_1\nACGT\n")

    with pytest.raises(InputError, match=r"like 'scaffold_1', the annotation's like 'chr1'"):
        sm.score(place / "genes.gtf", fasta, tmp_path / "o.parquet", base_model=TinyNetwork())


def assert_two_plain_lines(error: SpliceMetaError) -> None:
    for part in (error.message, error.hint):
        assert part.endswith(".") or ": pip install " in part
        assert "\n" not in part
        assert ".." not in part
        assert ":." not in part


# --- What a base model gives -------------------------------------------------------------------

NAN, INFINITE = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([NAN, 0.5, 0.5], "nan, 0.5, 0.5"),
        ([NAN, NAN, NAN], "nan, nan, nan"),
        ([0, 0.5, INFINITE], "0, 0.5, inf"),
        ([-INFINITE, 1, INFINITE], "-inf, 1, inf"),
        ([-0.1, 0.6, 0.5], "-0.1, 0.6, 0.5"),
        ([1.1, 0, -0.1], "1.1, 0, -0.1"),
        ([0, 1, -2e-4], "0, 1, -0.0002"),
        ([0.2, 0.2, 0.2], "0.2, 0.2, 0.2"),
        ([0.3, 0.3, 0.4015], "0.3, 0.3, 0.4015"),
        ([0, 0, 0], "0, 0, 0"),
    ],
)
@pytest.mark.parametrize("batch", [1, 4])
def test_what_is_no_probability_is_never_written(
    score: Callable[..., sm.ScoreResult], values: list[float], words: str, batch: int
) -> None:
    # In the second window of the gene, at its 4th position.
    skip = second_window("WHOLE", 40)
    network = Wrong(begin_of("WHOLE", skip), values, at=3, batch=batch)

    result = score("PLUS", "WHOLE", "MINUS", base_model=network, window=40)

    assert fates(result) == {
        "ENSG01.3": "",
        "ENSG08.1": "The base model tiny gave no probabilities at 1 positions of gene ENSG08.1, "
        f"first {words} at position {skip + 4}.",
        "ENSG02.1": "",
    }
    assert_frame_equal(table_of(result), expected_tables("PLUS", "MINUS"), check_exact=True)


def test_what_rounds_to_a_probability_is_written(score: Callable[..., sm.ScoreResult]) -> None:
    values = [-5e-5, 0.5, 0.5]

    result = score("PLUS", base_model=Wrong(begin_of("PLUS"), values))

    assert table_of(result).row(0)[5:8] == tuple(map(float, np.float32(values)))


def test_padding_may_hold_anything() -> None:
    class Padded(TinyNetwork):
        def predict(self, sequences: Any) -> Any:
            found = super().predict(sequences)
            # The sequences have no N, so that this is beyond a window's end.
            found[~sequences[:, CONTEXT:].any(axis=2)] = np.nan
            return found

    rng = np.random.default_rng(5)
    texts = [rng.choice(list(b"ACGT"), n + CONTEXT).astype(np.uint8) for n in (30, 26, 30)]
    genes = [GeneScores("g", text, CONTEXT) for text in texts]

    [windows] = batches(cut(genes, 100), 3)
    score_windows(Padded(), windows)

    for text, gene in zip(texts, genes, strict=True):
        bases = dict(enumerate(bytes(text).decode()))
        expected = naive_scores(bases, "+", HALF, len(text) - HALF - 1)
        assert list(map(tuple, gene.scores.tolist())) == expected


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda found: found[:, 1:], "gave an array of shape"),
        (lambda found: found[0], "gave an array of shape"),
        (lambda found: found[:, :, :2], "gave an array of shape"),
        (lambda found: None, "'NoneType' object has no attribute 'shape'"),
        (RuntimeError("out of memory\nwhile allocating"), "out of memory"),
        (ValueError(), "ValueError"),
        (MemoryError(), "MemoryError"),
    ],
)
@pytest.mark.parametrize("batch", [1, 8])
def test_a_failing_base_model_stops_one_gene_only(
    score: Callable[..., sm.ScoreResult], fault: Any, words: str, batch: int
) -> None:
    network = Wrong(begin_of("MINUS", second_window("MINUS", 30)), fault, batch=batch)

    result = score("PLUS", "MINUS", "WHOLE", "ONE", base_model=network, window=30)

    assert list(fates(result)) == ["ENSG01.3", "ENSG02.1", "ENSG08.1", "ENSG06.1"]
    assert [gene for gene, why in fates(result).items() if why] == ["ENSG02.1"]
    assert fates(result)["ENSG02.1"].startswith(words) or words in fates(result)["ENSG02.1"]
    assert "\n" not in fates(result)["ENSG02.1"]
    expected = expected_tables("PLUS", "WHOLE", "ONE")
    assert_frame_equal(table_of(result), expected, check_exact=True)


def test_shapes_are_named(score: Callable[..., sm.ScoreResult]) -> None:
    result = score("ONE", base_model=Wrong(begin_of("ONE"), lambda found: found[:, :, 0]))

    assert fates(result)["ENSG06.1"] == (
        "The base model tiny gave an array of shape (1, 1) for (1, 1, 3)."
    )


def test_a_gene_that_failed_is_not_scored_further(score: Callable[..., sm.ScoreResult]) -> None:
    network = Wrong(begin_of("WHOLE"), RuntimeError("no"))
    steps: list[int] = []

    score(
        "WHOLE", "ONE", base_model=network, window=10, progress=sm.Watcher(advanced=steps.append)
    )

    assert network.positions == 11
    assert sum(steps) == 151  # the bar comes to its end all the same


def test_sequence_that_cannot_be_read_fails_its_gene(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genome = Genome(place / "genome.fa")
    fetch = genome.fetch

    def broken(chrom: str, start: int, end: int) -> Any:
        if chrom == "chr2":
            raise InputError("The record chr2 is cut off.", "Copy it again.")
        return fetch(chrom, start, end)

    monkeypatch.setattr(genome, "fetch", broken)

    result = sm.score(
        place / "genes.gtf", genome, tmp_path / "o.parquet", base_model=TinyNetwork(),
        genes=["WHOLE", "PLUS"],
    )  # fmt: skip

    assert fates(result) == {"ENSG08.1": "The record chr2 is cut off.", "ENSG01.3": ""}
    assert_frame_equal(table_of(result), expected_table("PLUS"), check_exact=True)


@pytest.mark.parametrize("there_before", [False, True])
def test_all_genes_failing_gives_no_table(
    score: Callable[..., sm.ScoreResult], tmp_path: Path, there_before: bool
) -> None:
    if there_before:
        score("ONE")
    before = [(p.name, p.read_bytes()) for p in tmp_path.iterdir()]

    result = score("PLUS", "WHOLE", base_model=Wrong("", RuntimeError("no")), overwrite=True)

    assert fates(result) == {"ENSG01.3": "no", "ENSG08.1": "no"}
    assert result.genes["positions"].to_list() == [0, 0]
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == before
    with pytest.raises(OutputError, match="No gene could be scored"):
        result.scores()


@pytest.mark.parametrize("options", [{"context": 21}, {"context": -2}, {"batch": 0}])
def test_a_base_model_that_cannot_work_is_refused(
    score: Callable[..., sm.ScoreResult], tmp_path: Path, options: dict[str, int]
) -> None:
    with pytest.raises(ModelError) as caught:
        score("PLUS", base_model=TinyNetwork(**options))

    assert_two_plain_lines(caught.value)
    assert files_in(tmp_path) == []


def test_no_context_at_all(score: Callable[..., sm.ScoreResult]) -> None:
    class Alone:
        name, context, batch, digest = "alone", 0, 2, "x"

        def predict(self, sequences: Any) -> Any:
            found = np.zeros((*sequences.shape[:2], 3), np.float32)
            found[:, :, 2] = sequences[:, :, 0]  # A
            found[:, :, 1] = 1 - found[:, :, 2]
            return found

    table = table_of(score("MINUS", base_model=Alone(), window=13))

    assert (table["neither_score"] == 1).equals(table["base"] == "A")


# --- Interrupted, and taken up again -----------------------------------------------------------

NAMES = ("PLUS", "WHOLE", "ONE", "MINUS", "FIRST")


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each gene is a shard, and one is made at a time."""
    monkeypatch.setattr(score_task, "SHARD", 1)
    monkeypatch.setattr(score_task.ScoreTask, "at_once", 1)


def listed_genes(folder: Path) -> list[str]:
    """The genes that the ledger of a scoring lists."""
    recorded = read_ledger(folder / "ledger.jsonl")
    assert recorded is not None
    parts = [part for line in recorded.shards.values() for part in line.at("parts").items()]
    return [part.at("table").text() for part in parts]


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize(("batch", "call"), [(1, 0), (1, 3), (1, 8), (4, 0), (4, 2), (4, 3)])
def test_resumed_is_as_if_never_interrupted(
    score: Callable[..., sm.ScoreResult],
    tmp_path: Path,
    error: type[BaseException],
    batch: int,
    call: int,
) -> None:
    options: dict[str, Any] = {"window": 50, "truth": True}
    score(*NAMES, output="whole.parquet", base_model=TinyNetwork(batch), **options)
    with pytest.raises(error):
        score(*NAMES, base_model=Interrupted(call, error, batch=batch), **options)
    kept = listed_genes(tmp_path / "out.parquet.parts")
    done = expected_tables(*NAMES).filter(pl.col("gene_id").is_in(kept)).height
    assert not (tmp_path / "out.parquet").exists()
    assert bool(kept) == bool(call)

    again = TinyNetwork(batch)
    planned: list[Any] = []
    watcher = sm.Watcher(lambda *told: planned.append(told))
    result = score(*NAMES, base_model=again, resume=True, progress=watcher, **options)

    ((what, positions),) = planned
    assert what.startswith(f"scoring {len(NAMES) - len(kept)} genes, ")
    assert positions == 410 - done
    assert again.positions == 410 - done or batch > 1  # with padding
    assert fates(result) == dict.fromkeys((GENES[name][0] for name in NAMES), "")
    assert result.path.read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    assert files_in(tmp_path) == ["out.parquet", "whole.parquet"]


def interrupt(score: Callable[..., sm.ScoreResult], **options: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        score("PLUS", "WHOLE", base_model=Interrupted(1, KeyboardInterrupt), **options)


@pytest.mark.usefixtures("one_by_one")
def test_a_gene_that_failed_has_no_part(
    score: Callable[..., sm.ScoreResult], tmp_path: Path
) -> None:
    network = Wrong(begin_of("MINUS", second_window("MINUS", 30)), RuntimeError("no"))

    def stop_at_one(positions: int) -> None:
        if positions == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(
            "MINUS",
            "ONE",
            base_model=network,
            window=30,
            progress=sm.Watcher(advanced=stop_at_one),
        )

    assert listed_genes(tmp_path / "out.parquet.parts") == []


@pytest.mark.usefixtures("one_by_one")
def test_genes_that_failed_are_tried_again(
    score: Callable[..., sm.ScoreResult], tmp_path: Path
) -> None:
    network = Wrong(begin_of("WHOLE"), RuntimeError("no"))
    first = score("PLUS", "WHOLE", "ONE", base_model=network)
    assert first.resumable
    assert_frame_equal(table_of(first), expected_tables("PLUS", "ONE"), check_exact=True)

    again = TinyNetwork()
    second = score("PLUS", "WHOLE", "ONE", base_model=again, resume=True)

    assert not second.resumable
    assert len(again.shapes) == 1
    assert_frame_equal(table_of(second), expected_tables("PLUS", "WHOLE", "ONE"), check_exact=True)
    assert files_in(tmp_path) == ["out.parquet"]


def test_genes_that_are_unknown_leave_nothing_to_try_again(
    score: Callable[..., sm.ScoreResult], tmp_path: Path
) -> None:
    result = score("PLUS", "GHOST")

    assert (result.failed, result.resumable) == (1, False)
    assert files_in(tmp_path) == ["out.parquet"]


@pytest.mark.usefixtures("one_by_one")
def test_parts_are_whole_after_an_interrupt(
    score: Callable[..., sm.ScoreResult], tmp_path: Path
) -> None:
    interrupt(score)

    parts = tmp_path / "out.parquet.parts"
    assert files_in(parts) == ["ENSG01.3.parquet", "ledger.jsonl"]
    part = pl.read_parquet(parts / "ENSG01.3.parquet")
    assert_frame_equal(part, expected_table("PLUS"), check_exact=True)


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("digest", "weights"),
        ("name", "base model"),
        ("truth", "truth"),
        ("annotation", "annotation"),
        ("fasta", "FASTA"),
    ],
)
def test_resuming_with_other_settings_is_refused(
    tmp_path: Path, place: Path, change: str, words: str
) -> None:
    for name in ("genes.gtf", "genome.fa"):
        (tmp_path / name).write_bytes((place / name).read_bytes())

    def score_here(**options: Any) -> sm.ScoreResult:
        files = (tmp_path / "genes.gtf", tmp_path / "genome.fa", tmp_path / "o.parquet")
        return sm.score(*files, genes=["PLUS", "WHOLE"], **options)

    with pytest.raises(KeyboardInterrupt):
        score_here(base_model=Interrupted(1, KeyboardInterrupt))
    network, truth = TinyNetwork(digest="b" if change == "digest" else "tiny"), change == "truth"
    if change == "name":
        network.name = "other"
    if change == "annotation":
        (tmp_path / "genes.gtf").write_text("# another\n" + gtf_text())
    if change == "fasta":
        write_fasta(tmp_path / "genome.fa", fasta_text(RECORDS[::-1]))
        os.utime(tmp_path / "genome.fa", (1, 1))
    before = files_in(tmp_path)

    with pytest.raises(UsageError, match=f"since it started: {words}\\.") as caught:
        score_here(base_model=network, truth=truth, resume=True)

    assert_two_plain_lines(caught.value)
    assert network.shapes == []
    assert files_in(tmp_path) == before
    result = score_here(base_model=network, truth=truth, overwrite=True)
    expected = expected_tables("PLUS", "WHOLE", truth=truth)
    assert_frame_equal(table_of(result), expected, check_exact=True)


@pytest.mark.usefixtures("one_by_one")
def test_resuming_may_use_other_windows_and_batches(
    score: Callable[..., sm.ScoreResult],
) -> None:
    interrupt(score, window=10_000)

    result = score("PLUS", "WHOLE", base_model=TinyNetwork(8), window=9, resume=True)

    assert_frame_equal(table_of(result), expected_tables("PLUS", "WHOLE"), check_exact=True)


@pytest.mark.usefixtures("one_by_one")
def test_resuming_with_nothing_left_to_do_and_with_nothing_done(
    score: Callable[..., sm.ScoreResult],
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    network = TinyNetwork()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "sink_parquet", interrupted)
        with pytest.raises(KeyboardInterrupt):
            score("PLUS", "WHOLE")

    done = score("PLUS", "WHOLE", base_model=network, resume=True)
    fresh = score("ONE", resume=True, output="fresh.parquet")

    assert network.shapes == []
    assert_frame_equal(table_of(done), expected_tables("PLUS", "WHOLE"), check_exact=True)
    assert_frame_equal(table_of(fresh), expected_table("ONE"), check_exact=True)


def test_resuming_with_other_genes_is_refused(
    score: Callable[..., sm.ScoreResult], tmp_path: Path
) -> None:
    interrupt(score)
    before = files_in(tmp_path)

    with pytest.raises(UsageError, match="since it started: genes, shards"):
        score("PLUS", resume=True)

    assert files_in(tmp_path) == before


def test_parts_without_resume_are_refused(
    score: Callable[..., sm.ScoreResult], tmp_path: Path
) -> None:
    interrupt(score)
    before = files_in(tmp_path)

    with pytest.raises(
        OutputError, match="holds genes of a scoring that is not complete"
    ) as caught:
        score("PLUS")

    assert_two_plain_lines(caught.value)
    assert files_in(tmp_path) == before


@pytest.mark.usefixtures("one_by_one")
def test_overwrite_starts_anew(score: Callable[..., sm.ScoreResult], tmp_path: Path) -> None:
    interrupt(score)
    network = TinyNetwork()

    result = score("PLUS", base_model=network, overwrite=True)

    assert network.positions == 111
    assert_frame_equal(table_of(result), expected_table("PLUS"), check_exact=True)
    assert files_in(tmp_path) == ["out.parquet"]


@pytest.mark.usefixtures("one_by_one")
def test_an_interrupted_overwriting_keeps_the_table_and_can_be_resumed(
    score: Callable[..., sm.ScoreResult], tmp_path: Path
) -> None:
    score("ONE")
    interrupt(score, overwrite=True)
    kept = pl.read_parquet(tmp_path / "out.parquet")
    network = TinyNetwork()

    with pytest.raises(OutputError, match="already exists"):
        score("PLUS", "WHOLE")
    result = score("PLUS", "WHOLE", base_model=network, resume=True)

    assert_frame_equal(kept, expected_table("ONE"), check_exact=True)
    assert network.positions == 150
    assert_frame_equal(table_of(result), expected_tables("PLUS", "WHOLE"), check_exact=True)


# --- Where it is written -----------------------------------------------------------------------


def test_a_folder_that_is_a_file_is_said_to_be_one(
    score: Callable[..., sm.ScoreResult], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("here")

    with pytest.raises(OutputError, match="cannot be written") as caught:
        score("ONE", output="file/out.parquet")

    assert_two_plain_lines(caught.value)


def test_nothing_else_is_left(score: Callable[..., sm.ScoreResult], tmp_path: Path) -> None:
    score("PLUS", "GHOST", output="new/folder/out.parquet")

    assert files_in(tmp_path) == ["folder", "new", "out.parquet"]


def test_a_table_is_not_replaced_unasked(
    score: Callable[..., sm.ScoreResult], tmp_path: Path
) -> None:
    first = score("ONE")
    network = TinyNetwork()

    with pytest.raises(OutputError, match=r"out\.parquet already exists") as caught:
        score("PLUS", base_model=network)

    assert_two_plain_lines(caught.value)
    assert network.shapes == []
    assert_frame_equal(table_of(first), expected_table("ONE"), check_exact=True)
    assert files_in(tmp_path) == ["out.parquet"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("output", ["folder", "."])
def test_a_folder_is_never_replaced(
    score: Callable[..., sm.ScoreResult], tmp_path: Path, output: str, overwrite: bool
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "precious.txt").write_text("x")

    with pytest.raises(OutputError, match="is a folder") as caught:
        score("ONE", output=output, overwrite=overwrite)

    assert_two_plain_lines(caught.value)
    assert files_in(tmp_path) == ["folder", "precious.txt"]


def test_a_place_that_cannot_be_written(
    score: Callable[..., sm.ScoreResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    network = TinyNetwork()

    with pytest.raises(OutputError, match="cannot be written: Permission denied") as caught:
        score("ONE", base_model=network)

    assert_two_plain_lines(caught.value)
    assert network.shapes == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes anywhere")
def test_a_folder_without_permission(score: Callable[..., sm.ScoreResult], tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o500)

    with pytest.raises(OutputError, match="Permission denied"):
        score("ONE", output="closed/out.parquet")


def test_parts_that_vanish_give_no_table(
    score: Callable[..., sm.ScoreResult], tmp_path: Path
) -> None:
    # Such as by a second scoring into the same table.
    def remove(positions: int) -> None:
        for part in tmp_path.rglob("ENSG01*"):
            part.unlink()

    with pytest.raises(OutputError, match=r"ENSG01\.3") as caught:
        score("PLUS", "WHOLE", progress=sm.Watcher(advanced=remove))

    assert_two_plain_lines(caught.value)
    assert not (tmp_path / "out.parquet").exists()


@pytest.mark.parametrize("gene", ["a/b", "../up", "A b%2F", "gène", ".", "a:b|c*?[d]"])
def test_any_id_is_a_file_name(tmp_path: Path, place: Path, gene: str) -> None:
    (tmp_path / "g.gtf").write_text(gtf_text().replace("ENSG01.3", gene), encoding="utf-8")

    result = sm.score(
        tmp_path / "g.gtf", place / "genome.fa", tmp_path / "new/o.parquet", genes=[gene],
        base_model=TinyNetwork(),
    )  # fmt: skip

    table = table_of(result)
    assert table["gene_id"].unique().to_list() == [gene]
    assert_frame_equal(
        table.drop("gene_id"), expected_table("PLUS").drop("gene_id"), check_exact=True
    )
    assert files_in(tmp_path) == ["g.gtf", "new", "o.parquet"]


# --- Weights -----------------------------------------------------------------------------------


def test_weight_files_are_those_of_the_folder_in_order(tmp_path: Path) -> None:
    for name in ("7.pt", "3.pt", "README.md", "9.pt", "1.pt", "5.pt"):
        (tmp_path / name).write_text(name)

    files = weight_files(tmp_path, ".pt")

    assert [file.name for file in files] == ["1.pt", "3.pt", "5.pt", "7.pt", "9.pt"]
    assert weight_files(str(tmp_path / "3.pt"), ".pt") == [tmp_path / "3.pt"]
    assert len({digest_of(files), digest_of(files[::-1]), digest_of(files[:1])}) == 3
    assert digest_of(files) == digest_of(weight_files(tmp_path, ".pt"))


@pytest.mark.parametrize(("name", "words"), [("none", "no folder"), (".", "holds no weights")])
def test_no_weight_files(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        weight_files(tmp_path / name, ".pt")

    assert_two_plain_lines(caught.value)


# --- Entry points ------------------------------------------------------------------------------

ENTRY_POINTS = """\
[splice_meta.base_models]
tiny = tiny_network:make
gone = no_such_module:make
attribute = tiny_network:no_such_thing
"""


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # The metadata of an installed package that brings base models.
    folder = tmp_path_factory.mktemp("site")
    info = folder / "tiny_base_model-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny_base_model\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


def test_entry_points_are_found(
    score: Callable[..., sm.ScoreResult], installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(installed)

    result = score("PLUS", base_model="tiny")

    assert {"openspliceai", "spliceai", "tiny"} <= set(load.base_model_names())
    assert isinstance(sm.load_base_model("tiny"), sm.BaseModel)
    assert_frame_equal(table_of(result), expected_table("PLUS"), check_exact=True)


@pytest.mark.parametrize(
    ("name", "weights", "error", "words"),
    [
        ("tiny", "other", ModelError, "tiny_network:make of the base model tiny gives a str"),
        ("nothing", None, UsageError, r"no base model 'nothing'"),
        ("gone", None, UsageError, "gone cannot be loaded: No module named 'no_such_module'"),
        ("attribute", None, UsageError, "attribute cannot be loaded: .*no_such_thing"),
    ],
)
def test_entry_points_that_give_no_base_model(
    installed: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    weights: Any,
    error: Any,
    words: str,
) -> None:
    monkeypatch.syspath_prepend(installed)

    with pytest.raises(error, match=words) as caught:
        sm.load_base_model(name, weights)

    assert_two_plain_lines(caught.value)


def test_unknown_names_list_what_there_is(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(installed)

    with pytest.raises(UsageError) as caught:
        sm.load_base_model("nothing")

    assert caught.value.hint.startswith("There are: openspliceai, pangolin, spliceai, ")
    assert "tiny" in caught.value.hint


# --- The command line --------------------------------------------------------------------------


@pytest.fixture
def call(
    place: Path, installed: Path, tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    def score_genes(
        *arguments: str, stderr: int = subprocess.PIPE
    ) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable, "-m", "splice_meta", "score", "--annotation", place / "genes.gtf",
            "--fasta", place / "genome.fa", "-o", "out.parquet", "--base-model", "tiny",
        ]  # fmt: skip
        paths = [str(installed), str(TESTS), os.environ.get("PYTHONPATH", "")]
        return subprocess.run(
            [*map(str, command), *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            check=False,
        )

    return score_genes


def said_besides_letters(done: Any) -> str:
    """Stderr without the line on N and other letters, and that of the stage."""
    first, *rest = done.stderr.splitlines(keepends=True)
    assert "letters are N" in first
    assert rest[0].startswith("[0:0")
    assert "scoring " in rest[0]
    return "".join(rest[1:])


def test_command_scores_all_genes(call: Any, tmp_path: Path) -> None:
    done = call("--truth")

    assert (done.returncode, said_besides_letters(done)) == (0, "")
    assert "59 of the genes' 442 letters are N (13.3%) and 12 are other letters" in done.stderr
    assert done.stdout == "8 genes, 442 positions: out.parquet\n"
    expected = expected_tables(*list(GENES)[:8], truth=True)
    assert_frame_equal(pl.read_parquet(tmp_path / "out.parquet"), expected, check_exact=True)
    assert files_in(tmp_path) == ["out.parquet"]


def test_command_says_which_genes_failed(call: Any, tmp_path: Path) -> None:
    start = begin_of("WHOLE")

    done = call("--genes", "PLUS,WHOLE,GHOST", "--weights", f"nan:{start}", "--window", "50")

    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "1 genes (2 failed), 111 positions: out.parquet",
        "Run again with --resume to try the genes that failed once more.",
    ]
    said = said_besides_letters(done).splitlines()
    assert said[0] == "Gene GHOST failed: no gene has this id or name"
    assert said[1].startswith("Gene ENSG08.1 failed: The base model tiny gave no probabilities")
    assert len(said) == 2


def test_command_says_when_nothing_was_written(call: Any, tmp_path: Path) -> None:
    done = call("--genes", "ONE", "--weights", f"fire:{begin_of('ONE')}", "--device", "cpu")

    assert done.returncode == 1
    assert done.stdout == "0 genes (1 failed), 0 positions; nothing was written\n"
    stage, said = done.stderr.splitlines()
    assert stage.endswith("scoring 1 genes, 1 nt, with tiny")
    assert said == "Gene ENSG06.1 failed: the device cpu is on fire"
    assert files_in(tmp_path) == []


def test_command_is_quiet_when_asked(call: Any, tmp_path: Path) -> None:
    (tmp_path / "out.parquet").write_text("of before")

    done = call("-q", "--gene-types", "all", "--window", "7", "--overwrite")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert pl.read_parquet(tmp_path / "out.parquet")["gene_id"].n_unique() == 11


def test_command_draws_a_bar_on_a_terminal_and_messages_above_it(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pty = pytest.importorskip("pty")
    for name, value in {"TERM": "xterm", "COLUMNS": "150", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with ThreadPoolExecutor() as threads:
        said = threads.submit(read_to_end, ours)

        done = call("--genes", "GHOST,PLUS", stderr=theirs)

        os.close(theirs)
        text = said.result()
    assert done.stdout == "1 genes (1 failed), 111 positions: out.parquet\n"
    assert "scoring 1 genes, 111 nt" in text
    assert re.search(r"100% +0:00:00", text)
    assert re.search(r"\r\x1b\[2KGene GHOST failed: no gene has this id or name *\r\n", text)
    assert text.endswith("\x1b[?25h\r\x1b[1A\x1b[2K")  # nothing is left of the bar


def read_to_end(handle: int) -> str:
    found = b""
    while True:
        try:
            chunk = os.read(handle, 4096)
        except OSError:  # how a terminal ends on Linux
            chunk = b""
        if not chunk:
            os.close(handle)
            return found.decode()
        found += chunk


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--window", "0"], "--window is 0"),
        (["--genes", "GHOST"], "GHOST: no gene has this id or name"),
        (["--fasta", "nowhere.fa"], "nowhere.fa"),
        (["--output", "."], "is a folder"),
    ],
)
def test_command_used_wrongly_writes_nothing(
    call: Any, tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = call(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 2
    assert files_in(tmp_path) == []


def test_command_interrupted_and_resumed(call: Any, tmp_path: Path) -> None:
    stopped = call("--genes", "WHOLE,PLUS,ONE", "--weights", "interrupt")
    refused = call("--genes", "WHOLE,PLUS,ONE")
    parts = files_in(tmp_path)
    done = call("--genes", "WHOLE,PLUS,ONE", "--resume")

    assert stopped.returncode == 130
    assert said_besides_letters(stopped).startswith("splice-meta: Interrupted.\n")
    assert "--resume" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert "ledger.jsonl" in parts
    assert refused.returncode == 2
    assert "--resume" in refused.stderr
    assert (done.returncode, said_besides_letters(done)) == (0, "")
    assert done.stdout == "3 genes, 262 positions: out.parquet\n"
    table = pl.read_parquet(tmp_path / "out.parquet")
    assert_frame_equal(table, expected_tables("WHOLE", "PLUS", "ONE"), check_exact=True)


@pytest.mark.usefixtures("one_by_one")
def test_settings_of_a_scoring_can_be_read(
    score: Callable[..., sm.ScoreResult], tmp_path: Path, place: Path
) -> None:
    interrupt(score, truth=True)

    found = read_ledger(tmp_path / "out.parquet.parts" / "ledger.jsonl")

    assert found is not None
    assert list(found.given) == [
        "base model", "weights", "precision", "columns", "annotation", "FASTA", "truth",
    ]  # fmt: skip


def test_truth_is_not_made_up(
    place: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "".join(line for line in gtf_text().splitlines(keepends=True) if "WHOLE1" not in line)
    path = tmp_path / "genes.gtf"
    path.write_text(text)

    def score_into(*genes: str, truth: bool) -> sm.ScoreResult:
        return sm.score(
            path, place / "genome.fa", tmp_path / "out.parquet", base_model=TinyNetwork(),
            genes=genes or None, truth=truth, overwrite=True,
        )  # fmt: skip

    reason = "its splice sites are not known: it has neither exons nor coding sequence"
    assert fates(score_into("WHOLE", "PLUS", truth=True)) == {"ENSG08.1": reason, "ENSG01.3": ""}
    with pytest.raises(InputError, match=reason):
        score_into("WHOLE", truth=True)
    everything = score_into(truth=True)
    assert everything.failed == 0
    assert "ENSG08.1" not in fates(everything)
    assert "1 genes are not scored, since the annotation does not give all" in caplog.text
    assert fates(score_into("WHOLE", truth=False)) == {"ENSG08.1": ""}
