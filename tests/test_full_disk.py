"""No room on the disk, no stdout, no stderr: plain errors, nothing half written, and a way on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import polars as pl
import pytest
from conftest import FIXTURES, MODEL, make_scores

import splice_meta as sm
from splice_meta.bundled import bundled_model
from splice_meta.runs.log import log, log_file

SCORES = FIXTURES / "scores_openspliceai.parquet"
ANNOTATION = FIXTURES / "annotation.gtf.gz"
TABLE = "selective_inference/predictions/r/complete_coverage_predictions.parquet"

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.argv[1:2] = []
from splice_meta.cli.app import main
main()
"""


def limited(size: int, *command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that can write no file above a size."""
    # What measures coverage there could not write either.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    return subprocess.run(
        [sys.executable, "-c", LIMITED, str(size), *map(str, command)],
        cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def assert_plain(done: subprocess.CompletedProcess[str], reason: str) -> None:
    assert done.returncode == 2, done.stderr
    said = [line for line in done.stderr.splitlines() if "the run will use that much" not in line]
    assert len(said) == 2, done.stderr
    assert f"cannot be written: {reason}" in done.stderr
    assert "Make room" in done.stderr or "free space" in done.stderr


@pytest.mark.parametrize("command", [
    ["features", "--scores", SCORES, "--manifest", "extended", "-o", "o.parquet"],
    ["features", "--scores", SCORES, "--manifest", "extended", "-o", "o", "--memory", "8MiB"],
    ["sort", SCORES, "-o", "o.parquet"],
    ["sort", SCORES, "-o", "o.parquet", "--memory", "1MiB"],
    ["convert-model", bundled_model("openspliceai-mane"), "o"],
    ["export", SCORES, "--annotation", ANNOTATION, "-o", "o", "--quiet"],
], ids=["features", "features in parts", "sort", "sort in parts", "convert-model",
        "export"])  # fmt: skip
def test_what_finds_no_room_is_not_there(tmp_path: Path, command: list[str | Path]) -> None:
    done = limited(40_000, *command, cwd=tmp_path)

    assert_plain(done, "File too large")
    assert ".tmp" not in done.stderr
    assert not list(tmp_path.iterdir())


def run(folder: Path, *more: str | Path) -> list[str | Path]:
    return ["run", "--scores", folder / "s.parquet", "--model", MODEL, "--output-dir",
            folder / "out", "--run-name", "r", "--memory", "4MiB", *more]  # fmt: skip


@pytest.fixture
def scores(tmp_path: Path) -> pl.DataFrame:
    # The third of three genes is the one whose part is too large.
    genes = {"A": [*range(2000)], "B": [*range(2000)], "C": [*range(30_000)]}
    table = make_scores(genes).drop("base")
    table.write_parquet(tmp_path / "s.parquet")
    return table


def test_a_run_that_finds_no_room_goes_on(scores: pl.DataFrame, tmp_path: Path) -> None:
    done = limited(200_000, *run(tmp_path), cwd=tmp_path)

    assert_plain(done, "File too large")
    assert "--resume" in done.stderr
    assert not list(tmp_path.rglob("*.tmp"))
    assert not (tmp_path / "out/report.html").exists()

    on = limited(1 << 40, *run(tmp_path, "--resume"), cwd=tmp_path)
    assert on.returncode == 0, on.stderr
    found = pl.read_parquet(tmp_path / "out" / TABLE)
    assert found.equals(sm.predict(scores, MODEL))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 300 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip("mounting is not allowed here")
    with ExitStack() as stack:
        stack.callback(subprocess.run, ["umount", str(folder)], check=True)
        yield folder


def test_a_full_disk(scores: pl.DataFrame, small_disk: Path) -> None:
    scores.write_parquet(small_disk.parent / "s.parquet")
    options = {"settings": sm.RunSettings(memory=4 << 20), "run_name": "r"}

    with pytest.raises(sm.SpliceMetaError, match="No space left on device") as caught:
        sm.run(small_disk.parent / "s.parquet", MODEL, small_disk / "out", **options)

    assert "resume=True" in caught.value.hint  # type: ignore[attr-defined]
    assert not list(small_disk.rglob("*.tmp"))
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    result = sm.run(small_disk.parent / "s.parquet", MODEL, small_disk / "out", resume=True,
                    **options)  # fmt: skip
    assert result.predictions().collect().equals(sm.predict(scores, MODEL))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_log_that_finds_no_room_ends_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splice_meta.runs.log._make_own", lambda *_: None)
    (tmp_path / "log").symlink_to("/dev/full")

    with log_file(tmp_path / "log"):
        log.warning("lost")

    assert "Traceback" not in capsys.readouterr().err


STREAMS = {
    "stderr full": "2>/dev/full",
    "all closed": "<&- >&- 2>&-",
}


@pytest.mark.parametrize("streams", STREAMS)
def test_streams_that_are_closed_or_full_do_not_matter(tmp_path: Path, streams: str) -> None:
    make_scores({"A": [1, 2, 3]}).write_parquet(tmp_path / "s.parquet")
    command = f"{sys.executable} -m splice_meta run --scores s.parquet --inference-mode base_only"

    done = subprocess.run(
        ["sh", "-c", f"{command} --genes A,GHOST --run-name r -v {STREAMS[streams]}"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1  # a gene without scores
    assert "splice-meta: " not in done.stdout
    assert pl.read_parquet(tmp_path / "inference_results" / TABLE).height == 3
    assert "GHOST" in (tmp_path / "inference_results/inference_workflow.log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_stdout_is_said_and_the_files_are_there(tmp_path: Path) -> None:
    make_scores({"A": [1, 2, 3]}).write_parquet(tmp_path / "s.parquet")
    command = f"{sys.executable} -m splice_meta run --scores s.parquet --inference-mode base_only"

    done = subprocess.run(
        ["sh", "-c", f"{command} --run-name r >/dev/full"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, len(done.stderr.splitlines())) == (1, 2)
    assert "stdout takes no more" in done.stderr
    assert pl.read_parquet(tmp_path / "inference_results" / TABLE).height == 3
