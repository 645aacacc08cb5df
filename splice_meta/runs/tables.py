"""The tables of a run, read as its ledger lists them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path

import polars as pl

from splice_meta.errors import OutputError
from splice_meta.files.stores import ObjectPath, Place
from splice_meta.jobs.lines import Record, read_lines
from splice_meta.runs.outputs import FILE_OF, OutputLayout, TableName


def scan_table(layout: OutputLayout, output: TableName) -> pl.LazyFrame:
    """A table of the run, whether it is one file or several parts.

    Only parts that the ledger lists are of the table, wherever it has a ledger.

    Raises:
        OutputError: If the run did not write it, or a part is gone.
    """
    return _scan(layout.predictions / FILE_OF[output], None)


def scan_genes(layout: OutputLayout, output: TableName, genes: Collection[str]) -> pl.LazyFrame:
    """The rows of some genes of a table; only the parts that have them are read.

    Raises:
        OutputError: As for :func:`scan_table`.
    """
    rows = _scan(layout.predictions / FILE_OF[output], set(genes))
    return rows.filter(pl.col("gene_id").is_in(list(genes)))


def _scan(path: Place, genes: set[str] | None) -> pl.LazyFrame:
    parts = _listed(path, genes)
    gone = [part for part in parts or () if isinstance(part, Path) and not part.is_file()]
    if gone:
        raise OutputError(f"{gone[0]} is gone.", "Resume the run with --resume to make it again.")
    if parts:
        return pl.scan_parquet([str(part) for part in parts], glob=False)
    if parts is not None or not path.exists():
        raise OutputError(
            f"The run has no table {path.name}.",
            "Either no gene could be done, or it was not among the outputs asked for.",
        )
    return scan_parts(path)


def _listed(table: Place, genes: set[str] | None = None) -> list[Place] | None:
    """The parts of a table that the ledger beside it lists, in order; None without a ledger.

    Args:
        table: The table.
        genes: Only parts of shards with one of these, and where no shard has one, the first part.
    """
    outputs = {file: output for output, file in FILE_OF.items()}
    ledger = table.parent / "ledger.jsonl"
    if table.name not in outputs or (isinstance(ledger, Path) and not ledger.is_file()):
        return None
    records = _records(ledger)
    if not records:
        return None
    shards = {each["number"]: each for each in records if each["record"] == "shard"}
    found = [
        (shards[number]["genes"].get("gene_id", ()), table.parent / part["path"])
        for number in sorted(shards)
        for part in shards[number]["parts"]
        if part["table"] == outputs[table.name]
    ]
    if genes is None:
        return [part for _, part in found]
    return [part for ids, part in found if not genes.isdisjoint(ids)] or [
        part for _, part in found[:1]
    ]


def _records(ledger: Place) -> Sequence[Record]:
    """The lines of a ledger; those of the last one are kept, since a report asks for many tables.

    A ledger only grows; of a run that was overwritten it is another file, which may have the same
    number and size, so its time counts, too.
    """
    if isinstance(ledger, ObjectPath):
        return read_lines(ledger)[0]
    state = ledger.stat()
    return _read(ledger, state.st_ino, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1)
def _read(ledger: Path, *_: int) -> Sequence[Record]:
    return read_lines(ledger)[0]


def scan_parts(path: Place) -> pl.LazyFrame:
    """A Parquet file, or the part files of a directory in order, as one table."""
    return pl.scan_parquet([str(part) for part in parts_of(path)], glob=False)


def parts_of(path: Place) -> Sequence[Place]:
    """A Parquet file, or the part files of a directory, in order; of a run those it lists."""
    if not path.is_dir():
        return [path]
    if isinstance(path, ObjectPath):
        return [each for each in path.objects() if each.suffix == ".parquet"]
    return _listed(path) or sorted(path.glob("*.parquet"))
