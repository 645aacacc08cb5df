"""What is replaced or removed is ours, and no input; what is ours is replaced."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from conftest import MODEL, make_scores

import splice_meta as sm
from splice_meta.cli.app import run_command
from splice_meta.errors import OutputError
from splice_meta.files.given import Given
from splice_meta.files.ownership import TABLE, Owned, put, refuse_target, remove_owned
from splice_meta.model.bundle import BUNDLE
from splice_meta.runs.outputs import KEPT, RUN
from splice_meta.sink import sink_parquet, whole_file, write_text

LINE = '{"record":"run","format":1}\n'
COMPLETE = "complete_coverage_predictions.parquet"

OURS: list[tuple[Owned, list[str]]] = [
    (TABLE, ["part-00000.parquet", "part-123456.parquet", ".part-00001.parquet.1.ab.tmp"]),
    (TABLE, []),
    (RUN, ["ledger.jsonl", COMPLETE, "meta_model_predictions.parquet/part-00000.parquet"]),
    (RUN, ["ledger.jsonl", ".base_scores/base_scores.parquet.parts/.x.1.ab.tmp"]),
    (RUN, [".complete_coverage_predictions.parquet.1.ab.tmp"]),
    (BUNDLE, ["bundle.json", "model.ubj", "feature_manifest.json", "evaluation_card.json"]),
    (KEPT["master"], ["batch_00000.parquet"]),
    (KEPT["artifacts"], ["base_scores.a.parquet", "base_scores.parquet.parts/ledger.jsonl"]),
]
THEIRS: list[tuple[Owned, list[str], str]] = [
    (TABLE, ["part-00000.parquet", "scores.parquet"], "scores.parquet"),
    (TABLE, ["part-x.parquet"], "part-x.parquet"),
    (TABLE, ["part-00000.parquet/x"], "part-00000.parquet"),
    (TABLE, [".git/config"], ".git"),
    (RUN, [COMPLETE], ""),
    (RUN, ["ledger.jsonl", "more/x"], "more"),
    (RUN, ["ledger.jsonl", f"{COMPLETE}/mine.parquet"], "mine.parquet"),
    (BUNDLE, ["model.ubj"], ""),
    (BUNDLE, ["bundle.json", "README.md"], "README.md"),
    (KEPT["master"], ["part-00000.parquet"], "part-00000.parquet"),
    (KEPT["artifacts"], ["base_scores.parquet.parts/G.parquet"], "base_scores.parquet.parts"),
]
MARKS = {"ledger.jsonl": LINE, "bundle.json": '{"format_version": 1}',
         "scoring.json": '{"base model": "x"}'}  # fmt: skip


def fill(folder: Path, names: list[str]) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(MARKS.get(Path(name).name, "x"))
    return folder


@pytest.mark.parametrize(("owned", "names"), OURS)
def test_what_is_ours_is_replaced_and_removed(
    tmp_path: Path, owned: Owned, names: list[str]
) -> None:
    folder = fill(tmp_path / "x", names)
    refuse_target(folder, Given(()), True, owned, file=False)
    with whole_file(folder, owned) as temporary:
        temporary.mkdir()
        (temporary / "new").write_text("new")
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert list(tmp_path.iterdir()) == [folder]

    again = fill(tmp_path / "y", names)
    remove_owned(again, owned)
    assert not again.exists()


@pytest.mark.parametrize(("owned", "names", "said"), THEIRS)
def test_what_is_not_ours_is_left(
    tmp_path: Path, owned: Owned, names: list[str], said: str
) -> None:
    folder = fill(tmp_path / "x", names)
    with pytest.raises(OutputError, match=said or "of splice_meta"):
        refuse_target(folder, Given(()), True, owned)
    with pytest.raises(OutputError), whole_file(folder, owned) as temporary:
        temporary.write_text("new")
    assert sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()) == sorted(
        names
    )
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("write", [
    lambda path: write_text(path, "new"),
    lambda path: sink_parquet(pl.LazyFrame({"a": [1]}), path),
])  # fmt: skip
@pytest.mark.parametrize("names", [[], ["part-00000.parquet"], ["mine"]])
def test_a_file_never_replaces_a_folder(
    tmp_path: Path, write: Callable[[Path], None], names: list[str]
) -> None:
    folder = fill(tmp_path / "x", names)
    with pytest.raises(OutputError, match="is a folder"):
        write(folder)
    assert [path.name for path in folder.iterdir()] == names


@pytest.mark.parametrize(("content", "is_replaced"), [
    (b"PAR1...PAR1", True), (b"", True), (b"gene_id\tposition\n", False),
])  # fmt: skip
def test_a_folder_of_parts_replaces_a_table_only(
    tmp_path: Path, content: bytes, is_replaced: bool
) -> None:
    (tmp_path / "x").write_bytes(content)
    fill(tmp_path / "new", ["part-00000.parquet"])
    if is_replaced:
        put(tmp_path / "new", tmp_path / "x", TABLE)
        assert (tmp_path / "x/part-00000.parquet").exists()
    else:
        with pytest.raises(OutputError, match="not a table"):
            put(tmp_path / "new", tmp_path / "x", TABLE)
        assert (tmp_path / "x").read_bytes() == content


def test_a_link_is_replaced_not_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "target").read_text() == "mine"
    assert (tmp_path / "link").read_text() == "new"
    assert not (tmp_path / "link").is_symlink()


def test_an_input_under_another_name_in_a_folder_of_ours(tmp_path: Path) -> None:
    folder = fill(tmp_path / "o.parquet", ["part-00000.parquet"])
    os.link(folder / "part-00000.parquet", tmp_path / "in.parquet")
    with pytest.raises(OutputError, match="input"):
        refuse_target(folder, Given(("in.parquet", tmp_path / "in.parquet")), True, TABLE)


@pytest.mark.parametrize("kind", ["link", "hard link"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_log_writes_through_no_link(tmp_path: Path, kind: str, resume: bool) -> None:
    make_scores({"A": [1, 2, 3]}).write_parquet(tmp_path / "s.parquet")
    out, target = tmp_path / "out", tmp_path / "target"
    settings = sm.RunSettings(mode="base_only")
    sm.run(tmp_path / "s.parquet", None, out, settings=settings, run_name="r")
    log = out / "inference_workflow.log"
    log.unlink()
    target.write_text("mine")
    if kind == "link":
        log.symlink_to(target)
    else:
        os.link(target, log)
    sm.run(
        tmp_path / "s.parquet", None, out, settings=settings, run_name="r" if resume else "b",
        resume=resume,
    )  # fmt: skip
    assert target.read_text() == "mine"
    assert "Done in" in log.read_text()


def test_all_commands_replace_what_they_wrote(tmp_path: Path) -> None:
    scores = make_scores({"A": list(range(1, 3000)), "B": list(range(1, 9000))})
    scores.write_parquet(tmp_path / "s.parquet")
    sorting = ["sort", f"{tmp_path}/s.parquet", "-q", "-o", f"{tmp_path}/o.parquet"]
    making = ["features", "--scores", f"{tmp_path}/s.parquet", "--model", MODEL, "-q",
              "-o", f"{tmp_path}/o.parquet"]  # fmt: skip
    for command in (sorting, [*sorting, "--memory", "1MiB"], making, [*making, "--memory", "1MiB"],
                    sorting):  # fmt: skip
        assert run_command([*command, "--overwrite"]) == 0
        assert run_command(command) == 2
    kept = tmp_path / "kept"
    for _ in range(2):
        sm.run(
            tmp_path / "s.parquet", MODEL, tmp_path / "out", run_name="r", overwrite=True,
            keep_artifacts_dir=kept, settings=sm.RunSettings(memory=1 << 20),
        )  # fmt: skip
    assert len(list(kept.glob("master/*"))) == 2
