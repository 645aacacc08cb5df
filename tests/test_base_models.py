"""Scores of several base models: how they are joined, and what is made from them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import xgboost
from conftest import make_scores
from polars.testing import assert_frame_equal

import splice_meta as sm
from splice_meta.catalogue import CATALOGUE, SCORE_KINDS
from splice_meta.contracts import FINAL, SCORES, scores_of
from splice_meta.errors import ContractError, FeatureError, InputError, ModelError, UsageError
from splice_meta.manifest import FeatureManifest
from splice_meta.model.bundle import MetaModel
from splice_meta.model.margin import Margin
from splice_meta.pipeline.matching import require_base_models
from splice_meta.sources.base_scores import open_scores

MIB = 1 << 20
OF_SCORES = tuple(name for kind in SCORE_KINDS for name in CATALOGUE[kind])

POSITIONS = {"A": [*range(1, 40), 45, 60], "B": list(range(5, 30)), "C": [9]}
FIRST = make_scores(POSITIONS, seed=1)
SECOND = make_scores(POSITIONS, seed=2)


def genes_of(table: pl.DataFrame) -> list[pl.DataFrame]:
    return table.partition_by("gene_id", maintain_order=True)


def other_order(table: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(genes_of(table)[::-1])


def extra_genes(table: pl.DataFrame) -> pl.DataFrame:
    a, b, c = genes_of(table)
    more = make_scores({"Y": [1, 2, 3], "Z": [4]}, seed=9)
    return pl.concat([more[:3], a, more[3:], b, c])


def extra_positions(table: pl.DataFrame) -> pl.DataFrame:
    a, b, c = genes_of(table)
    more = make_scores({"A": [0, 41, 42, 99], "C": [3]}, seed=9)
    return pl.concat([a, more[:4], b, more[4:], c])


def unsorted(table: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(gene.reverse() for gene in genes_of(table))


CHANGES = [pl.DataFrame, other_order, extra_genes, extra_positions, unsorted]


def bits(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Float32).reinterpret(dtype=pl.UInt32))


def expected_join(first: pl.DataFrame, **tables: pl.DataFrame) -> pl.DataFrame:
    """The primary table as it is, and beside it every base model's scores."""
    found = first.select("gene_id", "position", *SCORES, "base")
    for name, table in tables.items():
        named = dict(zip(scores_of(name), map(pl.col, SCORES), strict=True))
        found = found.join(
            table.select("gene_id", "position", **named),
            on=["gene_id", "position"],
            how="left",
            maintain_order="left",
        )
    return found


@pytest.mark.parametrize("change", CHANGES)
def test_scores_are_joined_on_gene_and_position(
    change: Callable[[pl.DataFrame], pl.DataFrame],
) -> None:
    second = change(SECOND)

    found = sm.scan_scores({"a": FIRST, "b": second}).collect()

    assert found.columns == [
        "gene_id", "position", *SCORES, "base", "a.donor_score", "a.acceptor_score",
        "a.neither_score", "b.donor_score", "b.acceptor_score", "b.neither_score",
    ]  # fmt: skip
    assert_frame_equal(found, expected_join(FIRST, a=FIRST, b=SECOND), check_exact=True)


def test_unsorted_primary_scores_are_sorted_with_the_others_beside_them() -> None:
    found = sm.scan_scores({"a": unsorted(FIRST), "b": SECOND}).collect()

    assert_frame_equal(found, expected_join(FIRST, a=FIRST, b=SECOND), check_exact=True)


def test_three_base_models() -> None:
    third = make_scores(POSITIONS, seed=3)

    found = sm.scan_scores({"a": FIRST, "b": other_order(SECOND), "c": third}).collect()

    expected = expected_join(FIRST, a=FIRST, b=SECOND, c=third)
    assert_frame_equal(found, expected, check_exact=True)


def test_one_named_base_model_is_an_unnamed_one_with_a_name() -> None:
    opened = open_scores({"a": FIRST})

    assert opened.names == ("a",)
    assert opened.several == ()
    assert_frame_equal(opened.all_rows().collect(), sm.scan_scores(FIRST).collect())


def test_several_files_under_one_name(tmp_path: Path) -> None:
    SECOND[:20].write_parquet(tmp_path / "s0.parquet")
    SECOND[20:].write_parquet(tmp_path / "s1.parquet")
    FIRST.write_csv(tmp_path / "first.csv")
    files = [tmp_path / "s0.parquet", tmp_path / "s1.parquet"]
    for second in (files, f"{tmp_path}/s*.parquet"):
        opened = open_scores({"a": tmp_path / "first.csv", "b": second})

        assert opened.files == tuple(map(str, [tmp_path / "first.csv", *files]))
        assert_frame_equal(
            opened.all_rows().collect(), expected_join(FIRST, a=FIRST, b=SECOND), check_exact=True
        )


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("genes", [["B"], ["C", "A"]])
def test_only_some_genes(change: Callable[[pl.DataFrame], pl.DataFrame], genes: list[str]) -> None:
    found = sm.scan_scores({"a": FIRST, "b": change(SECOND)}, genes).collect()

    expected = expected_join(FIRST, a=FIRST, b=SECOND).filter(pl.col("gene_id").is_in(genes))
    assert_frame_equal(found, expected, check_exact=True)


@pytest.mark.parametrize("change", CHANGES)
def test_batches_are_the_rows_all_at_once(
    change: Callable[[pl.DataFrame], pl.DataFrame],
) -> None:
    opened = open_scores({"a": FIRST, "b": change(SECOND)})

    parts = [opened.batch(i, i + 1).collect() for i in range(3)]

    assert_frame_equal(pl.concat(parts), opened.all_rows().collect(), check_exact=True)


def test_a_gene_that_is_missing_only_matters_if_it_is_wanted() -> None:
    without = SECOND.filter(pl.col("gene_id") != "B")

    found = sm.scan_scores({"a": FIRST, "b": without}, ["A", "C"]).collect()

    assert found["gene_id"].unique(maintain_order=True).to_list() == ["A", "C"]
    assert open_scores({"a": FIRST, "b": SECOND}, ["A", "GHOST"]).absent == ["GHOST"]


def test_missing_genes_are_named_and_counted() -> None:
    with pytest.raises(ContractError) as caught:
        sm.scan_scores({"spliceai": FIRST, "other": SECOND.filter(pl.col("gene_id") == "C")})

    assert caught.value.message == (
        "The scores of other lack 2 of the 3 genes of spliceai, first A."
    )


def test_missing_positions_are_named_and_counted() -> None:
    lacking = SECOND.filter(~((pl.col("gene_id") == "B") & pl.col("position").is_in([11, 7, 20])))

    for second in (lacking, other_order(lacking), extra_positions(lacking)):
        with pytest.raises(ContractError) as caught:
            sm.scan_scores({"spliceai": FIRST, "other": second})
        assert caught.value.message == (
            "The scores of other lack 3 positions of spliceai, first position 7 of gene B."
        )


def test_as_many_positions_that_are_others_are_not_the_same() -> None:
    moved = SECOND.with_columns(
        position=pl.when(pl.col("position") == 60).then(61).otherwise("position")
    )

    with pytest.raises(ContractError, match="lack 1 positions of a, first position 60 of gene A"):
        sm.scan_scores({"a": FIRST, "b": moved})


@pytest.mark.parametrize("name", ["", "1a", "a b", "a.b", "-a", "a=b", 7, "a\n"])
def test_names_that_are_none_are_refused(name: Any) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a base model"):
        sm.scan_scores({name: FIRST})


@pytest.mark.parametrize("name", ["a", "SpliceAI", "open-splice_ai2"])
def test_plain_names_are_taken(name: str) -> None:
    assert f"{name}.donor_score" in sm.scan_scores({"x": FIRST, name: SECOND}).collect_schema()


def test_no_base_model_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="No base scores"):
        sm.scan_scores({})


def test_what_is_wrong_with_the_second_table_is_said() -> None:
    bad = SECOND.with_columns(donor_score=pl.lit(2.0))
    with pytest.raises(ContractError, match="donor_score"):
        sm.scan_scores({"a": FIRST, "b": bad})
    with pytest.raises(InputError, match=r"nowhere\.parquet"):
        sm.scan_scores({"a": FIRST, "b": "nowhere.parquet"})


# ------------------------------------------------------------- a joined table that is read again


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_joined_table_can_be_kept_and_read_again(tmp_path: Path, kind: str) -> None:
    joined = sm.scan_scores({"a": FIRST, "b": SECOND}).collect()
    path = tmp_path / f"joined.{kind}"
    joined.write_parquet(path) if kind == "parquet" else joined.write_csv(path)

    opened = open_scores(path)

    assert opened.names == ("a", "b")
    assert_frame_equal(opened.all_rows().collect(), joined, check_exact=True)


@pytest.mark.parametrize("value", [None, float("nan"), 7.0])
def test_named_scores_of_a_joined_table_are_checked(value: float | None) -> None:
    joined = sm.scan_scores({"a": FIRST, "b": SECOND}).collect()
    bad = joined.with_columns(
        pl.when(pl.col("gene_id") == "B")
        .then(pl.lit(value, pl.Float32))
        .otherwise("b.donor_score")
        .alias("b.donor_score")
    )

    with pytest.raises(ContractError, match=r"b\.donor_score .* wrong in 25 rows .* gene B"):
        sm.scan_scores(bad)


@pytest.mark.parametrize("change", [pl.DataFrame, other_order])
def test_scores_given_under_a_name_win_over_columns_of_that_name(
    change: Callable[[pl.DataFrame], pl.DataFrame],
) -> None:
    joined = sm.scan_scores({"a": FIRST, "b": SECOND}).collect()
    third = make_scores(POSITIONS, seed=3)

    found = sm.scan_scores({"a": joined, "b": change(third)}).collect()

    expected = expected_join(FIRST, a=FIRST, b=third)
    assert_frame_equal(found, expected, check_exact=True)


# -------------------------------------------------------------------------------------- features


def named(names: tuple[str, ...], *base_models: str) -> FeatureManifest:
    return FeatureManifest(tuple(f"{b}.{name}" for b in base_models for name in names))


def unnamed_features(table: pl.DataFrame, **options: Any) -> pl.DataFrame:
    return sm.plan_features(table, FeatureManifest(OF_SCORES), **options).collect()


@pytest.mark.parametrize("change", CHANGES)
def test_named_features_are_those_of_each_table_alone(
    change: Callable[[pl.DataFrame], pl.DataFrame],
) -> None:
    manifest = named(OF_SCORES, "a", "b")

    found = sm.plan_features({"a": FIRST, "b": change(SECOND)}, manifest).collect()

    assert found.columns == ["gene_id", "position", *manifest.names]
    for base_model, table in (("a", FIRST), ("b", SECOND)):
        mine = found.select(
            "gene_id", "position", **{n: pl.col(f"{base_model}.{n}") for n in OF_SCORES}
        )
        assert bits(mine).equals(bits(unnamed_features(table)))


def test_named_features_of_picked_rows_follow_the_primary_base_model() -> None:
    selection = sm.Selection(target_rate=0.2)

    found = sm.plan_features(
        {"a": FIRST, "b": SECOND}, named(OF_SCORES, "b", "a"), selection=selection
    ).collect()

    picked = sm.predict(FIRST, mode="base_only", selection=selection)["is_uncertain"]
    for base_model, table in (("a", FIRST), ("b", SECOND)):
        mine = found.select(
            "gene_id", "position", **{n: pl.col(f"{base_model}.{n}") for n in OF_SCORES}
        )
        assert bits(mine).equals(bits(unnamed_features(table).filter(picked)))


def test_named_and_unnamed_features_may_stand_together() -> None:
    # Those without a name are of the primary base model.
    names = ("donor_logodds", "b.donor_logodds", "context_max", "b.context_max", "donor_score")

    found = sm.plan_features({"a": FIRST, "b": SECOND}, FeatureManifest(names)).collect()

    alone = [unnamed_features(table) for table in (FIRST, SECOND)]
    for table, front in zip(alone, ("", "b."), strict=True):
        for name in ("donor_logodds", "context_max"):
            assert found[front + name].equals(table[name])
    assert found["donor_score"].equals(FIRST["donor_score"])


def test_manifests_known_by_name_list_each_base_model() -> None:
    found = sm.plan_features({"a": FIRST, "b": SECOND}, "extended")
    single = sm.plan_features({"a": FIRST}, "extended")

    names = found.collect_schema().names()
    assert names[2:5] == ["a.donor_score", "a.acceptor_score", "a.neither_score"]
    assert "b.donor_sum_upstream_500" in names
    assert names[-3:] == ["positions_from_start", "positions_to_end", "relative_position"]
    assert single.collect_schema().names()[2:5] == list(SCORES)


def test_features_of_a_base_model_that_is_not_there_are_refused() -> None:
    for scores in (FIRST, {"a": FIRST, "b": SECOND}):
        with pytest.raises(FeatureError, match="base scores of c"):
            sm.plan_features(scores, named(("donor_logodds",), "c"))


# ---------------------------------------------------------------------- nothing sees the truth


def leak() -> dict[str, pl.Expr]:
    return {"mine": (pl.col("splice_type") == "donor").cast(pl.Float32)}


def test_custom_features_that_read_the_truth_are_refused() -> None:
    table = FIRST.with_columns(splice_type=pl.lit("neither"))
    settings = sm.FeatureSettings(custom={"leaky": leak})

    with pytest.raises(FeatureError, match="'mine' of the custom family 'leaky' reads splice_type"):
        sm.plan_features(table, FeatureManifest(("mine",)), features=settings)


@pytest.mark.parametrize(
    "expr",
    [
        pl.col("^splice_t.*$").cast(pl.Float32),
        pl.nth(5).cast(pl.String).str.len_chars(),  # splice_type, were it there
        pl.struct(pl.all()).struct.field("splice_type").cast(pl.Float32),
    ],
)
def test_custom_features_cannot_reach_the_truth_by_other_ways(expr: pl.Expr) -> None:
    table = FIRST.drop("base").with_columns(splice_type=pl.lit("donor"))
    manifest = FeatureManifest(("mine",))
    options: Any = {"features": sm.FeatureSettings(custom={"leaky": lambda: {"mine": expr}})}

    def outcome(scores: pl.DataFrame) -> Any:
        try:
            return sm.plan_features(scores, manifest, **options).collect()["mine"].to_list()
        except (pl.exceptions.PolarsError, FeatureError) as error:
            return type(error)

    assert outcome(table) == outcome(table.drop("splice_type"))


def test_features_are_the_same_with_and_without_truth() -> None:
    truth = pl.Series("splice_type", ["donor", "neither", "acceptor"] * FIRST.height)

    for manifest in ("reference124", "extended"):
        plain = sm.plan_features(FIRST, manifest).collect()
        labelled = FIRST.with_columns(truth.head(FIRST.height))
        assert sm.plan_features(labelled, manifest).collect().equals(plain)


# ----------------------------------------------------------------------------------- predictions

NAMES = (
    *scores_of("a"), "b.donor_score", "b.acceptor_score", "a.donor_logodds",
    "b.nearest_acceptor_upstream_distance", "b.donor_sum_downstream_500", "b.context_max",
    "a.acceptor_signal_strength", "relative_position", "3mer_AAA",
)  # fmt: skip
WEIGHTS = (0.3, 0.7)


def make_model(
    names: tuple[str, ...] = NAMES, margin: Margin | None = None, base_models: Any = ("a", "b")
) -> MetaModel:
    rng = np.random.default_rng(3)
    x = rng.random((300, len(names))).astype(np.float32)
    data = xgboost.DMatrix(x, rng.integers(0, 3, 300), feature_names=list(names))
    parameters = {"objective": "multi:softprob", "num_class": 3, "max_depth": 2, "seed": 1}
    parameters["nthread"] = 1  # a tiny model is slowed down by threads
    return MetaModel(
        manifest=FeatureManifest(names),
        boosters=(xgboost.train(parameters, data, 4),),
        margin=margin,
        base_models=base_models,
    )


LONG = {"A": list(range(1, 4001)), "B": list(range(3, 2600)), "C": [4], "D": list(range(900))}
LONG_FIRST, LONG_SECOND = make_scores(LONG, seed=4), make_scores(LONG, seed=5)


@pytest.mark.parametrize(
    ("weights", "used"), [(WEIGHTS, WEIGHTS), ((), (0.5, 0.5)), ((1.0, 0.0), (1.0, 0.0))]
)
def test_margin_is_the_logarithm_of_the_weighted_mean(
    weights: tuple[float, ...], used: tuple[float, float]
) -> None:
    model = make_model(margin=Margin(floor=1e-6, weights=weights))

    found = sm.predict({"a": FIRST, "b": other_order(SECOND)}, model, mode="meta_only")

    features = sm.plan_features({"a": FIRST, "b": SECOND}, model.manifest).collect()
    expected = []
    for i, row in enumerate(features.select(NAMES).iter_rows()):
        data = xgboost.DMatrix(np.array([row], np.float32), feature_names=list(NAMES))
        mean = [
            used[0] * FIRST[f"{c}_score"][i] + used[1] * SECOND[f"{c}_score"][i]
            for c in model.classes
        ]
        data.set_base_margin(np.log(np.maximum([mean], 1e-6)))
        expected.append(model.boosters[0].predict(data)[0])
    got = found.select(f"{name}_meta" for name in model.classes).to_numpy()
    np.testing.assert_allclose(got, np.array(expected), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("weights", [(0.5, 0.6), (-0.5, 1.5)])
def test_weights_that_are_none_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(ModelError, match="weights of the base models"):
        Margin(weights=weights)


@pytest.mark.parametrize("mode", ["hybrid", "meta_only"])
@pytest.mark.parametrize("change", [pl.DataFrame, pl.DataFrame.reverse])
def test_predictions_do_not_depend_on_the_memory_budget(
    mode: Any, change: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    # Reversed: other order of the genes, and positions that fall.
    model = make_model(margin=Margin(weights=WEIGHTS))
    scores = {"a": LONG_FIRST, "b": change(LONG_SECOND)}

    together = sm.predict(scores, model, mode=mode)
    small = sm.predict(
        scores, model, settings=sm.RunSettings(mode=mode, memory=MIB, predict_rows=97)
    )
    alone = pl.concat(sm.predict(scores, model, mode=mode, genes=gene) for gene in LONG)

    assert small.equals(together)
    assert alone.equals(together)
    assert len(list(open_scores(scores).batches(MIB, 260))) > 1


def test_confident_positions_keep_the_primary_scores() -> None:
    model = make_model(margin=Margin(weights=WEIGHTS))

    found = sm.predict({"a": LONG_FIRST, "b": LONG_SECOND}, model)

    assert found.select("gene_id", "position", *SCORES).equals(
        LONG_FIRST.select("gene_id", "position", *SCORES)
    )
    kept = found.filter(~pl.col("is_adjusted"))
    assert 0 < kept.height < found.height
    for final, score in zip(FINAL, SCORES, strict=True):
        assert kept[final].equals(kept[score])
    base = sm.predict(LONG_FIRST, mode="base_only")
    assert found["is_uncertain"].equals(base["is_uncertain"])
    assert not any("." in name for name in found.columns)


def test_bundle_keeps_weights_and_base_models(tmp_path: Path) -> None:
    model = make_model(margin=Margin(weights=WEIGHTS))

    model.save(tmp_path / "bundle")
    again = sm.load_model(tmp_path / "bundle")

    assert (again.margin, again.base_models) == (model.margin, ("a", "b"))
    scores = {"a": FIRST, "b": SECOND}
    assert sm.predict(scores, again).equals(sm.predict(scores, model))


@pytest.mark.parametrize(
    ("scores", "advice", "given"),
    [
        ({"a": FIRST}, "Score the genes with b ", "a"),
        ({"b": FIRST}, "Score the genes with a ", "b"),
        ({"a": FIRST, "c": SECOND}, "Score the genes with b ", "a, c"),
        (FIRST, "Say which table each of them made", "scores without a name"),
    ],
)
def test_missing_base_model_is_named(scores: Any, advice: str, given: str) -> None:
    with pytest.raises(UsageError) as caught:
        sm.predict(scores, make_model())

    assert caught.value.message == f"The model needs base scores of a and b; given are {given}."
    assert caught.value.hint.startswith(advice)


SINGLE = make_model(("donor_score", "context_max"), Margin(), ("a",))


def test_model_of_one_base_model_refuses_scores_under_another_name() -> None:
    with pytest.raises(UsageError, match="needs base scores of a first; given are b"):
        sm.predict({"b": FIRST}, SINGLE)


def test_model_of_one_base_model_takes_its_name_or_none() -> None:
    plain = sm.predict(FIRST, SINGLE)

    assert sm.predict({"a": FIRST}, SINGLE).equals(plain)
    assert sm.predict({"a": FIRST, "b": SECOND}, SINGLE).equals(plain)
    assert sm.predict({"b": SECOND, "a": FIRST}, SINGLE).equals(plain)


def test_model_of_several_whose_features_name_none_needs_the_first() -> None:
    model = make_model(("donor_score", "context_max"), Margin(), ("a", "b"))

    plain = sm.predict(FIRST, model)

    assert sm.predict({"a": FIRST, "b": SECOND}, model).equals(plain)
    assert sm.predict({"a": FIRST}, model).equals(plain)
    assert sm.predict({"b": SECOND, "a": FIRST}, model).equals(plain)


def test_model_that_names_no_base_model_takes_any_scores() -> None:
    model = make_model(("donor_score", "context_max"), Margin(), ())

    require_base_models(model, open_scores({"x": FIRST}))
    require_base_models(None, open_scores({"x": FIRST}))
    assert sm.predict({"x": FIRST}, model).equals(sm.predict(FIRST, model))
