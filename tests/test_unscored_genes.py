"""Runs over genes that have no base scores yet: scored first, then recalibrated."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from conftest import FIXTURES
from numpy.typing import NDArray
from polars.testing import assert_frame_equal
from test_cli import call

import splice_meta as sm
from splice_meta.catalogue import GENOMIC
from splice_meta.errors import SpliceMetaError
from splice_meta.reference.sequence import Genome
from splice_meta.runs.scorer import make_scorer

GTF = FIXTURES / "annotation.gtf.gz"
FASTA = FIXTURES / "region.fa.gz"
ON_PLUS, ON_MINUS = "ENSG00000145354", "ENSG00000164039"
SHORT, LONGER = (ON_PLUS, ON_MINUS), "ENSG00000164038"
QUICK = sm.TrainSettings(
    rounds=8, folds=2, repeats=1, calibration="none", colsample=1.0, threads=1, parallel_trees=1
)


class ByBase:
    """A base model that knows a position's own base and the one before: enough to see mix-ups."""

    context, batch = 2, 1

    def __init__(self, name: str = "bybase", first: float = 0.5) -> None:
        self.name, self.digest = name, f"{name}-{first}"
        self.odds = np.array([first, 0.2, 0.1, 0.03, 0.0], np.float32)

    def predict(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        codes = np.where(sequences.any(axis=2), sequences.argmax(axis=2), 4)
        here, before = self.odds[codes[:, 1:-1]], self.odds[codes[:, :-2]]
        donor, acceptor = here * 0.9, before * (1 - here)
        return np.stack([donor, acceptor, 1 - donor - acceptor], axis=2)


class Never(ByBase):
    def predict(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        raise AssertionError("scored in vain")


@pytest.fixture(scope="module")
def model() -> sm.MetaModel:
    # Every one of the 124 features, those of the annotation among them.
    scores = pl.read_parquet(FIXTURES / "scores_openspliceai.parquet")
    return sm.train(
        scores.filter(pl.col("gene_id").is_in([ON_PLUS, ON_MINUS])), "reference124",
        annotation=GTF, annotation_features=True, settings=QUICK,
    )  # fmt: skip


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    path = tmp_path_factory.mktemp("scored") / "scores.parquet"
    return sm.score(GTF, FASTA, path, base_model=ByBase()).scores().collect()


def test_one_call_takes_sequence_and_annotation_to_predictions(
    tmp_path: Path, model: sm.MetaModel, scored: pl.DataFrame
) -> None:
    result = sm.run(
        model=model, output_dir=tmp_path / "out", annotation=GTF, fasta=FASTA, base_model=ByBase()
    )
    assert result.failed == 0
    assert "124, all computed\n" in result.report
    assert "Filled features\n  none" in result.report
    assert f"5 genes, {scored.height:,} positions, by bybase" in result.report
    assert set(result.genes["scenario"]) == {"2B"}
    told = json.loads(result.layout.metadata.read_text())
    assert told["scored"]["weights_sha256"] == {"bybase": ByBase().digest}
    assert told["inputs"] == []
    assert [entry["source"] for entry in told["reference"]] == [str(GTF), str(FASTA)]
    assert set(GENOMIC) <= set(model.manifest.names)
    # The same as scoring first and running then.
    expected = sm.run(scored, model, tmp_path / "two", annotation=GTF)
    assert_frame_equal(
        result.predictions().collect(), expected.predictions().collect(), check_exact=True
    )
    left = [path.name for path in (tmp_path / "out").iterdir()]
    assert not [name for name in left if name.startswith(".")]


def test_genes_without_scores_stand_behind_those_with(
    tmp_path: Path, model: sm.MetaModel, scored: pl.DataFrame
) -> None:
    there = scored.filter(gene_id=ON_MINUS)
    asked = [ON_PLUS, ON_MINUS]
    kept = tmp_path / "kept"
    result = sm.run(
        there, model, tmp_path / "out", genes=asked, annotation=GTF, fasta=FASTA,
        base_model=ByBase(), keep_artifacts_dir=kept,
    )  # fmt: skip
    found = result.predictions().collect()
    both = scored.filter(pl.col("gene_id").is_in(asked)).sort("gene_id", descending=True)
    expected = sm.predict(sm.scan_scores(both, annotation=GTF), model)
    assert_frame_equal(found, expected, check_exact=True)
    assert dict(result.genes.select("gene_id", "scenario").rows()) == {
        ON_MINUS: "1", ON_PLUS: "2B",
    }  # fmt: skip
    made = pl.read_parquet(kept / "artifacts" / "base_scores.parquet")
    assert_frame_equal(made, scored.filter(gene_id=ON_PLUS))


def test_tables_without_bases_and_places_go_with_scored_genes(
    tmp_path: Path, model: sm.MetaModel, scored: pl.DataFrame
) -> None:
    bare = scored.filter(gene_id=ON_MINUS).drop("chrom", "strand", "genomic_position", "base")
    settings = sm.RunSettings(memory=4 << 20)
    result = sm.run(
        bare, model, tmp_path, settings=settings, genes=[ON_MINUS, ON_PLUS],
        annotation=GTF, fasta=FASTA, base_model=ByBase(),
    )  # fmt: skip
    both = scored.filter(pl.col("gene_id").is_in([ON_PLUS, ON_MINUS]))
    expected = sm.predict(
        sm.scan_scores(both.sort("gene_id", descending=True), annotation=GTF), model
    )
    assert (result.layout.predictions / "complete_coverage_predictions.parquet").is_dir()
    assert_frame_equal(
        result.predictions().collect().select(expected.columns), expected, check_exact=True
    )


def test_genes_that_cannot_be_scored_do_not_stop_the_others(
    tmp_path: Path, model: sm.MetaModel, scored: pl.DataFrame
) -> None:
    result = sm.run(
        scored.filter(gene_id=ON_MINUS), model, tmp_path, genes=[ON_MINUS, "GHOST", ON_PLUS],
        annotation=GTF, fasta=FASTA, base_model=ByBase(),
    )  # fmt: skip
    rows = {row["gene_id"]: row for row in result.genes.to_dicts()}
    assert [rows[gene]["status"] for gene in (ON_MINUS, ON_PLUS, "GHOST")] == [
        "done", "done", "failed",
    ]  # fmt: skip
    assert "no gene has this id" in rows["GHOST"]["reason"]
    assert result.layout.log.read_text().count("Gene GHOST failed") == 1
    nothing_new = sm.run(
        scored.filter(gene_id=ON_MINUS), model, tmp_path, genes=[ON_MINUS, "GHOST"],
        annotation=GTF, fasta=FASTA, base_model=ByBase(), run_name="again",
    )  # fmt: skip
    assert nothing_new.failed == 1
    assert nothing_new.predictions().collect()["gene_id"].unique().to_list() == [ON_MINUS]


def test_several_base_models_each_score_the_missing_genes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {"one": ByBase("one"), "two": ByBase("two", 0.4)}
    tables = {
        name: sm.score(
            GTF, FASTA, tmp_path / f"{name}.parquet", base_model=model, truth=True, genes=SHORT
        ).scores().collect()
        for name, model in models.items()
    }  # fmt: skip
    meta = sm.train(tables, "reference124", settings=QUICK)
    monkeypatch.setattr("splice_meta.runs.scorer.load_base_model", lambda name, *_: models[name])
    whole = sm.run(tables, meta, tmp_path / "whole", genes=[ON_MINUS, ON_PLUS], run_name="r")
    part = {name: table.filter(gene_id=ON_MINUS) for name, table in tables.items()}
    for source, folder in ((part, "part"), (None, "none")):
        result = sm.run(
            source, meta, tmp_path / folder, genes=[ON_MINUS, ON_PLUS], annotation=GTF, fasta=FASTA
        )
        found, expected = result.predictions().collect(), whole.predictions().collect()
        same = [name for name in expected.columns if name != "splice_type"]
        key = ["gene_id", "position"]
        left = found.select(set(same) & set(found.columns)).sort(key)
        right = expected.select(left.columns).sort(key)
        if "chrom" in left.columns:
            left, right = left.drop("chrom"), right.drop("chrom")
        assert_frame_equal(left, right, check_exact=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "There are no base scores"),
        ({"annotation": GTF}, "There are no base scores"),
        ({"fasta": FASTA}, "There are no base scores"),
        ({"annotation": GTF, "fasta": FASTA, "base_model": "bogus"}, "no base model 'bogus'"),
        ({"annotation": GTF, "fasta": FASTA, "genes": ["GHOST"], "base_model": ByBase()}, "GHOST"),
        ({"annotation": FASTA, "fasta": FASTA}, "region.fa.gz"),
        ({"annotation": GTF, "fasta": GTF}, "annotation.gtf.gz"),
    ],
)
def test_what_cannot_be_scored_is_refused_and_nothing_is_written(
    tmp_path: Path, model: sm.MetaModel, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(SpliceMetaError) as caught:
        sm.run(model=model, output_dir=tmp_path / "out", **options)
    assert words in f"{caught.value.message} {caught.value.hint}"
    assert "\n" not in caught.value.message
    assert not (tmp_path / "out").exists()


def test_features_that_nobody_makes_are_refused_before_scoring(
    tmp_path: Path, scored: pl.DataFrame
) -> None:
    truth = pl.int_range(pl.len()) % 3
    meta = sm.train(
        scored.with_columns(splice_type=truth), sm.FeatureManifest(("donor_score",)), settings=QUICK
    )
    wanting = replace(meta, manifest=sm.FeatureManifest(("donor_score", "my_score")))
    with pytest.raises(SpliceMetaError, match="nothing makes"):
        sm.run(
            model=wanting, output_dir=tmp_path / "out", annotation=GTF, fasta=FASTA,
            base_model=Never(),
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_a_model_of_unknown_base_needs_one_named(tmp_path: Path, model: sm.MetaModel) -> None:
    with pytest.raises(SpliceMetaError, match="which base model") as caught:
        sm.run(model=model, output_dir=tmp_path, annotation=GTF, fasta=FASTA)
    assert "base_model" in caught.value.hint


def test_on_the_command_line(tmp_path: Path, demo_path: Path) -> None:
    demo = pl.read_parquet(demo_path).drop("base", "splice_type")
    demo.filter(pl.col("gene_id").is_in([ON_PLUS, ON_MINUS])).write_parquet(tmp_path / "s.parquet")
    reference = ["--annotation", str(GTF), "--fasta", str(FASTA)]
    trained = call(
        "train", "--scores", "s.parquet", *reference, "--manifest", "reference124",
        "--annotation-features", "--folds", "2", "--repeats", "1", "--rounds", "5",
        "--calibration", "none", "--threads", "1", "-o", "m124", cwd=tmp_path,
    )  # fmt: skip
    assert trained.returncode == 0, trained.stderr
    assert "124 features" in trained.stdout
    done = call(
        "run", "--scores", "s.parquet", *reference, "--model", "m124", "--output-dir", "out",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "124, all computed" in done.stdout
    seen = call("evaluate", "out", "--annotation", str(GTF), "--resamples", "0", cwd=tmp_path)
    assert seen.returncode == 0, seen.stderr
    assert "average precision" in seen.stdout
    written = call(
        "features", "--scores", "s.parquet", *reference, "--manifest", "reference124",
        "-o", "f.parquet", cwd=tmp_path,
    )  # fmt: skip
    assert written.returncode == 0, written.stderr
    assert "filled" not in written.stderr
    assert pl.read_parquet(tmp_path / "f.parquet").width == 126
    none = call("run", "--model", "m124", cwd=tmp_path)
    assert none.returncode == 2
    assert "--scores" in none.stderr


def test_genes_that_the_scores_hold_under_another_name_are_not_scored_again(
    tmp_path: Path, model: sm.MetaModel, scored: pl.DataFrame
) -> None:
    names = dict(sm.open_annotation(GTF).genes.select("gene_id", "gene_name").iter_rows())
    for asked in ([names[ON_MINUS]], [names[ON_MINUS], ON_MINUS, ON_MINUS + ".4"]):
        result = sm.run(
            scored, model, tmp_path, genes=asked, annotation=GTF, fasta=FASTA, base_model=Never(),
            run_name=f"r{len(asked)}",
        )  # fmt: skip
        assert result.genes["gene_id"].to_list() == [ON_MINUS]
        assert result.genes["scenario"].to_list() == ["1"]


def test_no_base_model_is_loaded_for_genes_that_nothing_can_score(
    tmp_path: Path, model: sm.MetaModel, scored: pl.DataFrame
) -> None:
    # The model's base model is not known here, which a gene without sequence need not care for.
    result = sm.run(scored, model, tmp_path, genes=[ON_MINUS, "GHOST"], annotation=GTF, fasta=FASTA)
    assert dict(result.genes.select("gene_id", "status").iter_rows()) == {
        ON_MINUS: "done", "GHOST": "failed",
    }  # fmt: skip


def test_genes_scored_beside_some_with_truth_get_the_annotations(
    tmp_path: Path, model: sm.MetaModel, scored: pl.DataFrame
) -> None:
    there = scored.filter(gene_id=ON_MINUS).with_columns(splice_type=pl.lit("neither"))
    options: dict[str, Any] = {"annotation": GTF, "fasta": FASTA, "base_model": ByBase()}
    result = sm.run(there, model, tmp_path / "out", genes=[ON_MINUS, ON_PLUS], **options)
    found = result.predictions().filter(splice_type="donor").collect()
    sites = sm.open_annotation(GTF).splice_sites().filter(gene_id=ON_PLUS, splice_type="donor")
    assert found["gene_id"].unique().to_list() == [ON_PLUS]
    assert set(found["genomic_position"]) == set(sites["genomic_position"])
    assert sm.evaluate(tmp_path / "out", resamples=0).height


def test_a_table_with_the_scores_of_several_base_models_goes_with_scored_genes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = {"one": ByBase("one"), "two": ByBase("two", 0.4)}
    tables = {
        name: sm.score(
            GTF, FASTA, tmp_path / f"{name}.parquet", base_model=each, truth=True, genes=SHORT
        ).scores().collect()
        for name, each in models.items()
    }  # fmt: skip
    meta = sm.train(tables, "reference124", settings=QUICK)
    monkeypatch.setattr("splice_meta.runs.scorer.load_base_model", lambda name, *_: models[name])
    asked = [ON_MINUS, ON_PLUS]
    whole = sm.run(tables, meta, tmp_path / "whole", genes=asked)
    key = ["gene_id", "position"]
    expected = whole.predictions().collect().sort(key)
    wide = sm.scan_scores(tables).filter(gene_id=ON_MINUS).collect()
    # Tables of which the second holds a gene that the first lacks.
    uneven = {"one": tables["one"].filter(gene_id=ON_MINUS), "two": tables["two"]}
    for folder, source in (("wide", wide), ("uneven", uneven)):
        result = sm.run(source, meta, tmp_path / folder, genes=asked, annotation=GTF, fasta=FASTA)
        found = result.predictions().collect().sort(key)
        assert result.failed == 0
        assert_frame_equal(found.select(expected.columns), expected, check_exact=True)


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["4", "+", "-"]), pl.Int64])
def test_places_of_any_type_go_with_scored_genes(
    tmp_path: Path, model: sm.MetaModel, scored: pl.DataFrame, dtype: Any
) -> None:
    there = scored.filter(gene_id=ON_MINUS).with_columns(chrom=pl.lit("4").cast(dtype))
    if dtype != pl.Int64:
        there = there.with_columns(pl.col("strand").cast(dtype))
    result = sm.run(
        there, model, tmp_path, genes=[ON_MINUS, ON_PLUS], annotation=GTF, fasta=FASTA,
        base_model=ByBase(),
    )  # fmt: skip
    assert result.failed == 0
    found = result.predictions().collect()
    places = found.select("gene_id", "chrom", "strand").unique()
    assert sorted(places.rows()) == [(ON_PLUS, "chr4", "+"), (ON_MINUS, "4", "-")]


def test_each_base_model_is_loaded_by_its_name_with_its_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = []

    def load(name: str, weights: Any, device: str) -> ByBase:
        loaded.append((name, weights))
        return ByBase(name)

    monkeypatch.setattr("splice_meta.runs.scorer.load_base_model", load)
    annotation, genome = sm.open_annotation(GTF), Genome(FASTA)
    names = ("openspliceai-mane", "spliceai", "mine")
    weights = {"openspliceai-mane": "a", "mine": "b"}
    scorer = make_scorer(annotation, genome, None, names, None, weights, "cpu")
    assert tuple(scorer.models) == names
    assert loaded == [("openspliceai", "a"), ("spliceai", None), ("mine", "b")]
    with pytest.raises(SpliceMetaError, match="--base-model names one"):
        make_scorer(annotation, genome, None, names, "spliceai", None, "cpu")
    with pytest.raises(SpliceMetaError, match="One folder of weights is given"):
        make_scorer(annotation, genome, None, names, None, "folder", "cpu")


def test_a_gene_that_one_base_model_cannot_score_fails_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Choosy(ByBase):
        def predict(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
            if sequences.shape[1] < 25_000:
                raise ValueError("too short")
            return super().predict(sequences)

    tables = {
        name: sm.score(GTF, FASTA, tmp_path / f"{name}.parquet", base_model=ByBase(name, odds),
                       truth=True, genes=SHORT).scores().collect()
        for name, odds in (("one", 0.5), ("two", 0.4))
    }  # fmt: skip
    meta = sm.train(tables, "reference124", settings=QUICK)
    models: dict[str, ByBase] = {"one": ByBase("one"), "two": Choosy("two", 0.4)}
    monkeypatch.setattr("splice_meta.runs.scorer.load_base_model", lambda name, *_: models[name])
    result = sm.run(
        model=meta, output_dir=tmp_path / "out", annotation=GTF, fasta=FASTA, genes=[*SHORT, LONGER]
    )
    fates = dict(result.genes.select("gene_id", "status").iter_rows())
    assert fates == {ON_PLUS: "failed", ON_MINUS: "failed", LONGER: "done"}
    done = result.predictions().select("gene_id").unique().collect()["gene_id"].to_list()
    assert done == [LONGER]
