"""A lazy scan of files that are read one gene at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from splice_meta.contracts import SCORES

Piece = Mapping[str, Any]
"""One row of the table that :func:`splice_meta.sources.openspliceai.names.place_pieces` returns."""


def scan_pieces(
    pieces: pl.DataFrame, read: Callable[[Piece], dict[str, Any]], *, has_base: bool
) -> pl.LazyFrame:
    """Base scores of genes that are read one piece at a time, when the plan is run.

    A filter on ``gene_id`` reads only the genes it names; a slice does not.

    Args:
        pieces: From :func:`splice_meta.sources.openspliceai.names.place_pieces`.
        read: Gives the three scores, and ``base`` with ``has_base``, of the bases ``first`` to
            ``stop`` of a piece, as columns of that length.
        has_base: Whether there are bases.

    Returns:
        ``gene_id``, ``position``, the three scores (Float32); ``chrom``, ``strand``,
        ``genomic_position`` if they are known for every gene; ``base`` where there is one.
    """
    if pieces["chrom"].null_count():
        pieces = pieces.drop("chrom", "strand")
    keys = {"gene_id"} | ({"chrom", "strand"} & set(pieces.columns))
    schema: dict[str, type[pl.DataType]] = {"gene_id": pl.String, "position": pl.Int64}
    schema |= {name: pl.Float32 for name in SCORES}
    if "chrom" in keys:
        schema |= {"chrom": pl.String, "strand": pl.String, "genomic_position": pl.Int64}
    if has_base:
        schema["base"] = pl.String

    def source(
        columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, batch: int | None
    ) -> Iterator[pl.DataFrame]:
        kept = pieces
        if predicate is not None and set(predicate.meta.root_names()) <= keys:
            kept = pieces.filter(predicate)
        for piece in kept.iter_rows(named=True):
            frame = _rows_of(piece, read(piece)).select(*schema)
            frame = frame.filter(predicate) if predicate is not None else frame
            if rows is not None:
                frame = frame.head(rows)
                rows -= frame.height
            yield frame.select(columns) if columns is not None else frame
            if rows == 0:
                return

    return register_io_source(source, schema=schema, validate_schema=True)


def _rows_of(piece: Piece, scores: dict[str, Any]) -> pl.DataFrame:
    """The rows of a piece: its scores with gene, position and place."""
    first = piece["position"]
    frame = pl.DataFrame(scores).with_columns(
        pl.lit(piece["gene_id"]).alias("gene_id"),
        position=pl.int_range(first, first + piece["stop"] - piece["first"]),
    )
    if "chrom" not in piece:
        return frame
    along = pl.col("position") - 1
    plus = piece["strand"] == "+"
    return frame.with_columns(
        pl.lit(piece["chrom"]).alias("chrom"),
        pl.lit(piece["strand"]).alias("strand"),
        genomic_position=piece["gene_start"] + along if plus else piece["gene_end"] - along,
    )
