"""Surroundings, place and motif against a row-by-row reference, and free of their company."""

from __future__ import annotations

import math
from itertools import accumulate
from random import Random
from typing import Any

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from conftest import make_scores
from hypothesis import HealthCheck, given, settings
from naive_surroundings import features, single

import splice_meta as sm
from splice_meta.catalogue import LOGODDS, MOTIF, PLACE, SURROUNDINGS
from splice_meta.contracts import SCORES
from splice_meta.errors import FeatureError
from splice_meta.features.surroundings import Around, Sites, window
from splice_meta.features.targets import Targets
from splice_meta.manifest import FeatureManifest
from splice_meta.sources.base_scores import open_scores

NAMES = (*SURROUNDINGS, *PLACE, *MOTIF)
MANIFEST = FeatureManifest(NAMES)
PROPERTY = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def around(threshold: float) -> list[float]:
    """The Float32 nearest to a threshold, the one below and the one above."""
    middle = np.float32(threshold)
    return [float(np.nextafter(middle, np.float32(end))) for end in (0, 1)] + [float(middle)]


WEAK = [0.0, *around(0.001), 0.005]
EDGES = [*WEAK, -5e-5, *around(0.01), *around(0.1), 0.3, 0.5]
# Distances at, just below and just above where a window begins or ends, around a middle position.
BORDERS = sorted(
    {0} | {
        sign * (edge + off)
        for edge in (2, 3, 5, 20, 30, 100, 400, 500, 2000, 5000, 10_000, 20_000)
        for off in (-1, 0, 1)
        for sign in (-1, 1)
    }
)  # fmt: skip
STARTS = (0, 1, 2, 901, 3_000_000_000)


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """Base scores of some genes: hypothesis shapes them, seeded chance fills in the rows."""
    chance = Random(draw(st.integers(0, 1 << 32)))
    parts = []
    for number in range(draw(st.integers(1, 4))):
        start, shape = draw(st.sampled_from(STARTS)), draw(st.sampled_from(["one", "dense", "far"]))
        if shape == "far":
            chosen = sorted(chance.sample(BORDERS, chance.randint(2, 30)))
            positions = [start + offset - chosen[0] for offset in chosen]
        else:
            steps = chance.choices((1, 1, 1, 1, 2, 3), k=chance.randint(1, 40))
            positions = list(accumulate(steps, initial=start)) if shape == "dense" else [start]
        pool = draw(st.sampled_from([WEAK, EDGES]))
        alphabet = draw(st.sampled_from(["ACGT", "acgtN", "CT", "GTAAGT", "N"]))
        parts.append(table_of(f"G{9 - number}", positions, chance, pool, alphabet))
    return pl.concat(parts)


def table_of(
    gene: str, positions: list[int], chance: Random, pool: list[float], alphabet: str
) -> pl.DataFrame:
    donor = [chance.choice(pool) for _ in positions]
    acceptor = [chance.choice(pool) for _ in positions]
    return pl.DataFrame(
        {
            "gene_id": gene,
            "position": positions,
            "donor_score": donor,
            "acceptor_score": acceptor,
            "neither_score": [1 - d - a for d, a in zip(donor, acceptor, strict=True)],
            "base": chance.choices(alphabet, k=len(positions)),
        },
        schema_overrides={"position": pl.Int64} | dict.fromkeys(SCORES, pl.Float32),
    )


def compute(scores: Any, **options: Any) -> pl.DataFrame:
    return sm.plan_features(scores, MANIFEST, **options).collect()


def bits(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float32).reinterpret(dtype=pl.UInt32))


def check_against_reference(got: pl.DataFrame, table: pl.DataFrame) -> None:
    genes: dict[str, dict[int, dict[str, Any]]] = {}
    for row in table.to_dicts():
        genes.setdefault(row["gene_id"], {})[row["position"]] = row
    for found in got.to_dicts():
        expected = features(genes[found["gene_id"]], found["position"])
        assert set(expected) == set(NAMES)
        for name in NAMES:
            # Only logarithms round; every other number is exact.
            same = (
                math.isclose(found[name], expected[name], rel_tol=1e-6, abs_tol=1e-6)
                if name in LOGODDS
                else found[name] == expected[name]
            )
            assert same, (name, found["gene_id"], found["position"], found[name], expected[name])


@PROPERTY
@given(table=tables(), engine=st.sampled_from(["in-memory", "streaming"]))
def test_every_row_equals_the_reference(table: pl.DataFrame, engine: Any) -> None:
    got = sm.plan_features(table, MANIFEST).collect(engine=engine)

    assert got.columns == ["gene_id", "position", *NAMES]
    assert got.select("gene_id", "position").equals(table.select("gene_id", "position"))
    check_against_reference(got, table)


@PROPERTY
@given(table=tables(), rate=st.sampled_from([0.05, 0.3, 1.0]))
def test_picked_rows_are_those_of_the_full_table(table: pl.DataFrame, rate: float) -> None:
    selection = sm.Selection(target_rate=rate)
    base = sm.predict(table, mode="base_only", selection=selection)

    got = compute(table, selection=selection)

    assert got.height == base["is_uncertain"].sum()
    assert bits(got).equals(bits(compute(table).filter(base["is_uncertain"])))


def test_no_row_may_be_picked() -> None:
    table = make_scores({"A": [1, 2, 3]}).with_columns(
        donor_score=0.0, acceptor_score=0.0, neither_score=1.0
    )

    got = compute(table, selection=sm.Selection(strategy="confidence_only"))

    assert got.height == 0
    assert got.columns == ["gene_id", "position", *NAMES]


@PROPERTY
@given(table=tables())
def test_values_do_not_depend_on_company_order_or_batch(table: pl.DataFrame) -> None:
    together = bits(compute(table))
    genes = table.partition_by("gene_id", maintain_order=True)

    alone = [bits(compute(gene)) for gene in genes]
    turned = bits(compute(pl.concat(genes[::-1])))
    opened = open_scores(table)
    halves = [opened.batch(0, 1), opened.batch(1, len(genes))] if len(genes) > 1 else [table]

    assert pl.concat(alone).equals(together)
    assert pl.concat(turned.partition_by("gene_id", maintain_order=True)[::-1]).equals(together)
    assert pl.concat(bits(compute(half)) for half in halves).equals(together)


def test_sums_are_exact_whatever_precedes_the_gene() -> None:
    # Running sums of floating point numbers would differ in their last bits after 60,000 rows.
    last = make_scores({"Z": list(range(7, 3000))}, seed=5)
    before = make_scores({f"B{n}": list(range(20_000)) for n in range(3)}, seed=6)

    got = compute(pl.concat([before, last])).filter(pl.col("gene_id") == "Z")

    assert bits(got).equals(bits(compute(last)))
    score = last.filter(pl.col("donor_score") >= 0.01)["donor_score"].cast(pl.Float64)
    first = got.row(0, named=True)
    own = last["donor_score"][0] if last["donor_score"][0] >= single(0.01) else 0.0
    assert first["donor_sum_downstream"] == single(math.fsum(score) - own)


@pytest.mark.parametrize("base", ["N", None])
def test_unknown_bases_match_no_motif(base: str | None) -> None:
    table = make_scores({"A": list(range(1, 41))}).with_columns(base=pl.lit(base, pl.String))

    got = compute(table)

    for name in MOTIF:
        assert got[name].to_list() == [0.0] * 40


@pytest.mark.parametrize(
    ("sequence", "row", "name", "value"),
    [
        ("CAGGTAAGT", 3, "donor_consensus", 9),
        ("cagGTGAGT", 3, "donor_consensus", 9),
        ("TAGGTAAGT", 3, "donor_consensus", 8),
        ("CAGG", 4, "acceptor_consensus", 4),
        ("GAGG", 4, "acceptor_consensus", 3),
        ("TTTTTTTTTTTTTTTTNCAGG", 21, "polypyrimidine", 1),
        ("CTCTCTCTAAAAAAAANCAGG", 21, "polypyrimidine", 0.5),
        ("CNAC", 4, "polypyrimidine", 0),
    ],
)
def test_motifs_that_anyone_can_read(sequence: str, row: int, name: str, value: float) -> None:
    table = make_scores({"A": list(range(1, len(sequence) + 1))}).with_columns(
        base=pl.Series(list(sequence))
    )

    assert compute(table)[name][row - 1] == value


@pytest.mark.parametrize("switched_off", ["surroundings", "motif"])
def test_families_that_are_switched_off(switched_off: str) -> None:
    table = make_scores({"A": list(range(1, 9))})
    off = sm.FeatureSettings(**{switched_off: False})

    if switched_off == "motif":
        got = compute(table, features=off)
        assert got.select(MOTIF).sum_horizontal().to_list() == [0.0] * 8
        return
    with pytest.raises(FeatureError, match="surroundings") as caught:
        compute(table, features=off)
    assert "Switch on the surroundings family" in caught.value.hint


@pytest.mark.parametrize(
    ("side", "near", "far", "windows"),
    [
        ("upstream", 1, None, [[], [0], [], [2, 4]]),
        ("upstream", 1, 3, [[], [0], [], [4]]),
        ("upstream", 3, 9, [[], [], [], [2]]),
        ("downstream", 1, None, [[1], [], [4, 6], []]),
        ("downstream", 1, 3, [[1], [], [4], []]),
        ("downstream", 3, 9, [[], [], [6], []]),
    ],
)
def test_windows_end_with_the_gene(
    side: str, near: int, far: int | None, windows: list[list[int]]
) -> None:
    # Two genes at places 0, 1 and 2, 4, 6, so near that only the clip keeps them apart.
    axis, gene = pl.Series([0, 1, 2, 4, 6]), pl.Series([0, 0, 1, 1, 1])
    picked = pl.Series([True, True, True, False, True])

    targets = Targets.of(axis, gene, picked)
    around = Around(Sites.of(np.ones(5, np.float32), targets), targets)
    steps = around.within(window(side, near, far))

    ends = zip(steps.spread(steps.low), steps.spread(steps.high), strict=True)
    assert [axis[a:b].to_list() for a, b in ends] == windows
