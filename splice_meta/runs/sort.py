"""Sorting base scores that need not fit into memory: each gene in one place, positions ascending.

Rows go to buckets of whole genes in temporary files, and each bucket is sorted by itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import polars as pl

from splice_meta.contracts import column as exact
from splice_meta.errors import ContractError, InputError, UsageError
from splice_meta.files.given import Given
from splice_meta.files.ownership import TABLE, refuse_file, refuse_target
from splice_meta.provenance import MadeBy
from splice_meta.runs.outputs import part_of
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.watching import Progress, Watcher, watcher_of
from splice_meta.sink import sink_parquet, whole_file
from splice_meta.sources.files import files_of
from splice_meta.sources.layouts import position_along_gene
from splice_meta.sources.made_by import read_made_by
from splice_meta.sources.reading import reading
from splice_meta.sources.tables import Table, open_tables, refuse_by_gene, scan_unchanged
from splice_meta.sources.unreadable import readable

COPIES = 8
"""How many times its size a sorted bucket takes, with what Polars reads and writes ahead."""

SAMPLE_ROWS = 10_000
"""Rows from the top of the table, by which the size of a row is estimated."""

KEY, GENE, BUCKET = "_sort_key", "_sort_gene", "_sort_bucket"


@dataclass(frozen=True, kw_only=True)
class SortedScores:
    """What was written.

    Attributes:
        path: The sorted table.
        genes: Number of genes.
        rows: Number of rows.
        parts: Number of part files; with one, the table is a plain file.
    """

    path: Path
    genes: int
    rows: int
    parts: int


@plain_panics()
def sort_scores(
    scores: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    memory: int = 1 << 30,
    overwrite: bool = False,
    progress: Progress = False,
) -> SortedScores:
    """Sort score tables by gene and position, without ever holding all rows.

    Genes are in the order of their first rows, which mostly follows the chromosomes; rows with
    the same gene and position keep their order. The rows wait in a hidden temporary folder beside
    the output, which needs about as much room as the table as Parquet.

    Args:
        scores: Paths, globs or directories of Parquet, Arrow IPC, CSV or TSV tables.
        output: A Parquet file; a directory of part files where the rows do not fit the memory
            budget at once. All columns are kept with their names and types; only where the tables
            differ in their columns are they brought to the contract's first.
        memory: Budget of the rows that are sorted at once, in bytes. A gene above it is sorted
            nevertheless.
        overwrite: Replace the output.
        progress: Show progress, or a watcher that receives it: rows.

    Raises:
        UsageError: If the budget is below 1 MiB.
        InputError: If a table cannot be read.
        ContractError: If ``gene_id`` or ``position`` is missing, null or of a wrong type.
        OutputError: If the output already exists, lies in the input, or cannot be written.
    """
    if memory < 1 << 20:
        raise UsageError(f"The memory budget is {memory} bytes.", "Give at least 1MiB.")
    files = files_of(scores)
    if not files:
        raise InputError(
            f"Only files can be sorted, not {type(scores).__name__}.",
            "Give paths; sort a frame with frame.sort('gene_id', 'position').",
        )
    path = Path(output).expanduser()
    refuse_target(path, Given((scores, list(files))), overwrite, TABLE)
    refuse_by_gene(files)
    with readable():
        tables = open_tables(files)
        columns = {name for each in tables for name in each.scan().collect_schema()}
    return reading(tables, columns, lambda: _sort(tables, path, memory, watcher_of(progress)))


def _sort(tables: Sequence[Table], path: Path, memory: int, watch: Watcher) -> SortedScores:
    """Sort tables that were looked at."""
    raw = scan_unchanged(tables)
    _refuse_columns(raw.collect_schema())
    made_by = read_made_by([table.file for table in tables])
    sample = raw.head(SAMPLE_ROWS).collect()
    room = memory * max(sample.height, 1) // (COPIES * max(int(sample.estimated_size()), 1))
    watch.started("counting the rows of each gene", 1)
    genes = gene_buckets(raw, room)
    if genes[BUCKET][-1]:
        refuse_file(path)
    with whole_file(path, TABLE) as target:
        parts = sort_rows(raw, genes, target, max(room // 4, 1), watch, made_by)
    return SortedScores(path=path, genes=genes.height, rows=int(genes["rows"].sum()), parts=parts)


def sort_rows(
    raw: pl.LazyFrame,
    genes: pl.DataFrame,
    target: Path,
    batch_rows: int,
    watch: Watcher,
    made_by: MadeBy | None = None,
) -> int:
    """Sort a table into a Parquet file, or into a directory of parts: one for each bucket.

    Args:
        raw: The table.
        genes: Its genes, from :func:`gene_buckets`.
        target: What to write; its folder is there.
        batch_rows: Rows that are read at once. Polars reads some batches ahead.
        watch: Told how far it is.
        made_by: What made the scores, where the table says it.

    Returns:
        The number of parts.
    """
    position = position_along_gene(raw)
    buckets = genes.group_by(BUCKET, maintain_order=True).agg(pl.col("rows").sum())
    total = int(buckets["rows"].sum())
    with tempfile.TemporaryDirectory(prefix=f"{target.name}.", dir=target.parent) as folder:
        spill = _Spill(Path(folder))
        watch.started("sharing the rows out", total)
        for batch in _batches(raw, batch_rows):
            spill.add(batch, genes)
            watch.advanced(batch.height)
        watch.started("sorting", total)
        columns, ids = raw.collect_schema().names(), genes.select(GENE, "gene_id")
        for bucket, count in buckets.iter_rows():
            # One chain, so that no step's rows outlive it.
            plan = (
                spill.take(bucket, count)
                .sort(GENE, position, maintain_order=True)
                .join(ids, on=GENE, how="left", maintain_order="left")
                .select(map(exact, columns))
                .lazy()
            )
            sink_parquet(plan, part_of(target, bucket, buckets.height), made_by=made_by)
            del plan
            watch.advanced(count)
    return buckets.height


def gene_buckets(raw: pl.LazyFrame, room: int) -> pl.DataFrame:
    """Count the rows of each gene in one streaming pass, and pack whole genes into buckets.

    Args:
        raw: A table with ``gene_id`` and ``position``.
        room: Most rows of a bucket; a gene above it is a bucket of its own.

    Returns:
        One row per gene in the order of their first rows: ``gene_id``, the same as text,
        ``rows``, the running number of the gene and of its bucket.

    Raises:
        ContractError: If there are no rows, or a gene or position is null.
    """
    genes = (
        raw.select(pl.col("gene_id").cast(pl.String).alias(KEY), "gene_id", "position")
        .with_row_index("first")
        .group_by(KEY)
        .agg(
            pl.len().cast(pl.Int64).alias("rows"),
            pl.col("first").min(),
            pl.col("gene_id").first(),
            pl.col("position").null_count().alias("nulls"),
        )
        .sort("first")
        .with_row_index(GENE)
        .collect()
    )
    if genes.is_empty():
        raise ContractError("The base scores have no rows.", "Check the path.")
    nameless = genes.filter(pl.col(KEY).is_null())["rows"].sum()
    for column, nulls in (("gene_id", nameless), ("position", genes["nulls"].sum())):
        if nulls:
            raise ContractError(
                f"Column {column} of the base scores is null in {nulls:,} rows.",
                "Every row needs its gene and its position in the gene.",
            )
    buckets, held = [0], 0
    for count in genes["rows"]:
        full = held > 0 and held + count > room
        buckets.append(buckets[-1] + full)
        held = count if full else held + count
    numbers = pl.Series(BUCKET, buckets[1:], dtype=pl.UInt32)
    return genes.select("gene_id", KEY, "rows", GENE, numbers)


class _Spill:
    """The rows of each bucket in a file of its own, to which one batch after the other is added.

    Args:
        folder: Where the files go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ends: dict[int, list[int]] = {}

    def add(self, batch: pl.DataFrame, genes: pl.DataFrame) -> None:
        """Add each row to the file of its bucket, the gene's number in place of its id."""
        known = genes.select(KEY, GENE, BUCKET)
        numbered = (
            batch.with_columns(pl.col("gene_id").cast(pl.String).alias(KEY))
            .join(known, on=KEY, how="inner", maintain_order="left")
            .drop(KEY, "gene_id")
        )
        pieces = numbered.partition_by(BUCKET, include_key=False, as_dict=True, maintain_order=True)
        for (bucket,), rows in pieces.items():
            # Opened each time: there may be more buckets than a process may have files open.
            with (self._folder / str(bucket)).open("ab") as file:
                rows.write_ipc_stream(file, compression="lz4")
                self._ends.setdefault(bucket, [0]).append(file.tell())

    def take(self, bucket: int, count: int) -> pl.DataFrame:
        """The rows of a bucket, in the order in which they came; its file is removed.

        Raises:
            InputError: If they are not as many as were counted.
        """
        file, ends = self._folder / str(bucket), self._ends.get(bucket, [])
        pieces = []
        if ends:
            with file.open("rb") as stream:
                for start, end in pairwise(ends):
                    pieces.append(pl.read_ipc_stream(BytesIO(stream.read(end - start))))
            file.unlink()
        if sum(piece.height for piece in pieces) != count:
            raise InputError(
                "The base scores gave other rows than when they were counted.",
                "Let the files rest while they are sorted.",
            )
        return pl.concat(pieces)


def _batches(raw: pl.LazyFrame, rows: int) -> Iterator[pl.DataFrame]:
    yield from raw.collect_batches(chunk_size=rows, maintain_order=True, lazy=True)


def _refuse_columns(schema: pl.Schema) -> None:
    missing = [name for name in ("gene_id", "position") if name not in schema]
    if missing:
        raise ContractError(
            f"The base scores have no column {', '.join(missing)}; they have: "
            f"{', '.join(schema.names())}.",
            "Rename the columns to gene_id and position.",
        )
    if not schema["position"].is_integer():
        raise ContractError(
            f"Column position of the base scores has the type {schema['position']}.",
            "It must be an integer.",
        )
    taken = [name for name in (KEY, GENE, BUCKET) if name in schema]
    if taken:
        raise ContractError(f"The column name {taken[0]} is taken.", "Rename the column.")
