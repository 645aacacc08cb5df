"""The tracks and their files."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Literal

import numpy as np
import polars as pl

from splice_meta.errors import OutputError
from splice_meta.files.ownership import Owned
from splice_meta.sink import is_write_error, not_written
from splice_meta.tracks.bigwig import BigWig
from splice_meta.tracks.joined import Stretch

Format = Literal["bigwig", "bedgraph", "bed"]
FORMATS: tuple[Format, ...] = ("bigwig", "bedgraph", "bed")
ENDINGS: Mapping[Format, str] = {"bigwig": "bw", "bedgraph": "bedgraph", "bed": "bed"}
STRAND_NAMES = {"+": "plus", "-": "minus"}

TRACKS = Owned(
    what="genome tracks",
    files=("*_plus.bw", "*_minus.bw", "*_plus.bedgraph", "*_minus.bedgraph",
           "called_sites.bed", "changed_sites.bed"),
)  # fmt: skip
"""What a folder of tracks holds."""


class TrackFiles:
    """The bigWig and bedGraph files of an export; one appears when it gets its first value.

    Args:
        folder: Where they lie.
        formats: Which.
        sizes: Bases by chromosome, as the files name it.
        least: Values below it are left out.
        columns: System and site by value column, which name the files.
        stack: Closes them.
    """

    def __init__(
        self,
        folder: Path,
        formats: tuple[Format, ...],
        sizes: Mapping[str, int],
        least: float,
        columns: Mapping[str, str],
        stack: ExitStack,
    ) -> None:
        self._folder, self._formats, self._sizes = folder, formats, sizes
        self._least, self._columns, self._stack = least, columns, stack
        self._bigwigs: dict[str, BigWig] = {}
        self._texts: dict[str, IO[bytes]] = {}

    def add(self, stretch: Stretch, chrom: str) -> None:
        """Add a stretch of the genome.

        Args:
            stretch: The values.
            chrom: Its chromosome, as the files name it.
        """
        for column, track in self._columns.items():
            rows = stretch.rows.select("start", value=column)
            if self._least > 0:
                rows = rows.filter(pl.col("value") >= self._least)
            if rows.is_empty():
                continue
            name = f"{track}_{STRAND_NAMES[stretch.strand]}"
            if "bigwig" in self._formats:
                values = rows["value"].to_numpy()
                self._bigwig(name).add(chrom, rows["start"].to_numpy(), values.astype(np.float32))
            if "bedgraph" in self._formats:
                spans = _spans(rows, chrom)
                spans.write_csv(self._text(name), include_header=False, separator="\t")

    def close(self) -> None:
        """Write what stands at the end of bigWig files."""
        for bigwig in self._bigwigs.values():
            bigwig.close()

    def _bigwig(self, name: str) -> BigWig:
        if name not in self._bigwigs:
            file = self._stack.enter_context((self._folder / f"{name}.bw").open("w+b"))
            self._bigwigs[name] = BigWig(file, self._sizes)
        return self._bigwigs[name]

    def _text(self, name: str) -> IO[bytes]:
        if name not in self._texts:
            file = self._stack.enter_context((self._folder / f"{name}.bedgraph").open("wb"))
            file.write(f'track type=bedGraph name="{name}"\n'.encode())
            self._texts[name] = file
        return self._texts[name]


def _spans(rows: pl.DataFrame, chrom: str) -> pl.DataFrame:
    """Successive bases of one value as one span: chrom, start, end, value."""
    is_next = (pl.col("start").diff() == 1) & (pl.col("value").diff() == 0)
    firsts = rows.with_columns(
        is_first=~is_next.fill_null(False), end=pl.col("start") + 1
    ).with_columns(run=pl.col("is_first").cum_sum())
    return (
        firsts.group_by("run", maintain_order=True)
        .agg(pl.col("start").first(), pl.col("end").last(), pl.col("value").first())
        .select(pl.lit(chrom).alias("chrom"), "start", "end", "value")
    )


def refuse_unwritable(folder: Path, error: Exception) -> OutputError:
    """The error for tracks that could not be written; any other error goes on.

    Args:
        folder: Where they were to appear.
        error: What happened.
    """
    if not is_write_error(error):
        raise error
    return not_written(folder, error)
