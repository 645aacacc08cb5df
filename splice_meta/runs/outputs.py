"""Where a run's files lie."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from splice_meta.errors import OutputError, UsageError
from splice_meta.settings import Output
from splice_meta.sink import TEMPORARY

FILE_OF: dict[Output, str] = {
    "complete": "complete_coverage_predictions.parquet",
    "meta": "meta_model_predictions.parquet",
    "base": "base_model_predictions.parquet",
}


@dataclass(frozen=True)
class OutputLayout:
    """The paths of one run.

    Args:
        root: The output directory.
        run_name: Name of the run's folder under ``selective_inference/predictions``.
        artifacts: Where intermediate tables are kept, or None.
    """

    root: Path
    run_name: str
    artifacts: Path | None = None

    @property
    def predictions(self) -> Path:
        """The folder of this run's tables."""
        return self.root / "selective_inference" / "predictions" / self.run_name

    @property
    def report_text(self) -> Path:
        """The plain report."""
        return self.root / "performance_report.txt"

    @property
    def report_html(self) -> Path:
        """The report with pictures."""
        return self.root / "report.html"

    @property
    def gene_manifest(self) -> Path:
        """One entry per gene."""
        return self.root / "gene_manifest.json"

    @property
    def log(self) -> Path:
        """The log."""
        return self.root / "inference_workflow.log"

    @property
    def metadata(self) -> Path:
        """Settings, versions, digests, thresholds."""
        return self.root / "metadata" / "inference_metadata.json"

    @property
    def manifest_csv(self) -> Path:
        """The gene manifest as CSV, where the older system put it."""
        folder = self.root / "selective_inference" / "cache" / "gene_manifests"
        return folder / "selective_inference_manifest.csv"

    def table(self, output: Output, shard: int, shards: int) -> Path:
        """The file of one output of one shard: the table itself, or a part of it."""
        return part_of(self.predictions / FILE_OF[output], shard, shards)

    def features(self, shard: int, shards: int) -> Path:
        """The kept feature matrix of one shard."""
        assert self.artifacts is not None
        return part_of(
            self.artifacts / "features" / "uncertain_positions_features.parquet", shard, shards
        )

    def master(self, shard: int) -> Path:
        """The training-like table of one shard."""
        assert self.artifacts is not None
        return self.artifacts / "master" / f"batch_{shard:05d}.parquet"

    def parts(self, shard: int, shards: int) -> dict[str, Path]:
        """Every file that one shard may write, by the name of its table."""
        files = {str(output): self.table(output, shard, shards) for output in FILE_OF}
        if self.artifacts is not None:
            files |= {"features": self.features(shard, shards), "master": self.master(shard)}
        return files

    def home(self, table: str) -> Path:
        """The folder that the paths of a table's parts are told from."""
        if table in FILE_OF:
            return self.predictions
        assert self.artifacts is not None
        return self.artifacts

    @property
    def kept(self) -> list[Path]:
        """The folders of the artifacts that are kept."""
        names = ("features", "master", "artifacts")
        return [self.artifacts / name for name in names] if self.artifacts is not None else []

    @property
    def ledger(self) -> Path:
        """What is finished of the run."""
        return self.predictions / "ledger.jsonl"

    @property
    def scored(self) -> Path | None:
        """Where base scores made in this run are kept."""
        return self.artifacts / "artifacts" if self.artifacts is not None else None

    def prepare(self, overwrite: bool, inputs: Sequence[str] = ()) -> None:
        """Make the run's folder, and room for the artifacts that are kept.

        Args:
            overwrite: Replace what is there already.
            inputs: Files the run reads; they must not lie where it writes.

        Raises:
            OutputError: If something is there already and may not be overwritten, an input would
                be overwritten, or the folder cannot be made.
        """
        if self.root.exists() and not self.root.is_dir():
            raise OutputError(f"{self.root} is a file.", "Give a directory as output.")
        for target in (self.predictions, *self.kept):
            held = [file for file in inputs if target.resolve() in Path(file).resolve().parents]
            if held:
                raise OutputError(
                    f"The input {held[0]} lies in {target}, where the run writes.",
                    "Give another output directory or --run-name.",
                )
            used = target.exists() and not all(map(_is_temporary, target.iterdir()))
            if used and not overwrite:
                ours = target == self.predictions
                what = f"The run {self.run_name}" if ours else str(target)
                raise OutputError(
                    f"{what} is in {target.parent} already.",
                    f"Give {'--resume, ' if ours else ''}another --run-name or folder, or "
                    "--overwrite.",
                )
        for target in self.kept:
            shutil.rmtree(target, ignore_errors=True)
        shutil.rmtree(self.predictions, ignore_errors=True)
        try:
            # Made here or not at all: of two runs that start at once under one name, one fails.
            self.predictions.mkdir(parents=True)
        except OSError as error:
            raise OutputError(
                f"{self.predictions} cannot be made: {error.strerror}.",
                "Check the path's permissions, or give another --run-name.",
            ) from None


def _is_temporary(path: Path) -> bool:
    """Whether a file is one that :func:`splice_meta.sink.whole_file` had not finished."""
    return path.match(TEMPORARY)


def remove_temporaries(layout: OutputLayout, reports: bool = False) -> None:
    """Remove what killed processes left unfinished where a run writes tables.

    Args:
        layout: Where the run's files lie.
        reports: Also beside the reports, which other runs may be writing.
    """
    found = [
        path for folder in (layout.predictions, *layout.kept) for path in folder.rglob(TEMPORARY)
    ]
    if reports:
        files = (
            layout.report_text, layout.report_html, layout.gene_manifest, layout.manifest_csv,
            layout.metadata,
        )  # fmt: skip
        found += [path for file in files for path in file.parent.glob(f".{file.name}{TEMPORARY}")]
    for path in found:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def part_of(table: Path, shard: int, shards: int) -> Path:
    """A table of one shard is a plain file, one of several a directory of part files."""
    return table if shards == 1 else table / f"part-{shard:05d}.parquet"


def new_run_name(root: Path) -> str:
    """``selective_inference_YYYYMMDD_HHMMSS``, in local time; ``_2`` ... where that is taken."""
    name = f"selective_inference_{datetime.now():%Y%m%d_%H%M%S}"
    taken = root / "selective_inference" / "predictions"
    number = 1
    while (taken / (f"{name}_{number}" if number > 1 else name)).exists():
        number += 1
    return f"{name}_{number}" if number > 1 else name


def check_run_name(name: str) -> str:
    """Refuse a run name that is no plain folder name."""
    if not name or name in (".", "..") or "/" in name or "\\" in name:
        raise UsageError(f"The run name {name!r} is no folder name.", "Use letters and digits.")
    return name


def scan_table(layout: OutputLayout, output: Output) -> pl.LazyFrame:
    """A table of the run, whether it is one file or several parts.

    Raises:
        OutputError: If the run did not write it.
    """
    path = layout.predictions / FILE_OF[output]
    if not path.exists():
        raise OutputError(
            f"The run has no table {path.name}.",
            "Either no gene could be done, or it was not among the outputs asked for.",
        )
    return scan_parts(path)


def scan_parts(path: Path) -> pl.LazyFrame:
    """A Parquet file, or the part files of a directory in order, as one table."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    return pl.scan_parquet(files, glob=False)
