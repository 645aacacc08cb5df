"""Figures of scores of variants, against scikit-learn and plain counting."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

import splice_meta as sm
from splice_meta.cli.app import run_command
from splice_meta.errors import InputError, UsageError

KINDS = ("acceptor_gain", "acceptor_loss", "donor_gain", "donor_loss")
SHARED = Path(__file__).parents[2] / "shared/data/variants/validated_variants_grch38.tsv"


def variants(rows: int = 60, seed: int = 0) -> pl.DataFrame:
    """Variants of 9 genes, two scores with ties that know a part of the truth."""
    r = np.random.default_rng(seed)
    truth = r.random(rows) < 0.4
    return pl.DataFrame(
        {
            "chrom": [f"chr{1 + n % 3}" for n in range(rows)],
            "pos": [100 + 7 * n for n in range(rows)],
            "ref": ["A"] * rows,
            "alt": ["C"] * rows,
            "gene": [f"G{n % 9}" for n in range(rows)],
            "affects": truth.astype(int),
            "a": np.round(np.clip(truth * 0.4 + r.random(rows) * 0.6, 0, 1), 1),
            "b": np.round(r.random(rows), 1),
        }
    )


def naive(truth: np.ndarray, score: np.ndarray, threshold: float) -> dict[str, float]:
    called = score >= threshold
    hits, wrong = int((called & truth).sum()), int((called & ~truth).sum())
    return {
        "sensitivity": hits / truth.sum(),
        "precision": hits / (hits + wrong) if hits + wrong else math.nan,
        "specificity": 1 - wrong / (~truth).sum(),
    }


def best(truth: np.ndarray, score: np.ndarray) -> float:
    def f1(threshold: float) -> float:
        called = score >= threshold
        return 2 * (called & truth).sum() / (called.sum() + truth.sum())

    return max(sorted(set(score), reverse=True), key=lambda each: round(f1(each), 12))


def by_metric(table: pl.DataFrame) -> dict[tuple[str, float | None], dict[str, Any]]:
    return {(row["metric"], row["threshold"]): row for row in table.iter_rows(named=True)}


@given(seed=st.integers(0, 10**6), rows=st.integers(4, 80))
@settings(max_examples=40, deadline=None)
def test_figures(seed: int, rows: int) -> None:
    table = variants(rows, seed)
    truth = table["affects"].to_numpy().astype(bool)
    if not 0 < truth.sum() < rows:
        with pytest.raises(InputError, match="change splicing"):
            sm.evaluate_variants(table, "affects", scores=["a"])
        return

    found = by_metric(sm.evaluate_variants(table, "affects", scores=["a", "b"], resamples=0))

    for name in ("a", "b"):
        score = table[name].to_numpy()
        best_at = best(truth, score)
        wanted = {
            ("auroc", None): roc_auc_score(truth, score),
            ("average_precision", None): average_precision_score(truth, score),
            ("best_threshold", None): best_at,
            ("variants", None): rows, ("affecting", None): truth.sum(), ("without_value", None): 0,
            **{(f"best_{k}", None): v for k, v in naive(truth, score, best_at).items()},
            **{(k, t): v for t in (0.2, 0.5, 0.8) for k, v in naive(truth, score, t).items()},
        }  # fmt: skip
        assert found.keys() == wanted.keys()
        for key, value in wanted.items():
            got = found[key][name]
            assert (math.isnan(value) and got is None) or got == pytest.approx(value), (name, key)
    for row in found.values():
        if row["a"] is not None and row["b"] is not None:
            assert row["b_change"] == pytest.approx(row["b"] - row["a"])


def test_intervals_are_of_genes_drawn_alike() -> None:
    table, resamples = variants(200, 3), 60
    genes = sorted(set(table["gene"]))
    draws = np.random.default_rng(5).integers(0, len(genes), (resamples, len(genes)))
    drawn: dict[str, list[float]] = {"a": [], "b": []}
    for draw in draws:
        part = pl.concat([table.filter(gene=genes[n]) for n in draw])
        for name, values in drawn.items():
            values.append(roc_auc_score(part["affects"], part[name]))
    change = np.array(drawn["b"]) - np.array(drawn["a"])

    found = sm.evaluate_variants(
        table, "affects", scores=["a", "b"], resamples=resamples, seed=5, thresholds=[0.5]
    )
    row = by_metric(found)["auroc", None]

    for name, values in {**drawn, "b_change": change}.items():
        low, high = np.quantile(values, (0.025, 0.975))
        assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx((low, high))


def test_variants_without_a_value(caplog: pytest.LogCaptureFixture) -> None:
    table = variants(90).with_columns(
        a=pl.when(pl.col("pos") % 5 != 0).then("a"),
        affects=pl.when(pl.col("pos") % 11 != 0).then("affects"),
    )
    known = table.drop_nulls("affects")

    out = by_metric(sm.evaluate_variants(table, "affects", scores=["a", "b"], resamples=0))
    low = by_metric(
        sm.evaluate_variants(table, "affects", scores=["a", "b"], resamples=0, missing="zero")
    )

    kept = known.drop_nulls("a")
    assert out["variants", None]["a"] == kept.height
    assert out["without_value", None]["a"] == known["a"].null_count() > 0
    assert out["auroc", None]["b"] == pytest.approx(roc_auc_score(kept["affects"], kept["b"]))
    assert low["auroc", None]["a"] == pytest.approx(
        roc_auc_score(known["affects"], known["a"].fill_null(0))
    )
    lacking = known["a"].null_count()
    assert (
        f"{table.height - known.height} variants have no truth; they are left out." in caplog.text
    )
    assert f"{lacking} variants have no value of a." in caplog.text
    assert f"{lacking} variants without a value are left out for all systems." in caplog.text
    assert "What has no value counts as 0." in caplog.text


def results_of(table: pl.DataFrame) -> pl.DataFrame:
    """Results of two genes for each variant but the last three."""
    r = np.random.default_rng(9)
    rows = table.head(-3).select(pl.col("chrom").str.strip_prefix("chr"), "pos", "ref", "alt")
    rows = pl.concat([rows.with_columns(gene_id=pl.lit(gene)) for gene in ("E1", "E2")])
    rows = rows.with_columns(gene_id=pl.col("gene_id") + (pl.col("pos") % 4).cast(pl.String))
    values = {
        f"{layer}_{kind}": r.random(rows.height).astype(np.float32)
        for layer in ("base", "final")
        for kind in KINDS
    }
    rows = rows.with_columns(**{name: pl.Series(value) for name, value in values.items()})
    layers = ("base", "final")
    columns = {layer: [pl.col(f"{layer}_{kind}") for kind in KINDS] for layer in layers}
    return rows.with_columns(
        *(pl.max_horizontal(each).alias(f"{layer}_largest") for layer, each in columns.items()),
        *(
            (1 - (1 - a) * (1 - b) * (1 - c) * (1 - d)).alias(f"{layer}_any")
            for layer, (a, b, c, d) in columns.items()
        ),
        effect=pl.col("base_donor_loss") * pl.col("final_donor_gain"),
    ).sample(fraction=1, shuffle=True, seed=1)


@pytest.mark.parametrize("kind", ["frame", "file", "folder"])
def test_results(tmp_path: Path, kind: str) -> None:
    table = variants()
    results = results_of(table)
    results.write_parquet(tmp_path / "summary.parquet")
    given = {"frame": results, "file": tmp_path / "summary.parquet", "folder": tmp_path}[kind]

    found = by_metric(
        sm.evaluate_variants(table, "affects", results=given, scores=["a"], resamples=20)
    )

    names = ("base", "base_any", "final", "final_any", "effect")
    both: dict[str, list[float]] = {name: [] for name in names}
    for row in table.head(-3).iter_rows(named=True):
        theirs = results.filter(pos=row["pos"]).to_dicts()
        assert len(theirs) == 2
        for layer in ("base", "final"):
            four = [[gene[f"{layer}_{kind}"] for kind in KINDS] for gene in theirs]
            both[layer].append(max(map(max, four)))
            both[f"{layer}_any"].append(max(1 - math.prod(1 - v for v in each) for each in four))
        both["effect"].append(max(gene["effect"] for gene in theirs))
    for name, values in both.items():
        wanted = roc_auc_score(table["affects"].head(-3), values)
        assert found["auroc", None][name] == pytest.approx(wanted, abs=1e-6)
    assert found["variants", None]["a"] == table.height - 3
    assert found["without_value", None]["base"] == 3
    assert found["without_value", None]["a"] == 0


@pytest.mark.parametrize(
    ("change", "asked", "words"),
    [
        ({}, {"truth": "nothing"}, "has no column nothing; it has chrom, pos"),
        ({}, {"scores": ["a", "z"]}, "has no column z"),
        ({}, {"group": "z"}, "has no column z"),
        ({"affects": "maybe"}, {}, "is not a truth column: it holds 'maybe'"),
        ({"a": "high"}, {}, "The column a of The table is not a score: it holds 'high'"),
        ({"affects": 1}, {}, "Of 60 variants with a truth and all scores 60 change splicing"),
        ({"affects": None}, {}, "Of 0 variants with a truth and all scores 0 change splicing"),
        ({}, {"results": pl.DataFrame({"chrom": ["1"]})}, "it has no column pos"),
        ({}, {"results": "/nowhere"}, "There are no results /nowhere"),
    ],
)
def test_refused(change: dict[str, Any], asked: dict[str, Any], words: str) -> None:
    table = variants().with_columns(**{name: pl.lit(value) for name, value in change.items()})

    with pytest.raises(InputError) as refused:
        sm.evaluate_variants(table, **{"truth": "affects", "scores": ["a"], **asked})

    assert words in refused.value.message


def test_results_of_other_variants() -> None:
    table = variants()

    with pytest.raises(InputError, match="holds none of the table's variants"):
        sm.evaluate_variants(
            table.with_columns(pos=pl.col("pos") + 10_000), "affects", results=results_of(table)
        )


def test_nothing_to_evaluate() -> None:
    with pytest.raises(UsageError, match="There is no score to evaluate"):
        sm.evaluate_variants(variants(), "affects")
    with pytest.raises(UsageError, match="missing is 'lowest'"):
        sm.evaluate_variants(variants(), "affects", scores=["a"], missing="lowest")
    with pytest.raises(UsageError, match="one of them is below 0"):
        sm.evaluate_variants(variants(), "affects", scores=["a"], seed=-1)


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    variants().write_csv(tmp_path / "v.tsv", separator="\t")
    asked = ["evaluate-variants", str(tmp_path / "v.tsv"), "--truth", "affects", "--score", "a",
             "--score", "b", "--resamples", "50", "--threshold", "0.3"]  # fmt: skip

    assert run_command([*asked, "-o", str(tmp_path / "o.parquet")]) == 0
    out = capsys.readouterr().out
    assert run_command([*asked, "-o", str(tmp_path / "o.csv")]) == 0

    table = sm.evaluate_variants(
        tmp_path / "v.tsv", "affects", scores=["a", "b"], resamples=50, thresholds=[0.3]
    )
    assert pl.read_parquet(tmp_path / "o.parquet").equals(table)
    assert pl.read_csv(tmp_path / "o.csv").height == table.height
    row = by_metric(table)["auroc", None]
    assert f"{row['a']:.4f} [{row['a_low']:.4f}, {row['a_high']:.4f}]" in out
    assert (
        f"{row['b_change']:+.4f} [{row['b_change_low']:+.4f}, {row['b_change_high']:+.4f}]" in out
    )
    assert "60 variants of 9 genes" in out


def test_a_gene_that_is_not_known(caplog: pytest.LogCaptureFixture) -> None:
    sm.evaluate_variants(variants().drop("gene"), "affects", scores=["a"], resamples=2)

    assert "The gene of 60 variants is not known" in caplog.text


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data are not here")
def test_published_scores() -> None:
    found = by_metric(
        sm.evaluate_variants(SHARED, "splice_affecting", scores=["SpliceAI", "CI_SpliceAI"],
                             group="slice", missing="zero", resamples=0)
    )  # fmt: skip

    assert found["variants", None]["SpliceAI"] == 718
    assert found["average_precision", None]["SpliceAI"] == pytest.approx(0.9765, abs=5e-5)
    assert found["auroc", None]["SpliceAI"] == pytest.approx(0.9772, abs=5e-5)
    assert found["average_precision", None]["CI_SpliceAI"] == pytest.approx(0.9803, abs=5e-5)
    assert found["auroc", None]["CI_SpliceAI"] == pytest.approx(0.9830, abs=5e-5)
