"""Training end to end on the bundled genes."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import splice_meta as sm
from splice_meta.catalogue import GENOMIC
from splice_meta.errors import (
    ContractError,
    FeatureError,
    InputError,
    ManifestError,
    SpliceMetaError,
    UsageError,
)
from splice_meta.manifest import FeatureManifest
from splice_meta.pipeline.comparing import compare_scores, count_scores
from splice_meta.report.describe_model import describe_model
from splice_meta.training.boost import make_problem
from splice_meta.training.cross_validation import best_round, cross_validate
from splice_meta.training.rows import collect_rows
from splice_meta.training.start import empty_model
from splice_meta.training.subject import open_training

QUICK = sm.TrainSettings(rounds=12, patience=12, folds=3, repeats=1, threads=1, parallel_trees=1)


@pytest.fixture(scope="module")
def trained(demo_path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[sm.MetaModel, Path]:
    held_out = tmp_path_factory.mktemp("training") / "held_out.parquet"
    model = sm.train(demo_path, settings=QUICK, base_model="osai", held_out=held_out)
    return model, held_out


@pytest.fixture(scope="module")
def other_model_scores(demo_scores: pl.DataFrame) -> pl.DataFrame:
    # A second base model: the first one's scores, pulled half way towards "neither".
    donor, acceptor = (pl.col(f"{t}_score") * 0.5 for t in ("donor", "acceptor"))
    return demo_scores.with_columns(
        donor_score=donor, acceptor_score=acceptor, neither_score=1 - donor - acceptor
    )


def test_held_out_genes_are_predicted_better_than_by_the_base_model(
    trained: tuple[sm.MetaModel, Path],
) -> None:
    systems = trained[0].metadata["card"]["systems"]

    base, meta = systems["base"]["all"], systems["meta_model"]["all"]
    assert meta["log_loss_per_site"]["value"] < base["log_loss_per_site"]["value"]
    assert meta["brier_per_site"]["value"] < base["brier_per_site"]["value"]


def test_the_card_stands_for_complete_coverage(
    trained: tuple[sm.MetaModel, Path], demo_scores: pl.DataFrame
) -> None:
    model, held_out = trained
    card, rows = model.metadata["card"], pl.read_parquet(held_out)

    assert card["positions"] == pytest.approx(demo_scores.height)
    assert card["sites"] == demo_scores.filter(pl.col("splice_type") != 0).height
    assert rows["weight"].sum() == pytest.approx(demo_scores.height)
    assert rows.height == model.metadata["training"]["rows"] < demo_scores.height / 10
    # The log-loss of the sampled rows estimates that of every position.
    whole = sm.evaluate(demo_scores, resamples=0)
    exact = whole.filter(metric="log_loss_per_site")["base"].item()
    figure = card["systems"]["base"]["all"]["log_loss_per_site"]["value"]
    assert figure == pytest.approx(exact, rel=0.01)


def test_the_card_tells_where_the_model_is_how_good(
    trained: tuple[sm.MetaModel, Path], demo_scores: pl.DataFrame
) -> None:
    card = trained[0].metadata["card"]

    # "osai" is not a known base model, so it is not known if chromosome 4 trained it.
    assert [part["part"] for part in card["by_chromosome"]] == ["4"]
    assert card["by_chromosome"][0]["base_trained"] is None
    for parts in (card["by_chromosome"], card["by_gene_length"]):
        assert sum(part["sites"] for part in parts) == pytest.approx(card["sites"])
    whole = {part["part"]: part for part in card["by_distance"]}
    assert whole["annotated"]["positions"] == pytest.approx(card["sites"])
    losses = [part["systems"]["meta_model"]["log_loss"] for part in card["by_distance"]]
    figure = card["systems"]["meta_model"]["all"]["log_loss_per_site"]["value"]
    assert sum(losses) / card["sites"] == pytest.approx(figure)
    bins = [row for row in card["reliability"] if row["class"] == "donor"]
    assert {row["system"] for row in bins} == {"base", "meta_model"}
    # As a run over the same scores says it.
    (near,) = card["score_distances"]
    model = trained[0]
    counts = [count_scores(model, [demo_scores.sort("gene_id", "position")])]
    expected = compare_scores(model, counts)["osai"]
    assert near == {"base_model": "", "part": "4", "genes": "training"} | asdict(expected)


def test_known_base_models_say_which_chromosomes_they_saw(demo_path: Path) -> None:
    def trained_on(name: str, said: tuple[str, ...] | None = None) -> frozenset[str] | None:
        return open_training(demo_path, base_model=name, base_trained_chroms=said).base_trained

    assert "4" in (trained_on("openspliceai-mane") or ())
    assert not {"1", "3", "5", "7", "9"} & (trained_on("openspliceai") or {"1"})
    assert trained_on("openspliceai-mouse") is None
    assert trained_on("mine") is None
    assert trained_on("mine", ("chr4", "8")) == {"4", "8"}
    assert trained_on("openspliceai", ()) == frozenset()


def test_training_gives_the_same_bits_again(
    trained: tuple[sm.MetaModel, Path], demo_path: Path, demo_scores: pl.DataFrame
) -> None:
    again = sm.train(demo_path, settings=replace(QUICK, threads=3), base_model="osai")
    batched = sm.train(demo_path, settings=replace(QUICK, memory=20 << 20), base_model="osai")
    other = sm.train(demo_path, settings=replace(QUICK, seed=5), base_model="osai")
    genes = demo_scores.partition_by("gene_id", maintain_order=True)
    turned = sm.train(pl.concat(genes[::-1]), settings=QUICK, base_model="osai")

    assert again.digest() == trained[0].digest()
    assert batched.digest() == trained[0].digest()
    assert turned.digest() == trained[0].digest()
    assert other.digest() != trained[0].digest()


def test_few_genes_are_cross_validated_three_times() -> None:
    assert [sm.TrainSettings().repeats_for(genes) for genes in (5, 99, 100, 500)] == [3, 3, 1, 1]
    assert sm.TrainSettings(repeats=2).repeats_for(500) == 2


def test_a_fold_does_not_see_its_own_labels(demo_path: Path) -> None:
    subject = open_training(demo_path)
    settings = replace(QUICK, rounds=1)
    rows = collect_rows(subject.scores, subject.manifest, settings, lambda done: None)
    problem = make_problem(rows, empty_model(rows, settings, ()), settings)
    genes = rows.frame["gene_id"].rle_id().cast(pl.Int64).to_numpy()
    held = genes == 0
    shuffled = problem.truth.copy()
    shuffled[held] = np.random.default_rng(0).permutation(shuffled[held])

    plain = cross_validate(problem, [genes], lambda done: None).probabilities
    changed = cross_validate(replace(problem, truth=shuffled), [genes], lambda done: None)

    np.testing.assert_array_equal(changed.probabilities[held], plain[held])
    assert (changed.probabilities[~held] != plain[~held]).any()


def test_a_calibration_that_harms_held_out_genes_is_said_to(
    demo_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Two folds: each calibration is fitted to two or three genes.
    model = sm.train(demo_path, settings=replace(QUICK, folds=2))

    assert model.calibration is not None
    assert "calibration none may be better" in caplog.text


def test_rounds_that_harm_all_rows_together_are_not_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # The third round has the least mean over folds, but is worse over all rows.
    assert best_round([0.9, 0.8, 0.7, 0.95], [0.95, 0.9, 1.1, 1.2]) == 2
    assert best_round([0.9, 0.8], [1.1, 1.2]) == 1
    assert "too few genes" in caplog.text


def test_shuffled_labels_come_out_at_chance(demo_path: Path) -> None:
    model = sm.train(demo_path, settings=replace(QUICK, rounds=25), control=True)

    for name, figures in model.metadata["card"]["shuffled_labels"].items():
        real = model.metadata["card"]["systems"]["meta_model"][name]["average_precision"]["value"]
        assert abs(figures["average_precision"] - figures["chance"]) < 0.08
        assert real > figures["average_precision"] + 0.5


@pytest.mark.parametrize(
    "changes",
    [
        {"multi_strategy": "one_output_per_tree"},
        {"kind": "three_binary"},
        {"residual": False, "rounds": 20},
        {"kind": "three_binary", "residual": False, "rounds": 20},
        {"calibration": "platt"},
        {"calibration": "isotonic"},
        {"calibration": "none"},
    ],
)
def test_every_kind_of_model_is_saved_and_predicts(
    demo_path: Path, demo_scores: pl.DataFrame, tmp_path: Path, changes: dict[str, object]
) -> None:
    model = sm.train(demo_path, settings=replace(QUICK, **changes))
    gene = demo_scores["gene_id"][0]

    again = sm.load_model(model.save(tmp_path / "bundle"))

    pred = sm.predict(demo_path, model, mode="meta_only", genes=gene)
    assert pred.equals(sm.predict(demo_path, again, mode="meta_only", genes=gene))
    sums = pred.select(pl.sum_horizontal("donor_meta", "acceptor_meta", "neither_meta"))
    assert sums.to_series().is_between(1 - 1e-5, 1 + 1e-5).all()
    assert again.kind == model.kind
    assert (again.margin is None) == (changes.get("residual") is False)
    assert again.metadata["card"] == json.loads(json.dumps(model.metadata["card"]))


def test_several_base_models_go_into_one_model(
    demo_scores: pl.DataFrame, other_model_scores: pl.DataFrame, tmp_path: Path
) -> None:
    scores = {"first": demo_scores, "second": other_model_scores}
    model = sm.train(scores, settings=QUICK)

    again = sm.load_model(model.save(tmp_path / "bundle"))

    assert again.base_models == ("first", "second")
    assert again.manifest.base_models == ("first", "second")
    assert sum(again.margin.weights) == pytest.approx(1)
    # The first one is nearer to the truth at every site.
    assert again.margin.weights[0] > 0.9
    gene = demo_scores["gene_id"][0]
    pred = sm.predict(scores, again, genes=gene)
    assert pred.equals(sm.predict(scores, model, genes=gene))
    one = demo_scores.filter(gene_id=gene)
    assert pred.select("donor_score").equals(one.select("donor_score"))
    with pytest.raises(UsageError, match="needs base scores of first and second"):
        sm.predict({"first": demo_scores}, again)


def test_test_chromosomes_are_tested_on_and_not_trained_on(demo_scores: pl.DataFrame) -> None:
    genes = demo_scores["gene_id"].unique(maintain_order=True).to_list()
    far = demo_scores.with_columns(
        chrom=pl.when(pl.col("gene_id").is_in(genes[:2])).then(pl.lit("chr9")).otherwise("chrom")
    )

    model = sm.train(far, settings=QUICK, test_chroms=["9"], leave_out=[genes[2]])

    assert sorted(model.training_genes) == sorted(genes[3:])
    test = model.metadata["card"]["test"]
    assert test["chromosomes"] == ["chr9"]
    assert test["positions"] == far.filter(pl.col("gene_id").is_in(genes[:2])).height
    expected = sm.evaluate(far, model, genes=genes[:2], modes=("hybrid",), resamples=0)
    row = expected.filter(metric="log_loss_per_site")
    figures = test["systems"]["hybrid"]["all"]["log_loss_per_site"]
    assert figures["value"] == pytest.approx(row["hybrid"].item())
    kept = [far.filter(pl.col("gene_id").is_in(g)) for g in (genes[3:], genes[:2])]
    for said, rows in zip(model.metadata["card"]["score_distances"], kept, strict=True):
        counts = count_scores(model, [rows.sort("gene_id", "position")])
        assert said.items() >= asdict(compare_scores(model, [counts])[""]).items()
        assert said["distance"] is not None
        assert said["genes"] == ("test" if said["part"] == "9" else "training")
    said = dict(describe_model(model))["Distance of the scores"]
    assert "training chromosomes" in said
    assert "test chromosomes" in said


def test_genes_the_base_model_saw_count_less_where_there_are_others(
    demo_scores: pl.DataFrame,
) -> None:
    gene = demo_scores["gene_id"][0]
    moved = demo_scores.with_columns(
        chrom=pl.when(pl.col("gene_id") == gene).then(pl.lit("chr9")).otherwise("chrom")
    )
    settings = replace(QUICK, base_trained_weight=0.25)

    def share(scores: pl.DataFrame) -> dict[str, float]:
        subject = open_training(scores, base_model="openspliceai")
        rows = collect_rows(subject.scores, subject.manifest, settings, lambda done: None)
        blank = empty_model(rows, settings, ())
        problem = make_problem(rows, blank, settings, subject.base_trained_genes)
        counted = rows.frame.select("gene_id", share=problem.weight / problem.positions)
        assert counted.unique().height == counted["gene_id"].n_unique()
        return dict(counted.unique().iter_rows())

    assert set(share(demo_scores).values()) == {1.0}
    assert share(moved) == {g: 1.0 if g == gene else 0.25 for g in moved["gene_id"].unique()}


def test_a_usage_grades_the_truth(demo_scores: pl.DataFrame) -> None:
    half = demo_scores.with_columns(
        usage=pl.when(pl.col("splice_type") == 1).then(0.25)
        .when((pl.col("splice_type") == 2) & (pl.col("position") % 2 == 0)).then(0.0)
    )  # fmt: skip

    def rows_of(scores: pl.DataFrame) -> pl.DataFrame:
        subject = open_training(scores)
        return collect_rows(subject.scores, subject.manifest, QUICK, lambda done: None).frame

    plain, graded = rows_of(demo_scores), rows_of(half)

    assert graded["weight"].sum() == pytest.approx(plain["weight"].sum())
    sums = dict(graded.group_by(pl.col("truth").cast(pl.String)).agg(pl.sum("weight")).iter_rows())
    donors = demo_scores.filter(splice_type=1).height
    unused = pl.col("position") % 2 == 0
    acceptors = demo_scores.filter(~unused, splice_type=2).height
    assert sums["donor"] == pytest.approx(donors * 0.25)
    assert sums["acceptor"] == acceptors
    keys = graded.group_by("gene_id", "position").agg(rows=pl.len())
    assert keys["rows"].sum() == plain.height + donors


def test_the_default_manifests_lack_what_counts_annotated_sites(
    demo_scores: pl.DataFrame, tmp_path: Path
) -> None:
    carried = demo_scores.with_columns(num_exons=7.0, n_splice_sites=12.0)
    listed = FeatureManifest(("splice_probability", "num_exons"))
    (tmp_path / "own.csv").write_text(listed.to_csv())

    plain = open_training(carried, manifest="reference124").manifest
    asked = open_training(carried, manifest="reference124", annotation_features=True).manifest
    own = open_training(carried, manifest=tmp_path / "own.csv").manifest

    assert not set(GENOMIC) & set(plain.names)
    assert {"num_exons", "n_splice_sites", "chrom"} == set(GENOMIC) & set(asked.names)
    assert own.names == listed.names


def test_features_that_cannot_be_made_are_left_out(
    demo_scores: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    found = open_training(demo_scores.drop("base"), manifest="reference124").manifest

    assert not found.of_kind("kmer", "sequence")
    assert "Left out of the model: 64 k-mer features" in caplog.text


@pytest.mark.parametrize(
    ("change", "arguments", "error", "words"),
    [
        (lambda s: s.drop("splice_type"), {}, InputError, "no column splice_type"),
        (lambda s: s.with_columns(splice_type=0), {}, InputError, "no annotated splice site"),
        (
            lambda s: s,
            {"manifest": FeatureManifest(("splice_probability", "is_uncertain"))},
            ManifestError,
            "derived from the labels",
        ),
        (lambda s: s, {"test_chroms": ["7"]}, UsageError, "No gene lies on the test chromosome 7"),
        (lambda s: s, {"test_chroms": ["chr4"]}, UsageError, "All genes lie on test chromosomes"),
        (lambda s: s, {"base_trained_chroms": ["7"]}, UsageError, "said to be trained on"),
        (
            lambda s: s,
            {"settings": replace(QUICK, split="chromosome")},
            InputError,
            "only one chromosome",
        ),
        (lambda s: s, {"manifest": "nowhere.csv"}, ManifestError, "cannot be read"),
        (lambda s: s.drop("donor_score"), {}, ContractError, "no column donor_score"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(
    demo_scores: pl.DataFrame,
    change: object,
    arguments: dict[str, object],
    error: type[SpliceMetaError],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        sm.train(change(demo_scores), **{"settings": QUICK, **arguments})


def test_a_feature_cannot_read_the_truth(demo_scores: pl.DataFrame) -> None:
    leak = sm.FeatureSettings(
        custom={"leak": lambda: {"hint": (pl.col("splice_type") != "neither").cast(pl.Float64)}}
    )

    with pytest.raises(FeatureError, match="reads splice_type, the truth"):
        sm.plan_features(demo_scores, FeatureManifest(("hint",)), features=leak)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("folds", 1), ("repeats", -1), ("learning_rate", 0), ("subsample", 1.5), ("candidate", 0.0),
     ("kind", "forest"), ("split", "exon"), ("calibration", "beta"), ("depth", 0),
     ("multi_strategy", "x"), ("base_trained_weight", 0)],
)  # fmt: skip
def test_settings_out_of_range_are_refused(setting: str, value: object) -> None:
    with pytest.raises(UsageError, match="Give"):
        sm.TrainSettings(**{setting: value})
