"""What happens when things go wrong in the middle."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Semaphore
from types import SimpleNamespace

import polars as pl
import pytest
from conftest import MODEL, make_scores

import splice_meta as sm
from splice_meta import sink
from splice_meta.errors import OutputError
from splice_meta.jobs import local
from splice_meta.jobs.plan import Shard
from splice_meta.runs import task
from splice_meta.runs.outputs import OutputLayout
from splice_meta.runs.room import make_room
from splice_meta.runs.shards import make_shards
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.opened import BaseScores

SCORES = make_scores({name: list(range(1, 41)) for name in ("A", "B", "C", "D", "E")})


@pytest.fixture
def failing_gene(monkeypatch: pytest.MonkeyPatch) -> str:
    """Any batch that holds gene C fails, as a gene with impossible data would."""
    real = task.predict_genes

    def predict_genes(scores: BaseScores, first: int, stop: int, *rest: object) -> object:
        if "C" in scores.table.genes["gene_id"][first:stop]:
            raise KeyError("gene C is impossible")
        return real(scores, first, stop, *rest)

    monkeypatch.setattr(task, "predict_genes", predict_genes)
    return "C"


@pytest.mark.parametrize("memory", [1 << 30, 1 << 20])
def test_a_failing_gene_does_not_stop_the_others(
    failing_gene: str, tmp_path: Path, memory: int
) -> None:
    result = sm.run(SCORES, MODEL, tmp_path, settings=sm.RunSettings(memory=memory), run_name="r")

    expected = sm.predict(SCORES.filter(pl.col("gene_id") != failing_gene), MODEL)
    assert result.predictions().collect().equals(expected)
    failed = result.genes.filter(pl.col("status") == "failed")
    assert failed.select("gene_id", "reason").rows() == [("C", "'gene C is impossible'")]
    assert result.failed == 1


def test_if_every_gene_fails_the_reports_still_say_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def predict_genes(*_: object) -> object:
        raise ValueError("no")

    monkeypatch.setattr(task, "predict_genes", predict_genes)

    result = sm.run(SCORES, MODEL, tmp_path, run_name="r")

    assert result.failed == 5
    assert (tmp_path / "report.html").exists()
    assert "A: no" in (tmp_path / "performance_report.txt").read_text()


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    path.write_text("what was there before")
    broken = SCORES.lazy().with_columns(
        pl.col("position").map_batches(lambda _: 1 / 0, return_dtype=pl.Int64)
    )

    with pytest.raises(Exception, match="division by zero"):
        sink.sink_parquet(broken, path)

    assert path.read_text() == "what was there before"
    assert [p.name for p in tmp_path.iterdir()] == ["table.parquet"]


def test_no_temporary_file_survives_an_interrupt(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", interrupt)

    with pytest.raises(KeyboardInterrupt):
        sm.run(SCORES, MODEL, tmp_path, run_name="r")

    assert not list(tmp_path.rglob("*.tmp"))
    assert not list(tmp_path.rglob("*.parquet"))


def test_an_interrupt_that_polars_wraps_is_no_failed_gene(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupt(*_: object) -> None:
        raise pl.exceptions.ComputeError("the Python function failed: KeyboardInterrupt: ")

    monkeypatch.setattr(task, "predict_genes", interrupt)

    with pytest.raises(KeyboardInterrupt):
        sm.run(SCORES, MODEL, tmp_path, run_name="r")

    assert not (tmp_path / "gene_manifest.json").exists()


def test_an_unwritable_place_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(OutputError):
        sm.run(SCORES, MODEL, tmp_path / "file", run_name="r")
    with pytest.raises(OutputError, match="cannot be"):
        sm.run(SCORES, MODEL, tmp_path / "file" / "below", run_name="r")


def test_bad_scores_write_nothing(tmp_path: Path) -> None:
    bad = SCORES.with_columns(pl.lit(None, pl.Float32).alias("donor_score"))

    with pytest.raises(sm.SpliceMetaError):
        sm.run(bad, MODEL, tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_a_shard_that_is_flushed_leaves_its_room_to_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    room, seen = Semaphore(1), []

    def fsync(_: int) -> None:
        seen.append(room.acquire(blocking=False))
        room.release()

    layout = OutputLayout(tmp_path, "r")
    make_room(layout, (), overwrite=False)
    opened, settings = open_scores(SCORES), sm.RunSettings(mode="base_only")
    job = task.RunTask(opened, None, settings, layout)
    shard, *_ = make_shards(opened, None, settings)
    monkeypatch.setattr(sink.os, "fsync", fsync)

    receipt = job.run(shard, room, lambda _: None)

    assert seen
    assert all(seen)
    assert all((layout.predictions / part.path).exists() for part in receipt.parts)
    assert sum(part.rows for part in receipt.parts if part.table == "complete") == SCORES.height


def test_a_shard_is_begun_when_another_needs_no_memory() -> None:
    """So that an interrupt waits for no shard that has not begun."""
    shards = [Shard(number, 5, number, number + 1, 1) for number in range(5)]
    computed, flushed = [Event() for _ in shards], [Event() for _ in shards]
    begun: SimpleQueue[int] = SimpleQueue()

    def run(shard: Shard, room: AbstractContextManager[None], _: object) -> task.Receipt:
        begun.put(shard.number)
        with room:
            assert computed[shard.number].wait(60)
        assert flushed[shard.number].wait(60)
        return task.Receipt(shard)

    job = SimpleNamespace(
        run=run, open=lambda sent: None, close=lambda: None, at_once=2, tells=False
    )
    with ThreadPoolExecutor(1) as pool:
        receipts = pool.submit(lambda: list(local.run_local(job, shards)))  # type: ignore[arg-type]

        def assert_no_other_begins() -> None:
            with pytest.raises(Empty):
                begun.get(timeout=0.2)

        assert {begun.get(timeout=60), begun.get(timeout=60)} == {0, 1}
        assert_no_other_begins()
        computed[1].set()
        assert begun.get(timeout=60) == 2
        computed[0].set()
        assert_no_other_begins()  # two are flushed
        flushed[1].set()
        assert begun.get(timeout=60) == 3
        for event in (*computed, *flushed):
            event.set()

    assert sorted(receipt.shard.number for receipt in receipts.result()) == [0, 1, 2, 3, 4]
