"""The BED files of an export."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import IO

import polars as pl

from splice_meta.tracks.site_rows import as_bed


class BedFiles:
    """The BED files; sites wait until their chromosome is done, since strands come in turn.

    Args:
        folder: Where they lie.
        stack: Closes them.
        is_changed: Whether there is one of changed sites, too.
    """

    def __init__(self, folder: Path, stack: ExitStack, is_changed: bool) -> None:
        self._files: list[IO[bytes]] = []
        for name in ("called_sites", "changed_sites")[: 2 if is_changed else 1]:
            file = stack.enter_context((folder / f"{name}.bed").open("wb"))
            file.write(f'track name="{name}" itemRgb="On"\n'.encode())
            self._files.append(file)
        self._chrom = ""
        self._waiting: list[list[pl.DataFrame]] = [[] for _ in self._files]
        self._counts = [0, 0]

    def add(self, chrom: str, *sites: pl.DataFrame | None) -> None:
        """Add the called and the changed sites of a stretch."""
        if chrom != self._chrom:
            self._flush()
            self._chrom = chrom
        for waiting, rows in zip(self._waiting, sites, strict=False):
            if rows is not None:
                waiting.append(rows)

    def finish(self) -> tuple[int, int]:
        """Write what waits; the numbers of called and changed sites."""
        self._flush()
        return self._counts[0], self._counts[1]

    def _flush(self) -> None:
        for number, (file, waiting) in enumerate(zip(self._files, self._waiting, strict=True)):
            if waiting:
                rows = as_bed(pl.concat(waiting), self._chrom)
                rows.write_csv(file, include_header=False, separator="\t", quote_style="never")
                self._counts[number] += rows.height
                waiting.clear()
