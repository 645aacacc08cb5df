"""Figures from sums by gene against a row-by-row reference."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_evaluation import naive, ranking
from polars.testing import assert_frame_equal
from sklearn.metrics import average_precision_score

from splice_meta.contracts import SpliceType
from splice_meta.errors import InputError
from splice_meta.evaluation import ranking as ranking_module
from splice_meta.evaluation.intervals import draw, interval, resampled_figures
from splice_meta.evaluation.metrics import point_figures, resampled_ranking, summed_figures
from splice_meta.evaluation.ranking import Counts, RankingTally, ranking_figures
from splice_meta.evaluation.summary import ORDER, summarise
from splice_meta.evaluation.tally import tally

SYSTEMS = {
    name: (f"donor_{name}", f"acceptor_{name}", f"neither_{name}") for name in ("base", "final")
}
EVERY = {(m, c) for m in ORDER for c in ("donor", "acceptor", "all")}


def make_rows(
    size: int, seed: int, genes: int = 3, levels: int = 6, weighted: bool = True
) -> pl.DataFrame:
    """Rows with few distinct scores, so that ties abound; the last gene has no site."""
    rng = np.random.default_rng(seed)
    gene = rng.integers(0, genes, size)
    truth = np.where(gene == genes - 1, 0, rng.choice([0, 0, 1, 2], size))
    columns: dict[str, object] = {
        "gene_id": [f"G{number}" for number in gene],
        "truth": pl.Series([("neither", "donor", "acceptor")[t] for t in truth], dtype=SpliceType),
    }
    for name in SYSTEMS:
        split = rng.multinomial(levels, [0.3, 0.3, 0.4], size) / levels
        for number, label in enumerate(("donor", "acceptor", "neither")):
            columns[f"{label}_{name}"] = split[:, number]
    if weighted:
        columns["weight"] = rng.choice([0.5, 1.0, 3.0, 33.3], size)
    return pl.DataFrame(columns)


def assert_same(found: dict, expected: dict, at: int = 0) -> None:
    assert set(found) == set(expected)
    for key, value in expected.items():
        np.testing.assert_allclose(found[key][at], value, rtol=1e-9, atol=1e-12, err_msg=str(key))


def has_sites(rows: pl.DataFrame) -> bool:
    return bool((rows["truth"] != "neither").any())


sizes = st.integers(2, 60)
seeds = st.integers(0, 10_000)


@settings(max_examples=60, deadline=None)
@given(sizes, seeds, st.integers(2, 12), st.booleans())
def test_figures_equal_the_row_by_row_reference(
    size: int, seed: int, levels: int, weighted: bool
) -> None:
    rows = make_rows(size, seed, levels=levels, weighted=weighted)
    if not has_sites(rows):
        return

    sums = tally(lambda: [rows], SYSTEMS)
    everyone = np.ones(len(sums.genes), bool)

    for name in SYSTEMS:
        assert_same(point_figures(sums, name, everyone), naive(rows, name, "base"))


@settings(max_examples=20, deadline=None)
@given(sizes, seeds, st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_resampling_by_weights_equals_duplicating_genes(
    size: int, seed: int, times: list[int]
) -> None:
    rows = make_rows(size, seed)
    copies = [rows.filter(gene_id=f"G{n}") for n, count in enumerate(times) for _ in range(count)]
    if not has_sites(rows) or not copies or pl.concat(copies).is_empty():
        return
    sums = tally(lambda: [rows], SYSTEMS)
    weights = np.array([[float(times[int(gene[1:])]) for gene in sums.genes]])

    found = summed_figures(sums, "final", weights) | resampled_ranking(sums, "final", weights)

    assert_same(found, naive(pl.concat(copies), "final", "base"))


@settings(max_examples=20, deadline=None)
@given(sizes, seeds, st.lists(st.integers(1, 20), min_size=1, max_size=8))
def test_batches_do_not_matter(size: int, seed: int, lengths: list[int]) -> None:
    rows = make_rows(size, seed)
    if not has_sites(rows):
        return
    starts = np.minimum(np.cumsum([0, *lengths]), size)
    batches = [rows[a:b] for a, b in zip(starts, [*starts[1:], size], strict=True) if b > a]

    whole = summarise(tally(lambda: [rows], SYSTEMS, ["G0"]), resamples=20, seed=1)
    parts = summarise(tally(lambda: batches, SYSTEMS, ["G0"]), resamples=20, seed=1)

    assert_frame_equal(whole.table, parts.table, rel_tol=1e-9, abs_tol=1e-12)
    assert_frame_equal(whole.reliability, parts.reliability, rel_tol=1e-9)


def test_average_precision_is_that_of_scikit_learn_on_many_rows() -> None:
    rows = make_rows(20_000, 5, genes=20, levels=400)

    sums = tally(lambda: [rows], SYSTEMS)
    found = point_figures(sums, "final", np.ones(20, bool))

    for name in ("donor", "acceptor"):
        expected = average_precision_score(
            rows["truth"] == name, rows[f"{name}_final"], sample_weight=rows["weight"]
        )
        assert abs(found["average_precision", name][0] - expected) < 1e-9


@pytest.mark.parametrize(
    ("truth", "scores"),
    [
        ([1, 0, 0, 1, 0], [0.5, 0.5, 0.5, 0.5, 0.1]),
        ([1, 1, 0, 0, 0], [0.2, 0.9, 0.2, 0.2, 0.9]),
        ([0, 0, 1, 1, 1], [0.0, 0.0, 0.0, 0.0, 0.0]),
    ],
)
def test_top_k_is_the_mean_over_all_orders_of_tied_rows(
    truth: list[int], scores: list[float]
) -> None:
    k, shares = sum(truth), []
    for order in permutations(range(len(truth))):
        if all(scores[a] >= scores[b] for a, b in pairwise(order)):
            shares.append(sum(truth[i] for i in order[:k]) / k)

    counts = RankingTally(np.array(scores)[np.array(truth) == 1], np.zeros(1, bool))
    counts.add(
        np.zeros(len(truth), np.int64), np.array(scores), np.ones(len(truth)),
        np.array(truth) == 1,
    )  # fmt: skip
    exact = counts.finish().exact
    group = Counts(scores=exact.scores, total=exact.total[:1], hits=exact.hits[:1])

    assert ranking_figures(group)["top_k_accuracy"][0] == pytest.approx(np.mean(shares))


def test_reliability_holds_every_candidate() -> None:
    rows = make_rows(300, 8)
    found = summarise(tally(lambda: [rows], SYSTEMS), resamples=0, seed=0)

    each = found.reliability.group_by("system", "class").agg(pl.col("weight").sum())
    candidates = found.table.filter(metric="candidates")["base"].item()
    assert each["weight"].to_list() == pytest.approx([candidates] * 4)
    gaps = found.reliability.filter(system="final", **{"class": "donor"}).select(
        (pl.col("weight") * (pl.col("mean_probability") - pl.col("share_annotated")).abs()).sum()
        / pl.col("weight").sum()
    )
    ece = found.table.filter(metric="ece", **{"class": "donor"})["final"].item()
    assert gaps.item() == pytest.approx(ece)


def test_few_pairs_change_no_point_figure_and_shift_intervals_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = make_rows(20_000, 3, genes=20, weighted=False)
    rng = np.random.default_rng(3)
    # As on real genes: few sites, most of them with high scores, among many low ones.
    is_site = rng.random(rows.height) < 0.02
    low = rng.random(rows.height) ** 400
    donor = np.where(is_site & (rng.random(rows.height) < 0.9), rng.uniform(0.2, 1, 20_000), low)
    rows = rows.with_columns(
        truth=pl.Series(np.where(is_site, "donor", "neither"), dtype=SpliceType),
        donor_final=donor, acceptor_final=(1 - donor) / 2, neither_final=(1 - donor) / 2,
    )  # fmt: skip
    full = tally(lambda: [rows], SYSTEMS)
    monkeypatch.setattr(ranking_module.RankingTally.__init__, "__defaults__", (1000,))
    few = tally(lambda: [rows[:9000], rows[9000:]], SYSTEMS)
    everyone = np.ones(20, bool)

    kept = few.systems["final"].ranking["donor"]
    assert kept.gene.size <= 1000 < full.systems["final"].ranking["donor"].gene.size
    assert kept.total.sum() == rows.height
    assert_same(
        point_figures(few, "final", everyone),
        {key: value[0] for key, value in point_figures(full, "final", everyone).items()},
    )
    key = ("average_precision", "donor")
    a, b = (resampled_figures(sums, everyone, 50, 0)["final"][key] for sums in (full, few))
    np.testing.assert_allclose(a, b, atol=0.002)
    assert np.ptp(a) > 0.01
    assert (a != b).any()


def test_draws_are_seeded_and_do_not_depend_on_chunks() -> None:
    members = np.array([True, False, True, True])

    at_once = draw(members, 5, np.random.default_rng(4))
    rng = np.random.default_rng(4)
    in_parts = np.concatenate([draw(members, 3, rng), draw(members, 2, rng)])

    assert (at_once == in_parts).all()
    assert (at_once.sum(axis=1) == 3).all()
    assert (at_once[:, 1] == 0).all()


def test_intervals_are_percentiles_and_leave_out_undefined_resamples() -> None:
    values = np.concatenate([np.arange(1001.0), [np.nan] * 5])

    assert interval(values) == pytest.approx((25.0, 975.0))
    assert all(np.isnan(interval(np.array([np.nan]))))


def test_changes_are_paired() -> None:
    # The final system is the base system with every log-loss halved: p becomes its square root.
    rows = make_rows(200, 6, weighted=False, levels=9).with_columns(
        pl.col("donor_base", "acceptor_base", "neither_base").clip(0.01)
    )
    rows = rows.with_columns(
        pl.col(b).sqrt().alias(f) for b, f in zip(*SYSTEMS.values(), strict=True)
    )
    table = summarise(tally(lambda: [rows], SYSTEMS), resamples=200, seed=0).table
    row = table.filter(metric="log_loss_per_site").row(0, named=True)

    assert row["final_change"] == pytest.approx(row["final"] - row["base"])
    assert row["final_change_low"] == pytest.approx(-row["base_high"] / 2)
    assert row["final_change_high"] == pytest.approx(-row["base_low"] / 2)


def test_result_is_the_same_for_the_same_seed_and_lists_every_metric() -> None:
    rows = make_rows(200, 7)
    sums = tally(lambda: [rows], SYSTEMS)

    one, two, other = (summarise(sums, resamples=50, seed=seed).table for seed in (1, 1, 2))
    plain = summarise(sums, resamples=0, seed=1).table

    assert one.equals(two)
    assert not one.equals(other)
    assert {tuple(k) for k in one.select("metric", "class").rows()} <= EVERY
    assert set(one["metric"]) == set(ORDER)
    assert plain["final"].equals(one["final"], null_equal=True)
    ends = [name for name in plain.columns if name.endswith(("_low", "_high"))]
    assert plain.select(ends).null_count().sum_horizontal().item() == plain.height * len(ends)


def test_a_confident_miss_costs_a_finite_amount() -> None:
    rows = make_rows(3, 0, genes=2).with_columns(
        truth=pl.lit("donor", SpliceType), donor_base=0.0, weight=1.0
    )
    sums = tally(lambda: [rows], SYSTEMS)
    found = point_figures(sums, "base", np.ones(len(sums.genes), bool))

    assert found["log_loss_per_site", "all"][0] == pytest.approx(-np.log(1e-9))


def test_a_class_without_sites_has_no_ranking() -> None:
    rows = make_rows(60, 1).with_columns(
        truth=pl.when(pl.col("truth") == "donor").then(pl.col("truth"))
        .otherwise(pl.lit("neither", SpliceType))
    )  # fmt: skip
    table = summarise(tally(lambda: [rows], SYSTEMS), resamples=20, seed=0).table

    lacking = table.filter(pl.col("base").is_null())
    assert set(lacking["class"]) == {"acceptor"}
    assert {"average_precision", "recall", "top_k_accuracy"} <= set(lacking["metric"])
    assert np.isnan(ranking([False], [0.3], [1.0])["best_f1"])


def test_no_site_is_an_error() -> None:
    rows = make_rows(20, 1).with_columns(truth=pl.lit("neither", SpliceType))

    with pytest.raises(InputError, match="no annotated splice site") as caught:
        tally(lambda: [rows], SYSTEMS)
    assert caught.value.hint


def test_intervals_do_not_depend_on_how_many_draws_go_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sums = tally(lambda: [make_rows(120, 2)], SYSTEMS)
    together = summarise(sums, resamples=30, seed=0).table
    monkeypatch.setattr("splice_meta.evaluation.intervals._CHUNK", 1)

    assert_frame_equal(summarise(sums, resamples=30, seed=0).table, together)


def test_batches_without_rows_are_fine() -> None:
    rows = make_rows(60, 2)

    with_empty = tally(lambda: [rows[:0], rows, rows[:0]], SYSTEMS)
    alone = tally(lambda: [rows], SYSTEMS)

    assert_frame_equal(
        summarise(with_empty, resamples=5, seed=0).table,
        summarise(alone, resamples=5, seed=0).table,
    )
