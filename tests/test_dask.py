"""Runs on Dask give what runs in this process give, whatever happens to the workers."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import FIXTURES, MODEL, make_scores

import splice_meta as sm
from splice_meta.errors import ClusterError, OutputError, SpliceMetaError, UsageError
from splice_meta.jobs import dask as on_dask
from splice_meta.jobs import dask_cluster, dask_workers
from splice_meta.runs.outputs import FILE_OF
from splice_meta.runs.shards import AT_ONCE
from splice_meta.runs.tables import scan_table
from splice_meta.runtime.process import ENVIRONMENT
from splice_meta.sources.base_scores import open_scores
from splice_meta.workflow import RunResult

pytest.importorskip("distributed")

MIB = 1 << 20
OTHERS = ("ENSG00000138778", "ENSG00000145354")
GTF, FASTA = FIXTURES / "annotation.gtf.gz", FIXTURES / "region.fa.gz"
PARTED = sm.RunSettings(memory=2 * MIB)


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    with dask_workers.open_workers(2, None) as found:
        yield found.client


@pytest.fixture(scope="session")
def short_path(short_genes: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("short") / "scores.parquet"
    short_genes.write_parquet(path)
    return path


@pytest.fixture(scope="session")
def many_genes() -> pl.DataFrame:
    return make_scores({f"G{number:02}": list(range(1, 1501)) for number in range(40)})


def our_processes() -> list[tuple[int, str]]:
    """Id and command of every process below this one."""
    parents, commands = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int(
                (folder / "stat").read_text().rsplit(")")[-1].split()[1]
            )
            commands[int(folder.name)] = (folder / "cmdline").read_bytes().decode()
        except (OSError, ValueError):  # it has just ended
            continue

    def is_ours(process: int) -> bool:
        above = parents.get(process)
        return above == os.getpid() or (above is not None and is_ours(above))

    return [(process, command) for process, command in commands.items() if is_ours(process)]


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")")[-1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def wait_for(state: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not state():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def before() -> set[int]:
    return {process for process, _ in our_processes()}


def new_workers(before: set[int]) -> set[int]:
    ours = our_processes()
    return {process for process, command in ours if "spawn_main" in command} - before


def tables(result: RunResult) -> dict[str, pl.DataFrame]:
    written = {path.name for path in result.layout.predictions.iterdir()}
    return {
        output: scan_table(result.layout, output).collect()
        for output, name in FILE_OF.items()
        if name in written
    }


def files(result: RunResult) -> set[str]:
    root = result.layout.predictions
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def assert_same(found: RunResult, expected: RunResult) -> None:
    assert files(found) == files(expected)
    ours, theirs = tables(found), tables(expected)
    assert ours.keys() == theirs.keys()
    for output in ours:
        assert ours[output].equals(theirs[output]), output
    assert found.genes.drop("seconds").equals(expected.genes.drop("seconds"))


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        (PARTED, {}),
        (sm.RunSettings(), {}),
        (sm.RunSettings(memory=2 * MIB, mode="base_only"), {"model": None}),
        (sm.RunSettings(memory=2 * MIB, outputs=("meta",), columns="lean"), {}),
        (PARTED, {"genes": ["ENSG00000164039", "GHOST", "ENSG00000109332", *OTHERS]}),
        (PARTED, {"annotation": GTF, "fasta": FASTA}),
    ],
    ids=["parts", "one_file", "base_only", "lean_meta", "genes", "reference"],
)
def test_executors_agree(
    workers: Any, short_path: Path, tmp_path: Path, settings: sm.RunSettings, options: Any
) -> None:
    given = {"model": MODEL, "settings": settings, "run_name": "r", **options}

    expected = sm.run(short_path, output_dir=tmp_path / "here", **given)
    found = sm.run(short_path, output_dir=tmp_path / "there", cluster=workers, **given)

    assert_same(found, expected)
    assert any("part-00001" in name for name in files(found)) == (settings.memory == 2 * MIB)


def test_frames_kept_artifacts_and_training_datasets_agree(
    workers: Any, short_genes: pl.DataFrame, tmp_path: Path
) -> None:
    (tmp_path / "train").mkdir()
    short_genes.head(2000)[::3].select("gene_id", "position").write_parquet(
        tmp_path / "train" / "rows.parquet"
    )

    def run(name: str, **options: Any) -> RunResult:
        kept, output = tmp_path / f"kept_{name}", tmp_path / name
        return sm.run(
            short_genes, MODEL, output, settings=PARTED, training_dataset=tmp_path / "train",
            keep_artifacts_dir=kept, run_name="r", **options,
        )  # fmt: skip

    expected, found = run("here"), run("there", cluster=workers)

    assert_same(found, expected)
    assert 0 < found.predictions().collect()["in_training"].sum() < short_genes.height
    for name in ("features/uncertain_positions_features.parquet", "master"):
        ours, theirs = (pl.read_parquet(tmp_path / f"kept_{n}" / name) for n in ("there", "here"))
        assert ours.height
        assert ours.equals(theirs)


def test_own_families_reach_the_workers(
    workers: Any, short_path: Path, demo_path: Path, tmp_path: Path
) -> None:
    def doubled() -> dict[str, pl.Expr]:
        return {"doubled": pl.col("donor_score").map_batches(lambda s: s * 2, pl.Float32)}

    features = sm.FeatureSettings(custom={"doubled": doubled})
    settings = sm.RunSettings(memory=2 * MIB, features=features)
    assert_same(
        sm.run(short_path, MODEL, tmp_path / "a", settings=settings, run_name="r", cluster=workers),
        sm.run(short_path, MODEL, tmp_path / "b", settings=settings, run_name="r"),
    )


def test_relative_paths_count_from_here(
    workers: Any, short_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(short_path.parent)
    out = os.path.relpath(tmp_path / "out")

    result = sm.run(short_path.name, MODEL, out, settings=PARTED, run_name="r", cluster=workers)

    assert result.failed == 0
    assert (tmp_path / "out/selective_inference/predictions/r").is_dir()


def test_threads_are_shared_out_and_ours_stay_as_they_are(workers: Any) -> None:
    def seen() -> tuple[int, str | None, str | None]:
        import polars

        threads = os.environ.get("OMP_NUM_THREADS")
        return polars.thread_pool_size(), threads, os.environ.get("MALLOC_TRIM_THRESHOLD_")

    share = max(pl.thread_pool_size() // 2, 1)
    kept = ENVIRONMENT["MALLOC_TRIM_THRESHOLD_"]  # Dask has its own idea of it

    assert set(workers.run(seen).values()) == {(share, str(share), kept)}
    assert dask_workers.worker_environment(1000)["POLARS_MAX_THREADS"] == "1"
    assert {"POLARS_MAX_THREADS", "OMP_NUM_THREADS"}.isdisjoint(os.environ)


def test_a_failing_gene_is_said_once_and_does_not_stop_the_others(
    workers: Any, short_path: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def break_gene() -> None:
        from splice_meta.runs import task

        real = task.predict_genes

        def predict_genes(scores: Any, first: int, stop: int, *rest: Any) -> Any:
            if "ENSG00000164039" in scores.table.genes["gene_id"][first:stop]:
                raise KeyError("it is impossible")
            return real(scores, first, stop, *rest)

        task.predict_genes, task.real = predict_genes, real  # type: ignore[attr-defined]

    def mend_gene() -> None:
        from splice_meta.runs import task

        task.predict_genes = task.real  # type: ignore[attr-defined]

    workers.run(break_gene)
    try:
        result = sm.run(short_path, MODEL, tmp_path, cluster=workers, run_name="r")
    finally:
        workers.run(mend_gene)

    said = "Gene ENSG00000164039 failed: 'it is impossible'"
    assert caplog.messages.count(said) == 1
    assert (tmp_path / "inference_workflow.log").read_text().count(said) == 1
    assert result.failed == 1
    assert result.predictions().collect()["gene_id"].n_unique() == 4


@pytest.mark.parametrize("number", [1, 2])
def test_a_killed_worker_loses_nothing(
    many_genes: pl.DataFrame, tmp_path: Path, number: int, before: set[int],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    steps: list[int] = []

    def kill_one(positions: int) -> None:
        steps.append(positions)
        if len(steps) == 5:
            os.kill(min(new_workers(before)), signal.SIGKILL)

    expected = sm.run(many_genes, MODEL, tmp_path / "here", settings=PARTED, run_name="r")
    found = sm.run(
        many_genes, MODEL, tmp_path / "there", settings=PARTED, run_name="r", workers=number,
        progress=sm.Watcher(advanced=kill_one),
    )  # fmt: skip

    assert len(steps) == found.summary.shards > 10
    assert_same(found, expected)
    assert [m for m in caplog.messages if "A worker has ended" in m and "run again" in m]
    assert capfd.readouterr() == ("", "")
    assert {process for process, _ in our_processes()} <= before
    assert {path.name for path in tmp_path.iterdir()} == {"here", "there"}


def test_a_shard_that_ends_its_workers_fails_alone(
    many_genes: pl.DataFrame, tmp_path: Path
) -> None:
    import dask

    here = os.getpid()

    def deadly(genes: pl.Series) -> pl.Series:
        if os.getpid() != here and "G04" in genes:
            os.kill(os.getpid(), signal.SIGKILL)
        return genes

    killing = pl.col("gene_id").map_batches(deadly, pl.String, is_elementwise=True)
    scores = many_genes.head(15000).lazy().with_columns(killing)
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        result = sm.run(
            scores, MODEL, tmp_path / "out", run_name="r", workers=1,
            settings=sm.RunSettings(memory=AT_ONCE * 3 * MIB // 2),
        )  # fmt: skip

    lost = result.genes.filter(status="failed")
    assert lost["gene_id"].to_list() == ["G04", "G05"]  # one shard
    assert set(lost["reason"]) == {"the Dask workers that ran it have ended; memory may be short"}
    found = result.predictions().collect()
    assert found.equals(
        sm.predict(many_genes.head(15000), MODEL).filter(~pl.col("gene_id").is_in(["G04", "G05"]))
    )


def test_an_interrupt_ends_the_workers(
    many_genes: pl.DataFrame, tmp_path: Path, before: set[int]
) -> None:
    seen: set[int] = set()

    def interrupt(_: object) -> None:
        seen.update(new_workers(before))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sm.run(
            many_genes, MODEL, tmp_path, settings=PARTED, run_name="r", workers=1,
            progress=sm.Watcher(advanced=interrupt),
        )  # fmt: skip

    assert {process for process, _ in our_processes()} <= before
    assert seen
    wait_for(lambda: not any(map(is_running, seen)))
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[Any]:
    import dask
    from distributed import LocalCluster

    with dask.config.set({"temporary-directory": str(tmp_path)}), LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, protocol="tcp", memory_limit=0,
        scheduler_kwargs={
            "scheduler_file": str(tmp_path / "scheduler.json"),
            "dashboard": False, "dashboard_address": "127.0.0.1:0",
        },
    ) as cluster:  # fmt: skip
        yield cluster


def test_a_running_cluster_is_joined_and_left_running(
    scheduler: Any, short_path: Path, tmp_path: Path
) -> None:
    expected = sm.run(short_path, MODEL, tmp_path / "here", settings=PARTED, run_name="r")

    for name, address in [
        ("address", scheduler.scheduler_address), ("file", tmp_path / "scheduler.json"),
    ]:  # fmt: skip
        found = sm.run(
            short_path, MODEL, tmp_path / name, settings=PARTED, run_name="r", cluster=address
        )
        assert_same(found, expected)
    assert scheduler.status.name == "running"
    (worker,) = scheduler.workers.values()
    assert not [name for name in worker.plugins if name.startswith("splice-meta")]


def test_a_lost_scheduler_is_said(
    scheduler: Any, many_genes: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "ANSWER_SECONDS", 1)
    closing = threading.Event()

    def close(_: object) -> None:
        if not closing.is_set():
            closing.set()
            scheduler.close()

    with pytest.raises(ClusterError, match="The Dask scheduler was lost"):
        sm.run(
            many_genes, MODEL, tmp_path / "out", settings=PARTED, run_name="r",
            cluster=scheduler.scheduler_address, progress=sm.Watcher(advanced=close),
        )  # fmt: skip


def _locked() -> Callable[[], dict[str, pl.Expr]]:
    lock = threading.Lock()

    def family() -> dict[str, pl.Expr]:
        with lock:
            return {}

    return family


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"workers": 0}, UsageError, "0 workers cannot run anything"),
        ({"workers": 2, "cluster": "tcp://127.0.0.1:1"}, UsageError, "Both workers and a cluster"),
        ({"cluster": "tcp://127.0.0.1:1"}, ClusterError, "tcp://127.0.0.1:1 does not answer"),
        ({"cluster": "no such file"}, UsageError, "'no such file' is neither a file"),
        ({"workers": -3}, UsageError, "-3 workers cannot run anything"),
        ({"workers": 10_000}, UsageError, r"10,000 workers are more than the \d+ processors"),
        (
            {
                "workers": 1,
                "settings": sm.RunSettings(features=sm.FeatureSettings(custom={"f": _locked()})),
            },
            UsageError,
            "cannot be sent to Dask workers: .*lock",
        ),
    ],
    ids=["none", "both", "silent", "nonsense", "negative", "too_many", "locked"],
)
def test_what_cannot_work_is_refused_before_anything_is_written(
    options: Any, error: type[SpliceMetaError], words: str, short_path: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(dask_cluster, "ANSWER_SECONDS", 0.3)

    with pytest.raises(error, match=words) as caught:
        sm.run(short_path, MODEL, tmp_path / "out", **options)

    assert caught.value.hint
    assert not (tmp_path / "out").exists()


def test_a_large_frame_is_refused_where_its_file_is_not(
    workers: Any, short_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_dask, "LARGEST_TASK", MIB)
    tiled = pl.concat([pl.read_parquet(short_path).with_columns(pl.col("gene_id") + str(i))
                       for i in range(10)])  # fmt: skip

    with pytest.raises(UsageError, match=r"takes \d+ MiB to send(.|\n)*Parquet file"):
        sm.run(tiled, MODEL, tmp_path / "frame", cluster=workers)
    sm.run(short_path, MODEL, tmp_path / "file", cluster=workers)

    assert not (tmp_path / "frame").exists()


@pytest.mark.parametrize(
    ("versions", "error", "words"),
    [
        ({"splice_meta": "0.0", "polars": "2.1"}, ClusterError, "Install the same versions"),
        (on_dask._versions(), OutputError, "does not see the folder"),
    ],
)
def test_a_worker_refuses_what_it_cannot_do(
    versions: dict[str, str], error: type[SpliceMetaError], words: str, short_path: Path,
    tmp_path: Path, workers: Any,
) -> None:  # fmt: skip
    from splice_meta.runs.outputs import OutputLayout
    from splice_meta.runs.task import RunTask

    job = RunTask(open_scores(short_path), None, PARTED, OutputLayout(tmp_path / "gone", "r"))
    (answer,) = {
        str(found) for found in workers.run(_refusal, on_dask.pack(job), versions).values()
    }

    assert answer.startswith(error.__name__)
    assert words in answer


def _refusal(payload: bytes, versions: dict[str, str]) -> str:
    try:
        on_dask._unpack(payload, versions)
    except SpliceMetaError as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def test_a_model_brings_no_threads_of_its_own(short_path: Path, tmp_path: Path) -> None:
    import json

    from splice_meta.runs.outputs import OutputLayout
    from splice_meta.runs.task import RunTask

    model = sm.load_model(MODEL)
    model.boosters[0].set_param({"nthread": 7})
    layout = OutputLayout(tmp_path, "r")
    layout.predictions.mkdir(parents=True)
    job = RunTask(open_scores(short_path), model, PARTED, layout)

    found = on_dask._unpack(on_dask.pack(job), on_dask._versions())
    found.open(sent=True)

    assert found.model is not None
    config = json.loads(found.model.boosters[0].save_config())
    assert config["learner"]["generic_param"]["nthread"] == "0"


def test_without_dask_the_command_line_says_how_to_get_it(tmp_path: Path) -> None:
    without = "import sys; sys.modules['distributed'] = None; "
    program = without + "from splice_meta.cli.app import main; main()"
    command = [sys.executable, "-c", program, "run", "--scores", "x", "--workers", "2"]

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "splice-meta: --workers and --cluster need Dask, which is not installed.",
        "Install it: pip install 'splice_meta[dask]'.",
    ]
    assert not list(tmp_path.iterdir())


def test_the_command_line_and_an_unguarded_script(short_path: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; from splice_meta.cli.app import main\n"
        f"sys.argv[1:] = ['run', '--scores', {str(short_path)!r}, '--model', {MODEL!r}, "
        "'--workers', '1', '--memory', '2MiB', '--output-dir', 'out', '--run-name', 'r']\n"
        "main()\n"
    )

    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "Complete coverage:       7,500 positions" in done.stdout


def test_messages_of_distributed_stay_off_the_terminal(workers: Any) -> None:
    assert not logging.getLogger("distributed.scheduler").isEnabledFor(logging.ERROR)
