"""Scoring as a job: the same table whoever makes it, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import polars as pl
import pytest
from conftest import FIXTURES, MODEL
from s3_server import s3_server
from tiny_network import Interrupted, TinyNetwork

import splice_meta as sm
from splice_meta.base_models import score_task
from splice_meta.base_models.score_task import parts_of_table
from splice_meta.errors import OutputError, UsageError
from splice_meta.files.stores import Place, object_at, place_of
from splice_meta.jobs.ledger import read_ledger
from splice_meta.jobs.lines import open_lines
from splice_meta.jobs.plan import ledger_of
from splice_meta.runtime.process import share_cores, usable_cores

GTF, FASTA = FIXTURES / "annotation.gtf.gz", FIXTURES / "region.fa.gz"
TESTS = Path(__file__).parent
GENES = ["ENSG00000109332", "ENSG00000164038", "ENSG00000164039", "ENSG00000145354"]
SHARD = 20_000


class Noting(TinyNetwork):
    """Notes the process of each call; ends the first of them that is another than a given one."""

    def __init__(self, folder: Path, spared: int | None = None) -> None:
        super().__init__()
        self.folder, self.spared = str(folder), spared

    def predict(self, sequences: Any) -> Any:
        folder = Path(self.folder)
        (folder / str(os.getpid())).touch()
        if self.spared not in (None, os.getpid()) and not (folder / "ended").exists():
            (folder / "ended").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().predict(sequences)

    def __reduce__(self) -> Any:
        return Noting, (self.folder, self.spared)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_task, "SHARD", SHARD)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table that was made in one go."""
    path = tmp_path_factory.mktemp("whole") / "out.parquet"
    sm.score(GTF, FASTA, path, genes=GENES, base_model=TinyNetwork(), truth=True)
    return path


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    pytest.importorskip("distributed")
    from splice_meta.jobs import dask_workers

    with dask_workers.open_workers(2, None) as found:
        yield found.client


def score_into(output: str | Path, base_model: Any = None, **options: Any) -> sm.ScoreResult:
    return sm.score(
        GTF, FASTA, output, genes=GENES, base_model=base_model or TinyNetwork(), truth=True,
        **options,
    )  # fmt: skip


@pytest.mark.parametrize("window", [100_000, 1_777])
def test_shards_threads_and_windows_make_no_difference(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    class Parallel(TinyNetwork):
        parallel = 3

    monkeypatch.setattr(score_task, "SHARD", 1)

    result = score_into(tmp_path / "out.parquet", Parallel(batch=2), window=window)

    assert Path(str(result.path)).read_bytes() == whole.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_no_thread_is_left(tmp_path: Path) -> None:
    score_into(tmp_path / "out.parquet")
    interrupted(tmp_path / "other.parquet")

    left = [each for each in threading.enumerate() if each.name.startswith("score")]
    for each in left:
        each.join(timeout=30)
    assert not any(each.is_alive() for each in left)


@pytest.mark.parametrize("batch", [1, 4])
def test_executors_agree(workers: Any, whole: Path, tmp_path: Path, batch: int) -> None:
    told: list[int] = []

    score_into(
        tmp_path / "out.parquet", TinyNetwork(batch), cluster=workers,
        progress=sm.Watcher(advanced=told.append),
    )  # fmt: skip

    assert (tmp_path / "out.parquet").read_bytes() == whole.read_bytes()
    assert sum(told) == pl.read_parquet(whole).height
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_workers_of_its_own_score_everything(whole: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    (tmp_path / "seen").mkdir()

    score_into(tmp_path / "out.parquet", Noting(tmp_path / "seen"), workers=2)

    assert (tmp_path / "out.parquet").read_bytes() == whole.read_bytes()
    seen = {path.name for path in (tmp_path / "seen").iterdir()}
    assert len(seen) == 2
    assert str(os.getpid()) not in seen


def test_a_worker_that_dies_loses_nothing(whole: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    (tmp_path / "seen").mkdir()

    result = score_into(
        tmp_path / "out.parquet", Noting(tmp_path / "seen", spared=os.getpid()), workers=2
    )

    assert (tmp_path / "seen" / "ended").exists()
    assert result.failed == 0
    assert (tmp_path / "out.parquet").read_bytes() == whole.read_bytes()


def test_a_base_model_that_cannot_be_sent_is_refused(workers: Any, tmp_path: Path) -> None:
    class Open(TinyNetwork):
        def __reduce__(self) -> Any:
            raise TypeError("cannot pickle an open device")

    with pytest.raises(UsageError, match="scoring cannot be sent to Dask workers: cannot pickle"):
        score_into(tmp_path / "out.parquet", Open(), cluster=workers)

    assert list(tmp_path.iterdir()) == []


def test_a_run_scores_its_missing_genes_on_the_workers(workers: Any, tmp_path: Path) -> None:
    (tmp_path / "seen").mkdir()
    options: dict[str, Any] = {
        "genes": GENES[:2], "annotation": GTF, "fasta": FASTA, "run_name": "r",
        "settings": sm.RunSettings(mode="base_only"),
    }  # fmt: skip
    expected = sm.run(None, None, tmp_path / "here", base_model=TinyNetwork(), **options)

    found = sm.run(
        None, None, tmp_path / "there", base_model=Noting(tmp_path / "seen"), cluster=workers,
        **options,
    )  # fmt: skip

    assert found.predictions().collect().equals(expected.predictions().collect())
    assert found.genes.drop("seconds").equals(expected.genes.drop("seconds"))
    assert str(os.getpid()) not in {path.name for path in (tmp_path / "seen").iterdir()}
    assert not list(tmp_path.rglob(".base_scores*"))


# A scoring that ends itself when its ledger lists a number of shards.
COMMAND = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import splice_meta as sm
from splice_meta.base_models import score_task
from splice_meta.jobs.ledger import Ledger
from tiny_network import TinyNetwork

score_task.SHARD = int(sys.argv[2])
left, write_shard = int(sys.argv[3]), Ledger.write_shard

def write_and_end(self, task, receipt):
    global left
    write_shard(self, task, receipt)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

Ledger.write_shard = write_and_end
sm.score(sys.argv[4], sys.argv[5], sys.argv[6], genes=sys.argv[7:], base_model=TinyNetwork(),
         truth=True, resume=True)
"""


def test_a_scoring_killed_again_and_again_comes_to_the_same_end(
    whole: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.parquet"
    done = []
    for _ in range(2):
        command = [sys.executable, "-c", COMMAND, str(TESTS), str(SHARD), "1"]
        ended = subprocess.run([*command, GTF, FASTA, output, *GENES], check=False)
        assert ended.returncode == -signal.SIGKILL
        recorded = read_ledger(tmp_path / "out.parquet.parts" / "ledger.jsonl")
        assert recorded is not None
        done.append(len(recorded.shards))
    planned: list[Any] = []

    score_into(
        output, resume=True, progress=sm.Watcher(lambda *told: planned.append(told))
    )

    assert done == [1, 2]
    assert planned[0][1] < pl.read_parquet(whole).height
    assert output.read_bytes() == whole.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


class InterruptedLate(TinyNetwork):
    """Is interrupted in its third call, as soon as the first shard is listed."""

    def __init__(self, ledger: Place) -> None:
        super().__init__()
        self.ledger = ledger

    def predict(self, sequences: Any) -> Any:
        if len(self.shapes) == 2:
            until = time.monotonic() + 60
            # Parts are written while the network scores other genes.
            while not (found := read_ledger(self.ledger)) or 0 not in found.shards:
                assert time.monotonic() < until, "the first shard is not listed"
                time.sleep(0.01)
            raise KeyboardInterrupt
        return super().predict(sequences)


def interrupted(output: str | Path) -> None:
    """Score into a table, up to an interrupt after the first of its shards."""
    with pytest.raises(KeyboardInterrupt):
        score_into(output, InterruptedLate(ledger_of(parts_of_table(place_of(output)))))


def test_one_process_at_a_time_writes_a_table(tmp_path: Path) -> None:
    interrupted(tmp_path / "out.parquet")

    with (
        open_lines(tmp_path / "out.parquet.parts" / "ledger.jsonl"),
        pytest.raises(OutputError, match="is still running"),
    ):
        score_into(tmp_path / "out.parquet", resume=True)


def test_an_altered_part_is_made_again(
    whole: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    interrupted(tmp_path / "out.parquet")
    folder = tmp_path / "out.parquet.parts"
    recorded = read_ledger(folder / "ledger.jsonl")
    assert recorded is not None
    part = folder / recorded.shards[0].at("parts").items()[0].at("path").text()
    part.write_bytes(part.read_bytes()[:-1])

    score_into(tmp_path / "out.parquet", resume=True)

    assert f"Shard 0 is computed again: {part} is altered." in caplog.text
    assert (tmp_path / "out.parquet").read_bytes() == whole.read_bytes()


def test_cores_are_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    try:
        share_cores(3)
        assert usable_cores() == 6
    finally:
        share_cores(1)
    assert usable_cores() == 2


# --- Object stores -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    pytest.importorskip("obstore")
    with s3_server("scores"):
        yield "s3://scores"


def names_below(address: str) -> list[str]:
    place = object_at(address)
    assert place is not None
    return [str(each).removeprefix(f"{address}/") for each in place.files()]


def test_a_table_in_a_store_is_the_same_and_can_be_gone_on_with(bucket: str, whole: Path) -> None:
    folder = f"{bucket}/{token_hex(4)}"
    output = f"{folder}/out.parquet"
    interrupted(output)
    assert any("out.parquet.parts/ledger.jsonl/" in name for name in names_below(folder))
    with pytest.raises(OutputError, match="not complete"):
        score_into(output)

    result = score_into(output, resume=True)

    assert result.scores().collect().equals(pl.read_parquet(whole))
    assert names_below(folder) == ["out.parquet"]
    with pytest.raises(OutputError, match="already exists"):
        score_into(output)
    score_into(output, overwrite=True)
    assert names_below(folder) == ["out.parquet"]


def test_what_others_put_beside_a_table_in_a_store_stays(bucket: str) -> None:
    folder = f"{bucket}/{token_hex(4)}"
    foreign = object_at(f"{folder}/out.parquet.parts/notes.txt")
    assert foreign is not None
    foreign.write_bytes(b"mine")

    with pytest.raises(OutputError, match=r"holds notes\.txt"):
        score_into(f"{folder}/out.parquet", overwrite=True)

    assert names_below(folder) == ["out.parquet.parts/notes.txt"]


def test_scores_of_a_run_in_a_store_go_with_it(bucket: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "genes": GENES[:2], "annotation": GTF, "fasta": FASTA, "run_name": "r",
        "settings": sm.RunSettings(mode="base_only"),
    }  # fmt: skip
    address = f"{bucket}/{token_hex(4)}"
    with pytest.raises(KeyboardInterrupt):
        sm.run(None, None, address, base_model=Interrupted(1, KeyboardInterrupt), **options)
    assert any("/.base_scores/" in name for name in names_below(address))

    found = sm.run(None, None, address, base_model=TinyNetwork(), resume=True, **options)

    expected = sm.run(None, None, tmp_path, base_model=TinyNetwork(), **options)
    assert found.predictions().collect().equals(expected.predictions().collect())
    assert not any("/.base_scores/" in name for name in names_below(address))


def test_scored_genes_and_a_model_go_together(workers: Any, tmp_path: Path) -> None:
    """The default model, on scores that another base model made, is refused on workers, too."""
    with pytest.raises(UsageError, match="would be scored by tiny"):
        sm.run(
            None, MODEL, tmp_path / "out", genes=GENES[:1], annotation=GTF, fasta=FASTA,
            base_model=TinyNetwork(), cluster=workers,
        )  # fmt: skip
    assert not (tmp_path / "out").exists()
