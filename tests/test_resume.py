from __future__ import annotations

import json
import logging
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

import polars as pl
import pytest
from conftest import FIXTURES, MODEL, make_scores
from polars.testing import assert_frame_equal
from test_unscored_genes import ByBase, Never

import splice_meta as sm
from splice_meta.base_models import score_task
from splice_meta.errors import InputError, OutputError, UsageError
from splice_meta.files.digests import END, ends_of
from splice_meta.jobs.ledger import read_ledger
from splice_meta.jobs.local import FLUSHED
from splice_meta.runs import identity, planning, room
from splice_meta.runs.outputs import FILE_OF, REPORTS, OutputLayout
from splice_meta.runs.shards import AT_ONCE
from splice_meta.runs.tables import scan_parts, scan_table
from splice_meta.workflow import RunResult

GTF, FASTA = FIXTURES / "annotation.gtf.gz", FIXTURES / "region.fa.gz"
SMALL = sm.RunSettings(memory=AT_ONCE << 20)
SHARDS = 8
TABLES = "selective_inference/predictions"
TIMED = ("Processing time", "Resumed", "<dt>Run", "inished", ">Command")


@dataclass(frozen=True)
class Whole:
    """An uninterrupted run, and what it was made from."""

    scores: Path
    result: RunResult
    kept: Path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    genes = {f"G{n}": list(range(1, 2501 + 10 * n)) for n in range(SHARDS)}
    make_scores(genes).write_parquet(folder / "scores.parquet")
    result = sm.run(
        folder / "scores.parquet", MODEL, folder / "out", settings=SMALL, run_name="r",
        keep_artifacts_dir=folder / "kept",
    )  # fmt: skip
    assert result.summary.shards == SHARDS
    return Whole(folder / "scores.parquet", result, folder / "kept")


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file with its size and time, but what is written anew at each end of a run."""
    anew = {*REPORTS, "sites.tsv"}
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in anew]
    return {str(f.relative_to(folder)): (f.stat().st_size, f.stat().st_mtime_ns) for f in files}


def assert_same(found: RunResult, expected: RunResult) -> None:
    """The same tables, part by part, and the same reports but for seconds."""
    for output in FILE_OF:
        assert_frame_equal(
            scan_table(found.layout, output).collect(),
            scan_table(expected.layout, output).collect(),
            check_exact=True,
        )
    assert found.genes.drop("seconds").equals(expected.genes.drop("seconds"))
    for name in ("gene_manifest", "metadata"):
        texts = [getattr(run.layout, name).read_text() for run in (found, expected)]
        first, second = (json.loads(text) for text in texts)
        for data in (first, second):
            data.pop("run")
            data.pop("finished", None)
            data.pop("seconds_by_stage", None)
            told = [label for label, _ in data.get("summary", ()) if label in TIMED]
            data["summary"] = [each for each in data.get("summary", ()) if each[0] not in TIMED]
            assert bool(told) == (name == "metadata")
            for gene in data.get("genes", ()):
                del gene["seconds"]
        assert first == second
    pages = [run.layout.report_html.read_text() for run in (found, expected)]
    drawn = [
        [r for r in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if not any(map(r.count, TIMED))]
        for page in pages
    ]
    assert len(drawn[0]) > SHARDS
    assert drawn[0] == drawn[1]
    assert not list(found.layout.root.rglob(".*.tmp"))


def any_listed(folder: Path) -> bool:
    """Whether a ledger below a folder lists a shard."""
    ledgers = (folder / TABLES).glob("*/ledger.jsonl")
    return any(b'"record":"shard"' in ledger.read_bytes() for ledger in ledgers)


def interrupt_when(
    monkeypatch: pytest.MonkeyPatch, is_time: Callable[[], bool]
) -> Callable[[], None]:
    """Let the first table that is written then be interrupted, half of it being there."""
    real = pl.LazyFrame.sink_parquet
    deciding = Lock()

    def sink(self: pl.LazyFrame, path: Path | BytesIO, **options: Any) -> None:
        if isinstance(path, Path):
            with deciding:
                interrupted = is_time()
            if interrupted:
                path.write_bytes(b"PAR1 half a file")
                raise KeyboardInterrupt
        real(self, path, **options)

    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", sink)
    return lambda: monkeypatch.setattr(pl.LazyFrame, "sink_parquet", real)


def interrupt_at(monkeypatch: pytest.MonkeyPatch, write: int) -> Callable[[], None]:
    """Let the n-th table that is written be interrupted."""
    numbers = count(1)
    return interrupt_when(monkeypatch, lambda: next(numbers) == write)


# Each shard writes five tables from plans (and the sites, which are in memory).
@pytest.mark.parametrize("write", [1, 6, *random.Random(5).sample(range(2, SHARDS * 5), 3)])
def test_an_interrupted_run_goes_on_to_the_same_result(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    def start(resume: bool) -> RunResult:
        return sm.run(
            whole.scores, MODEL, tmp_path / "out", settings=SMALL, resume=resume,
            keep_artifacts_dir=tmp_path / "kept",
        )  # fmt: skip

    restore = interrupt_at(monkeypatch, write)
    with pytest.raises(KeyboardInterrupt):
        start(resume=False)
    restore()

    assert not list(tmp_path.rglob("*.tmp"))
    assert not (tmp_path / "out" / "performance_report.txt").exists()
    result = start(resume=True)

    kept = re.search(rf"(\d+) of {SHARDS} shards were already done", result.report)
    listed = int(kept[1]) if kept else 0
    # All tables so far are those of shards that are listed or in flight, of which some are whole.
    assert 5 * listed < write <= 5 * (listed + AT_ONCE + FLUSHED)
    assert len(list((tmp_path / "out" / TABLES).iterdir())) == 1
    # What is kept where differs between the two, and is said nowhere.
    assert_same(result, whole.result)
    for name in ("features/*.parquet/*.parquet", "master/*.parquet"):
        pairs = zip(sorted(tmp_path.glob(f"kept/{name}")), sorted(whole.kept.glob(name)))  # noqa: B905
        assert all(pl.read_parquet(a).equals(pl.read_parquet(b)) for a, b in pairs)
        assert len(list(tmp_path.glob(f"kept/{name}"))) == SHARDS


@pytest.fixture
def done(whole: Whole, tmp_path: Path) -> Callable[..., RunResult]:
    """A copy of the whole run, without what it kept, as a function that resumes it."""
    sm.run(whole.scores, MODEL, tmp_path / "out", settings=SMALL, run_name="r")

    def resume_it(**changed: Any) -> RunResult:
        options = {"settings": SMALL, "resume": True, "run_name": "r"} | changed
        scores, model = options.pop("scores", whole.scores), options.pop("model", MODEL)
        return sm.run(scores, model, tmp_path / "out", **options)

    return resume_it


def test_a_finished_run_is_left_as_it_is(
    whole: Whole, done: Callable[..., RunResult], tmp_path: Path
) -> None:
    before = state(tmp_path / "out" / TABLES)

    result = done(run_name=None)  # the latest

    assert state(tmp_path / "out" / TABLES) == before
    assert f"{SHARDS} of {SHARDS} shards were already done; nothing was left" in result.report
    assert_same(result, whole.result)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "word"),
    [(flip, "altered"), (Path.unlink, "missing"), (lambda p: p.write_bytes(b""), "altered")],
)
def test_shards_whose_parts_are_not_as_they_were_are_done_again(
    whole: Whole, done: Callable[..., RunResult], tmp_path: Path,
    caplog: pytest.LogCaptureFixture, damage: Callable[[Path], None], word: str,
) -> None:  # fmt: skip
    tables = tmp_path / "out" / TABLES / "r"
    hurt = ["complete_coverage_predictions.parquet/part-00002.parquet",
            "base_model_predictions.parquet/part-00005.parquet"]  # fmt: skip
    before = state(tables)
    for name in hurt:
        damage(tables / name)

    with caplog.at_level(logging.WARNING):
        result = done()

    after = state(tables)
    again = {name for name in before if after[name] != before[name]} - {"ledger.jsonl"}
    assert {Path(name).stem for name in again} == {"part-00002", "part-00005"}
    assert len(again) == 8
    assert "Shard 2 is computed again" in caplog.text
    assert caplog.text.count(f"is {word}.") == 2
    assert f"{SHARDS - 2} of {SHARDS} shards" in result.report
    assert_same(result, whole.result)
    assert done().summary.taken == SHARDS


def test_parts_that_no_line_lists_are_removed(
    done: Callable[..., RunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from splice_meta.runs import task

    tables = tmp_path / "out" / TABLES / "r"
    lines = (tables / "ledger.jsonl").read_bytes().split(b"\n")
    (tables / "ledger.jsonl").write_bytes(b"\n".join(lines[:-2]) + b"\n")
    (tables / ".part-00001.parquet.99.tmp").write_text("stale")
    (tmp_path / "out" / ".report.html.99.tmp").write_text("stale")

    def fails(*_: object) -> object:
        raise ValueError("no")

    monkeypatch.setattr(task, "predict_genes", fails)
    result = done()

    assert done().failed == 1  # what failed is taken over, too
    # The last shard's gene fails now: its part of before must not be taken for a result.
    assert result.failed == 1
    assert len(list(tables.glob("complete*/part-*.parquet"))) == SHARDS - 1
    assert result.predictions().select("gene_id").unique().collect().height == SHARDS - 1
    assert not list((tmp_path / "out").rglob(".*.tmp"))


def other_scores(folder: Path) -> Path:
    path = folder / "other.parquet"
    make_scores({f"G{n}": list(range(1, 2501)) for n in range(SHARDS)}, 1).write_parquet(path)
    return path


def custom() -> dict[str, pl.Expr]:
    return {"mine": pl.col("donor_score") * 2}


DIFFERENCES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "memory": lambda _: {"settings": replace(SMALL, memory=4 << 20)},
    "columns": lambda _: {"settings": replace(SMALL, columns="lean")},
    "outputs": lambda _: {"settings": replace(SMALL, outputs=("complete",))},
    "selection": lambda _: {"settings": replace(SMALL, selection=sm.Selection(target_rate=0.2))},
    "inference mode": lambda _: {"settings": replace(SMALL, mode="meta_only")},
    "features": lambda _: {
        "settings": replace(SMALL, features=sm.FeatureSettings(custom={"mine": custom}))
    },
    "genes asked for": lambda _: {"genes": ["G1", "G2"]},
    "base scores": lambda folder: {"scores": other_scores(folder)},
    "model": lambda _: {"model": replace(sm.load_model(MODEL), margin=None)},
    "kept artifacts": lambda folder: {"keep_artifacts_dir": folder / "kept"},
}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_differs_is_named_and_nothing_is_written(
    done: Callable[..., RunResult], tmp_path: Path, name: str
) -> None:
    changed = DIFFERENCES[name](tmp_path)
    before = state(tmp_path)

    with pytest.raises(UsageError) as caught:
        done(**changed)

    assert caught.value.message == f"The run r cannot be resumed; changed since it started: {name}."
    assert "leave resume=True out" in caught.value.hint
    assert state(tmp_path) == before


def test_versions_and_shards_count_too(
    done: Callable[..., RunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state(tmp_path)

    with monkeypatch.context() as patch:
        patch.setattr(identity, "version", lambda _: "0.0")
        with pytest.raises(UsageError, match=r"changed .* versions of .* XGBoost"):
            done()
    with monkeypatch.context() as patch:
        real = planning.make_shards
        patch.setattr(planning, "make_shards", lambda *a: [replace(real(*a)[0], stop=3)])
        with pytest.raises(UsageError, match="started: shards"):
            done()

    assert state(tmp_path) == before


def test_genes_are_compared_where_the_digest_of_a_file_is_the_same(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As with a table that was changed between its ends, or lies in an object store.
    monkeypatch.setattr(identity, "_contents", list)
    settings = sm.RunSettings(mode="base_only")
    path = tmp_path / "scores.parquet"
    shutil.copy(whole.scores, path)
    sm.run(path, None, tmp_path / "out", settings=settings)
    pl.read_parquet(path).head(-1).write_parquet(path)
    before = state(tmp_path)

    with pytest.raises(UsageError, match="started: genes, shards"):
        sm.run(path, None, tmp_path / "out", settings=settings, resume=True)

    assert state(tmp_path) == before


def test_settings_that_change_no_result_do_not_count(
    whole: Whole, done: Callable[..., RunResult], tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere.parquet"
    shutil.copy(whole.scores, moved)

    result = done(settings=replace(SMALL, predict_rows=1000), scores=moved)

    assert result.summary.taken == SHARDS


def test_annotation_sequence_and_training_dataset_are_compared(tmp_path: Path) -> None:
    rows = pl.scan_parquet(FIXTURES / "scores_openspliceai.parquet").group_by(
        "gene_id", maintain_order=True
    )
    rows.head(300).sink_parquet(tmp_path / "scores.parquet")
    train = tmp_path / "train"
    train.mkdir()
    table = pl.DataFrame({"gene_id": ["x"], "position": [1]})
    table.write_parquet(train / "a.parquet")
    (tmp_path / "other.gtf").write_bytes((FIXTURES / "annotation.gtf.gz").read_bytes())
    given: dict[str, Any] = {"annotation": GTF, "fasta": FASTA, "training_dataset": train}
    settings = sm.RunSettings(mode="base_only")

    def start(**changed: Any) -> RunResult:
        options = given | changed
        return sm.run(
            tmp_path / "scores.parquet", None, tmp_path / "out", settings=settings, resume=True,
            **options,
        )  # fmt: skip

    start()
    assert start().summary.taken == 1
    for name, changed in (("annotation", {"annotation": None}), ("FASTA", {"fasta": None})):
        with pytest.raises(UsageError, match=f"started: {name}"):
            start(**changed)
    table.vstack(table).write_parquet(train / "b.parquet")
    with pytest.raises(UsageError, match="started: training dataset"):
        start()


def test_frames_cannot_be_told_apart(whole: Whole, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="frame"):
        sm.run(pl.read_parquet(whole.scores), MODEL, tmp_path / "out", resume=True)

    assert not (tmp_path / "out").exists()


def test_resume_and_overwrite_contradict_each_other(whole: Whole, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="contradict"):
        sm.run(whole.scores, MODEL, tmp_path / "out", resume=True, overwrite=True)

    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_ledger_is_not_touched(whole: Whole, tmp_path: Path) -> None:
    folder = tmp_path / TABLES / "r"
    folder.mkdir(parents=True)
    (folder / "mine.txt").write_text("x")

    with pytest.raises(OutputError, match="already"):
        sm.run(whole.scores, MODEL, tmp_path, resume=True, run_name="r")

    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_the_latest_run_is_taken_whose_ledger_can_be_read(whole: Whole, tmp_path: Path) -> None:
    settings = sm.RunSettings(mode="base_only")
    for name in ("z", "b", "a"):
        sm.run(whole.scores, None, tmp_path, settings=settings, run_name=name)
    (tmp_path / TABLES / "a" / "ledger.jsonl").write_text("damaged\ndamaged\n")

    result = sm.run(whole.scores, None, tmp_path, settings=settings, resume=True)

    assert result.layout.run_name == "b"
    with pytest.raises(InputError, match="damaged"):
        sm.run(whole.scores, None, tmp_path, settings=settings, resume=True, run_name="a")


def test_ends_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(bytes(3 * END))
    before = ends_of(path)
    for place, seen in ((0, True), (END - 1, True), (2 * END, True), (3 * END - 1, True),
                        (END, False)):  # fmt: skip
        data = bytearray(3 * END)
        data[place] = 1
        path.write_bytes(data)
        assert (ends_of(path) != before) == seen


# Runs that score genes first.


class Stops(ByBase):
    """Is interrupted at a certain gene, and counts those before."""

    def __init__(self, stop: int = 1 << 30) -> None:
        super().__init__()
        self.calls, self.stop = 0, stop

    def predict(self, sequences: Any) -> Any:
        self.calls += 1
        if self.calls == self.stop:
            raise KeyboardInterrupt
        return super().predict(sequences)


def score_and_run(folder: Path, base_model: Any, **options: Any) -> RunResult:
    return sm.run(
        None, None, folder, settings=sm.RunSettings(mode="base_only", memory=4 << 20),
        annotation=GTF, fasta=FASTA, base_model=base_model, **options,
    )  # fmt: skip


@pytest.mark.parametrize("kept", [False, True])
def test_scoring_goes_on_where_it_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    monkeypatch.setattr(score_task, "SHARD", 1)
    expected = score_and_run(tmp_path / "whole", counting := Stops())
    options = {"keep_artifacts_dir": tmp_path / "kept"} if kept else {}

    with pytest.raises(KeyboardInterrupt):
        score_and_run(tmp_path / "out", Stops(counting.calls - 1), **options)
    rest = Stops()
    result = score_and_run(tmp_path / "out", rest, resume=True, **options)

    assert 0 < rest.calls < counting.calls
    assert result.predictions().collect().equals(expected.predictions().collect())
    assert result.genes.drop("seconds").equals(expected.genes.drop("seconds"))
    assert not list(tmp_path.rglob(".base_scores*"))
    assert (tmp_path / "kept/artifacts/base_scores.parquet").exists() == kept


def test_scored_genes_are_not_scored_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = score_and_run(tmp_path / "whole", ByBase())
    # The genes are scored by then, and as many shards are left as cannot all be in flight.
    restore = interrupt_when(monkeypatch, lambda: any_listed(tmp_path / "out"))
    with pytest.raises(KeyboardInterrupt):
        score_and_run(tmp_path / "out", ByBase())
    restore()

    result = score_and_run(tmp_path / "out", Never(), resume=True)

    assert result.failed == 0
    assert 0 < result.summary.taken < result.summary.shards
    assert result.predictions().collect().equals(expected.predictions().collect())
    # A complete run has thrown its scores away; they are made again, its tables are not.
    before = state(result.layout.predictions)
    again = score_and_run(tmp_path / "out", ByBase(), resume=True)
    assert again.summary.taken == result.summary.shards
    assert state(result.layout.predictions) == before


def test_kept_scores_that_were_altered_are_refused(tmp_path: Path) -> None:
    kept = {"keep_artifacts_dir": tmp_path / "kept"}
    score_and_run(tmp_path / "out", ByBase(), **kept)
    flip(tmp_path / "kept/artifacts/base_scores.parquet")

    with pytest.raises(InputError, match="not what this run scored"):
        score_and_run(tmp_path / "out", Never(), resume=True, **kept)


# Processes that are killed.


# A run that says when its ledger lists a number of shards, and then waits for a signal while
# those in flight go on. Where the tests run in the background, SIGINT would be ignored.
COMMAND = """
import signal, sys, threading
from splice_meta.cli.app import main
from splice_meta.jobs.ledger import Ledger

signal.signal(signal.SIGINT, signal.default_int_handler)
shards, path, write_shard = int(sys.argv.pop(1)), sys.argv.pop(1), Ledger.write_shard

def write_and_wait(self, task, receipt):
    write_shard(self, task, receipt)
    if open(path, "rb").read().count(b'"record":"shard"') >= shards:
        print("there", flush=True)
        threading.Event().wait()

Ledger.write_shard = write_and_wait
main()
"""


def kill_when(shards: int, number: int, arguments: list[str], cwd: Path) -> tuple[int, str]:
    """Send a signal when the ledger lists a number of shards; the status and stderr."""
    path = cwd / "out" / TABLES / "r" / "ledger.jsonl"
    command = [sys.executable, "-c", COMMAND, str(shards), path, "run", *arguments]
    with subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.send_signal(number)
        _, said = process.communicate()
    return process.returncode, said


def arguments_of(whole: Whole, *more: str) -> list[str]:
    return [
        "--scores", str(whole.scores), "--model", MODEL, "--memory", f"{AT_ONCE}MiB",
        "--run-name", "r", "--output-dir", "out", "--keep-artifacts-dir", "kept", "--resume", *more,
    ]  # fmt: skip


def test_a_run_killed_again_and_again_comes_to_the_same_end(whole: Whole, tmp_path: Path) -> None:
    chance = random.Random(11)
    done = 0
    for _ in range(3):
        before = done
        shards = chance.randint(before + 1, before + 2)
        status, _ = kill_when(shards, signal.SIGKILL, arguments_of(whole), tmp_path)
        assert status == -signal.SIGKILL
        recorded = read_ledger(tmp_path / "out" / TABLES / "r" / "ledger.jsonl")
        assert recorded is not None
        done = len(recorded.shards)
        assert done == shards

    result = sm.run(
        whole.scores, MODEL, tmp_path / "out", settings=SMALL, run_name="r", resume=True,
        keep_artifacts_dir=tmp_path / "kept",
    )  # fmt: skip

    assert result.summary.taken == done
    # No shard that was listed was done again.
    assert (result.layout.ledger).read_bytes().count(b'"record":"shard"') == SHARDS
    assert_same(result, whole.result)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_cleanly(whole: Whole, tmp_path: Path, number: int) -> None:
    status, said = kill_when(3, number, arguments_of(whole), tmp_path)

    assert status == 130
    # Where an interrupt meets a Python function, Polars says that it panicked before.
    assert said.endswith(
        "splice-meta: Interrupted.\n"
        "Finished parts are kept; resume with the same command and --resume.\n"
    )
    assert not list(tmp_path.rglob(".*.tmp"))
    assert not list(tmp_path.rglob("*report*"))
    for part in tmp_path.rglob("*.parquet"):
        if part.is_file():
            pl.read_parquet(part)
    recorded = read_ledger(tmp_path / "out" / TABLES / "r" / "ledger.jsonl")
    assert recorded is not None
    assert len(recorded.shards) == 3


# Strays, names and times.


def test_a_stray_part_does_not_survive_a_finished_run(
    whole: Whole, done: Callable[..., RunResult], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tables = tmp_path / "out" / TABLES / "r"
    foreign = pl.read_parquet(tables / FILE_OF["complete"] / "part-00000.parquet")
    strays = [tables / FILE_OF["complete"] / f"part-{n:05d}.parquet" for n in (99, 100_000)]
    for path in strays:
        foreign.write_parquet(path)
    mine = tables / FILE_OF["base"] / "mine.parquet"
    foreign.write_parquet(mine)
    before = whole.result.predictions().collect()

    # Neither what the run gives nor who reads the folder takes it for data.
    layout = OutputLayout(tmp_path / "out", "r")
    assert scan_table(layout, "complete").collect().equals(before)
    assert scan_parts(tables / FILE_OF["complete"]).collect().equals(before)
    result = done()

    assert result.predictions().collect().equals(before)
    assert not any(path.exists() for path in strays)
    assert mine.exists()
    assert "it was removed" in caplog.text
    assert "mine.parquet is not part" in caplog.text


def test_strays_among_what_is_kept_go_too(whole: Whole, tmp_path: Path) -> None:
    options = {"settings": SMALL, "run_name": "r", "keep_artifacts_dir": tmp_path / "kept"}
    sm.run(whole.scores, MODEL, tmp_path / "out", **options)
    strays = [
        tmp_path / "kept/master/batch_00099.parquet",
        tmp_path / "kept/features/uncertain_positions_features.parquet/part-00099.parquet",
    ]
    for path in strays:
        shutil.copy(next(iter(path.parent.iterdir())), path)

    sm.run(whole.scores, MODEL, tmp_path / "out", resume=True, **options)

    assert not any(path.exists() for path in strays)
    assert len(list((tmp_path / "kept/master").iterdir())) == SHARDS


def test_a_part_that_is_gone_is_said(done: Callable[..., RunResult], tmp_path: Path) -> None:
    result = done()
    (result.layout.predictions / FILE_OF["complete"] / "part-00003.parquet").unlink()

    with pytest.raises(OutputError, match=r"part-00003.parquet is gone"):
        result.predictions()


def start_line(folder: Path, name: str, started: str) -> None:
    ledger = folder / TABLES / name / "ledger.jsonl"
    first, rest = ledger.read_text().split("\n", 1)
    ledger.write_text(json.dumps(json.loads(first) | {"started": started}) + "\n" + rest)


@pytest.mark.parametrize(("a", "b"), [
    # An hour that comes twice, and machines of other zones; b is the later one.
    ("2026-10-25T02:50:00+02:00", "2026-10-25T02:10:00+01:00"),
    ("2026-11-01T23:30:00+09:00", "2026-11-01T15:00:00+00:00"),
    ("2026-11-01T15:00:00+00:00", "2026-11-01T10:30:00-05:00"),
    # As before zones were noted: the time of this machine.
    ("2026-11-01T09:00:00.5", "2026-11-01T09:00:01"),
])  # fmt: skip
@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_the_latest_run_is_that_by_universal_time(
    whole: Whole, tmp_path: Path, a: str, b: str, names: tuple[str, str]
) -> None:
    settings = sm.RunSettings(mode="base_only")
    for name, started in zip(names, (a, b), strict=True):
        sm.run(whole.scores, None, tmp_path, settings=settings, run_name=name)
        start_line(tmp_path, name, started)

    result = sm.run(whole.scores, None, tmp_path, settings=settings, resume=True)

    assert result.layout.run_name == names[1]


def test_a_ledger_notes_universal_time(done: Callable[..., RunResult], tmp_path: Path) -> None:
    ledger = done().layout.ledger
    assert isinstance(ledger, Path)

    first = json.loads(ledger.read_text().split("\n", 1)[0])

    assert datetime.fromisoformat(first["started"]).utcoffset() == timedelta()


def test_runs_that_start_in_one_second_both_work(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None sees the folder of another when it looks for a name.
    monkeypatch.setattr(room, "new_run_name", lambda _: "selective_inference_20261101_100000")
    settings = sm.RunSettings(mode="base_only")
    results = [sm.run(whole.scores, None, tmp_path, settings=settings) for _ in range(3)]

    assert len({result.layout.run_name for result in results}) == 3
    tables = [result.predictions().collect() for result in results]
    assert all(table.equals(tables[0]) for table in tables)
    with pytest.raises(OutputError, match="already"):
        sm.run(whole.scores, None, tmp_path, settings=settings, run_name=results[0].layout.run_name)
