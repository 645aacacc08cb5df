"""Base scores: from files, globs, directories, object stores or frames to checked lazy frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.contracts import OPTIONAL, canonical
from splice_meta.errors import ContractError, InputError
from splice_meta.manifest import GENOMIC
from splice_meta.sources.checks import GeneTable, check
from splice_meta.sources.layouts import to_contract_names

PARQUET = (".parquet", ".pq")
IPC = (".arrow", ".ipc", ".feather")
TEXT = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
COMPRESSED = (".gz", ".zst")

TEXT_TYPES: dict[str, type[pl.DataType]] = {
    "gene_id": pl.String, "gene_name": pl.String, "chrom": pl.String, "strand": pl.String,
    "base": pl.String, "splice_type": pl.String, "position": pl.Int64,
    "genomic_position": pl.Int64, "donor_score": pl.Float32, "acceptor_score": pl.Float32,
    "neither_score": pl.Float32, "donor_prob": pl.Float32, "acceptor_prob": pl.Float32,
    "neither_prob": pl.Float32, **{name: pl.Float64 for name in GENOMIC if name != "chrom"},
}  # fmt: skip
"""Types of the columns of text files; a guess from the first rows would take chrom for a number."""


@dataclass(frozen=True)
class BaseScores:
    """Checked base scores.

    Attributes:
        frame: Canonical, lazy; each gene's rows adjacent, positions as in the input.
        table: The genes in input order.
        files: The files behind it, in order; empty for a frame.
        wanted: The genes asked for; None for every gene.
    """

    frame: pl.LazyFrame
    table: GeneTable
    files: tuple[str, ...] = ()
    wanted: tuple[str, ...] | None = None

    @property
    def absent(self) -> list[str]:
        """The genes asked for that have no scores."""
        there = set(self.table.genes["gene_id"])
        return [gene for gene in self.wanted or () if gene not in there]

    def batch(self, first: int, stop: int) -> pl.LazyFrame:
        """The rows of the genes first..stop (0-based, in input order), positions ascending."""
        genes = self.table.genes.slice(first, stop - first)
        if self.wanted is not None:
            rows = self.frame.filter(pl.col("gene_id").is_in(genes["gene_id"].to_list()))
        else:
            # A slice reads only the Parquet row groups that it touches.
            rows = self.frame.slice(genes["first_row"][0], int(genes["positions"].sum()))
        return rows if genes["is_sorted"].all() else by_position(rows)

    def verify(self, found: pl.DataFrame, first: int, stop: int) -> None:
        """Refuse a batch that does not hold the genes and rows that were checked.

        Args:
            found: ``gene_id`` and ``positions`` of the batch, in order.
            first: First gene of the batch.
            stop: Gene after the last.

        Raises:
            InputError: If they differ.
        """
        columns = ["gene_id", "positions"]
        if not found.select(columns).equals(self.table.genes[first:stop].select(columns)):
            raise InputError(
                "The base scores gave other rows than when they were checked.",
                "If they are a lazy frame, collect it first; if a file, let it rest.",
            )

    def batches(self, memory: int, per_position: int) -> Iterator[tuple[int, int]]:
        """Pack whole genes, in input order, into batches that fit a memory budget.

        Args:
            memory: The budget in bytes. A gene above it is a batch of its own.
            per_position: Bytes per position.

        Yields:
            The first gene and the gene after the last of each batch.
        """
        room = max(memory // per_position, 1)
        first, held = 0, 0
        for gene, count in enumerate(self.table.genes["positions"]):
            if held and held + count > room:
                yield first, gene
                first, held = gene, 0
            held += count
        yield first, self.table.genes.height

    def all_rows(self) -> pl.LazyFrame:
        """All rows, positions ascending in each gene."""
        return by_position(self.frame) if self.table.unsorted else self.frame


def by_position(scores: pl.LazyFrame) -> pl.LazyFrame:
    """Sort each gene by position; the genes stay in input order."""
    return (
        scores.with_columns(_run=pl.col("gene_id").rle_id())
        .sort("_run", "position", maintain_order=True)
        .drop("_run")
    )


def open_scores(source: Any, genes: Sequence[str] | None = None) -> BaseScores:
    """Read and check base scores, in one streaming pass and without keeping them.

    Args:
        source: See :func:`scan_scores`.
        genes: Only these genes; those that are not in the scores are simply not in the result.

    Raises:
        InputError: If a file is missing or of an unknown kind.
        ContractError: If the scores break the contract.
    """
    files = _files(source)
    wanted = tuple(dict.fromkeys(genes)) if genes is not None else None
    try:
        frame = _scan_files(files) if files else canonical(to_contract_names(_frame(source)))
        if wanted is not None:
            frame = frame.filter(pl.col("gene_id").is_in(wanted))
        table = check(frame)
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise InputError(
            f"The base scores cannot be read: {reason}.", "Check that the file is whole."
        ) from None
    if table.genes.is_empty():
        if wanted is None:
            raise ContractError("The base scores have no rows.", "Check the path.")
        listed = f"{', '.join(wanted[:3])}{' ...' if len(wanted) > 3 else ''}"
        raise InputError(
            f"None of the {len(wanted)} genes asked for ({listed}) is in the base scores.",
            "Check the gene ids against the table's gene_id column.",
        )
    return BaseScores(frame, table, files, wanted)


def scan_scores(source: Any, genes: Sequence[str] | None = None) -> pl.LazyFrame:
    """Scan base scores lazily and check them against the contract.

    The check is one streaming aggregation over the table. Genes whose positions do not ascend are
    sorted.

    Args:
        source: A path, glob or directory of Parquet, Arrow IPC, CSV or TSV files (text also gzip
            or zstd compressed), an object-store address that Polars can scan, a list of those, a
            Polars frame, or an object with the Arrow PyCapsule interface.
        genes: Only these genes.

    Returns:
        One row per nucleotide, see :func:`splice_meta.contracts.canonical`.

    Raises:
        InputError: If a file is missing or of an unknown kind.
        ContractError: If the scores break the contract.
    """
    return open_scores(source, genes).all_rows()


def _frame(source: Any) -> pl.LazyFrame:
    if isinstance(source, (pl.LazyFrame, pl.DataFrame)):
        return source.lazy()
    if hasattr(source, "__arrow_c_stream__"):
        return pl.DataFrame(source).lazy()
    raise InputError(
        f"Base scores cannot be read from {type(source).__name__}.",
        "Give a path, a list of paths, or a Polars or Arrow frame.",
    )


def _files(source: Any) -> tuple[str, ...]:
    """The files behind paths, globs, directories and addresses; none for a frame."""
    if isinstance(source, (str, Path)):
        return tuple(_expand(str(source)))
    if isinstance(source, (list, tuple)) and all(isinstance(s, (str, Path)) for s in source):
        return tuple(file for item in source for file in _expand(str(item)))
    return ()


def _scan_files(files: Sequence[str]) -> pl.LazyFrame:
    """Canonical scores of all files: one scan where their schemas agree, else one per file."""
    scans = [_scan_kind([file], _kind(file)) for file in files]
    schemas = [scan.collect_schema() for scan in scans]
    if len({_kind(file) for file in files}) == 1 and all(s == schemas[0] for s in schemas):
        return canonical(to_contract_names(_scan_kind(list(files), _kind(files[0]))))
    parts = [canonical(to_contract_names(scan)) for scan in scans]
    names = [part.collect_schema().names() for part in parts]
    for name in OPTIONAL:
        with_it = [file for file, listed in zip(files, names, strict=True) if name in listed]
        if 0 < len(with_it) < len(files):
            without = next(file for file in files if file not in with_it)
            raise ContractError(
                f"{without} has no column {name}, {with_it[0]} has one.",
                "Give tables with the same columns.",
            )
    return pl.concat(parts, how="diagonal_relaxed")


def _expand(item: str) -> list[str]:
    """The files behind one path, glob, directory or address, in name order."""
    if "://" in item:
        return [item]
    path = Path(item).expanduser()
    if path.is_dir():
        files = sorted(str(file) for file in path.iterdir() if _is_known(file))
        if not files:
            raise InputError(
                f"The directory {item} holds no score files.",
                "Score files end in .parquet, .arrow, .csv or .tsv (also .gz or .zst).",
            )
        return files
    if path.exists():
        return [str(path)]
    if any(letter in item for letter in "*?["):
        anchor = Path(path.anchor) if path.is_absolute() else Path()
        pattern = str(path.relative_to(anchor)) if path.is_absolute() else str(path)
        files = sorted(str(file) for file in anchor.glob(pattern) if file.is_file())
        if files:
            return files
        raise InputError(f"No file matches {item}.", "Check the pattern; quote it in a shell.")
    raise InputError(f"There is no file {item}.", "Check the path given as scores.")


def _suffix(name: str) -> str:
    suffixes = Path(name.split("?")[0]).suffixes
    if len(suffixes) > 1 and suffixes[-1].lower() in COMPRESSED:
        return suffixes[-2].lower()
    return suffixes[-1].lower() if suffixes else ""


def _is_known(file: Path) -> bool:
    return file.is_file() and _suffix(file.name) in (*PARQUET, *IPC, *TEXT)


def _kind(name: str) -> str:
    suffix = _suffix(name)
    if suffix in PARQUET or ("://" in name and suffix == ""):
        return "parquet"
    if suffix in IPC:
        return "ipc"
    if suffix in TEXT:
        return TEXT[suffix]
    raise InputError(
        f"{name} is of an unknown kind.",
        "Score files end in .parquet, .arrow, .csv or .tsv (also .gz or .zst).",
    )


def scan_file(path: Path) -> pl.LazyFrame | None:
    """A table file of a kind that scores may have; None for any other file.

    Raises:
        InputError: If it cannot be read.
    """
    return _scan_kind([str(path)], _kind(path.name)) if _is_known(path) else None


def _scan_kind(files: list[str], kind: str) -> pl.LazyFrame:
    try:
        if kind == "parquet":
            # Addresses may hold patterns or folders that only Polars can list.
            frame = pl.scan_parquet(files, glob=any("://" in file for file in files))
        elif kind == "ipc":
            frame = pl.scan_ipc(files, glob=False)
        else:
            frame = pl.scan_csv(
                files,
                separator=kind,
                null_values=["", "NA"],
                schema_overrides=TEXT_TYPES,
                infer_schema_length=10_000,
                glob=False,
            )
        frame.collect_schema()
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise InputError(
            f"{files[0]} cannot be read: {reason}.", "Check the file's kind and that it is whole."
        ) from None
    return frame
