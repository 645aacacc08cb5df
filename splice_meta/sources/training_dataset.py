"""Training datasets: which genes and positions a model was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from splice_meta.errors import InputError
from splice_meta.sources.kinds import TEXT, suffix_of
from splice_meta.sources.reading import reading
from splice_meta.sources.tables import Table, open_file
from splice_meta.sources.text import words_of
from splice_meta.sources.unreadable import readable

KEYS = ("gene_id", "position")
EVIDENCE: dict[str, type[pl.DataType]] = {
    "genomic_position": pl.Int64, "donor_score": pl.Float64, "acceptor_score": pl.Float64,
}  # fmt: skip
"""Columns that tell how the positions of a dataset count."""


def scan_training_dataset(folder: str | Path) -> pl.LazyFrame:
    """The genes and positions of a training dataset.

    Args:
        folder: A directory with Parquet, CSV or TSV tables, in it or in its ``master`` folder
            (the layout of the older system), that have the columns ``gene_id`` and ``position``.

    Returns:
        ``gene_id`` String and ``position`` Int64, as they stand in the tables; and those of
        :data:`EVIDENCE` that some table has.

    Raises:
        InputError: If there is no such table.
    """
    tables = [table for path in dataset_files(folder) if (table := _open(Path(path))) is not None]
    if not tables:
        raise InputError(
            f"The training dataset {folder} has no table with gene_id and position.",
            "It needs Parquet, CSV or TSV files with these columns, in it or in its master folder.",
        )
    with readable():
        return reading(tables, KEYS, lambda: _scan(tables))


def _open(path: Path) -> Table | None:
    """A table with genes and positions; None for any other file."""
    is_text = suffix_of(path.name) in TEXT and path.is_file()
    if path.name.startswith(".") or (is_text and not words_of(path).issuperset(KEYS)):
        return None
    table = open_file(path)
    if table is None or not set(KEYS) <= set(table.scan().collect_schema().names()):
        return None
    return table


def _scan(tables: Sequence[Table]) -> pl.LazyFrame:
    """Genes and positions of all tables, which are read once, to see that they can be."""
    for table in tables:
        position = pl.col("position")
        whole = position.cast(pl.Float64) == position.cast(pl.Int64)
        bad = table.scan().select(nulls=pl.any_horizontal(pl.col(KEYS).is_null()).sum(),
                                  broken=(~whole).sum()).collect().row(0)  # fmt: skip
        if any(bad):
            raise InputError(
                f"{table.file} has {bad[0] + bad[1]:,} rows without a gene, or without a whole "
                "number as position.",
                "Every row of a training dataset needs both.",
            )
    types: dict[str, type[pl.DataType]] = {"gene_id": pl.String, "position": pl.Int64, **EVIDENCE}
    scans = [(table.scan(), table.scan().collect_schema()) for table in tables]
    return pl.concat(
        [
            scan.select(
                pl.col(name).cast(dtype, strict=name not in EVIDENCE)
                for name, dtype in types.items()
                if name in schema
            )
            for scan, schema in scans
        ],
        how="diagonal",
    )


def dataset_files(folder: str | Path) -> list[str]:
    """The files of a training dataset, sorted.

    Raises:
        InputError: If there is no such directory.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(
            f"There is no training dataset directory {folder}.", "Check --training-dataset."
        )
    place = root / "master" if (root / "master").is_dir() else root
    return [str(path) for path in sorted(place.iterdir())]


def trained_genes(dataset: pl.LazyFrame) -> set[str]:
    """The genes of a training dataset."""
    return set(dataset.select(pl.col("gene_id").unique()).collect()["gene_id"])


def mark_trained(scores: pl.LazyFrame, dataset: pl.LazyFrame) -> pl.LazyFrame:
    """Add ``in_training``: whether this gene and position were trained on.

    Args:
        scores: Has ``gene_id`` and ``position``; its order is kept.
        dataset: From :func:`splice_meta.sources.training_positions.numbered_as`.
    """
    seen = dataset.select(KEYS).unique().with_columns(in_training=pl.lit(True))
    return scores.join(
        seen, on=["gene_id", "position"], how="left", maintain_order="left"
    ).with_columns(pl.col("in_training").fill_null(False))
