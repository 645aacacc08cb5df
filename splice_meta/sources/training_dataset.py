"""Training datasets: which genes and positions a model was trained on."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from splice_meta.errors import InputError
from splice_meta.sources.files import scan_file


def scan_training_dataset(folder: str | Path) -> pl.LazyFrame:
    """The genes and positions of a training dataset.

    Args:
        folder: A directory with Parquet, CSV or TSV tables, in it or in its ``master`` folder
            (the layout of the older system), that have the columns ``gene_id`` and ``position``.

    Returns:
        ``gene_id`` String and ``position`` Int64, as they stand in the tables.

    Raises:
        InputError: If there is no such table.
    """
    usable = []
    for path in dataset_files(folder):
        part = scan_file(Path(path))
        if part is not None and {"gene_id", "position"} <= set(part.collect_schema().names()):
            usable.append(part)
    if not usable:
        raise InputError(
            f"The training dataset {folder} has no table with gene_id and position.",
            "It needs Parquet, CSV or TSV files with these columns, in it or in its master folder.",
        )
    return pl.concat(
        [
            part.select(pl.col("gene_id").cast(pl.String), pl.col("position").cast(pl.Int64))
            for part in usable
        ]
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
        dataset: From :func:`scan_training_dataset`.
    """
    seen = dataset.unique().with_columns(in_training=pl.lit(True))
    return scores.join(
        seen, on=["gene_id", "position"], how="left", maintain_order="left"
    ).with_columns(pl.col("in_training").fill_null(False))
