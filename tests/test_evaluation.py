"""What can be evaluated, and what it says of the bundled genes."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from conftest import MODEL, make_scores
from polars.testing import assert_frame_equal
from sklearn.metrics import average_precision_score

import splice_meta as sm
from splice_meta.errors import InputError, OutputError, UsageError
from splice_meta.evaluation.evaluate import measure
from splice_meta.evaluation.record import record
from splice_meta.evaluation.summary import Evaluation

GENE = "ENSG00000164039"
SHORT = "ENSG00000145354"


@pytest.fixture(scope="module")
def scores(demo_path: Path) -> pl.DataFrame:
    return sm.scan_scores(demo_path, [GENE, SHORT]).collect()


@pytest.fixture(scope="module")
def modes(scores: pl.DataFrame, model: sm.MetaModel) -> Evaluation:
    return measure(scores, model, resamples=50)


@pytest.fixture(scope="module")
def pred(scores: pl.DataFrame, model: sm.MetaModel) -> pl.DataFrame:
    return sm.predict(scores, model)


@pytest.fixture(scope="module")
def table(pred: pl.DataFrame) -> pl.DataFrame:
    return sm.evaluate(pred, resamples=50)


def test_base_only_is_the_base_model(modes: Evaluation) -> None:
    assert modes.systems == ("base", "hybrid", "base_only", "meta_only")
    assert modes.table["base_only"].equals(modes.table["base"])
    assert set(modes.table["base_only_change"].drop_nulls()) == {0.0}


def test_every_mode_has_figures_of_its_own(modes: Evaluation) -> None:
    for metric in ("log_loss_per_site", "brier_per_site"):
        row = modes.table.filter(metric=metric).row(0, named=True)
        values = {row[name] for name in ("base_only", "hybrid", "meta_only")}
        assert len(values) == 3, metric


@pytest.mark.parametrize("mode", ["hybrid", "meta_only"])
def test_modes_are_those_of_predict(
    scores: pl.DataFrame, model: sm.MetaModel, modes: Evaluation, mode: str
) -> None:
    alone = sm.evaluate(sm.predict(scores, model, mode=mode), resamples=50)

    ends = ["", "_low", "_high", "_change", "_change_low", "_change_high"]
    assert_frame_equal(
        modes.table.select(f"{mode}{end}" for end in ends),
        alone.select(pl.col(f"final{end}").alias(f"{mode}{end}") for end in ends),
    )


def test_hybrid_alone_is_hybrid_among_others(
    scores: pl.DataFrame, model: sm.MetaModel, modes: Evaluation
) -> None:
    alone = sm.evaluate(scores, model, modes=["hybrid"], resamples=0)

    assert "meta_only" not in alone.columns
    assert alone["hybrid"].equals(modes.table["hybrid"])


def test_figures_of_the_bundled_genes_are_those_of_scikit_learn(
    pred: pl.DataFrame, table: pl.DataFrame
) -> None:
    for name in ("donor", "acceptor"):
        row = table.filter(metric="average_precision", **{"class": name}).row(0, named=True)
        truth = pred["splice_type"] == name
        for system, column in (("base", "score"), ("final", "meta")):
            expected = average_precision_score(truth, pred[f"{name}_{column}"])
            assert row[system] == pytest.approx(expected, abs=1e-9)


def test_columns_and_rows_of_the_result(table: pl.DataFrame, pred: pl.DataFrame) -> None:
    ends = ("", "_low", "_high")
    numbers = [name + end for name in ("base", "final", "final_change") for end in ends]
    assert table.columns == ["group", "metric", "class", *numbers]
    assert table.select(numbers).dtypes == [pl.Float64] * 9
    assert set(table["group"]) == {"all"}
    assert table.filter(metric="positions")["final"].item() == pred.height
    kept = table.filter(pl.col("final_low").is_not_null())
    assert (kept["final_low"] <= kept["final_high"]).all()


def test_memory_does_not_matter(pred: pl.DataFrame, table: pl.DataFrame) -> None:
    small = sm.RunSettings(memory=4 << 20)

    assert sm.evaluate(pred, resamples=50, settings=small).equals(table)


@pytest.mark.parametrize("how", ["lazy", "file", "parts", "run"])
def test_sources_give_the_same(
    scores: pl.DataFrame, pred: pl.DataFrame, table: pl.DataFrame, model: sm.MetaModel,
    tmp_path: Path, how: str,
) -> None:  # fmt: skip
    source: object = pred.lazy()
    if how == "file":
        source = tmp_path / "p.parquet"
        pred.write_parquet(source)
    if how == "parts":
        source = tmp_path / "p.parquet"
        source.mkdir()
        for number, (_, part) in enumerate(pred.group_by("gene_id", maintain_order=True)):
            part.write_parquet(source / f"part-{number:05d}.parquet")
    if how == "run":
        source = tmp_path / "out"
        sm.run(scores, model, source, settings=sm.RunSettings(memory=1 << 24))

    assert sm.evaluate(source, resamples=50).equals(table)


def test_base_scores_alone(scores: pl.DataFrame, modes: Evaluation) -> None:
    found = sm.evaluate(scores, resamples=50)

    assert found.columns == ["group", "metric", "class", "base", "base_low", "base_high"]
    assert found["base"].equals(modes.table["base"])


def test_further_base_models_are_systems_of_their_own(scores: pl.DataFrame) -> None:
    # As several base models' scores come: the primary once more by its name, then the others.
    named = scores.with_columns(
        **{f"one.{kind}_score": f"{kind}_score" for kind in ("donor", "acceptor", "neither")},
        **{
            f"two.{kind}_score": pl.col(f"{kind}_score") * 0.5 + 1 / 6
            for kind in ("donor", "acceptor", "neither")
        },
    )

    found = sm.evaluate(named, resamples=0)
    modes = sm.evaluate(named, modes=["base_only"], resamples=0)

    assert [c for c in found.columns[3:] if not c.endswith(("_low", "_high"))] == [
        "base", "two", "two_change",
    ]  # fmt: skip
    loss = found.filter(metric="log_loss_per_site").row(0, named=True)
    assert loss["two"] > loss["base"] * 10
    same = found.filter(metric="average_precision")
    assert same["two"].to_list() == pytest.approx(same["base"].to_list(), abs=1e-3)
    assert modes["two"].equals(found["two"])
    renamed = named.rename(lambda column: column.replace("two.", "final."))
    with pytest.raises(UsageError, match="called final"):
        sm.evaluate(renamed)


def test_seen_and_unseen_genes_add_up(pred: pl.DataFrame, table: pl.DataFrame) -> None:
    found = sm.evaluate(pred, training_genes=[GENE, "GHOST"], resamples=20)

    for group, gene in (("seen", GENE), ("unseen", SHORT)):
        alone = sm.evaluate(pred.filter(gene_id=gene), resamples=0).drop("group")
        part = found.filter(group=group).drop("group")
        assert_frame_equal(part.select("metric", "class", "base", "final"),
                           alone.select("metric", "class", "base", "final"))  # fmt: skip
    counts = found.pivot("group", index=["metric", "class"], values="final").filter(
        metric="true_positives"
    )
    assert (counts["seen"] + counts["unseen"]).equals(counts["all"].alias("seen"))
    assert found.filter(group="all")["final"].equals(table["final"])


def test_seen_genes_come_from_the_run_or_the_model(
    scores: pl.DataFrame, model: sm.MetaModel, tmp_path: Path
) -> None:
    pl.DataFrame({"gene_id": [GENE], "position": [1]}).write_parquet(tmp_path / "t.parquet")
    sm.run(scores, model, tmp_path / "out", training_dataset=tmp_path)

    by_run = sm.evaluate(tmp_path / "out", resamples=0)
    unknown = sm.evaluate(scores, model, modes=["base_only"], resamples=0)

    assert set(by_run["group"]) == {"all", "seen", "unseen"}
    assert by_run.filter(group="seen", metric="positions")["base"].item() == 22279
    assert set(unknown["group"]) == {"all"}  # the bundled model saw none of these genes


def test_groups_without_sites_are_left_out(
    pred: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    quiet = pred.with_columns(
        splice_type=pl.when(pl.col("gene_id") == SHORT)
        .then(pl.lit("neither", pred.schema["splice_type"]))
        .otherwise("splice_type")
    )
    with caplog.at_level(logging.WARNING, "splice_meta"):
        found = sm.evaluate(quiet, training_genes=[SHORT], resamples=0)

    assert set(found["group"]) == {"all", "unseen"}
    assert "seen genes have no annotated site" in caplog.text


def test_genes_are_picked_and_absent_ones_named(
    pred: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "splice_meta"):
        found = sm.evaluate(pred, genes=[GENE, "GHOST"], resamples=0)

    assert found.filter(metric="positions")["base"].item() == 22279
    assert "GHOST" in caplog.text


def test_intervals_cover_the_figures(modes: Evaluation) -> None:
    rows = modes.table.filter(pl.col("hybrid_low").is_not_null())

    assert rows.height > 20
    inside = rows.filter(pl.col("metric").str.starts_with("log_loss"))
    assert (inside["hybrid_low"] <= inside["hybrid"]).all()
    assert (inside["hybrid"] <= inside["hybrid_high"]).all()


def test_one_gene_has_no_intervals(pred: pl.DataFrame) -> None:
    found = sm.evaluate(pred, genes=GENE, resamples=20)

    assert found["final"].null_count() == 0
    assert found["final_change_low"].null_count() == found.height


def test_record_is_the_table_as_json(modes: Evaluation) -> None:
    data = json.loads(json.dumps(record(modes, "here", None), allow_nan=False))

    group = data["groups"]["all"]
    assert (group["genes"], group["positions"]) == (2, 46095)
    assert (data["resamples"], data["seed"], data["reference"]) == (50, 0, "base")
    row = modes.table.filter(metric="log_loss_per_site").row(0, named=True)
    assert group["systems"]["hybrid"]["all"]["log_loss_per_site"] == {
        "value": row["hybrid"], "low": row["hybrid_low"], "high": row["hybrid_high"],
        "change": row["hybrid_change"], "change_low": row["hybrid_change_low"],
        "change_high": row["hybrid_change_high"],
    }  # fmt: skip
    assert "change" not in group["systems"]["base"]["all"]["log_loss_per_site"]
    assert len(group["reliability"]) == 4 * 2 * 15


def test_progress_ends_at_its_total(scores: pl.DataFrame, model: sm.MetaModel) -> None:
    started: list[tuple[str, int]] = []
    steps: list[int] = []
    watcher = sm.Watcher(lambda *told: started.append(told), steps.append)

    measure(
        scores, model, modes=["base_only"], resamples=0, progress=watcher,
        settings=sm.RunSettings(memory=4 << 20),
    )  # fmt: skip

    assert len(steps) >= 3
    assert started == [("evaluating", 3 * scores.height)]
    assert sum(steps) == 3 * scores.height


PLAIN = make_scores({"A": list(range(1, 51))})


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda p: sm.evaluate(PLAIN), InputError, "no column splice_type"),
        (lambda p: sm.evaluate(PLAIN.with_columns(splice_type=0)), InputError, "no annotated"),
        (lambda p: sm.evaluate(p.drop("splice_type")), InputError, "no column splice_type"),
        (lambda p: sm.evaluate(p.drop("acceptor_meta")), InputError, "acceptor_meta"),
        (
            lambda p: sm.evaluate(p.with_columns(donor_meta=pl.lit(float("nan")))),
            InputError, "final probability",
        ),
        (
            lambda p: sm.evaluate(p.with_columns(donor_meta=pl.lit("x"))),
            InputError, "is not a number",
        ),
        (lambda p: sm.evaluate("nowhere.parquet"), InputError, "nowhere.parquet"),
        (lambda p: sm.evaluate(p, modes=["hybrid"]), UsageError, "modes cannot be chosen"),
        (lambda p: sm.evaluate(p, genes=["GHOST"]), InputError, "GHOST"),
        (lambda p: sm.evaluate(p, resamples=-1), UsageError, "below 0"),
        (
            lambda p: sm.evaluate(PLAIN.with_columns(splice_type=1), modes=["hybrid"]),
            UsageError, "needs a model",
        ),
        (
            lambda p: sm.evaluate(PLAIN.with_columns(splice_type=1), MODEL, modes=["fast"]),
            UsageError, "'fast'",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_says_why(pred: pl.DataFrame, call, error, words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        call(pred)

    assert caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


def test_runs_without_a_complete_table_or_truth_say_so(
    short_genes: pl.DataFrame, tmp_path: Path
) -> None:
    lean = sm.RunSettings(mode="base_only", columns="lean")
    sm.run(short_genes.drop("splice_type"), None, tmp_path / "lean", settings=lean)
    only_base = sm.RunSettings(mode="base_only", outputs=("base",))
    sm.run(short_genes, None, tmp_path / "base", settings=only_base)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "gene_manifest.json").write_text("{}")

    with pytest.raises(InputError, match="no column splice_type"):
        sm.evaluate(tmp_path / "lean")
    with pytest.raises(OutputError, match="no table"):
        sm.evaluate(tmp_path / "base")
    with pytest.raises(InputError, match="incomplete run"):
        sm.evaluate(tmp_path / "broken")


def test_the_order_of_a_genes_rows_changes_nothing(pred: pl.DataFrame, table: pl.DataFrame) -> None:
    shuffled = pred.sort(
        pl.col("gene_id").rle_id(), np.random.default_rng(0).permutation(pred.height)
    )

    found = sm.evaluate(shuffled, resamples=50)

    assert_frame_equal(found, table)
