from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl
import pytest
from conftest import FIXTURES, make_scores
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import splice_meta as sm
from splice_meta.cli.app import run_command
from splice_meta.contracts import SCORES, canonical
from splice_meta.errors import ContractError
from splice_meta.reference.reference import open_reference
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.checks import batches, check
from splice_meta.sources.checks.runs import gene_runs
from splice_meta.sources.training_dataset import scan_training_dataset
from splice_meta.sources.training_positions import numbered_as
from splice_meta.strands import strand_of

Row = dict[str, Any]
GENES = st.lists(
    st.tuples(
        st.lists(st.integers(0, 12), min_size=1, max_size=9, unique=True),
        st.sampled_from(["+", "-", "minus", "1", None]),
        st.booleans(),  # whether the rows are sorted
    ),
    min_size=1,
    max_size=4,
)


def table_of(genes: list[tuple[list[int], str | None, bool]], seed: int) -> pl.DataFrame:
    """Valid scores with places, bases and truth of all kinds; genes touch one another."""
    positions = {
        f"G{n}": sorted(p) if tidy else p for n, (p, _, tidy) in enumerate(genes)
    }  # fmt: skip
    rng = np.random.default_rng(seed)
    scores = make_scores(positions, seed)
    rows = scores.height
    strands = [genes[int(gene[1:])][1] for gene in scores["gene_id"]]
    sign = [-1 if strand in ("-", "minus") else 1 for strand in strands]
    return scores.with_columns(
        base=pl.Series(rng.choice(list("ACGTUNacgtr"), rows)),
        strand=pl.Series(strands, dtype=pl.String),
        genomic_position=1000 + pl.col("position") * pl.Series(sign),
        splice_type=pl.Series(rng.choice([0, 1, 2], rows)),
    )


# ------------------------------------------------------------- row by row, from the specification


def gene_rows(table: pl.DataFrame) -> dict[str, dict[int, Row]]:
    genes: dict[str, dict[int, Row]] = {}
    for row in table.to_dicts():
        genes.setdefault(row["gene_id"], {})[row["position"]] = row
    return genes


def base_at(gene: dict[int, Row], position: int) -> str:
    return gene[position]["base"].upper().replace("U", "T") if position in gene else ""


def naive_motifs(gene: dict[int, Row]) -> dict[str, int]:
    counts = dict.fromkeys(("donors", "donor_fits", "acceptors", "acceptor_fits"), 0)
    for position, row in gene.items():
        for label, first, motifs in (
            ("donor", position + 1, {"GT", "GC", "AT"}), ("acceptor", position - 2, {"AG", "AC"}),
        ):  # fmt: skip
            pair = base_at(gene, first) + base_at(gene, first + 1)
            if row[f"{label}_score"] >= 0.5 and len(pair) == 2 and set(pair) <= set("ACGT"):
                counts[f"{label}s"] += 1
                counts[f"{label}_fits"] += pair in motifs
    return counts


def naive_truth(rows: Iterable[Row]) -> dict[str, int]:
    names = ("neither", "donor", "acceptor")
    counts: dict[str, int] = {}
    for row in rows:
        true = names[row["splice_type"]]
        for sure in ("donor", "acceptor"):
            if true == sure:
                counts[f"true_{sure}"] = counts.get(f"true_{sure}", 0) + 1
            if row[f"{sure}_score"] >= 0.5:
                counts[f"sure_{sure}"] = counts.get(f"sure_{sure}", 0) + 1
                if true != "neither":
                    counts[f"{true}_is_{sure}"] = counts.get(f"{true}_is_{sure}", 0) + 1
    return counts


def naive_gaps(gene: dict[int, Row]) -> int:
    return sum(position not in gene for position in range(min(gene), max(gene) + 1))


@settings(deadline=None)
@given(GENES, st.integers(0, 1000))
def test_what_a_gene_comes_to_is_what_its_rows_tell_one_by_one(
    genes: list[tuple[list[int], str | None, bool]], seed: int
) -> None:
    table = table_of(genes, seed)
    naive = gene_rows(table)
    found = check(canonical(table.lazy())).genes
    counts = gene_runs(canonical(table.lazy()))
    for row, count in zip(found.to_dicts(), counts.to_dicts(), strict=True):
        gene = naive[row["gene_id"]]
        places = [each["genomic_position"] for each in gene.values()]
        word = next(iter(gene.values()))["strand"]
        assert row["missing"] == naive_gaps(gene)
        assert (row["low"], row["high"]) == (min(gene), max(gene))
        assert (row["start"], row["end"]) == (min(places), max(places))
        assert row["strand"] == {"minus": "-", "1": "+"}.get(word, word)
        if len(gene) > 1:
            assert row["direction"] == ("-" if word in ("-", "minus") else "+")
        bases = [each["base"].upper() for each in gene.values()]
        assert row["unknown_bases"] == sum(base in "NR" for base in bases)
        if row["is_sorted"]:
            assert {name: count[name] for name in naive_motifs(gene)} == naive_motifs(gene)
        true = naive_truth(gene.values())
        assert {name: count[name] for name in true} == true


@settings(deadline=None)
@given(GENES, st.integers(0, 1000), st.integers(1, 9), st.integers(1, 40), st.integers(1, 9))
def test_a_table_comes_to_the_same_in_whatever_batches(
    genes: list[tuple[list[int], str | None, bool]], seed: int, rows: int, size: int, most: int
) -> None:
    table = canonical(table_of(genes, seed).lazy()).collect()
    for part in (table, table.select("gene_id", "position", *SCORES)):
        whole = gene_runs(part.lazy(), places=True)
        chunks = pl.concat([part[n : n + rows] for n in range(0, part.height, rows)])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches, "BATCH_ROWS", size)
            patch.setattr(batches, "MOST_CHUNKS", most)
            assert_frame_equal(gene_runs(chunks.lazy(), places=True), whole)


@pytest.mark.parametrize("size", [1, 3, 1 << 20])
def test_a_position_is_missing_in_one_of_many_batches(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH_ROWS", size)
    table = make_scores({"A": range(1, 9), "B": range(1, 9)}).with_columns(
        position=pl.when(pl.int_range(pl.len()) != 12).then("position")
    )
    with pytest.raises(ContractError, match="is null in 1 rows, first in gene B"):
        check(canonical(table.lazy()))


@settings(deadline=None)
@given(GENES, st.integers(0, 1000), st.data())
def test_one_row_out_of_step_is_found(
    genes: list[tuple[list[int], str | None, bool]], seed: int, data: st.DataObject
) -> None:
    table = table_of(genes, seed)
    sizes = table.group_by("gene_id", maintain_order=True).len()
    large = sizes.filter(pl.col("len") > 2)["gene_id"].to_list()
    if not large:
        return
    gene = data.draw(st.sampled_from(large))
    rows = table["gene_id"].to_list()
    row = data.draw(st.sampled_from([n for n, each in enumerate(rows) if each == gene]))
    places = table["genomic_position"].to_list()
    places[row] += data.draw(st.sampled_from([-500, -1, 1, 500]))
    wrong = table.with_columns(genomic_position=pl.Series(places))
    with pytest.raises(ContractError, match=f"do not move together in gene {gene}"):
        check(canonical(wrong.lazy()))


@settings(deadline=None)
@given(GENES, st.integers(0, 1000))
def test_genes_numbered_the_other_way_are_found(
    genes: list[tuple[list[int], str | None, bool]], seed: int
) -> None:
    table = table_of(genes, seed)
    turned = table.with_columns(genomic_position=5000 - pl.col("genomic_position"))
    known = {"+", "-", "minus", "1"}
    if any(len(positions) > 1 and strand in known for positions, strand, _ in genes):
        with pytest.raises(ContractError, match="Positions count 5' to 3'; here they count"):
            check(canonical(turned.lazy()))
    else:
        check(canonical(turned.lazy()))


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("+ 1 +1 plus Forward fwd", "+"),
        ("- -1 minus REVERSE rev \N{MINUS SIGN}", "-"),
        (". ? * NA None", None),
    ],
)
def test_strand_words(words: str, meant: str | None) -> None:
    table = pl.DataFrame({"strand": words.split()})
    found = table.select(strand_of(pl.col("strand"))).to_series()
    assert found.to_list() == [meant] * table.height


def test_other_strand_words_stay() -> None:
    table = pl.DataFrame({"strand": ["R", "+", "both", " - "]})
    found = table.select(strand_of(pl.col("strand"))).to_series()
    assert found.to_list() == ["R", "+", "both", "-"]


# ---------------------------------------------------------------------------- whole real tables


@pytest.mark.parametrize("truth", [False, True])
@pytest.mark.parametrize("fasta", [None, FIXTURES / "region.fa.gz"])
def test_nothing_is_said_of_real_tables(
    demo_scores: pl.DataFrame, caplog: pytest.LogCaptureFixture, truth: bool, fasta: Any
) -> None:
    table = demo_scores.drop("base") if fasta else demo_scores
    open_scores(table, None, open_reference(FIXTURES / "annotation.gtf.gz", fasta), truth)
    open_scores(demo_scores.reverse())
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_one_gene_among_right_ones_is_found(demo_scores: pl.DataFrame) -> None:
    complement = {"A": "T", "C": "G", "G": "C", "T": "A"}
    wrong = pl.col("gene_id") == "ENSG00000164039"
    table = demo_scores.with_columns(
        base=pl.when(wrong).then(pl.col("base").replace(complement)).otherwise("base")
    )
    [said] = check(canonical(table.lazy())).remarks
    assert "first in gene ENSG00000164039" in said
    assert "bases were those of the other strand" in said


def test_sites_of_genes_in_another_order_are_looked_at(demo_scores: pl.DataFrame) -> None:
    complement = {"A": "T", "C": "G", "G": "C", "T": "A"}
    table = demo_scores.reverse().with_columns(pl.col("base").replace(complement))
    assert "of the other strand" in check(canonical(table.lazy())).remarks[0]


def test_the_annotation_tells_that_positions_are_off_by_one(
    demo_scores: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    last = pl.col("position").max().over("gene_id")
    moved = demo_scores.drop("chrom", "strand", "genomic_position", "splice_type").filter(
        pl.col("position") < last
    ).with_columns(pl.col("position") + 1)  # fmt: skip
    open_scores(moved, None, open_reference(FIXTURES / "annotation.gtf.gz"), truth=True)
    assert "positions and annotation are off by 1" in caplog.text


def test_sorting_tables_of_differing_types_keeps_the_words_of_the_truth(tmp_path: Any) -> None:
    table = make_scores({"A": [1, 2, 3], "B": [1, 2]})
    words = pl.Series(["donor", "", "neither"])
    table[:3].with_columns(splice_type=words).write_parquet(tmp_path / "a.parquet")
    table[3:].with_columns(splice_type=pl.Series([1, 2])).write_parquet(tmp_path / "b.parquet")
    out = tmp_path / "sorted.parquet"
    files = [str(tmp_path / name) for name in ("a.parquet", "b.parquet")]
    assert run_command(["sort", *files, "--output", str(out)]) == 0
    found = pl.read_parquet(out)
    assert found.columns == [*table.columns, "splice_type"]
    assert found["splice_type"].to_list() == ["donor", "", "neither", "donor", "acceptor"]


def test_gaps_of_predictions_are_not_told(
    demo_scores: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    some = demo_scores.filter(pl.col("position") % 5 == 0)
    open_scores(some, predictions=True)
    assert "missing inside" not in caplog.text
    open_scores(some)
    assert "missing inside" in caplog.text


# ------------------------------------------------------------------------ several base models


@settings(deadline=None, max_examples=40)
@given(GENES, st.integers(0, 1000), st.integers(0, 5), st.integers(0, 5))
def test_other_base_models_are_joined_by_genomic_position(
    genes: list[tuple[list[int], str | None, bool]], seed: int, before: int, behind: int
) -> None:
    spans = [(sorted(range(min(p), max(p) + 1)), strand, True) for p, strand, _ in genes]
    table = table_of(spans, seed).drop("splice_type")
    parts = []
    for part in table.partition_by("gene_id", maintain_order=True):
        gene, strand = part["gene_id"][0], part["strand"][0]
        step = -1 if strand in ("-", "minus") else 1
        first = part["genomic_position"][0] - step * before
        count = part.height + before + behind
        wider = make_scores({gene: list(range(1, count + 1))}, seed + 1)
        places = [first + step * n for n in range(count)]
        parts.append(
            wider.with_columns(genomic_position=pl.Series(places), strand=pl.lit(strand, pl.String))
        )
    other = pl.concat(parts)
    joined = sm.scan_scores({"a": table, "b": other}).collect()
    keys = ["gene_id", "genomic_position"]
    expected = table.join(other, on=keys, how="left", maintain_order="left", suffix="_b")
    assert joined["b.donor_score"].to_list() == expected["donor_score_b"].to_list()
    assert joined["position"].to_list() == table["position"].to_list()


# ------------------------------------------------------------------------- training positions


@pytest.mark.parametrize("off", [0, 1])
@pytest.mark.parametrize("columns", [(), ("genomic_position",), ("donor_score", "acceptor_score")])
def test_training_positions_are_counted_as_those_of_the_scores(
    demo_scores: pl.DataFrame, tmp_path: Any, off: int, columns: tuple[str, ...]
) -> None:
    rows = demo_scores if not columns else demo_scores.filter(pl.col("position") % 7 == 3)
    given_rows = rows.select("gene_id", pl.col("position") - off, *columns)
    given_rows.write_parquet(tmp_path / "part.parquet")
    found = numbered_as(scan_training_dataset(tmp_path), open_scores(demo_scores)).collect()
    assert found["position"].to_list() == rows["position"].to_list()


def test_a_table_of_the_older_system_beside_scores_that_come_later(tmp_path: Any) -> None:
    (tmp_path / "analysis_sequences_22_chunk_1_500.tsv").write_text(
        "gene_id\tposition\tdonor_score\tacceptor_score\tneither_score\tsplice_type\n"
        "G1\t0\t0.9\t0.05\t0.05\tdonor\nG1\t7\t0.01\t0.01\t0.98\t\n"
    )
    found = numbered_as(scan_training_dataset(tmp_path), None).collect()
    assert found["position"].to_list() == [1, 8]
