from __future__ import annotations

import json
import pickle
from pathlib import Path

import polars as pl
import pytest
from conftest import make_scores

import splice_meta as sm
from splice_meta import workflow
from splice_meta.errors import InputError, OutputError
from splice_meta.jobs.ledger import Ledger, Recorded, create_ledger, read_ledger, receipt_of
from splice_meta.jobs.lines import LineFile, read_lines
from splice_meta.jobs.plan import Part, Shard
from splice_meta.runs.outputs import OutputLayout
from splice_meta.runs.task import GENES_DONE, Receipt, RunTask

TASK = RunTask(None, None, None, OutputLayout(Path("out"), "r"))  # type: ignore[arg-type]
GENES = pl.DataFrame(
    {
        "gene_id": ["A", "Ä b"],
        "positions": [10, 20],
        "uncertain": [1, 0],
        "recalibrated": [1, 0],
        "with_criteria": [1, 0],
        "lowest_criteria": [4, None],
        "lowest_entropy": [0.1 + 0.2, None],
        "achieved_rate": [1 / 3, 0.0],
        "seconds": [1e-17, 2.5],
        "moved": [1, 0],
        "annotated": [2, None],
    },
    schema=GENES_DONE,
)


def receipt(number: int, genes: pl.DataFrame = GENES) -> Receipt:
    part = Part("complete", f"x/part-{number:05d}.parquet", 30, 1234, "ab" * 32)
    failures = {"C": 'no "luck"\nat all'}
    shard = Shard(number, 9, 3 * number, 3 * number + 3, 30)
    return Receipt(shard, failures, (part,), 0.1 + number, genes, {-3: 2, 0: 5})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    create_ledger(tmp_path / "ledger.jsonl", {"model": "m", "memory": "1"})
    with LineFile(tmp_path / "ledger.jsonl") as lines:
        ledger = Ledger(lines, reading(lines.path), resumed=False)
        notes = {"scored": {"files": {}, "failures": {}}}
        ledger.write_plan({"genes": "g"}, [receipt(0).shard], notes)
        for number in range(3):
            ledger.write_shard(TASK, receipt(number))
    return tmp_path / "ledger.jsonl"


def reading(path: Path) -> Recorded:
    recorded = read_ledger(path)
    assert recorded is not None
    return recorded


@pytest.mark.parametrize("genes", [GENES, GENES.clear(), pl.DataFrame()])
def test_a_receipt_comes_back_as_it_was(path: Path, genes: pl.DataFrame) -> None:
    written = receipt(1, genes)
    with LineFile(path) as lines:
        Ledger(lines, reading(path), resumed=True).write_shard(TASK, written)

    found = receipt_of(TASK, reading(path).shards[1], written.shard)

    assert found.genes.schema == genes.schema
    assert found.genes.equals(genes)
    for name in ("shard", "failures", "parts", "seconds", "changes"):
        assert getattr(found, name) == getattr(written, name)


def test_the_later_line_of_a_shard_counts(path: Path) -> None:
    with LineFile(path) as lines:
        again = Receipt(receipt(1).shard, seconds=7.0, genes=GENES)
        Ledger(lines, reading(path), resumed=True).write_shard(TASK, again)

    assert reading(path).shards[1].at("seconds").value == 7.0
    assert sorted(reading(path).shards) == [0, 1, 2]


def test_a_ledger_says_what_the_run_is_made_from(path: Path) -> None:
    recorded = reading(path)

    assert recorded.given == {"model": "m", "memory": "1"}
    assert recorded.plan is not None
    assert recorded.plan.at("shards").value == [[0, 3, 30]]
    assert recorded.end == path.stat().st_size


def test_a_last_line_torn_anywhere_is_ignored_and_cut(path: Path) -> None:
    data = path.read_bytes()
    start = data[:-1].rindex(b"\n") + 1

    for end in range(start, len(data)):  # the newline alone missing is torn, too
        path.write_bytes(data[:end])
        recorded = reading(path)
        assert sorted(recorded.shards) == [0, 1], end
        assert recorded.end == start
        with LineFile(path) as lines:
            ledger = Ledger(lines, recorded, resumed=True)
            ledger.repair()
            ledger.write_shard(TASK, receipt(2))
        assert path.read_bytes() == data


@pytest.mark.parametrize("damage", [b"{", b"", b"[1]", b"\xff\xfe", b"null"])
def test_a_damaged_line_is_ignored_only_at_the_end(path: Path, damage: bytes) -> None:
    lines = path.read_bytes().split(b"\n")

    path.write_bytes(b"\n".join([*lines[:-2], damage, b""]))
    assert sorted(reading(path).shards) == [0, 1]

    path.write_bytes(b"\n".join([*lines[:-3], damage, *lines[-2:]]))
    with pytest.raises(InputError, match=r"Line 4 of .* is damaged") as caught:
        read_ledger(path)
    assert "overwrite=True" in caught.value.hint


def test_a_damaged_line_with_a_torn_one_behind_it_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"damaged\ntor")

    with pytest.raises(InputError, match="damaged"):
        read_lines(path)


def test_a_line_of_another_kind_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b'{"record":"shard"}\n')

    with pytest.raises(InputError, match="number is missing"):
        read_ledger(path)


@pytest.mark.parametrize("text", ["", '{"record":"run","for'])
def test_without_a_whole_first_line_there_is_no_ledger(tmp_path: Path, text: str) -> None:
    (tmp_path / "ledger.jsonl").write_text(text)

    assert read_ledger(tmp_path / "ledger.jsonl") is None
    assert read_ledger(tmp_path / "nowhere.jsonl") is None


def test_a_later_format_is_refused(path: Path) -> None:
    first, rest = path.read_text().split("\n", 1)
    path.write_text(json.dumps(json.loads(first) | {"format": 99}) + "\n" + rest)

    with pytest.raises(InputError, match="format 99"):
        read_ledger(path)


def test_one_process_at_a_time_writes_to_a_ledger(path: Path) -> None:
    with LineFile(path), pytest.raises(OutputError, match="still running"):
        LineFile(path)

    with LineFile(path) as lines:  # and the next one may
        lines.append({"record": "plan"})


def test_receipts_of_a_run_are_small_and_tell_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = make_scores({f"G{n}": list(range(1, 8001)) for n in range(3)})
    receipts: list[Receipt] = []
    monkeypatch.setattr(workflow, "_advance", lambda receipt, _: receipts.append(receipt))

    settings = sm.RunSettings(mode="base_only", memory=2 << 20)
    result = sm.run(scores, None, tmp_path, settings=settings)

    assert sorted(each.shard.number for each in receipts) == [0, 1, 2]
    for each in receipts:
        assert len(pickle.dumps(each)) < 6000
        *tables, sites = each.parts
        assert sites.table == "sites"
        assert [(part.table, part.rows) for part in tables] == [
            ("complete", 8000), ("base", 8000),
        ]  # fmt: skip
        for part in each.parts:
            file = result.layout.predictions / part.path
            assert file.stat().st_size == part.bytes
        line = reading(result.layout.ledger).shards[each.shard.number]
        assert receipt_of(TASK, line, each.shard).parts == each.parts


def test_of_two_that_make_a_ledger_one_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"

    assert create_ledger(path, {"model": "first"})
    assert not create_ledger(path, {"model": "second"})

    assert reading(path).given == {"model": "first"}
    assert list(tmp_path.iterdir()) == [path]
