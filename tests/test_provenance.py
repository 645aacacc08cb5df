"""Which base model made the scores: the note in a table, and who reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import FIXTURES, MODEL
from test_unscored_genes import FASTA, GTF, ON_MINUS, ON_PLUS, QUICK, ByBase

import splice_meta as sm
from splice_meta.errors import InputError, UsageError
from splice_meta.pipeline.matching import sources_for, weights_of
from splice_meta.provenance import NOTE, MadeBy, made_by_of, same_base_model
from splice_meta.report.describe import describe
from splice_meta.runs.feature_table import write_features
from splice_meta.sink import code_texts, sink_parquet
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.made_by import read_made_by

OPEN = MadeBy(base_model="openspliceai", weights_sha256="a" * 64)
OTHER_WEIGHTS = MadeBy(base_model="openspliceai", weights_sha256="b" * 64)
SPLICEAI = MadeBy(base_model="spliceai", weights_sha256="c" * 64)


def noted(table: pl.DataFrame, path: Path, made_by: MadeBy | None) -> Path:
    sink_parquet(table.lazy(), path, made_by=made_by)
    return path


def note_of(path: Path) -> MadeBy | None:
    return made_by_of(pl.read_parquet_metadata(path))


@pytest.fixture(scope="module")
def stated(short_genes: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> sm.MetaModel:
    """A model trained on scores that say what made them."""
    path = noted(short_genes, tmp_path_factory.mktemp("stated") / "s.parquet", OPEN)
    return sm.train(path, settings=QUICK)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("openspliceai", "openspliceai-mane", True),
        ("openspliceai-mane", "openspliceai-mane", True),
        ("openspliceai", "spliceai", False),
        ("openspliceai-mouse", "openspliceai", False),
        ("mine", "mine", True),
    ],
)
def test_names_that_mean_one_model(one: str, other: str, same: bool) -> None:
    assert same_base_model(one, other) is same
    assert same_base_model(other, one) is same


@pytest.mark.parametrize(
    ("name", "bears"),
    [
        ("openspliceai", True), ("openspliceai-mane", True), ("openspliceai-mouse", True),
        ("spliceai", False), ("openspliceais", False), ("mine", False),
    ],
)  # fmt: skip
def test_a_table_bears_the_names_of_its_model_and_of_its_versions(name: str, bears: bool) -> None:
    assert OPEN.bears(name) is bears


def test_score_notes_what_made_the_scores_and_sort_and_runs_keep_it(tmp_path: Path) -> None:
    model = ByBase()
    sm.score(GTF, FASTA, tmp_path / "s.parquet", base_model=model, genes=[ON_MINUS, ON_PLUS])
    made_by = MadeBy(base_model="bybase", weights_sha256=model.digest, precision="float32")
    assert note_of(tmp_path / "s.parquet") == made_by

    sm.sort_scores(tmp_path / "s.parquet", tmp_path / "sorted.parquet")
    write_features(tmp_path / "s.parquet", "reference124", tmp_path / "f.parquet")
    result = sm.run(
        tmp_path / "s.parquet", None, tmp_path / "out", settings=sm.RunSettings(mode="base_only")
    )

    tables = [*result.layout.predictions.glob("*.parquet"), tmp_path / "sorted.parquet"]
    assert len(tables) == 4
    for table in (*tables, tmp_path / "f.parquet"):
        assert note_of(table) == made_by, table
    told = json.loads(result.layout.metadata.read_text())["base_scores"]
    assert told["made_by"] == [
        {"base_model": "bybase", "weights_sha256": model.digest, "precision": "float32"}
    ]
    assert "bybase" in result.report


def test_the_note_leaves_types_and_text_as_they_are(
    short_genes: pl.DataFrame, tmp_path: Path
) -> None:
    coded = code_texts(short_genes)
    path = noted(coded, tmp_path / "s.parquet", OPEN)

    assert pl.read_parquet(path).equals(short_genes)
    assert set(pl.read_parquet_metadata(path)) == {"ARROW:schema", NOTE}


def test_a_run_scores_missing_genes_and_keeps_what_made_them(tmp_path: Path) -> None:
    one, both = [ON_MINUS], [ON_MINUS, ON_PLUS]
    sm.score(GTF, FASTA, tmp_path / "s.parquet", base_model=ByBase(), genes=one)
    result = sm.run(
        tmp_path / "s.parquet", None, tmp_path / "out", genes=both, annotation=GTF, fasta=FASTA,
        base_model=ByBase(), settings=sm.RunSettings(mode="base_only"),
    )  # fmt: skip

    assert result.failed == 0
    for table in result.layout.predictions.glob("*.parquet"):
        assert note_of(table).base_model == "bybase"


def test_missing_genes_are_not_scored_by_another_base_model(tmp_path: Path) -> None:
    sm.score(GTF, FASTA, tmp_path / "s.parquet", base_model=ByBase(), genes=[ON_MINUS])
    options: dict[str, Any] = {
        "genes": [ON_MINUS, ON_PLUS], "annotation": GTF, "fasta": FASTA,
        "settings": sm.RunSettings(mode="base_only"),
    }  # fmt: skip
    for other in (ByBase("another"), ByBase("bybase", 0.4)):
        with pytest.raises(UsageError, match="would be scored by") as caught:
            sm.run(tmp_path / "s.parquet", None, tmp_path / "out", base_model=other, **options)
        assert other.digest[:12] in caught.value.message
    assert not (tmp_path / "out").exists()


def test_a_bundle_does_not_get_scores_of_a_scorer_it_was_not_trained_on(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"scored by bybase.*scores of openspliceai-mane"):
        sm.run(
            None, MODEL, tmp_path / "out", annotation=GTF, fasta=FASTA, base_model=ByBase(),
            genes=[ON_PLUS],
        )  # fmt: skip


def test_training_records_what_made_the_scores(stated: sm.MetaModel, tmp_path: Path) -> None:
    again = sm.load_model(stated.save(tmp_path / "bundle"))

    assert again.base_models == ("openspliceai",)
    assert weights_of(again) == {"openspliceai": OPEN.weights_sha256}
    told = dict(describe(str(tmp_path / "bundle")))
    assert told["Base models"] == "openspliceai (weights aaaaaaaaaaaa)"


@pytest.mark.parametrize("named", ["", "openspliceai", "openspliceai-mane"])
def test_scores_of_the_same_model_are_taken_under_any_of_its_names(
    stated: sm.MetaModel, short_genes: pl.DataFrame, tmp_path: Path, named: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    path = noted(short_genes, tmp_path / "s.parquet", OPEN)

    found = sm.predict({named: path} if named else path, stated)

    assert found.equals(sm.predict(short_genes, stated))
    assert not caplog.records


def calls(path: Path, model: Any, folder: Path) -> dict[str, Any]:
    return {
        "run": lambda: sm.run(path, model, folder / "out"),
        "predict": lambda: sm.predict(path, model),
        "evaluate": lambda: sm.evaluate(path, model),
        "explain": lambda: sm.explain(path, model, f"{ON_PLUS}:5"),
        "features": lambda: write_features(path, model, folder / "f.parquet"),
    }


@pytest.mark.parametrize("command", ["run", "predict", "evaluate", "explain", "features"])
def test_scores_of_another_base_model_are_refused(
    short_genes: pl.DataFrame, tmp_path: Path, command: str
) -> None:
    path = noted(short_genes, tmp_path / "s.parquet", SPLICEAI)

    with pytest.raises(UsageError, match=r"made by spliceai .*openspliceai-mane") as caught:
        calls(path, sm.load_model(MODEL), tmp_path)[command]()

    assert caught.value.hint.startswith("Score the genes with openspliceai-mane")
    assert "=" not in caught.value.hint
    assert [each.name for each in tmp_path.iterdir()] == ["s.parquet"]


def test_other_weights_are_said(
    stated: sm.MetaModel, short_genes: pl.DataFrame, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    sm.predict(noted(short_genes, tmp_path / "s.parquet", OTHER_WEIGHTS), stated)

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "b" * 12 in record.getMessage()
    assert "a" * 12 in record.getMessage()


@pytest.mark.parametrize(
    "call", [sm.train, lambda s: sm.run(s, MODEL), sm.scan_scores, lambda s: sm.evaluate(s)]
)
def test_a_name_that_contradicts_the_file_is_refused(
    short_genes: pl.DataFrame, tmp_path: Path, call
) -> None:
    path = noted(short_genes, tmp_path / "s.parquet", SPLICEAI)

    with pytest.raises(UsageError, match="given as openspliceai-mane were made by spliceai"):
        call({"openspliceai-mane": path})


def test_the_option_base_model_must_not_contradict_the_file(
    short_genes: pl.DataFrame, tmp_path: Path
) -> None:
    path = noted(short_genes, tmp_path / "s.parquet", SPLICEAI)

    with pytest.raises(UsageError, match="given as openspliceai were made by spliceai"):
        sm.train(path, base_model="openspliceai")


@pytest.mark.parametrize("other", [SPLICEAI, OTHER_WEIGHTS])
def test_one_table_is_of_one_base_model(
    short_genes: pl.DataFrame, tmp_path: Path, other: MadeBy
) -> None:
    genes = short_genes.partition_by("gene_id", maintain_order=True)
    files = [
        noted(genes[0], tmp_path / "a.parquet", OPEN),
        noted(genes[1], tmp_path / "b.parquet", None),
        noted(genes[2], tmp_path / "c.parquet", other),
    ]

    for call in (sm.scan_scores, sm.train, sm.evaluate,
                 lambda s: sm.sort_scores(s, tmp_path / "d.parquet")):  # fmt: skip
        with pytest.raises(InputError, match=r"a\.parquet holds .*c\.parquet scores of"):
            call(files)
    assert open_scores(files[:2]).made_by == OPEN
    assert not (tmp_path / "d.parquet").exists()


@pytest.mark.parametrize("note", ["{", "[]", '{"base_model": 3}', '{"base_model": ""}'])
def test_a_damaged_note_is_said(short_genes: pl.DataFrame, tmp_path: Path, note: str) -> None:
    short_genes.lazy().sink_parquet(tmp_path / "s.parquet", metadata={NOTE: note})

    with pytest.raises(InputError, match=r"s\.parquet on what made its scores is damaged"):
        sm.scan_scores(tmp_path / "s.parquet")


def test_what_says_nothing_is_read_as_before(short_genes: pl.DataFrame, tmp_path: Path) -> None:
    short_genes.write_parquet(tmp_path / "s.parquet")
    short_genes.write_csv(tmp_path / "s.csv")

    assert read_made_by([str(tmp_path / "s.parquet"), str(tmp_path / "s.csv")]) is None
    assert dict(describe(str(tmp_path / "s.csv")))["Base model"] == "the file does not say"


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("", "assumed to be openspliceai-mane, the model's base model; the file does not say"),
        ("openspliceai", "assumed to be openspliceai-mane, as they are named"),
    ],
)
def test_a_run_says_what_it_takes_the_scores_for(
    short_genes: pl.DataFrame, tmp_path: Path, named: str, words: str
) -> None:
    short_genes.write_parquet(tmp_path / "s.parquet")
    source: Any = tmp_path / "s.parquet"

    result = sm.run({named: source} if named else source, MODEL, tmp_path / "out")

    told = json.loads(result.layout.metadata.read_text())["base_scores"]
    assert words in told["taken_for"]
    assert told["made_by"] == [None]
    for text in (
        result.report, result.layout.log.read_text(),
        result.layout.report_html.read_text().replace("&#x27;", "'"),
    ):  # fmt: skip
        assert words in text


def test_base_models_that_are_not_needed_are_left_out_and_said(
    short_genes: pl.DataFrame, model: sm.MetaModel, caplog: pytest.LogCaptureFixture
) -> None:
    other = short_genes.with_columns(donor_score="acceptor_score", acceptor_score="donor_score")

    found = sm.predict({"spliceai": other, "openspliceai": short_genes}, model)

    assert found.equals(sm.predict(short_genes, model))
    (record,) = caplog.records
    assert record.getMessage().startswith("The scores of spliceai are not read")


def test_further_base_models_are_still_evaluated_beside_the_models_own(
    short_genes: pl.DataFrame, model: sm.MetaModel
) -> None:
    table = sm.evaluate(
        {"spliceai": short_genes, "openspliceai": short_genes}, model, modes=["hybrid"],
        resamples=0,
    )  # fmt: skip

    assert {"base", "spliceai", "hybrid"} <= set(table.columns)


def test_one_model_under_two_names_is_refused(model: sm.MetaModel) -> None:
    with pytest.raises(UsageError, match="given twice"):
        sources_for({"openspliceai": "a", "openspliceai-mane": "b"}, model)


def test_the_fixtures_are_taken_by_the_bundled_model(tmp_path: Path) -> None:
    result = sm.run(FIXTURES / "scores_openspliceai.parquet", MODEL, tmp_path, genes=[ON_PLUS])

    assert result.failed == 0
