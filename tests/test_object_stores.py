"""Object stores as input and output, against an S3 server on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from secrets import token_hex
from typing import Any

import polars as pl
import pytest
from conftest import FIXTURES, MODEL, make_scores
from polars.testing import assert_frame_equal
from s3_server import s3_server
from test_unscored_genes import ByBase

import splice_meta as sm
from splice_meta.cli.app import run_command
from splice_meta.errors import InputError, OutputError, SpliceMetaError, StoreError, UsageError
from splice_meta.files.stores import ObjectPath, object_at, place_of
from splice_meta.jobs.lines import create_lines, open_lines, read_lines
from splice_meta.runs.outputs import FILE_OF, REPORTS, SITES_TEXT
from splice_meta.runs.shards import AT_ONCE
from splice_meta.runs.tables import scan_table
from splice_meta.sink import write_text
from splice_meta.sources.files import files_of
from splice_meta.workflow import RunResult

pytest.importorskip("obstore")
pytest.importorskip("moto.server")

SHARDS = 4
SMALL = sm.RunSettings(memory=AT_ONCE << 20)
BUCKET = "s3://bucket"


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    with s3_server("bucket"):
        yield


@pytest.fixture(scope="module")
def scores() -> pl.DataFrame:
    return make_scores({f"G{n}": list(range(1, 2501 + 10 * n)) for n in range(SHARDS)})


@pytest.fixture(scope="module")
def whole(
    server: None, scores: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> RunResult:
    """A run in the file system; its scores are in the store, too."""
    folder = tmp_path_factory.mktemp("whole")
    scores.write_parquet(folder / "scores.parquet")
    scores.write_parquet(f"{BUCKET}/in/scores.parquet")
    result = sm.run(folder / "scores.parquet", MODEL, folder / "out", settings=SMALL, run_name="r")
    assert result.summary.shards == SHARDS
    return result


@pytest.fixture
def folder() -> str:
    """A folder in the store of which nothing is there yet."""
    return f"{BUCKET}/{token_hex(4)}"


def there(address: str) -> list[str]:
    """The names below an address."""
    return [str(each).removeprefix(f"{address}/") for each in place_at(address).files()]


def place_at(address: str) -> ObjectPath:
    place = object_at(address)
    assert place is not None
    return place


def assert_same(found: RunResult, expected: RunResult) -> None:
    for output in FILE_OF:
        assert_frame_equal(
            scan_table(found.layout, output).collect(),
            scan_table(expected.layout, output).collect(),
            check_exact=True,
        )
    assert found.genes.drop("seconds").equals(expected.genes.drop("seconds"))


def stop(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def interrupt_at(monkeypatch: pytest.MonkeyPatch, write: int) -> Callable[[], None]:
    """Let the n-th table that is written be interrupted after its upload."""
    real = pl.LazyFrame.sink_parquet
    left = [write]

    def sink(self: pl.LazyFrame, path: Path | BytesIO | str, **options: Any) -> None:
        real(self, path, **options)
        if not isinstance(path, BytesIO):
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt

    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", sink)
    return lambda: monkeypatch.setattr(pl.LazyFrame, "sink_parquet", real)


@pytest.mark.parametrize(
    ("names", "address"),
    [
        (["a.parquet"], "a.parquet"),
        (["a.parquet", "b.parquet", "notes.json"], ""),
        (["a.parquet", "b.parquet", "c/b.parquet"], "/"),
        (["x1/a.parquet", "x2/b.parquet", "x2/other.parquet", "y/b.parquet"], "x*/[ab].parquet"),
        (["x/a.parquet", "x/y/z/b.parquet"], "**/?.parquet"),
        (["a.arrow", "b.arrow"], "*.arrow"),
        (["a.csv", "b.csv"], "*.csv"),
        (["table"], "table"),
    ],
)
def test_scores_are_read_from_addresses(
    folder: str, scores: pl.DataFrame, names: list[str], address: str
) -> None:
    genes = {"a": ["G0", "G1"], "b": ["G2", "G3"]}
    for name in names:
        rows = scores.filter(pl.col("gene_id").is_in(genes.get(Path(name).stem, ["G0"]))).lazy()
        target = f"{folder}/{name}"
        if name.endswith(".csv"):
            rows.sink_csv(target)
        elif name.endswith(".arrow"):
            rows.sink_ipc(target)
        elif name.endswith(".json"):
            place_at(target).write_bytes(b"{}")
        else:
            rows.sink_parquet(target)

    found = sm.scan_scores(f"{folder}/{address}").collect()

    ids = (
        ["G0"] if names == ["table"] else genes["a"] if len(names) == 1 else genes["a"] + genes["b"]
    )
    expected = scores.filter(pl.col("gene_id").is_in(ids))
    assert_frame_equal(found.select(expected.columns), sm.scan_scores(expected).collect())


@pytest.mark.parametrize(
    ("address", "kind", "words"),
    [
        (f"{BUCKET}/in/none.parquet", InputError, "There is no object s3://bucket/in/none.parquet"),
        (f"{BUCKET}/none/", InputError, "There is no object s3://bucket/none"),
        (f"{BUCKET}/in/none*.parquet", InputError, "There is no object"),
        ("s3://none/a.parquet", StoreError, "bucket does not exist"),
        ("s3://none/*.parquet", StoreError, "NoSuchBucket"),
        (f"{BUCKET}/bed/donor_predictions.bed", InputError, "only be read from a local folder"),
        (f"{BUCKET}/torn.parquet", InputError, "cannot be read"),
        ("s4://bucket/a.parquet", InputError, "cannot be read"),
    ],
)
def test_scores_that_are_not_there_are_said_plainly(
    whole: RunResult, address: str, kind: type[SpliceMetaError], words: str
) -> None:
    for name in ("bed/donor_predictions.bed", "torn.parquet"):
        place_at(f"{BUCKET}/{name}").write_bytes(b"PAR1")
    with pytest.raises(kind, match=words) as caught:
        sm.scan_scores(address)
    assert caught.value.hint
    assert "\n" not in caught.value.message


def test_a_run_in_and_out_of_a_store_is_that_of_files(whole: RunResult, folder: str) -> None:
    result = sm.run(f"{BUCKET}/in/*.parquet", MODEL, folder, settings=SMALL, run_name="r")

    assert_same(result, whole)
    home = f"{folder}/selective_inference/predictions/r"
    for name in FILE_OF.values():  # as any other reader sees it
        plain = pl.scan_parquet(f"{home}/{name}/*.parquet", glob=True).collect()
        local = whole.layout.predictions / name
        assert plain.equals(pl.read_parquet(local / "*.parquet"))
    names = {name for name in there(folder) if not name.startswith("selective_inference/p")}
    local_root = whole.layout.root
    assert isinstance(local_root, Path)
    local_files = {str(p.relative_to(local_root)) for p in local_root.rglob("*") if p.is_file()}
    assert names == {name for name in local_files if not name.startswith("selective_inference/p")}
    assert "Gene G3: 2530 positions" in result.layout.log.read_text()
    told = json.loads(result.layout.metadata.read_text())["inputs"]
    state = place_at(f"{BUCKET}/in/scores.parquet").state()
    assert told == [{"source": f"{BUCKET}/in/scores.parquet", **(state or {})}]
    with pytest.raises(OutputError, match="The run r is in"):
        sm.run(f"{BUCKET}/in/*.parquet", MODEL, folder, settings=SMALL, run_name="r")


def test_overwrite_leaves_nothing_of_before(whole: RunResult, folder: str) -> None:
    paths = f"{BUCKET}/in/scores.parquet"
    sm.run(paths, MODEL, folder, settings=SMALL, run_name="r")
    small = sm.RunSettings(outputs=("complete",))
    result = sm.run(paths, MODEL, folder, settings=small, run_name="r", overwrite=True)

    home = f"{folder}/selective_inference/predictions/r"
    tables = [name for name in there(home) if not name.startswith("ledger.jsonl/")]
    assert set(tables) - {*REPORTS} == {FILE_OF["complete"], FILE_OF["sites"], SITES_TEXT}
    assert result.predictions().collect().equals(whole.predictions().collect())
    with pytest.raises(OutputError, match="has no table base"):
        scan_table(result.layout, "base")


@pytest.mark.parametrize("write", [1, 5, 9])
def test_an_interrupted_run_goes_on_and_only_listed_parts_count(
    whole: RunResult, folder: str, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    paths = f"{BUCKET}/in/scores.parquet"
    restore = interrupt_at(monkeypatch, write)
    with pytest.raises(KeyboardInterrupt):
        sm.run(paths, MODEL, folder, settings=SMALL, run_name="r")
    restore()
    home = place_at(f"{folder}/selective_inference/predictions/r")
    records, _ = read_lines(home / "ledger.jsonl")
    listed = {part["path"] for each in records for part in each.get("parts", ())}
    parts = {name for name in there(str(home)) if name.endswith(".parquet")}
    assert listed < parts  # what was interrupted was uploaded, and no line lists it
    stray = f"{FILE_OF['base']}/part-99999.parquet"
    (home / stray).write_bytes(b"left by somebody")
    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", stop)
    with pytest.raises(KeyboardInterrupt):
        sm.run(paths, MODEL, folder, settings=SMALL, resume=True)
    restore()
    kept = {name for name in there(str(home)) if name.endswith(".parquet")}
    assert kept == listed | {stray}  # what no line lists was cleared away
    log = place_at(f"{folder}/inference_workflow.log").read_text()

    result = sm.run(paths, MODEL, folder, settings=SMALL, resume=True)

    assert result.layout.run_name == "r"
    assert result.summary.taken == len({path.partition("/")[2] for path in listed})
    assert_same(result, whole)
    assert result.layout.log.read_text().startswith(log)


@pytest.mark.parametrize("change", ["missing", "altered"])
def test_a_listed_part_that_is_not_what_it_was_is_done_again(
    whole: RunResult, folder: str, change: str
) -> None:
    paths = f"{BUCKET}/in/scores.parquet"
    first = sm.run(paths, MODEL, folder, settings=SMALL, run_name="r")
    part = first.layout.table("meta", 1, SHARDS)
    assert isinstance(part, ObjectPath)
    if change == "missing":
        from obstore.store import from_url

        from_url(part.bucket).delete(part.key)
    else:
        part.write_bytes(bytes(reversed(part.read_bytes())))

    again = sm.run(paths, MODEL, folder, settings=SMALL, run_name="r", resume=True)

    assert again.summary.taken == SHARDS - 1
    assert_same(again, whole)


def test_a_changed_input_is_refused_on_resume(folder: str, scores: pl.DataFrame) -> None:
    scores.write_parquet(f"{folder}/in.parquet", compression="uncompressed")
    out = f"{folder}/out"
    sm.run(f"{folder}/in.parquet", MODEL, out, settings=SMALL, run_name="r")
    other = scores.with_columns(donor_score="acceptor_score", acceptor_score="donor_score")
    other.write_parquet(f"{folder}/in.parquet", compression="uncompressed")
    before = there(out)

    with pytest.raises(UsageError, match="changed since it started: base scores"):
        sm.run(f"{folder}/in.parquet", MODEL, out, settings=SMALL, run_name="r", resume=True)
    assert there(out) == before


def test_who_takes_a_ledger_over_ends_who_had_it(folder: str) -> None:
    path = place_at(f"{folder}/run/ledger.jsonl")
    create_lines(path, {"record": "run"})
    assert not create_lines(path, {"record": "run", "of": "another"})
    first = open_lines(path).__enter__()
    first.append({"record": "one"})
    second = open_lines(path).__enter__()

    with pytest.raises(OutputError, match="Another process has resumed the job"):
        first.append({"record": "two"})
    second.append({"record": "three"})
    records, _ = read_lines(path)
    assert [each["record"] for each in records] == ["run", "opened", "one", "opened", "three"]


def test_a_line_that_is_lacking_or_damaged_is_refused(folder: str) -> None:
    path = place_at(f"{folder}/ledger.jsonl")
    for number in (0, 2):
        (path / f"{number:06d}.json").write_bytes(b"{}\n")
    with pytest.raises(InputError, match=r"000002\.json is damaged, or not the next line"):
        read_lines(path)
    (path / "000001.json").write_bytes(b"{")
    with pytest.raises(InputError, match=r"000001\.json is damaged"):
        read_lines(path)


def test_the_answer_to_a_put_may_be_lost(folder: str) -> None:
    place = place_at(f"{folder}/line")
    assert place.create(b"mine")
    assert place.create(b"mine")
    assert not place.create(b"another's")
    assert place.read_bytes() == b"mine"


def test_folders_are_what_names_have_in_common(folder: str) -> None:
    root = place_at(folder)
    for name in ("a/x.txt", "a/b/y.txt", "ab.txt"):
        (root / name).write_bytes(name.encode())
    assert [each.name for each in root.iterdir()] == ["a", "ab.txt"]
    assert [each.name for each in (root / "a").objects()] == ["x.txt"]
    assert there(f"{folder}/a") == ["b/y.txt", "x.txt"]
    assert (root / "a").is_dir()
    assert not (root / "a").is_file()
    assert not (root / "ab").exists()
    assert (root / "ab.txt").suffix == ".txt"
    assert (root / "ab.txt").parent == root


def test_dask_workers_read_from_and_write_to_a_store(whole: RunResult, folder: str) -> None:
    pytest.importorskip("distributed")
    result = sm.run(
        f"{BUCKET}/in/*.parquet", MODEL, folder, settings=SMALL, run_name="r", workers=1
    )
    assert_same(result, whole)


def test_scores_made_in_a_run_do_not_go_to_the_store(folder: str) -> None:
    result = sm.run(
        None, None, folder, settings=sm.RunSettings(mode="base_only"), genes=["ENSG00000164039"],
        annotation=FIXTURES / "annotation.gtf.gz", fasta=FIXTURES / "region.fa.gz",
        base_model=ByBase(), run_name="r",
    )  # fmt: skip
    assert result.predictions().collect().height == result.summary.positions > 0
    names = there(f"{folder}/selective_inference/predictions/r")
    assert {name for name in names if "ledger" not in name} - {*REPORTS} == {
        FILE_OF["base"],
        FILE_OF["complete"],
        FILE_OF["sites"],
        SITES_TEXT,
    }


def test_the_report_of_a_run_in_a_store_is_made_again_for_chosen_genes(
    folder: str, scores: pl.DataFrame, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("first", "second"):
        sm.run(scores, MODEL, folder, settings=SMALL, run_name=name)
    home = place_at(folder) / "selective_inference" / "predictions"
    at_top = place_at(f"{folder}/report.html").read_bytes()
    assert at_top == (home / "second" / "report.html").read_bytes()
    gene = scores["gene_id"][0]

    assert run_command(["report", folder, "--genes", gene]) == 0
    assert capsys.readouterr().out == f"Report: {home}/second/report.html\n"
    page = place_at(f"{folder}/report.html").read_text()
    assert page == (home / "second" / "report.html").read_text()
    assert page.count('class="page gene"') == 1

    assert run_command(["report", f"{home}/first", "--genes", gene]) == 0
    assert place_at(f"{folder}/report.html").read_text() == page


def test_evaluate_and_inspect_read_a_run_in_a_store(folder: str, scores: pl.DataFrame) -> None:
    labelled = scores.with_columns(
        splice_type=pl.when(pl.col("position") % 100 == 7).then(pl.lit("donor"))
        .when(pl.col("position") % 100 == 50).then(pl.lit("acceptor"))
        .otherwise(pl.lit("neither"))
    )  # fmt: skip
    labelled.write_parquet(f"{folder}/in.parquet")
    result = sm.run(f"{folder}/in.parquet", MODEL, f"{folder}/out", settings=SMALL, run_name="r")
    expected = sm.evaluate(result.predictions(), resamples=0)
    table = f"{folder}/out/selective_inference/predictions/r/{FILE_OF['complete']}"

    for source in (f"{folder}/out", table, f"{folder}/out/"):
        assert sm.evaluate(source, resamples=0).equals(expected)
    only_base = sm.evaluate(f"{folder}/*.parquet", resamples=0)
    assert "final" not in only_base.columns
    from splice_meta.report.describe import describe

    told = dict(describe(f"{folder}/out"))
    assert told["Run"] == "r"
    assert f"{FILE_OF['complete']} ({scores.height:,} rows)" in told["Tables"]
    assert dict(describe(f"{folder}/in.parquet"))["Positions"] == f"{scores.height:,}"


def test_sort_and_features_read_from_a_store(
    whole: RunResult, scores: pl.DataFrame, tmp_path: Path
) -> None:
    done = sm.sort_scores(f"{BUCKET}/in/scores.parquet", tmp_path / "sorted.parquet")
    assert pl.read_parquet(done.path).equals(scores)
    for command in ("sort", "features"):
        given = [f"{BUCKET}/in/scores.parquet", "--output", f"{BUCKET}/x.parquet"]
        if command == "features":
            given = ["--manifest", "reference124", "--scores", *given]
        code, error = call(command, *given, cwd=tmp_path)
        assert (code, len(error)) == (2, 2)
        assert "is not in the file system" in error[0]
    assert [path.name for path in tmp_path.iterdir()] == ["sorted.parquet"]


def call(*arguments: str, cwd: Path, **environment: str | None) -> tuple[int, list[str]]:
    """Exit status and the lines on standard error of a command; None takes a variable away."""
    merged = {**os.environ, **environment}
    done = subprocess.run(
        [sys.executable, "-m", "splice_meta", *arguments],
        cwd=cwd, env={name: value for name, value in merged.items() if value is not None},
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    return done.returncode, done.stderr.strip().splitlines()


@pytest.mark.parametrize(
    ("output", "environment", "words"),
    [
        ("s3://none/out", {}, "bucket does not exist"),
        (f"{BUCKET}/refused", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "cannot be used"),
        (
            f"{BUCKET}/refused",
            {
                "AWS_ACCESS_KEY_ID": None,
                "AWS_SECRET_ACCESS_KEY": None,
                "AWS_METADATA_ENDPOINT": "http://127.0.0.1:9",
            },
            "no credentials are given",
        ),
        ("ftp://host/out", {}, "is not an address that can be used here"),
    ],
)
def test_an_output_that_cannot_be_used_is_refused_at_once(
    whole: RunResult, tmp_path: Path, output: str, environment: dict[str, str | None], words: str
) -> None:
    scores = str(whole.layout.root.parent / "scores.parquet")
    started = time.perf_counter()
    code, error = call(
        "run", "--scores", scores, "--model", MODEL, "--output-dir", output, cwd=tmp_path,
        **environment,
    )  # fmt: skip
    assert code == 2, error
    assert len(error) == 2
    assert words in error[0]
    assert time.perf_counter() - started < 60  # with retries it would be minutes
    assert not list(tmp_path.iterdir())
    assert not place_at(f"{BUCKET}/refused").exists()


@pytest.mark.parametrize("option", ["output_dir", "keep_artifacts_dir"])
def test_a_path_made_from_an_address_is_refused(
    whole: RunResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    monkeypatch.chdir(tmp_path)
    targets = {"output_dir": tmp_path / "out", option: Path(f"{BUCKET}/x")}
    with pytest.raises(OutputError, match="is not in the file system"):
        sm.run(f"{BUCKET}/in/scores.parquet", MODEL, **targets)
    assert not list(tmp_path.iterdir())


def test_no_file_is_written_to_a_folder_called_s3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="is not in the file system"):
        write_text(Path(f"{BUCKET}/x"), "")
    assert not list(tmp_path.iterdir())


def test_without_obstore_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(UsageError, match="need obstore") as caught:
        files_of(f"{BUCKET}/in/scores.parquet")
    assert "splice_meta[cloud]" in caught.value.hint
    assert place_of("here") == Path("here")
