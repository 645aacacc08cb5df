"""Alleles checked and brought into one form, and placed in genes, against naive ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from variant_world import World, make_world

from splice_meta.alleles import settling
from splice_meta.alleles.placing import place_in_genes
from splice_meta.alleles.settling import settle_alleles
from splice_meta.reference.sequence import Genome


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def genome(world: World) -> Genome:
    return Genome(world.fasta)


def frame(rows: list[tuple[int, str, str]], chrom: str = "c1") -> pl.DataFrame:
    table = pl.DataFrame(rows, schema=["pos", "ref", "alt"], orient="row")
    return table.with_row_index("variant").with_columns(
        chrom=pl.lit(chrom), reason=pl.lit(None, pl.String)
    )


def settled(genome: Genome, rows: list[tuple[int, str, str]], most: int = 1000) -> pl.DataFrame:
    return settle_alleles(frame(rows), genome, {"c1": "c1"}, most)


def naive(sequence: str, pos: int, ref: str, alt: str) -> tuple[int, int, str, int]:
    """Trim, then move to the left, one base at a time; then count the steps back to the right."""
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt = ref[:-1], alt[:-1]
    while ref and alt and ref[0] == alt[0]:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    while bool(ref) != bool(alt) and pos > 1:
        before = sequence[pos - 2]
        if before == "N" or before != (ref or alt)[-1]:
            break
        pos, ref, alt = pos - 1, ref and before + ref[:-1], alt and before + alt[:-1]
    slack, own = 0, ref or alt
    while bool(ref) != bool(alt) and pos + len(ref) - 1 + slack < len(sequence):
        behind = sequence[pos + len(ref) - 1 + slack]
        if behind == "N" or behind != own[0]:
            break
        slack, own = slack + 1, own[1:] + behind
    return pos, pos + len(ref) - 1, alt, slack


def moved(sequence: str, start: int, end: int, put: str, slack: int) -> str:
    """The sequence with a change, moved to the right."""
    turn = slack % max(len(put), 1)
    put = put[turn:] + put[:turn]
    return sequence[: start - 1 + slack] + put + sequence[end + slack :]


drawn = st.tuples(
    st.integers(1, 1380), st.integers(0, 8), st.text(alphabet="AC", max_size=9),
    st.integers(0, 30), st.integers(0, 30),
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(drawn, min_size=1, max_size=30), piece=st.sampled_from([7, 300, 1 << 23]))
@example(rows=[(704, 0, "CA", 0, 0), (708, 2, "", 3, 9), (722, 0, "AAAA", 30, 30)], piece=1 << 23)
@example(rows=[(1, 1, "", 0, 0), (2, 0, "A", 1, 0), (404, 0, "A", 0, 5)], piece=7)
def test_every_way_to_write_a_change_comes_to_one(
    world: World, genome: Genome, rows: list[tuple[int, int, str, int, int]], piece: int
) -> None:
    sequence = world.sequence
    given, padded = [], []
    for pos, length, put, left, right in rows:
        ref = sequence[pos - 1 : pos - 1 + length]
        low, high = max(pos - 1 - left, 0), pos - 1 + length + right
        wide = sequence[low:high]
        if "N" in wide or not wide or ref == put:
            continue
        given.append((pos, ref, put))
        alt = sequence[low : pos - 1] + put + sequence[pos - 1 + length : high]
        padded.append((low + 1, wide, alt))
    if not given:
        return
    before = settling.PIECE
    settling.PIECE = piece
    try:
        found = settled(genome, padded)
    finally:
        settling.PIECE = before

    assert found["variant"].to_list() == list(range(len(given)))
    assert found["reason"].null_count() == len(given)
    expected = [naive(sequence, *each) for each in given]
    rows_found = found.select("start", "end", "put", "slack").rows()
    assert rows_found == expected
    for start, end, put, slack in rows_found:
        assert moved(sequence, start, end, put, slack) == moved(sequence, start, end, put, 0)


def test_one_change_in_a_long_run_is_moved_in_several_blocks(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c1\n" + "C" + "A" * 300 + "GT" * 90 + "N" + "GT" * 20 + "\n")
    genome = Genome(tmp_path / "g.fa")

    found = settled(genome, [(290, "A", "AA"), (300, "AA", ""), (481, "T", "TGT"), (511, "GT", "")])

    assert found.select("start", "end", "put", "slack").rows() == [
        (2, 1, "A", 300), (2, 3, "", 298), (302, 301, "GT", 180), (483, 484, "", 38),
    ]  # fmt: skip


def test_reasons(world: World, genome: Genome) -> None:
    base = world.sequence[499]
    other = "ACGT"[("ACGT".index(base) + 1) % 4]
    rows = [
        (500, other, base), (398, "A", "C"), (5000, "A", "C"), (1390, "A" * 40, "A"),
        (500, base, base), (500, base, base + "A" * 6), (500, base, base + "A" * 7),
        (500, base, other), (0, "A", "C"), (500, other * 30, "A"),
    ]  # fmt: skip

    found = settled(genome, rows, most=6)

    assert found["reason"].to_list() == [
        f"ref contradicts the FASTA, which has {base}", "the FASTA has N there",
        "beyond the sequence of the FASTA", "beyond the sequence of the FASTA",
        "ref and alt are the same", None, "it changes more than 6 bases", None,
        "beyond the sequence of the FASTA",
        f"ref contradicts the FASTA, which has {world.sequence[499:519]}",
    ]  # fmt: skip
    others = found.filter(pl.col("reason").is_not_null())
    assert others.select("start", "end", "put").null_count().row(0) == (8, 8, 8)
    unknown = settle_alleles(frame([(1, "A", "C")], "c9"), genome, {"c1": "c1"}, 6)
    assert unknown["reason"].to_list() == ["the FASTA has no chromosome c9"]
    said = frame([(1, "A", "C")]).with_columns(reason=pl.lit("breakend"))
    assert settle_alleles(said, genome, {"c1": "c1"}, 6)["reason"].to_list() == ["breakend"]


@settings(max_examples=60)
@given(
    spans=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(1, 90), st.integers(0, 40)), max_size=8
    ),
    changes=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(1, 120), st.integers(-1, 30)), max_size=12
    ),
    reach=st.integers(1, 20),
)
def test_genes_within_reach(
    spans: list[tuple[str, int, int]], changes: list[tuple[str, int, int]], reach: int
) -> None:
    genes = pl.DataFrame(
        [(record, start, start + length) for record, start, length in spans],
        schema={"record": pl.String, "start": pl.Int64, "end": pl.Int64}, orient="row",
    ).with_columns(
        strand=pl.Series(["+-"[n % 2] for n in range(len(spans))], dtype=pl.String)
    )  # fmt: skip
    table = pl.DataFrame(
        [
            (n, record, low, low + length, "A", None, n % 3 * 5)
            for n, (record, low, length) in enumerate(changes)
        ],
        schema=settling.SETTLED, orient="row",
    )  # fmt: skip

    found = place_in_genes(table, genes, reach)

    expected = set()
    for gene, (record, start, end, strand) in enumerate(genes.rows()):
        for variant, other, first, last, _, _, slack in table.rows():
            low, high = (at + slack * (strand == "+") for at in (first, last))
            # Positions of the gene that lie within reach, one by one.
            near = set(range(low - reach, high + reach + 1)) & set(range(start, end + 1))
            if record == other and near:
                expected.add((gene, variant))
    assert set(found.select("gene", "variant").rows()) == expected
    assert found.height == len(expected)
    assert found["gene"].is_sorted()


def test_a_million_variants_are_placed_in_seconds(tmp_path: Path) -> None:
    import time

    rng = np.random.default_rng(1)
    letters = rng.choice(list("ACGT"), 2_000_000)
    (tmp_path / "g.fa").write_text(">c1\n" + "".join(letters) + "\n")
    genome = Genome(tmp_path / "g.fa")
    at = np.sort(rng.integers(2, 1_999_000, 200_000))
    ref = letters[at - 1]
    alt = np.where(rng.random(at.size) < 0.2, np.char.add(ref, "GT"), "A")
    rows = pl.DataFrame({"pos": at, "ref": ref, "alt": alt}).with_row_index("variant").with_columns(
        chrom=pl.lit("c1"), reason=pl.lit(None, pl.String)
    )  # fmt: skip
    starts = np.sort(rng.integers(1, 1_900_000, 2_000))
    genes = pl.DataFrame(
        {"record": "c1", "strand": "+", "start": starts, "end": starts + 60_000}
    )
    started = time.process_time()

    found = settle_alleles(rows, genome, {"c1": "c1"}, 1000)
    pairs = place_in_genes(found, genes.head(40), 500)

    assert found.filter(pl.col("reason").is_null()).height > 150_000
    assert pairs.height > 100_000
    assert time.process_time() - started < 20


def test_a_change_in_a_repeat_lies_at_the_end_of_the_transcript(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(">c1\nTTACGACGACGACGTT\n")  # ACG four times
    genome = Genome(tmp_path / "g.fa")
    genes = pl.DataFrame({"record": "c1", "strand": ["+", "-"], "start": 1, "end": 16})

    found = settled(genome, [(5, "GACG", "G"), (8, "G", "GACG"), (12, "A", "AC")])
    pairs = place_in_genes(found, genes, 5)

    assert pairs.select("gene", "variant", "start", "end", "put").rows() == [
        (0, 0, 12, 14, ""), (0, 2, 14, 13, "C"), (0, 1, 15, 14, "ACG"),
        (1, 1, 3, 2, "ACG"), (1, 0, 3, 5, ""), (1, 2, 13, 12, "C"),
    ]  # fmt: skip
