"""How scores are distributed, and whether they are those a model was trained on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from conftest import FIXTURES, MODEL
from test_unscored_genes import QUICK

import splice_meta as sm
from splice_meta.contracts import AXIS, with_axis
from splice_meta.errors import ModelError
from splice_meta.model import distribution as module
from splice_meta.model.distribution import (
    BESIDE,
    DISTRIBUTIONS,
    FEWEST,
    LEVELS,
    SETS,
    ScoreCounter,
    ScoreDistribution,
    compare,
    count_beside,
    read_distributions,
    scores_of_table,
)
from splice_meta.runs.shards import AT_ONCE

COLUMNS = scores_of_table()
DATA = Path(__file__).parents[2] / "shared" / "data"
SLICES = ("chr2_0M_grch38", "chr3_52M_grch38", "chr4_103M_grch37", "chr22_20M_grch37")


def lifted(table: pl.DataFrame, decades: float = 3.0) -> pl.DataFrame:
    """Scores as another base model may give them: the same sites, a higher background."""
    called = pl.max_horizontal(*COLUMNS) >= 0.5
    raised = [
        pl.when(called).then(name).otherwise((pl.col(name) * 10**decades).clip(0, 0.3)).alias(name)
        for name in COLUMNS
    ]
    return table.with_columns(raised).with_columns(
        neither_score=1 - pl.col("donor_score") - pl.col("acceptor_score")
    )


def learned(*tables: pl.DataFrame) -> ScoreDistribution:
    counter = ScoreCounter()
    for table in tables:
        counter.add(table)
    return counter.distribution()


@pytest.fixture
def few_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three genes of fixtures, where a model is trained on dozens."""
    monkeypatch.setattr(module, "FEWEST_TRAINED", 100)


def naive_beside(table: pl.DataFrame) -> list[tuple[float, float]]:
    """The scores beside called sites, row by row."""
    rows = table.select("gene_id", "position", *COLUMNS).rows()
    sites = {(gene, place) for gene, place, donor, acceptor in rows if max(donor, acceptor) >= 0.5}
    return [
        (donor, acceptor)
        for gene, place, donor, acceptor in rows
        if (gene, place) not in sites
        and any((gene, place + k) in sites for k in range(-BESIDE, BESIDE + 1))
    ]


@pytest.mark.parametrize("gaps", [False, True])
def test_what_is_counted_beside_called_sites(demo_scores: pl.DataFrame, gaps: bool) -> None:
    table = demo_scores.group_by("gene_id", maintain_order=True).head(4000)
    if gaps:
        table = table.filter(pl.col("position") % 7 != 3)

    found = count_beside(table, COLUMNS)

    expected = naive_beside(table)
    assert len(expected) > FEWEST
    assert found.sum(axis=1).tolist() == [len(expected)] * 2
    donors = np.array(expected, np.float64)[:, 0]
    odds = np.log10(donors / (1 - donors))
    below = np.cumsum(found[0]) / len(expected)
    for level in (-10.0, -8.0, -4.0):
        bins = round((level - module.LEAST) / module.STEP)
        assert below[bins] == pytest.approx((odds <= level).mean())


def test_counts_of_batches_add_up(demo_scores: pl.DataFrame) -> None:
    whole = count_beside(demo_scores, COLUMNS)
    genes = demo_scores.partition_by("gene_id", maintain_order=True)

    assert np.array_equal(sum(count_beside(gene, COLUMNS) for gene in genes), whole)
    assert learned(*genes) == learned(demo_scores)
    by_axis = with_axis(demo_scores.lazy()).select(AXIS, *COLUMNS).collect()
    assert np.array_equal(count_beside(by_axis, COLUMNS), whole)


def test_quantiles_are_those_of_the_scores(demo_scores: pl.DataFrame) -> None:
    found = learned(demo_scores)

    highest = demo_scores.select(pl.max_horizontal(*COLUMNS)).to_series()
    assert found.positions["all"] == demo_scores.height
    assert found.positions["candidates"] == (highest >= 0.001).sum()
    assert found.positions["beside_called_sites"] == count_beside(demo_scores, COLUMNS)[0].sum()
    p = demo_scores["donor_score"].cast(pl.Float64)
    odds = (p / (1 - p)).log10()
    for place in (4, 22, 40):
        expected = odds.quantile(LEVELS[place], "linear")
        assert found.quantiles["all"]["donor"][place] == pytest.approx(expected, abs=0.1)
    for classes in found.quantiles.values():
        assert all(list(values) == sorted(values) for values in classes.values())


def test_the_same_scores_are_like_themselves_and_others_are_not(
    demo_scores: pl.DataFrame, few_are_enough: None
) -> None:
    first, *others = demo_scores.partition_by("gene_id", maintain_order=True)
    trained = learned(*others)

    same = compare(trained, count_beside(first, COLUMNS))
    other = compare(trained, count_beside(lifted(first), COLUMNS))
    back = compare(learned(*map(lifted, others)), count_beside(first, COLUMNS))

    assert not same.differs
    assert other.differs
    assert back.differs
    assert same.distance < 0.3 < 0.5 < min(other.distance, back.distance)


def test_too_little_is_not_judged(demo_scores: pl.DataFrame, few_are_enough: None) -> None:
    trained = learned(demo_scores)
    short = lifted(demo_scores.head(400))
    quiet = demo_scores.with_columns(donor_score=0.001, acceptor_score=0.001, neither_score=0.998)

    for table in (short, quiet):
        found = compare(trained, count_beside(table, COLUMNS))
        assert (found.distance, found.differs) == (None, False)
        assert "too few called sites" in found.why_not
    few = replace(trained, positions={**trained.positions, SETS[2]: 99})
    assert "trained on too few sites" in compare(few, count_beside(demo_scores, COLUMNS)).why_not
    assert "does not hold" in compare(None, count_beside(demo_scores, COLUMNS)).why_not


@pytest.mark.parametrize("decimals", [3, 4, 6])
def test_rounded_scores_of_the_same_model_are_no_drift(
    demo_scores: pl.DataFrame, few_are_enough: None, decimals: int
) -> None:
    rounded = demo_scores.with_columns(pl.col(COLUMNS).round(decimals))

    found = compare(learned(demo_scores), count_beside(rounded, COLUMNS))

    assert not found.differs
    assert "rounded or cut" in found.why_not


def test_a_distribution_is_read_as_it_was_written(demo_scores: pl.DataFrame) -> None:
    stated = {"x": learned(demo_scores), "": learned(demo_scores.head(10))}
    text = json.dumps({name: each.to_dict() for name, each in stated.items()})

    assert read_distributions(json.loads(text), "b") == stated


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(levels=[0, 1]), "levels"),
        (lambda d: d.pop("quantiles"), "quantiles"),
        (lambda d: d["positions"].update(all=-1), "all"),
        (lambda d: d["quantiles"]["all"].pop("donor"), "donor"),
        (lambda d: d["quantiles"]["all"]["donor"].reverse(), "donor"),
        (lambda d: d["quantiles"]["all"]["donor"].pop(), "donor"),
        (lambda d: d["quantiles"]["all"].update(donor="x"), "donor"),
    ],
)
def test_a_damaged_distribution_is_refused(demo_scores: pl.DataFrame, change, words: str) -> None:
    stated = json.loads(json.dumps({"x": learned(demo_scores).to_dict()}))
    change(stated["x"])

    with pytest.raises(ModelError, match=rf"b: {DISTRIBUTIONS}\.x.*{words}"):
        read_distributions(stated, "b")


def test_training_keeps_the_distribution_of_all_positions(
    demo_scores: pl.DataFrame, tmp_path: Path
) -> None:
    named = sm.train({"mine": demo_scores}, settings=QUICK)
    several = sm.train({"a": demo_scores, "b": lifted(demo_scores)}, settings=QUICK)

    again = sm.load_model(named.save(tmp_path / "bundle"))
    found = read_distributions(again.metadata[DISTRIBUTIONS], "b")
    assert found == {"mine": learned(demo_scores)}
    both = read_distributions(several.metadata[DISTRIBUTIONS], "b")
    assert both["a"] == found["mine"]
    assert both["b"].quantiles["all"]["donor"][20] > both["a"].quantiles["all"]["donor"][20] + 1


@pytest.mark.parametrize("shards", [1, 3])
def test_a_run_warns_of_other_scores_everywhere(
    demo_scores: pl.DataFrame, tmp_path: Path, caplog: pytest.LogCaptureFixture, shards: int
) -> None:
    settings = sm.RunSettings(memory=(AT_ONCE << 20) if shards > 1 else 1 << 30)

    result = sm.run(lifted(demo_scores), MODEL, tmp_path, settings=settings)

    warnings = [each.getMessage() for each in caplog.records if "distributed" in each.getMessage()]
    assert len(warnings) == 1
    assert "of openspliceai-mane" in warnings[0]
    told = json.loads(result.layout.metadata.read_text())
    assert told["warnings"] == warnings
    assert "unlike the training scores" in told["base_scores"]["distribution"]
    for text in (result.report, result.layout.report_html.read_text(),
                 result.layout.log.read_text()):  # fmt: skip
        assert "not distributed like" in text


def test_a_run_of_the_models_own_scores_is_quiet(
    demo_scores: pl.DataFrame, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    result = sm.run(demo_scores, MODEL, tmp_path)

    assert not caplog.records
    assert dict(result.summary.lines())["Their distribution"].startswith("like the training scores")
    assert not result.summary.warnings


def test_predict_warns_too(
    demo_scores: pl.DataFrame, model: sm.MetaModel, caplog: pytest.LogCaptureFixture
) -> None:
    found = sm.predict(lifted(demo_scores), model, columns="lean")

    assert found.height == demo_scores.height
    assert [each.levelname for each in caplog.records] == ["WARNING"]
    assert "not distributed like" in caplog.text


def test_each_of_several_base_models_is_compared(
    demo_scores: pl.DataFrame, caplog: pytest.LogCaptureFixture, few_are_enough: None
) -> None:
    other = lifted(demo_scores)
    model = sm.train({"a": demo_scores, "b": other}, settings=QUICK)
    caplog.clear()

    sm.predict({"a": demo_scores, "b": other}, model)
    assert not caplog.records
    sm.predict({"a": demo_scores, "b": demo_scores}, model)
    assert ["of b:" in each.getMessage() for each in caplog.records] == [True]


def test_a_bundle_without_distribution_works_and_says_so(
    demo_scores: pl.DataFrame, model: sm.MetaModel, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    kept = {name: each for name, each in model.metadata.items() if name != DISTRIBUTIONS}
    old = replace(model, metadata=kept)

    result = sm.run(lifted(demo_scores), old, tmp_path)

    assert not caplog.records
    told = dict(result.summary.lines())["Their distribution"]
    assert told.startswith("not compared with the training scores: the model does not hold")


@pytest.mark.skipif(not DATA.is_dir(), reason="the slices stand beside a developer's checkout only")
def test_spliceai_and_openspliceai_are_told_apart() -> None:
    wanted = ["gene_id", "position", *COLUMNS]
    tables: Any = {
        (name, place): pl.read_parquet(DATA / place / f"scores_{name}.parquet", columns=wanted)
        for name in ("spliceai", "openspliceai")
        for place in SLICES
    }
    for name in ("spliceai", "openspliceai"):
        for place in SLICES:
            trained = learned(*(tables[name, other] for other in SLICES if other != place))
            for other in ("spliceai", "openspliceai"):
                parts = tables[other, place].partition_by("gene_id", maintain_order=True)
                for part in (tables[other, place], *parts):
                    found = compare(trained, count_beside(part, COLUMNS))
                    assert found.differs == (name != other) or found.distance is None
                    assert part.height < 50_000 or found.distance is not None


def test_the_bundled_model_knows_its_training_scores_and_weights() -> None:
    model = sm.load_model(MODEL)

    (found,) = read_distributions(model.metadata[DISTRIBUTIONS], "b").values()
    assert found.positions["all"] == model.metadata["training"]["positions"]
    assert len(model.metadata["weights_sha256"]["openspliceai-mane"]) == 64
    fixtures = pl.read_parquet(FIXTURES / "scores_openspliceai.parquet")
    assert not compare(found, count_beside(fixtures, COLUMNS)).differs
