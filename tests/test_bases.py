from __future__ import annotations

import itertools
import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import FIXTURES
from fasta_files import naive_transcript, write_fasta
from hypothesis import given, settings
from hypothesis import strategies as st

from splice_meta.errors import InputError
from splice_meta.reference import bases
from splice_meta.reference.bases import base_expr
from splice_meta.reference.chrom_names import match_chroms
from splice_meta.reference.sequence import Genome

ENGINES = ["in-memory", "streaming"]
KEYS = ["gene_id", "genomic_position"]


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def region() -> Genome:
    return Genome(FIXTURES / "region.fa.gz")


@pytest.fixture(scope="module")
def fixture_genes(demo_scores: pl.DataFrame, region: Genome) -> pl.DataFrame:
    names = match_chroms(demo_scores["chrom"].unique().to_list(), region.chroms)
    return demo_scores.group_by("gene_id", maintain_order=True).agg(
        pl.col("chrom").first().replace_strict(names),
        pl.col("strand").first(),
        pl.col("genomic_position").min().alias("start"),
        pl.col("genomic_position").max().alias("end"),
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_fixture_scores_have_these_bases(
    demo_path: Path, region: Genome, fixture_genes: pl.DataFrame, engine: Any
) -> None:
    made = base_expr(region, fixture_genes).alias("made")
    plan = pl.scan_parquet(demo_path).with_columns(made)
    got = plan.select("base", "made").collect(engine=engine)
    assert got.height == 271_163
    assert got["made"].dtype == pl.String
    assert got["made"].equals(got["base"])


@pytest.mark.parametrize("engine", ENGINES)
def test_order_gaps_and_pieces_change_nothing(
    demo_scores: pl.DataFrame, region: Genome, fixture_genes: pl.DataFrame, engine: Any
) -> None:
    rows = demo_scores.select(*KEYS, "base").sample(fraction=0.05, shuffle=True, seed=3)
    pieces = pl.concat([rows[i : i + 997] for i in range(0, rows.height, 997)], rechunk=False)
    assert pieces.n_chunks() > 5
    plan = pieces.lazy().with_columns(made=base_expr(region, fixture_genes))
    got = plan.filter(pl.col("base") != "A").collect(engine=engine)
    assert got["made"].equals(got["base"])


def test_the_reference_is_read_where_the_rows_are(
    region: Genome, fixture_genes: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    fetch = Genome.fetch

    def noting(self: Genome, chrom: str, start: int, end: int) -> Any:
        asked.append((start, end))
        return fetch(self, chrom, start, end)

    monkeypatch.setattr(Genome, "fetch", noting)
    first, second = fixture_genes["gene_id"][:2]
    rows = pl.DataFrame(
        {
            "gene_id": [first] * 3 + [second] * 2,
            "genomic_position": [103_715_600, 103_715_550, 103_715_590, 103_790_149, 5],
        }
    )
    rows.select(base_expr(region, fixture_genes))
    assert asked == [(103_715_550, 103_715_600), (103_790_149, 103_790_149)]


# Genes that mostly lie within the sequence, rows that mostly lie near genes.
sequences = st.text("ACGTacgtNR", min_size=10, max_size=40)
places = st.tuples(st.integers(1, 20), st.integers(0, 10), st.sampled_from("+-"))


@settings(deadline=None)
@given(
    sequences,
    st.lists(places, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 45) | st.none()), max_size=60),
    st.lists(st.integers(0, 60), max_size=3),
    st.sampled_from(ENGINES),
)
def test_each_row_by_itself(
    sequence: str,
    genes: list[tuple[int, int, str]],
    rows: list[tuple[int, int | None]],
    cuts: list[int],
    engine: Any,
) -> None:
    there = {i: base for i, base in enumerate(sequence, 1)}
    expected = []
    for gene, position in rows:
        base = "N"
        if gene < len(genes) and position is not None:
            start, length, strand = genes[gene]
            if start <= position <= start + length:
                base = naive_transcript(there, strand, position, position)
        expected.append(base)
    table = pl.DataFrame(
        {
            "gene_id": [f"G{gene}" for gene, _ in rows],
            "genomic_position": [position for _, position in rows],
        },
        schema={"gene_id": pl.String, "genomic_position": pl.Int64},
    )
    edges = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    pieces = [table[a:b] for a, b in itertools.pairwise(edges)] or [table]
    annotation = pl.DataFrame(
        [(f"G{i}", "1", strand, a, a + length) for i, (a, length, strand) in enumerate(genes)],
        schema=["gene_id", "chrom", "strand", "start", "end"],
        orient="row",
    )
    with tempfile.TemporaryDirectory() as folder:
        genome = Genome(write_fasta(Path(folder, "g.fa"), f">1\n{sequence}\n"))
        plan = pl.concat(pieces, rechunk=False).lazy().select(base_expr(genome, annotation))
        got = plan.collect(engine=engine)
    assert got.schema == {"base": pl.String}
    assert got["base"].to_list() == expected


def some_genes(**changes: Any) -> pl.DataFrame:
    gene = {"gene_id": "a", "chrom": "chr4", "strand": "+", "start": 103_713_540}
    return pl.DataFrame(gene | {"end": 103_713_600} | changes)


@pytest.mark.parametrize("dtype", [pl.Int32, pl.UInt32, pl.Int64, pl.UInt64])
def test_types_that_tables_come_with(region: Genome, dtype: type[pl.DataType]) -> None:
    positions = [103_713_542, None, 103_713_541, 0]
    rows = pl.DataFrame({"gene_id": ["7"] * 4, "genomic_position": positions}).with_columns(
        pl.col("gene_id").cast(pl.Categorical), pl.col("genomic_position").cast(dtype)
    )
    first, second = map(chr, region.fetch("chr4", 103_713_541, 103_713_542))
    made = rows.select(base_expr(region, some_genes(gene_id=7)))
    assert made["base"].to_list() == [second, "N", first, "N"]


@pytest.mark.parametrize(
    ("genes", "words"),
    [
        (pl.concat([some_genes(), some_genes()]), "gene a has two places"),
        (some_genes(strand="."), "The strand of the gene a is '.'"),
        (some_genes(chrom="4"), "has no chromosome '4'"),
    ],
)
def test_wrong_genes_are_refused_before_the_plan_runs(
    region: Genome, genes: pl.DataFrame, words: str
) -> None:
    with pytest.raises(InputError) as caught:
        base_expr(region, genes)
    assert words in caught.value.message
    assert caught.value.hint


def test_no_rows_and_no_genes(region: Genome) -> None:
    rows = pl.DataFrame(schema={"gene_id": pl.String, "genomic_position": pl.Int64})
    assert rows.select(base_expr(region, some_genes())).schema == {"base": pl.String}
    one = pl.DataFrame({"gene_id": ["a"], "genomic_position": [103_713_541]})
    assert one.select(base_expr(region, some_genes().clear()))["base"].to_list() == ["N"]


def test_rows_outside_their_gene_or_without_position(region: Genome) -> None:
    start, end = 103_713_540, 103_713_600
    positions = [start, start - 1, start + 1, None, end + 1, end, None]
    rows = pl.DataFrame({"gene_id": ["a"] * 7, "genomic_position": positions})
    made = rows.select(base_expr(region, some_genes(start=start + 1)))["base"].to_list()
    base = {p: chr(region.fetch("chr4", p, p)[0]) for p in (start + 1, end)}
    assert made == ["N", "N", base[start + 1], "N", "N", base[end], "N"]
    assert "N" not in base.values()


def test_rows_may_be_filtered_before_they_get_bases(
    demo_path: Path, region: Genome, fixture_genes: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    of_rows = bases._bases_of_rows

    def noting(genome: Genome, places: Any, rows: pl.Series) -> pl.Series:
        seen.append(len(rows))
        return of_rows(genome, places, rows)

    monkeypatch.setattr(bases, "_bases_of_rows", noting)
    plan = pl.scan_parquet(demo_path).with_columns(made=base_expr(region, fixture_genes))
    got = plan.filter(pl.col("splice_type") > 0).select("base", "made").collect()
    assert got["made"].equals(got["base"])
    assert sum(seen) == got.height == 177


def test_the_places_of_genes_travel_with_a_pickled_genome(
    region: Genome, fixture_genes: pl.DataFrame, demo_scores: pl.DataFrame
) -> None:
    again = pickle.loads(pickle.dumps(region))
    rows = demo_scores.head(10)
    assert rows.select(base_expr(again, fixture_genes))["base"].equals(rows["base"])
