"""What is scored already: one part file per gene, until the table is whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import polars as pl

from splice_meta.errors import OutputError
from splice_meta.given import Given
from splice_meta.ownership import Owned, refuse_foreign, refuse_target, remove_owned
from splice_meta.provenance import MadeBy
from splice_meta.records import read_record
from splice_meta.sink import sink_parquet, write_text

SETTINGS = "scoring.json"

PARTS = Owned(
    what="genes of a scoring that is not complete",
    files=(SETTINGS, "*.parquet"),
    mark=(SETTINGS, b'"base model"'),
)
"""The folder of the parts."""


@dataclass(frozen=True)
class Parts:
    """The part files of a table of scores that is being made.

    They lie beside it, in a folder of its name with ``.parts`` behind. A part that is there is
    whole, see :func:`splice_meta.sink.whole_file`.

    Args:
        output: The table.
    """

    output: Path

    @property
    def folder(self) -> Path:
        """Where the parts lie."""
        return self.output.with_name(f"{self.output.name}.parts")

    def of(self, gene: str) -> Path:
        """The part of a gene; any id makes a plain file name."""
        return self.folder / f"{quote(gene, safe='')}.parquet"

    def has(self, gene: str) -> bool:
        """Whether a gene is done."""
        return self.of(gene).exists()

    def check(self, inputs: Given, resume: bool, overwrite: bool) -> None:
        """Refuse a place that cannot be written to; nothing is changed.

        Args:
            inputs: What is read.
            resume: Keep the genes that are done.
            overwrite: Throw them away, and replace the table.

        Raises:
            OutputError: If something is there and may be neither kept nor replaced.
        """
        goes_on = resume and self.folder.exists()
        refuse_target(self.output, inputs, overwrite or goes_on)
        inputs.refuse(self.folder)
        refuse_foreign(self.folder, PARTS, file=False)
        if self.folder.exists() and not (goes_on or overwrite):
            raise OutputError(
                f"{self.folder} holds genes of a scoring that is not complete.",
                "Go on with --resume, or start anew with --overwrite.",
            )

    def begin(self, settings: Mapping[str, object], resume: bool) -> None:
        """Make the folder, or take up what an interrupted scoring left.

        Args:
            settings: Everything that scores depend on.
            resume: Keep the genes that are done.

        Raises:
            OutputError: If what is there was made with other settings.
        """
        if not resume:
            remove_owned(self.folder, PARTS)
        record = self.folder / SETTINGS
        if record.exists():
            hint = "Start anew with --overwrite."
            before = read_record(record, OutputError, hint).fields()
            differing = [
                name
                for name, value in settings.items()
                if name not in before or before[name].value != value
            ]
            if differing:
                raise OutputError(
                    f"The genes in {self.folder} were scored with other settings: "
                    f"{', '.join(differing)}.",
                    "Give the same ones, or start anew with --overwrite.",
                )
        write_text(record, json.dumps(settings, indent=1) + "\n")

    def write(self, gene: str, table: pl.DataFrame, made_by: MadeBy) -> None:
        """Write the part of a gene."""
        sink_parquet(table.lazy(), self.of(gene), made_by=made_by)

    def finish(self, genes: Sequence[str], made_by: MadeBy, keep: bool = False) -> None:
        """Put the parts together in the order of the genes; then they are removed.

        Args:
            genes: The genes that are done; without any, there is no table.
            made_by: What made the scores.
            keep: Keep the parts, for other genes to be tried again.

        Raises:
            OutputError: If the part of a gene is gone.
        """
        gone = next((gene for gene in genes if not self.has(gene)), None)
        if gone is not None:
            raise OutputError(
                f"The scores of gene {gone} are no longer in {self.folder}.",
                "Let only one scoring at a time write this file; go on with --resume.",
            )
        if genes:
            parts = pl.scan_parquet([self.of(gene) for gene in genes], glob=False)
            sink_parquet(parts, self.output, made_by=made_by)
        if not (keep and genes):
            remove_owned(self.folder, PARTS)
