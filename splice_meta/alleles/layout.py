"""Where the results of variants lie, and what of a folder is ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from splice_meta.files.ownership import Owned

RECORD = "variants.json"
"""Says what the results were made from; it is there from the start."""

MARK = '"what": "splice_meta variants"'

SUMMARY, SITES, LEFT_OUT = "summary", "sites", "left_out.tsv"

PARTS = Owned(
    what="parts of variants that are not complete",
    files=(
        "ledger.jsonl", "summary-[0-9]*.parquet", "sites-[0-9]*.parquet",
        "summary-sorted-[0-9]*.parquet", "sites-sorted-[0-9]*.parquet",
    ),
    mark=("ledger.jsonl", b'"record":"run"'),
)
"""The folder of the parts."""

RESULTS = Owned(
    what="results of variants",
    files=(
        RECORD, f"{SUMMARY}.parquet", f"{SUMMARY}.tsv", f"{SITES}.parquet", f"{SITES}.tsv",
        LEFT_OUT, "variants.vcf", "variants.vcf.gz", "report.html",
    ),
    folders={"parts": PARTS},
    mark=(RECORD, MARK.encode()),
)  # fmt: skip
"""The folder of the results."""


@dataclass(frozen=True)
class Layout:
    """The places of one set of results.

    Attributes:
        folder: The folder.
    """

    folder: Path

    @property
    def parts(self) -> Path:
        """What is made before it is put together."""
        return self.folder / "parts"

    @property
    def record(self) -> Path:
        """What says what the results are."""
        return self.folder / RECORD

    def table(self, name: str, kind: str = "parquet") -> Path:
        """A table of the results."""
        return self.folder / f"{name}.{kind}"

    def part(self, name: str, number: int) -> Path:
        """A part of a table."""
        return self.parts / f"{name}-{number:06}.parquet"
