"""Every row of the page on moving from the older systems, tested."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xgboost
from sklearn.ensemble import RandomForestClassifier
from test_compat import THEIRS
from test_ensembles import (
    CLASSES,
    Consolidated,
    Sigmoids,
    X,
    Y,
    binary,
    calibrated,
    forest,
    per_class,
    save,
)
from test_older_features import genes
from test_older_files import HEADER, PASSES, agentic

import splice_meta as sm
from splice_meta.cli import export, features, run, train
from splice_meta.cli.app import run_command
from splice_meta.cli.old_options import OLD_OPTIONS, translated
from splice_meta.contracts import FINAL
from splice_meta.errors import SpliceMetaError, UsageError
from splice_meta.manifest import AGENTIC_SPLICEAI, META_SPLICEAI, OWN, FeatureManifest
from splice_meta.model.ensembles import ENSEMBLES
from splice_meta.model.load import load_model

PAGE = (Path(__file__).parent.parent / "docs" / "migration.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, list[str]]:
    """The rows below a heading by their first cell."""
    part = PAGE.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in part.splitlines()
             if row.startswith("| `")]  # fmt: skip
    return {row[0].strip("`"): row[1:] for row in cells}


OPTIONS = table("Options")
OBJECTS = table("Model objects")
FILES = table("Files")
COLUMNS = table("Columns")
FEATURES = table("Features")


def options_of(command: object) -> set[str]:
    """The options of a command, by its help."""
    import typer

    app = typer.Typer(add_completion=False)
    app.command()(command)  # type: ignore[type-var]
    parameters = typer.main.get_command(app).params
    return {name for each in parameters for name in each.opts}


@pytest.mark.parametrize("name", OPTIONS)
def test_options(name, capsys):
    new, happens = OPTIONS[name][0].strip("`"), OPTIONS[name][1]
    ours = options_of(run.run)
    assert not new or new in ours
    if happens.startswith("the same"):
        assert name == new
        assert translated(["run", name, "x"]) == ["run", name, "x"]
        return
    old = OLD_OPTIONS[name]
    given = ["run", name, *(["x"] if old.values else [])]
    if happens.startswith("understood"):
        assert translated(given) == ["run", new, *given[2:]]
    elif "refused" in happens:
        with pytest.raises(UsageError, match=re.escape(name)):
            translated(given)
        default = {"--strategy": "SELECTIVE", "--parallel-workers": "1"}.get(name)
        if default:
            assert translated(["run", name, default]) == ["run"]
    else:
        assert happens.startswith("passed over")
        assert translated([*given, "--genes", "G"]) == ["run", "--genes", "G"]
        assert f"{name} is not needed" in capsys.readouterr().err


def test_every_old_option_is_on_the_page():
    assert set(OLD_OPTIONS) <= set(OPTIONS)
    assert not set(OLD_OPTIONS) & options_of(run.run)


def test_options_with_equal_signs_and_lists():
    given = ["run", "--model-path=m", "--chunk-size=5", "-q"]
    assert translated(given) == ["run", "--model", "m", "-q"]
    with pytest.raises(UsageError, match="--mlflow-tags"):
        translated(["run", "--mlflow-tags", "a=b", "c=d", "--genes", "G"])
    assert translated(["train", "--strategy", "x"]) == ["train", "--strategy", "x"]


MADE = {
    "SigmoidEnsemble": lambda: Sigmoids(binary()),
    "CalibratedSigmoidEnsemble": lambda: calibrated("isotonic"),
    "PerClassCalibratedSigmoidEnsemble": lambda: per_class(("platt",) * 3),
    "ConsolidatedMetaModel": lambda: Consolidated([Sigmoids(binary())], "voting", None),
    "AllGenesBatchEnsemble": lambda: {
        "type": "AllGenesBatchEnsemble", "batch_models": [{"model": Sigmoids(binary())}]
    },
    "MultiBatchTrainer": lambda: {"models": [Sigmoids(binary())], "batch_count": 1},
    "XGBClassifier": lambda: named(xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(X, Y)),
    "RandomForestClassifier": forest,
}  # fmt: skip


def named(model: xgboost.XGBClassifier) -> xgboost.XGBClassifier:
    model.get_booster().feature_names = Sigmoids([]).state["feature_names"]
    return model


@pytest.mark.parametrize("name", OBJECTS)
def test_objects(tmp_path, name):
    kind = OBJECTS[name][0].strip("`")
    path = save(tmp_path / "m.pkl", MADE[name]())
    if not kind:
        with pytest.raises(SpliceMetaError, match=name):
            load_model(path, trust_pickle=True, classes=CLASSES)
        return
    assert load_model(path, trust_pickle=True, classes=CLASSES).kind == kind


def test_every_object_is_on_the_page():
    assert {name.removesuffix("'s dictionary") for name in ENSEMBLES} <= set(OBJECTS)
    assert RandomForestClassifier.__name__ in OBJECTS


@pytest.mark.parametrize("name", FILES)
def test_files(tmp_path, name, short_genes):
    option = FILES[name][0].strip("`")
    rows = sm.scan_scores(short_genes).collect()
    if option.startswith("--scores") or name == "gene_manifest.tsv":
        place = tmp_path / name
        if "splice_positions" in name or "analysis" in name:
            place.write_text(HEADER + PASSES)
            assert sm.scan_scores(place).collect().height == 4
        elif name.startswith("predictions"):
            agentic(rows).write_csv(place, separator="\t")
            assert sm.scan_scores(place).collect().height == rows.height
        else:
            rows.write_csv(tmp_path / "nucleotide_scores.tsv", separator="\t")
            (tmp_path / "gene_manifest.tsv").write_text("gene_id\tstatus\nG\tdone\n")
            assert sm.scan_scores(tmp_path).collect().height == rows.height
    elif option == "--manifest":
        assert option in options_of(features.features) & options_of(train.train)
    elif option == "--model":
        save(tmp_path / name, Sigmoids(binary()))
        assert load_model(tmp_path, trust_pickle=True).kind == "three_binary"
    else:
        assert option == "export --compat meta-spliceai"
        assert "--compat" in options_of(export.export)


@pytest.mark.parametrize("name", COLUMNS)
def test_columns(name, short_genes):
    new = COLUMNS[name][0].strip("`")
    found = sm.predict(short_genes, "bundled:openspliceai-mane")
    assert not new or new in found.columns
    assert name in THEIRS
    if name in FINAL:
        assert name == new


@pytest.mark.parametrize("name", FEATURES)
def test_features(name):
    rows = genes()
    plans = {o: sm.plan_features(rows, FeatureManifest((name,), origin=o)).collect()[name]
             for o in (OWN, META_SPLICEAI, AGENTIC_SPLICEAI)}  # fmt: skip
    there = FEATURES[name][0]
    # D + A + N is 1 but for rounding in these tables, so that one name differs in form alone.
    tolerance = 0.0 if name == "splice_probability" else 1e-6
    for origin in (META_SPLICEAI, AGENTIC_SPLICEAI):
        if "(meta-spliceai)" in there and origin == AGENTIC_SPLICEAI:
            assert plans[origin].equals(plans[OWN])
            continue
        apart = np.abs(plans[origin].to_numpy() - plans[OWN].to_numpy())
        assert apart.max() > tolerance, (name, origin)


def test_the_old_quick_start_has_only_known_options():
    lines = PAGE.split("The old quick start", 1)[1].split("\n## ", 1)[0]
    known = options_of(run.run)
    assert set(re.findall(r"--[a-z-]+", lines)) <= known


def test_no_row_is_there_twice():
    for heading in ("Options", "Model objects", "Files", "Columns", "Features"):
        part = PAGE.split(f"\n## {heading}", 1)[1].split("\n## ", 1)[0]
        firsts = re.findall(r"^\| `([^`]+)`", part, re.MULTILINE)
        assert len(firsts) == len(set(firsts)), heading


def test_the_command_says_what_to_write(capsys):
    assert run_command(["run", "--strategy", "TRAINING_GAPS"]) == 2
    assert "--inference-mode meta_only" in capsys.readouterr().err
