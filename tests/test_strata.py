"""The card's figures by part, against the figures of the parts alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splice_meta.contracts import SpliceType
from splice_meta.evaluation.tally import tally
from splice_meta.training.strata import (
    by_chromosome,
    by_distance,
    by_gene_length,
    figures_of_genes,
)

SYSTEMS = {"base": ("d", "a", "n"), "meta": ("d2", "a2", "n2")}


def rows_of(seed: int, genes: int = 6, size: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(genes):
        p, q = rng.dirichlet((1, 1, 20), size), rng.dirichlet((1, 1, 20), size)
        kinds = rng.choice(["neither", "donor", "acceptor"], size, p=[0.8, 0.1, 0.1])
        places = np.sort(rng.choice(3000, size, replace=False))
        parts.append(
            pl.DataFrame(
                {
                    "gene_id": [f"G{number}"] * size, "position": places,
                    "truth": pl.Series(kinds).cast(SpliceType),
                    "weight": np.where(kinds == "neither", rng.integers(1, 9, size), 1.0),
                    "d": p[:, 0], "a": p[:, 1], "n": p[:, 2],
                    "d2": q[:, 0], "a2": q[:, 1], "n2": q[:, 2],
                }
            )
        )  # fmt: skip
    return pl.concat(parts)


def test_figures_of_a_part_are_those_of_its_genes_alone() -> None:
    rows = rows_of(1)
    sums = tally(lambda: [rows], SYSTEMS)
    members = np.array([g in ("G1", "G4") for g in sums.genes])

    found = figures_of_genes(sums, members)

    few = rows.filter(pl.col("gene_id").is_in(["G1", "G4"]))
    alone = tally(lambda: [few], SYSTEMS)
    expected = figures_of_genes(alone, np.ones(2, bool))
    assert found["genes"] == 2
    assert found["positions"] == pytest.approx(few["weight"].sum())
    for name in SYSTEMS:
        for kind, figures in expected["systems"][name].items():
            assert found["systems"][name][kind] == pytest.approx(figures)


def test_chromosomes_are_told_apart_by_what_the_base_model_was_trained_on() -> None:
    rows = rows_of(2)
    sums = tally(lambda: [rows], SYSTEMS)
    chroms = ["chr2", "2", "chr1", "chrX", None, "1"]
    places = pl.DataFrame({"gene_id": [f"G{n}" for n in range(6)], "chrom": chroms})

    parts = by_chromosome(sums, places, {"2", "X"})
    unknown = by_chromosome(sums, places, None)

    genes = {part["part"]: part["genes"] for part in parts}
    assert genes == {
        "1": 2, "2": 2, "X": 1, "seen by the base model": 3, "unseen by the base model": 2
    }  # fmt: skip
    assert [part.get("base_trained") for part in parts] == [False, True, True, None, None]
    assert [part["part"] for part in unknown] == ["1", "2", "X"]
    assert {part["base_trained"] for part in unknown} == {None}


def test_gene_lengths_cover_all_genes() -> None:
    rows = rows_of(3).with_columns(
        weight=pl.col("weight") * pl.col("gene_id").replace_strict(
            {f"G{n}": 10.0**n for n in range(6)}, return_dtype=pl.Float64
        )
    )  # fmt: skip
    sums = tally(lambda: [rows], SYSTEMS)

    parts = by_gene_length(sums)

    assert sum(part["genes"] for part in parts) == 6
    assert sum(part["positions"] for part in parts) == pytest.approx(rows["weight"].sum())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 16))
def test_distances_are_those_of_a_search_through_all_sites(seed: int) -> None:
    rows = rows_of(seed, genes=3, size=25)

    parts = {part["part"]: part for part in by_distance(rows, SYSTEMS)}

    expected: dict[str, list[float]] = {}
    for row in rows.iter_rows(named=True):
        sites = [
            other["position"]
            for other in rows.filter(gene_id=row["gene_id"]).iter_rows(named=True)
            if other["truth"] != "neither"
        ]
        if not sites:
            continue
        away = min(abs(site - row["position"]) for site in sites)
        part = (
            "annotated" if away == 0 else "1 to 10" if away <= 10 else "11 to 50" if away <= 50
            else "51 to 500" if away <= 500 else "more than 500"
        )  # fmt: skip
        p = row[{"donor": "d", "acceptor": "a", "neither": "n"}[row["truth"]]]
        w = row["weight"]
        values = [
            w, -w * np.log(max(p, 1e-9)), w * (row["d"] + row["a"]),
            w * (max(row["d"], row["a"]) >= 0.5),
        ]  # fmt: skip
        expected[part] = [a + b for a, b in zip(expected.get(part, [0.0] * 4), values, strict=True)]
    assert set(parts) == set(expected)
    for name, values in expected.items():
        base = parts[name]["systems"]["base"]
        found = [parts[name]["positions"], base["log_loss"], base["expected"], base["called"]]
        assert found == pytest.approx(values)
