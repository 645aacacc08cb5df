"""The look at the bytes of text tables, against a reader that goes line by line."""

from __future__ import annotations

import csv
import random
import re
from pathlib import Path

import polars as pl
import pytest

from splice_meta.errors import InputError
from splice_meta.files import packed
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.reading import reading, refuse_cells
from splice_meta.sources.tables import open_tables, scan_files

ROWS = [
    ["gene_id", "position", "donor_score", "acceptor_score", "neither_score", "note"],
    *(["G", str(n), "0.25", "0.25", "0.5", ("", "x y", "NA", 'a"b', "é", "-")[n % 6]]
      for n in range(1, 60)),
]  # fmt: skip


def naive(data: bytes, separator: str) -> list[list[str]] | None:
    """Header and rows of a text; None where it is not a table, by the simplest rules."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    if any("\r" in line for line in lines) or not lines:
        return None
    quoted = separator == "," or lines[0].startswith('"') or f'{separator}"' in lines[0]
    cells = [split(line, separator) if quoted else line.split(separator) for line in lines]
    if any(row is None or len(row) != len(cells[0] or []) for row in cells):
        return None
    return [row for row in cells if row is not None]


def split(line: str, separator: str) -> list[str] | None:
    """The fields of a line whose quotes enclose whole fields; None if they do not."""
    field = rf'(?:"(?:[^"]|"")*"|[^"{separator}]*)'
    if not re.fullmatch(f"{field}(?:{separator}{field})*", line):
        return None
    return next(csv.reader([line], delimiter=separator))


def read(path: Path) -> pl.DataFrame:
    tables = open_tables([str(path)])
    columns = tables[0].scan().collect_schema().names()
    refuse_cells(tables, columns)
    return reading(tables, columns, lambda: scan_files([str(path)], tables=tables).collect())


def spoiled(data: bytes, chance: random.Random) -> bytes:
    """A text with one to three small faults."""
    for _ in range(chance.randint(1, 3)):
        place, kind = chance.randrange(len(data)), chance.randrange(5)
        piece = chance.choice(
            [b"\t", b",", b"\n", b"\r", b'"', b"\r\n", b" ", b"\0", b"\xe9", b"x"]
        )
        if kind == 0:
            data = data[:place] + piece + data[place:]
        elif kind == 1:
            data = data[:place] + data[place + 1 :]
        elif kind == 2:
            data = data[:place] + piece + data[place + 1 :]
        elif kind == 3:
            data = data[:place]
        else:
            data = data[:place] + data[place + chance.randrange(200) :]
        if not data:
            return b"x"
    return data


@pytest.mark.parametrize("separator", ["\t", ","])
@pytest.mark.parametrize("quoted", [False, True])
def test_what_is_read_is_what_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, separator: str, quoted: bool
) -> None:
    monkeypatch.setattr(packed, "BLOCK_BYTES", 100)  # lines and faults in several blocks
    chance = random.Random(f"{separator}{quoted}")
    rows = (
        [[cell.replace('"', "") for cell in row] for row in ROWS]
        if separator == "," or quoted
        else ROWS
    )
    marked = [[f'"{cell}"' if quoted and '"' not in cell else cell for cell in r] for r in rows]
    good = "".join(separator.join(row) + "\n" for row in marked).encode()
    path = tmp_path / ("t.csv" if separator == "," else "t.tsv")
    taken = 0
    for _ in range(60):
        data = spoiled(good, chance)
        path.write_bytes(data)
        try:
            found = read(path)
        except InputError:
            continue
        taken += 1
        expected = naive(data, separator)
        assert expected is not None, data
        assert found.height == len(expected) - 1, data
        ids = [row[expected[0].index("gene_id")] or None for row in expected[1:]]
        assert found["gene_id"].to_list() == [None if each == "NA" else each for each in ids], data
    assert taken


@pytest.mark.parametrize("fault", [2, 17, 59, 60])
@pytest.mark.parametrize("size", [1, 64, 1 << 20])
def test_lines_are_counted_whatever_the_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int, size: int
) -> None:
    monkeypatch.setattr(packed, "BLOCK_BYTES", size)
    lines = ["\t".join(row) for row in ROWS]
    path = tmp_path / "t.tsv"
    for change, says in (
        (lambda line: line + "\tx", "has 7 fields"),
        (lambda line: line.replace("0.5", "0.5\0"), "NUL"),
        (lambda line: line.replace("0.5", "0.5\r"), "carriage return"),
        (lambda line: line.replace("0.25", "0,25"), "decimal comma"),
    ):
        spoilt = [change(line) if n == fault else line for n, line in enumerate(lines, 1)]
        path.write_text("\n".join(spoilt) + "\n", newline="")
        with pytest.raises(InputError, match=rf"^Line {fault} of .*{says}"):
            read(path)
    path.write_bytes("\n".join(lines[: fault - 1]).encode() + b"\n\xe9\n")
    with pytest.raises(InputError, match=rf"^Line {fault} of .* is not UTF-8"):
        read(path)


def test_a_column_that_a_model_reads_is_read_by_the_check(tmp_path: Path) -> None:
    count = 11_000  # more than those from which Polars takes the column for whole numbers
    rows = pl.DataFrame({
        "gene_id": ["G"] * count, "position": range(count), "donor_score": [0.0] * count,
        "acceptor_score": [0.0] * count, "neither_score": [1.0] * count,
    })  # fmt: skip
    last = pl.int_range(count) == count - 1
    path = tmp_path / "t.tsv"

    def written(text: str) -> Path:
        own = pl.when(last).then(pl.lit(text)).otherwise(pl.lit("0"))
        rows.with_columns(phylop=own).write_csv(path, separator="\t")
        return path

    opened = open_scores(written("0.5"), also=("phylop", "not there"))
    assert opened.all_rows().select(pl.col("phylop").last()).collect().item() == 0.5
    with pytest.raises(InputError, match=rf"Line {count + 1} of .* column phylop has 'high'"):
        open_scores(written("high"), also=("phylop",))
    assert open_scores(path).table.positions == count  # nobody reads it
