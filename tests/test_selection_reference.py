from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from random import Random
from typing import Any

import hypothesis.strategies as st
import numpy as np
import polars as pl
import pytest
from conftest import make_scores
from hypothesis import HealthCheck, given, settings
from reference import entropy_of, measures, target, uncertain

from splice_meta.contracts import SCORES, canonical, with_axis
from splice_meta.selection import gene_summary, mark_uncertain, target_count
from splice_meta.settings import STRATEGIES, Selection, Strategy
from splice_meta.shortlist import nth_largest

TOLERANCE = 1e-12
PROPERTY = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
ENGINES = ("in-memory", "streaming")
NUMBERS = ("max_score", "max_confidence", "score_entropy", "score_spread", "score_variance")
LABELS = (
    "is_low_confidence", "is_high_entropy", "is_low_discriminability", "confidence_category",
    "predicted_type_base",
)  # fmt: skip
TABLE = {"gene_id": pl.String, "position": pl.Int64, **dict.fromkeys(SCORES, pl.Float32)}
RATES = (0.1, 0.07, 0.333, 1.0, 1e-6, 0.29, 0.5, 0.999)

Triple = tuple[float, float, float]

EDGE_TRIPLES: tuple[Triple, ...] = (
    (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.0, 0.5),
    (0.02, 0.0, 0.98), (0.019, 0.01, 0.971), (0.8, 0.1, 0.1), (0.1, 0.79, 0.11),
    (0.34, 0.33, 0.33), (0.4, 0.2, 0.4), (1e-45, 0.0, 1.0), (1e-30, 1e-40, 1.0),
    (0.25, 0.25, 0.505), (0.3, 0.6, 0.1), (0.0, 1.00005, 0.0),
)  # fmt: skip


@st.composite
def triples(draw: st.DrawFn) -> Triple:
    share = st.floats(0.0, 1.0, width=32)
    splice, donor = draw(share), draw(share)
    return splice * donor, splice * (1 - donor), 1 - splice


def float32(triple: Triple) -> Triple:
    return tuple(pl.Series(triple, dtype=pl.Float32).to_list())


def told_apart(pool: Sequence[Triple]) -> list[Triple]:
    """The triples without those whose entropies differ by rounding only, as do permutations."""
    kept: list[Triple] = []
    for triple in map(float32, pool):
        entropy = entropy_of(*triple)
        others = [entropy_of(*other) for other in kept if other != triple]
        if all(entropy == e or abs(entropy - e) > 1e-9 * max(entropy, e) for e in others):
            kept.append(triple)
    return kept


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """Base scores of some genes; a pool of few triples makes most positions tie with others."""
    chance = Random(draw(st.integers(0, 1 << 32)))
    edges = chance.sample(EDGE_TRIPLES, draw(st.integers(1, 4)))
    pool = told_apart([*edges, *draw(st.lists(triples(), max_size=6))])
    sizes = draw(st.one_of(st.lists(st.integers(1, 150), min_size=1, max_size=4), TINY_GENES))
    rows: list[tuple[Any, ...]] = []
    for number, size in enumerate(sizes):
        step = draw(st.integers(1, 3))
        start = draw(st.sampled_from([0, 1, 500, 3_000_000_000]))
        for i, triple in enumerate(chance.choices(pool, k=size)):
            rows.append((f"G{99 - number}", start + i * step, *triple))
    return pl.DataFrame(rows, schema=TABLE, orient="row")


TINY_GENES = st.lists(st.integers(1, 4), min_size=8, max_size=20)


def table_of(
    scores: Sequence[Triple], gene_id: str = "G", start: int = 1, step: int = 1
) -> pl.DataFrame:
    rows = [(gene_id, start + i * step, *triple) for i, triple in enumerate(scores)]
    return pl.DataFrame(rows, schema=TABLE, orient="row")


@st.composite
def thresholds(draw: st.DrawFn) -> dict[str, float]:
    low = draw(st.sampled_from([0.02, 0.0, 0.25, 0.5]))
    high = draw(st.sampled_from([0.8, 0.51, 1.0, 2.0]))
    return {
        "low": low,
        "high": high,
        "entropy": draw(st.sampled_from([0.6, 0.0, 0.3, 0.95, 1.5])),
        "spread": draw(st.sampled_from([0.2, 0.0, 0.5, 1.1])),
        "variance": draw(st.sampled_from([0.08, 0.0, 0.01, 0.2, 1.0])),
    }


def mark(table: pl.DataFrame, selection: Selection, engine: Any = "in-memory") -> pl.DataFrame:
    return mark_uncertain(with_axis(canonical(table.lazy())), selection).collect(engine=engine)


def taken(marked: pl.DataFrame) -> set[tuple[str, int]]:
    return set(marked.filter("is_uncertain").select("gene_id", "position").rows())


@PROPERTY
@given(table=tables(), limits=thresholds(), strategy=st.sampled_from(STRATEGIES))
def test_measures_equal_the_reference(
    table: pl.DataFrame, limits: dict[str, float], strategy: Any
) -> None:
    marked = mark(table, Selection(strategy=strategy, **limits))

    assert marked.select("gene_id", "position", *SCORES).equals(table)
    for got, row in zip(marked.to_dicts(), table.to_dicts(), strict=True):
        expected = measures(row, **limits)
        for name in NUMBERS:
            assert abs(got[name] - expected[name]) <= TOLERANCE, (row, name)
        assert {name: got[name] for name in LABELS} == {name: expected[name] for name in LABELS}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("adaptive", [True, False])
@PROPERTY
@given(
    table=tables(),
    limits=thresholds(),
    strategy=st.sampled_from(STRATEGIES),
    rate=st.sampled_from(RATES),
)
def test_uncertain_positions_are_those_of_the_reference(
    engine: str,
    adaptive: bool,
    table: pl.DataFrame,
    limits: dict[str, float],
    strategy: Any,
    rate: float,
) -> None:
    selection = Selection(strategy=strategy, adaptive=adaptive, target_rate=rate, **limits)

    marked = mark(table, selection, engine)

    assert marked["is_uncertain"].null_count() == 0
    assert marked.select("gene_id", "position").equals(table.select("gene_id", "position"))
    assert taken(marked) == uncertain(table.to_dicts(), strategy, adaptive, rate, **limits)


@pytest.mark.parametrize("strategy", ["entropy_only", "hybrid_entropy"])
@PROPERTY
@given(table=tables(), rate=st.one_of(st.sampled_from(RATES), st.floats(0, 1, exclude_min=True)))
def test_adaptive_tuning_takes_exactly_the_target(
    strategy: Any, table: pl.DataFrame, rate: float
) -> None:
    # Written with 4 digits, so that exact products stay within 64 bits.
    rate = max(round(rate, 4), 1e-6)

    marked = mark(table, Selection(strategy=strategy, target_rate=rate))

    counts = marked.group_by("gene_id").agg(pl.len(), pl.col("is_uncertain").sum().alias("taken"))
    for _, positions, found in counts.rows():
        assert found == target(rate, positions)


@PROPERTY
@given(table=tables(), strategy=st.sampled_from(STRATEGIES), rate=st.sampled_from(RATES))
def test_gene_alone_and_among_others_is_marked_the_same(
    table: pl.DataFrame, strategy: Any, rate: float
) -> None:
    selection = Selection(strategy=strategy, target_rate=rate)

    together = mark(table, selection)
    alone = pl.concat(mark(gene, selection) for gene in table.partition_by("gene_id"))

    # The axis numbers the genes of a table, so it alone may differ.
    assert bits(alone).equals(bits(together))


def bits(marked: pl.DataFrame) -> pl.DataFrame:
    """Floats as the integers their bits spell, so that 0 is not -0."""
    return marked.select(~pl.selectors.starts_with("_")).with_columns(
        pl.col(pl.Float64).reinterpret(dtype=pl.UInt64)
    )


def test_gene_of_one_position_is_measured_as_among_others() -> None:
    # A table of one row is divided, a longer one multiplied by the reciprocal if left to Polars.
    triples: list[Triple] = [(0.0, 0.5, 0.5), (0.34, 0.33, 0.33), (0.1, 0.7, 0.2)]
    genes = [table_of([triple], f"G{i}") for i, triple in enumerate(triples)]

    together = mark(pl.concat(genes), Selection())

    alone = pl.concat(mark(gene, Selection()) for gene in genes)
    assert bits(alone).rows() == bits(together).rows()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("rows", [1, 7, 70, 143])
def test_of_tied_positions_the_first_are_taken(rate: float, rows: int) -> None:
    # One score for all: entropy and criteria tie everywhere, only the position decides.
    table = table_of([(0.3, 0.2, 0.5)] * rows, start=40, step=3)

    marked = mark(table, Selection(target_rate=rate))

    n = target(rate, rows)
    assert marked["is_uncertain"].to_list() == [True] * n + [False] * (rows - n)


@pytest.mark.parametrize("zeros_first", [True, False])
def test_ties_at_entropy_zero_go_by_position(zeros_first: bool) -> None:
    # Nothing is uncertain: criteria and entropies are 0, whichever score is the 1.
    certain: list[Triple] = [(0.0, 0.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)]
    table = table_of((certain if zeros_first else certain[::-1]) * 10)

    marked = mark(table, Selection(target_rate=0.2))

    assert marked["is_uncertain"].to_list() == [True] * 6 + [False] * 24


def test_more_criteria_come_before_higher_entropy() -> None:
    # Limits under which the second position meets two criteria, the first, of more entropy, one.
    table = table_of([(0.45, 0.1, 0.45), (0.62, 0.0, 0.38), (0.0, 0.0, 1.0)])
    limits = {"entropy": 0.95, "spread": 0.3, "variance": 0.0, "low": 0.6, "high": 0.9}
    rows = table.to_dicts()
    entropies = [measures(row)["score_entropy"] for row in rows]

    marked = mark(table, Selection(target_rate=0.33, **limits))

    assert entropies[0] > entropies[1]
    assert marked["criteria_met"].to_list() == [1, 2, 0]
    assert taken(marked) == {("G", 2)}


def test_tiny_entropies_are_still_ordered() -> None:
    # Float32 goes down to 1e-45: such entropies differ, though they are all nearly 0.
    scores = [(0.0, 0.0, 1.0), (1e-45, 0.0, 1.0), (1e-40, 0.0, 1.0), (1e-30, 0.0, 1.0)]
    table = table_of([float32(s) for s in scores])

    order = [taken(mark(table, Selection(target_rate=rate))) for rate in (0.25, 0.5, 0.75, 1.0)]

    assert order == [{("G", p) for p in some} for some in ((4,), (4, 3), (4, 3, 2), (4, 3, 2, 1))]


@pytest.mark.parametrize(
    ("score", "is_low_confidence", "category"),
    [
        (0.03125, True, "uncertain"),  # exactly low
        (0.031249, False, "non_splice"),
        (0.75, False, "splice"),  # exactly high
        (0.749999, True, "uncertain"),
        (0.0, False, "non_splice"),
        (1.0, False, "splice"),
    ],
)
@pytest.mark.parametrize("splice_type", ["donor", "acceptor"])
def test_confidence_at_the_edge_of_its_range(
    score: float, is_low_confidence: bool, category: str, splice_type: str
) -> None:
    triple = (score, 0.0) if splice_type == "donor" else (0.0, score)
    selection = Selection(low=0.03125, high=0.75, strategy="confidence_only")

    row = mark(table_of([(*triple, 1 - score)]), selection).row(0, named=True)

    assert row["max_score"] == float32((score, 0, 0))[0]
    assert row["is_low_confidence"] is row["is_uncertain"] is is_low_confidence
    assert row["confidence_category"] == category


@pytest.mark.parametrize(
    ("score", "category"),
    # As Float32, 0.02 is less than 0.02 and 0.8 more than 0.8: comparisons are in Float64.
    [(0.02, "non_splice"), (0.020000001, "uncertain"), (0.8, "splice"), (0.79999995, "uncertain")],
)
def test_default_range_is_compared_in_float64(score: float, category: str) -> None:
    marked = mark(table_of([(score, 0.0, 1 - score)]), Selection())

    assert marked["confidence_category"].to_list() == [category]
    assert marked["is_low_confidence"].to_list() == [category == "uncertain"]


@pytest.mark.parametrize(
    ("triple", "limit", "criterion", "expected"),
    [
        # Entropy must be above its threshold, spread and variance below theirs.
        ((0.0, 0.0, 1.0), {"entropy": 0.0}, "is_high_entropy", False),
        ((1e-45, 0.0, 1.0), {"entropy": 0.0}, "is_high_entropy", True),
        ((0.5, 0.25, 0.25), {"spread": 0.25}, "is_low_discriminability", False),
        ((0.5, 0.25, 0.25), {"spread": 0.2500001}, "is_low_discriminability", True),
        ((0.5, 0.0, 0.5), {"spread": 0.0}, "is_low_discriminability", False),
    ],
)
def test_criteria_at_their_thresholds(
    triple: Triple, limit: dict[str, float], criterion: str, expected: bool
) -> None:
    marked = mark(table_of([triple]), Selection(**limit))

    assert marked[criterion].to_list() == [expected]


@pytest.mark.parametrize(
    ("limit", "expected"), [(0.005859375, False), (0.00585938, True), (0.0, False)]
)
def test_variance_must_be_below_its_threshold(limit: float, expected: bool) -> None:
    # Mean 341/1024 and variance 6/1024 are exact in binary; no other criterion can be met.
    table = table_of([(437 / 1024, 245 / 1024, 341 / 1024)])
    others = {"low": 0.9, "high": 1.0, "entropy": 1.5, "spread": 0.0}

    marked = mark(table, Selection(variance=limit, adaptive=False, **others))

    assert marked["score_variance"].to_list() == [0.005859375]
    assert marked["is_uncertain"].to_list() == [expected]


@pytest.mark.parametrize(
    ("triple", "expected"),
    [
        ((0.4, 0.3, 0.3), "donor"),
        ((0.3, 0.4, 0.3), "acceptor"),
        ((0.3, 0.3, 0.4), "neither"),
        ((0.4, 0.4, 0.2), "donor"),  # donor before acceptor
        ((0.4, 0.2, 0.4), "neither"),  # neither before both
        ((0.2, 0.4, 0.4), "neither"),
        ((0.33, 0.33, 0.33), "neither"),
        ((0.5, 0.5, 0.0), "donor"),
        ((1.0, 0.0, 0.0), "donor"),
        ((0.0, 1.0, 0.0), "acceptor"),
        ((0.0, 0.0, 1.0), "neither"),
    ],
)
def test_ties_of_the_predicted_type(triple: Triple, expected: str) -> None:
    marked = mark(table_of([triple]), Selection())

    assert marked["predicted_type_base"].to_list() == [expected]


# 1/3 has 16 digits: exact products need more than 64 bits.
@pytest.mark.parametrize(
    "rate", [*RATES, 0.01, 0.3, 0.15, 0.7, 1e-9, 0.1 + 0.2, 1 / 3, 0.12345678901234568]
)
def test_target_is_exact_for_decimal_rates(rate: float) -> None:
    positions = [*range(1, 1001), 3_000, 100_000, 2_500_000]

    got = pl.DataFrame({"n": positions}).select(target_count(pl.col("n"), rate)).to_series()

    exact = [
        int((Decimal(repr(rate)) * n).to_integral_value(rounding=ROUND_CEILING)) for n in positions
    ]
    assert got.to_list() == exact


@pytest.mark.parametrize(
    ("rate", "positions", "expected"),
    # In binary 0.1 x 70 and 0.07 x 100 are more than 7 and would round up to 8.
    [(0.1, 70, 7), (0.1, 71, 8), (0.07, 100, 7), (0.29, 100, 29), (1 / 3, 3_000, 1_000)],
)
def test_gene_gets_exactly_the_target(rate: float, positions: int, expected: int) -> None:
    table = table_of([(0.1, 0.1, 0.8)] * positions)

    marked = mark(table, Selection(target_rate=rate))

    assert marked["is_uncertain"].sum() == expected


@pytest.mark.parametrize("rate", [1e-40, 5e-324])
def test_any_rate_above_zero_takes_a_position(rate: float) -> None:
    marked = mark(table_of([(0.1, 0.1, 0.8)] * 5), Selection(target_rate=rate))

    assert marked["is_uncertain"].sum() == 1


@pytest.mark.parametrize("adaptive", [True, False])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_a_gene_achieved_is_that_of_its_rows(strategy: Strategy, adaptive: bool) -> None:
    selection = Selection(strategy=strategy, adaptive=adaptive, target_rate=0.3)
    genes = {"A": list(range(1, 60)), "B": [4], "C": list(range(1, 30))}
    scores = canonical(make_scores(genes, seed=3).lazy())
    marked = mark_uncertain(with_axis(scores), selection).with_columns(
        is_adjusted=pl.col("is_uncertain") & (pl.col("position") > 9)
    )

    found = gene_summary(marked.collect()).rows(named=True)

    rows = marked.collect().rows(named=True)
    for gene, summary in zip(genes, found, strict=True):
        mine = [row for row in rows if row["gene_id"] == gene]
        taken = [row for row in mine if row["is_uncertain"]]
        last = min(((row["criteria_met"], row["score_entropy"]) for row in taken), default=None)
        assert summary == {
            "gene_id": gene,
            "positions": len(mine),
            "uncertain": len(taken),
            "recalibrated": sum(row["is_adjusted"] for row in mine),
            "with_criteria": sum(row["criteria_met"] > 0 for row in taken),
            "lowest_criteria": last and last[0],
            "lowest_entropy": last and last[1],
            "achieved_rate": len(taken) / len(mine),
        }


@PROPERTY
@given(
    seed=st.integers(0, 1 << 32),
    least=st.sampled_from([-22, -9, -6, -1]),
    rate=st.sampled_from(RATES),
    strategy=st.sampled_from(STRATEGIES),
    limits=st.sampled_from([{}, {"low": 1e-6, "entropy": 1e-5}, {"spread": 0.97, "variance": 0.3}]),
)
def test_the_same_positions_are_picked_whether_or_not_measures_are_wanted(
    seed: int, least: int, rate: float, strategy: Strategy, limits: dict[str, float]
) -> None:
    chance = np.random.default_rng(seed)
    rows = int(chance.integers(1, 400))
    splice = 10.0 ** chance.uniform(least, 0, rows) * (chance.random(rows) < 0.9)
    donor = (splice * chance.random(rows)).astype(np.float32)
    rest = 1 - splice + chance.uniform(-0.0099, 0.0099, rows) * chance.integers(2)
    below = (chance.random(rows) < 0.02) * np.float32(5e-5)
    table = pl.DataFrame(
        {
            "gene_id": np.sort(chance.integers(0, 4, rows)).astype(str), "position": range(rows),
            "donor_score": donor - below, "acceptor_score": splice - donor, "neither_score": rest,
        },
        schema_overrides=TABLE,
    )  # fmt: skip
    selection = Selection(target_rate=rate, strategy=strategy, **limits)
    axis = with_axis(table.lazy())
    kept = ("is_uncertain", pl.col("criteria_met").filter("is_uncertain").sum())

    marked = mark_uncertain(axis, selection).collect()
    with_all = marked.select(kept)
    is_last = pl.col("criteria_met") == pl.col("criteria_met").min()
    last = marked.filter("is_uncertain").group_by("gene_id", maintain_order=True).agg(
        pl.col("score_entropy").filter(is_last).min()
    )
    found = gene_summary(marked.with_columns(is_adjusted="is_uncertain"))["lowest_entropy"]
    assert found.drop_nulls().to_list() == last["score_entropy"].to_list()

    for engine in ENGINES:
        assert mark_uncertain(axis, selection, measures=False).select(kept).collect(
            engine=engine
        ).equals(with_all)


@given(
    seed=st.integers(0, 1 << 32),
    size=st.sampled_from([1, 20, (1 << 14) + 1, 40_000]),
    share=st.sampled_from([1e-9, 0.001, 0.1, 0.5, 0.99, 1.0]),
    kind=st.sampled_from(["chance", "rising", "falling", "ties", "period of the sample"]),
)
@PROPERTY
def test_the_nth_largest_value_is_found_however_values_lie(
    seed: int, size: int, share: float, kind: str
) -> None:
    chance = np.random.default_rng(seed)
    values = (10.0 ** chance.uniform(-12, -1, size)).astype(np.float32)
    values = {
        "rising": np.sort(values),
        "falling": np.sort(values)[::-1],
        "ties": np.round(values, 2),
        # The sample sees only the largest of every stretch.
        "period of the sample": values / np.where(np.arange(size) % max(size >> 10, 1), 1e6, 1),
    }.get(kind, values)
    n = max(1, int(size * share))

    assert nth_largest(values, n) == np.sort(values)[size - n]
