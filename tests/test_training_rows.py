"""Which positions a model learns from, what they weigh, and which genes are kept apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from conftest import make_scores
from hypothesis import HealthCheck, given, settings

from splice_meta.contracts import SCORES, scores_of
from splice_meta.errors import InputError
from splice_meta.manifest import FeatureManifest
from splice_meta.settings import TrainSettings
from splice_meta.sources.base_scores import open_scores
from splice_meta.training.rows import EDGE, collect_rows
from splice_meta.training.splits import gene_places, make_folds

PROPERTY = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
MIB = 1 << 20
MANIFEST = FeatureManifest(("donor_score", "donor_logodds", "acceptor_sum_upstream", "context_max"))
KEYS = ["gene_id", "position"]


def make_table(sizes: Sequence[int], seed: int = 0) -> pl.DataFrame:
    """Mostly background, some near the threshold of the candidates, some candidates, few sites."""
    rng = np.random.default_rng(seed)
    count = sum(sizes)
    gene = np.repeat([f"G{n}" for n in range(len(sizes))], sizes)
    level = rng.choice(
        [0.0, 1e-5, 3e-4, 1e-4, 0.001, 0.2], count, p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.05]
    )
    donor, acceptor = level * rng.choice([1, 0.1], count), level * rng.choice([1, 0.1], count)
    return pl.DataFrame(
        {
            "gene_id": gene,
            "position": np.concatenate([np.arange(size) * 3 + 1 for size in sizes]),
            "donor_score": donor,
            "acceptor_score": acceptor,
            "neither_score": 1 - donor - acceptor,
            "splice_type": rng.choice([0, 1, 2], count, p=[0.97, 0.02, 0.01]),
        },
        schema_overrides=dict.fromkeys(SCORES, pl.Float32),
    )


def with_site(table: pl.DataFrame) -> pl.DataFrame:
    """At least one annotated site, which training asks for."""
    codes = table["splice_type"].to_list()
    return table.with_columns(splice_type=pl.Series([1, *codes[1:]]))


def collect(scores: Any, **options: Any) -> pl.DataFrame:
    opened = open_scores(scores)
    done: list[int] = []
    rows = collect_rows(opened, MANIFEST, TrainSettings(**options), done.append)
    assert rows.positions == opened.table.positions == sum(done)
    return rows.frame


def highest(table: pl.DataFrame) -> pl.Series:
    return table.select(pl.max_horizontal("donor_score", "acceptor_score")).to_series()


def strata(table: pl.DataFrame, candidate: float) -> list[str]:
    """What each position is, in plain Python; a score written 0.001 is at least 0.001."""
    limits = float(np.float32(candidate)), float(np.float32(candidate * 0.1))
    found = []
    for gene in table.partition_by("gene_id", maintain_order=True):
        rows = zip(highest(gene), gene["splice_type"], strict=True)
        for place, (score, truth) in enumerate(rows):
            is_candidate = score >= limits[0] or truth != 0
            far = "edge" if min(place, gene.height - 1 - place) < EDGE else "far"
            found.append("in" if is_candidate else "near" if score >= limits[1] else far)
    return found


SIZES = st.lists(st.integers(1, 300) | st.integers(990, 1300), min_size=1, max_size=4)
RATES = st.sampled_from([1.0, 0.5, 0.25, 0.1, 0.01])


@PROPERTY
@given(sizes=SIZES, seed=st.integers(0, 99), near=RATES, edge=RATES, far=RATES,
       candidate=st.sampled_from([0.001, 0.02, 0.2]))  # fmt: skip
def test_rows_of_a_gene_stand_for_its_positions(
    sizes: list[int], seed: int, near: float, edge: float, far: float, candidate: float
) -> None:
    table = with_site(make_table(sizes, seed))

    rates = {"near_rate": near, "edge_rate": edge, "far_rate": far}
    found = collect(table, candidate=candidate, **rates)

    every = {"in": 1} | {n.removesuffix("_rate"): round(1 / rate) for n, rate in rates.items()}
    marked = table.with_columns(stratum=pl.Series(strata(table, candidate)))
    chosen, weights = [], []
    for gene in marked.partition_by("gene_id", maintain_order=True):
        weight = {}
        for stratum, k in every.items():
            mine = gene.filter(pl.col("stratum") == stratum)
            sampled = mine.gather_every(k, (k - 1) // 2) if mine.height > (k - 1) // 2 else mine[:0]
            weight |= {
                (row["gene_id"], row["position"]): mine.height / sampled.height
                for row in sampled.iter_rows(named=True)
            }
        ordered = sorted(weight)
        chosen += ordered
        weights += [weight[key] for key in ordered]
        if all(
            (gene["stratum"] == stratum).sum() > (k - 1) // 2 or stratum not in gene["stratum"]
            for stratum, k in every.items()
        ):
            assert sum(weight.values()) == pytest.approx(gene.height, rel=1e-12)
    assert found.select(KEYS).rows() == chosen
    np.testing.assert_allclose(found["weight"], weights, rtol=1e-12)


@PROPERTY
@given(sizes=SIZES, seed=st.integers(0, 99))
def test_candidates_and_sites_are_all_in_with_weight_one(sizes: list[int], seed: int) -> None:
    table = with_site(make_table(sizes, seed))

    found = collect(table)

    wanted = table.filter((highest(table) >= np.float32(0.001)) | (table["splice_type"] != 0))
    both = wanted.join(found, on=KEYS, how="left", suffix="_found")
    assert both["weight"].to_list() == [1.0] * wanted.height
    codes = {0: "neither", 1: "donor", 2: "acceptor"}
    assert both["truth"].to_list() == [codes[n] for n in wanted["splice_type"]]


def test_sample_depends_on_the_gene_alone() -> None:
    table = with_site(make_table([4000, 2500, 9, 3000], seed=3))
    genes = table.partition_by("gene_id", maintain_order=True)

    together = collect(table)
    small = collect(table, memory=MIB)
    turned = collect(pl.concat(genes[::-1]))
    alone = pl.concat(collect(with_site(gene)) for gene in genes[:1])

    assert len(list(open_scores(table).batches(MIB, 260))) > 1
    assert small.equals(together)
    assert turned.equals(together)
    assert alone.equals(together.filter(pl.col("gene_id") == "G0"))


def test_features_and_base_scores_of_the_rows_are_those_of_prediction() -> None:
    import splice_meta as sm

    table = make_table([400, 300], seed=4)
    second = make_table([400, 300], seed=5).drop("splice_type")

    found = collect({"a": table, "b": second})

    features = sm.plan_features(table, MANIFEST).collect()
    rows = found.select(KEYS).join(features, on=KEYS, how="left", maintain_order="left")
    assert found.select(rows.columns).equals(rows)
    theirs = second.select(*KEYS, **dict(zip(scores_of("b"), map(pl.col, SCORES), strict=True)))
    rows = found.select(KEYS).join(theirs, on=KEYS, how="left", maintain_order="left")
    assert found.select(rows.columns).equals(rows)


def test_a_candidate_of_any_base_model_is_in() -> None:
    quiet = {"donor_score": 0.0, "acceptor_score": 0.0, "neither_score": 1.0}
    first = pl.DataFrame({"gene_id": "A", "position": range(1, 501), **quiet}).with_columns(
        splice_type=pl.when(pl.col("position") == 400).then(1).otherwise(0)
    )
    loud = pl.col("position").is_in([7, 300])
    second = first.with_columns(
        acceptor_score=pl.when(loud).then(0.5).otherwise(0.0),
        neither_score=pl.when(loud).then(0.5).otherwise(1.0),
    )

    found = collect({"a": first, "b": second})

    assert found.filter(pl.col("weight") == 1)["position"].to_list() == [7, 300, 400]
    assert found["weight"].sum() == pytest.approx(500)


def test_a_background_makes_no_candidates() -> None:
    background = pl.when(pl.col("position") == 7).then(0.02).when(pl.col("position") == 8)
    score = background.then(0.019).when(pl.col("position") > 450).then(0.0).otherwise(0.0015)
    quiet = {"donor_score": 0.0, "acceptor_score": 0.0, "neither_score": 1.0}
    first = pl.DataFrame({"gene_id": "A", "position": range(1, 501), **quiet}).with_columns(
        splice_type=pl.when(pl.col("position") == 400).then(1).otherwise(0)
    )
    second = first.with_columns(donor_score=score, neither_score=1 - score)

    def candidates(name: str) -> list[int]:
        rows = collect({"a": first, name: second}, near_rate=0.5, edge_rate=0.5)
        assert rows["weight"].sum() == pytest.approx(500)
        return rows.filter(pl.col("weight") == 1)["position"].to_list()

    assert candidates("pangolin") == candidates("pangolin-2") == [7, 8, 400]  # 8 alone is near
    assert candidates("pangolins") == [*range(1, 451)]
    opened = open_scores(second)
    alone = collect_rows(opened, MANIFEST, TrainSettings(), lambda _: None, ("pangolin",))
    assert alone.frame.filter(pl.col("weight") == 1)["position"].to_list() == [7, 400]


def test_one_far_row_at_the_edge_of_a_gene_stands_for_few_positions() -> None:
    quiet = {"donor_score": 0.0, "acceptor_score": 0.0, "neither_score": 1.0}
    table = pl.DataFrame({"gene_id": "A", "position": range(1, 5001), **quiet}).with_columns(
        splice_type=pl.when(pl.col("position") == 2500).then(1).otherwise(0)
    )

    found = collect(table)

    at_edge = pl.min_horizontal(pl.col("position") - 1, 5000 - pl.col("position")) < EDGE
    assert found.filter(at_edge)["weight"].unique().to_list() == [25.0]
    assert found.filter(~at_edge)["weight"].max() > 200
    assert found["weight"].sum() == pytest.approx(5000)


def test_truth_is_needed() -> None:
    table = make_table([50])
    with pytest.raises(InputError, match="no column splice_type"):
        collect(table.drop("splice_type"))
    with pytest.raises(InputError, match="no annotated splice site"):
        collect(table.with_columns(splice_type=0))


# ----------------------------------------------------------------------------------------- folds


@st.composite
def gene_tables(draw: st.DrawFn) -> pl.DataFrame:
    """Genes on some chromosomes, many of which overlap; some have no place."""
    genes = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["1", "chr2", "X"]),
                st.one_of(st.none(), st.integers(1, 300)),
                st.integers(0, 60),
                st.integers(0, 9),
            ),
            min_size=2,
            max_size=25,
        )
    )
    return pl.DataFrame(
        [
            (f"G{n}", chrom, start, None if start is None else start + length, sites)
            for n, (chrom, start, length, sites) in enumerate(genes)
        ],
        schema={"gene_id": pl.String, "chrom": pl.String, "start": pl.Int64, "end": pl.Int64,
                "sites": pl.Int64},
        orient="row",
    )  # fmt: skip


def overlap(a: dict[str, Any], b: dict[str, Any]) -> bool:
    if a["chrom"] != b["chrom"] or a["start"] is None or b["start"] is None:
        return False
    return bool(a["start"] <= b["end"] and b["start"] <= a["end"])


@settings(max_examples=200, deadline=None)
@given(genes=gene_tables(), folds=st.integers(2, 6), seed=st.integers(0, 5),
       split=st.sampled_from(["gene", "chromosome"]))  # fmt: skip
def test_what_belongs_together_is_never_on_both_sides(
    genes: pl.DataFrame, folds: int, seed: int, split: Any
) -> None:
    try:
        found = make_folds(genes, split, folds, seed)
    except InputError:
        rows = genes.to_dicts()
        assert genes["chrom"].n_unique() == 1 or split == "gene"
        if split == "gene":  # all hang together
            reached = {0}
            for _ in rows:
                reached |= {j for i in reached for j, b in enumerate(rows) if overlap(rows[i], b)}
            assert len(reached) == len(rows)
        return

    assert found["gene_id"].equals(genes["gene_id"])
    rows = genes.with_columns(found["fold"]).to_dicts()
    for i, a in enumerate(rows):
        for b in rows[:i]:
            together = overlap(a, b) or (split == "chromosome" and a["chrom"] == b["chrom"])
            assert not together or a["fold"] == b["fold"]
    used = sorted(set(found["fold"]))
    assert used == list(range(len(used)))
    assert 2 <= len(used) <= folds
    assert make_folds(genes, split, folds, seed).equals(found)


def test_genes_that_do_not_overlap_are_kept_apart_as_evenly_as_can_be() -> None:
    genes = pl.DataFrame(
        {"gene_id": [f"G{n}" for n in range(12)], "chrom": "1",
         "start": [n * 100 for n in range(12)], "end": [n * 100 + 99 for n in range(12)],
         "sites": [6, 5, 4, 3, 2, 1] * 2}
    )  # fmt: skip

    found = genes.join(make_folds(genes, "gene", 3, 1), on="gene_id")

    assert found.group_by("fold").agg(pl.col("sites").sum())["sites"].to_list() == [14, 14, 14]
    assert make_folds(genes, "gene", 50, 1)["fold"].n_unique() == 12


def test_seed_decides_between_genes_of_as_many_sites() -> None:
    genes = pl.DataFrame(
        {"gene_id": [f"G{n}" for n in range(20)], "chrom": "1", "start": range(20),
         "end": range(20), "sites": 2}
    )  # fmt: skip

    found = [make_folds(genes, "gene", 4, seed)["fold"].to_list() for seed in range(5)]

    assert len({tuple(folds) for folds in found}) > 1
    assert found[0] == make_folds(genes, "gene", 4, 0)["fold"].to_list()


@pytest.mark.parametrize("split", ["gene", "chromosome"])
def test_chromosomes_are_the_same_with_and_without_chr(split: Any) -> None:
    genes = pl.DataFrame(
        {"gene_id": ["A", "B", "C", "D"], "chrom": ["chr1", "1", "2", "chr3"],
         "start": [1, 50, 1, 1], "end": [100, 90, 100, 100], "sites": [9, 1, 9, 9]}
    )  # fmt: skip

    fold = make_folds(genes, split, 4, 1)["fold"]

    assert fold[0] == fold[1]
    assert fold.n_unique() == 3


def test_one_group_cannot_be_held_out() -> None:
    genes = pl.DataFrame(
        {"gene_id": ["A", "B"], "chrom": "1", "start": [1, 5], "end": [9, 20], "sites": [1, 1]}
    )
    for split in ("gene", "chromosome"):
        with pytest.raises(InputError, match=f"only one {split}"):
            make_folds(genes, split, 2, 1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no column chrom"):
        make_folds(genes.with_columns(chrom=pl.lit(None, pl.String)), "chromosome", 2, 1)


def test_gene_places_come_from_the_scores() -> None:
    table = make_scores({"A": [1, 2, 3], "B": [1, 2]}).with_columns(
        chrom=pl.Series(["X"] * 3 + ["2"] * 2),
        genomic_position=pl.Series([30, 29, 28, 7, 8]),
        splice_type=pl.Series(["donor", "neither", "acceptor", "neither", "neither"]),
    )

    full = gene_places(open_scores(table))
    bare = gene_places(open_scores(table.drop("chrom", "genomic_position", "splice_type")))

    assert full.rows() == [("A", "X", 28, 30, 2), ("B", "2", 7, 8, 0)]
    assert bare.rows() == [("A", None, None, None, 0), ("B", None, None, None, 0)]
