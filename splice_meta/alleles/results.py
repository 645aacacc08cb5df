"""The results of variants, as a folder holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.alleles.layout import SITES, SUMMARY, Layout
from splice_meta.errors import InputError
from splice_meta.files.records import Entry, read_record
from splice_meta.shown import Shown


@dataclass(frozen=True, repr=False)
class VariantsResult(Shown):
    """What variants do to splicing.

    Attributes:
        path: The folder.
        variants: Variants in the input.
        scored: Those that lie in some gene and were scored.
        pairs: Pairs of a variant and a gene.
        left_out: Variants that were not scored, by reason.
        failed: Pairs of genes that failed; ``resume`` tries them again.
    """

    path: Path
    variants: int
    scored: int
    pairs: int
    left_out: Mapping[str, int]
    failed: int

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files for people, in order."""
        return tuple(sorted(path.name for path in self.path.iterdir() if path.is_file()))

    def summary(self) -> pl.LazyFrame:
        """One row per variant and gene: the deltas, base and recalibrated."""
        return pl.scan_parquet(Layout(self.path).table(SUMMARY), glob=False)

    def sites(self) -> pl.LazyFrame:
        """One row per position and type whose probability changes."""
        return pl.scan_parquet(Layout(self.path).table(SITES), glob=False)

    def _facts(self) -> list[tuple[str, str]]:
        return [
            ("folder", str(self.path)),
            ("variants", f"{self.variants:,}"),
            ("scored", f"{self.scored:,}"),
            ("variants in genes", f"{self.pairs:,}"),
            ("left out", f"{sum(self.left_out.values()):,}"),
            *([("failed", f"{self.failed:,}")] if self.failed else []),
        ]


def result_of(layout: Layout, record: Mapping[str, Any]) -> VariantsResult:
    """The results that a record tells of."""
    counts = record["counts"]
    return VariantsResult(
        layout.folder, counts["variants"], counts["scored"], counts["pairs"],
        counts["left_out"], counts["failed_pairs"],
    )  # fmt: skip


def open_results(folder: str | Path) -> VariantsResult:
    """Results that are there.

    Raises:
        InputError: If the folder holds none, or they are damaged.
    """
    layout = Layout(Path(folder).expanduser())
    if not layout.record.is_file():
        raise InputError(
            f"{folder} holds no results of variants.", "Make them with splice-meta variants."
        )
    entry = read_record(layout.record, InputError, "Make them again with --overwrite.")
    counts = entry.at("counts")
    return VariantsResult(
        layout.folder,
        variants=counts.at("variants").whole(),
        scored=counts.at("scored").whole(),
        pairs=counts.at("pairs").whole(),
        left_out={name: each.whole() for name, each in counts.at("left_out").fields().items()},
        failed=counts.at("failed_pairs").whole(),
    )


def given_of(layout: Layout) -> dict[str, str]:
    """Digests of what complete results were made from."""
    entry: Entry = read_record(layout.record, InputError, "Make them again with --overwrite.")
    return {name: each.text(1 << 20) for name, each in entry.at("given").fields().items()}
