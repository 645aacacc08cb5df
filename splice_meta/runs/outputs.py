"""Where a run's files lie."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import polars as pl

from splice_meta.errors import OutputError, UsageError
from splice_meta.runs.lines import read_lines
from splice_meta.settings import Output
from splice_meta.sink import TEMPORARY
from splice_meta.stores import ObjectPath, Place, object_at, remove_tree

FILE_OF: dict[Output, str] = {
    "complete": "complete_coverage_predictions.parquet",
    "meta": "meta_model_predictions.parquet",
    "base": "base_model_predictions.parquet",
}


P = TypeVar("P", Path, ObjectPath, Place)


@dataclass(frozen=True)
class OutputLayout:
    """The paths of one run.

    Args:
        root: The output directory, here or in an object store.
        run_name: Name of the run's folder under ``selective_inference/predictions``.
        artifacts: Where intermediate tables are kept, or None; a local folder.
    """

    root: Place
    run_name: str
    artifacts: Path | None = None

    @property
    def predictions(self) -> Place:
        """The folder of this run's tables."""
        return self.root / "selective_inference" / "predictions" / self.run_name

    @property
    def report_text(self) -> Place:
        """The plain report."""
        return self.root / "performance_report.txt"

    @property
    def report_html(self) -> Place:
        """The report with pictures."""
        return self.root / "report.html"

    @property
    def gene_manifest(self) -> Place:
        """One entry per gene."""
        return self.root / "gene_manifest.json"

    @property
    def log(self) -> Place:
        """The log."""
        return self.root / "inference_workflow.log"

    @property
    def metadata(self) -> Place:
        """Settings, versions, digests, thresholds."""
        return self.root / "metadata" / "inference_metadata.json"

    @property
    def manifest_csv(self) -> Place:
        """The gene manifest as CSV, where the older system put it."""
        folder = self.root / "selective_inference" / "cache" / "gene_manifests"
        return folder / "selective_inference_manifest.csv"

    def table(self, output: Output, shard: int, shards: int) -> Place:
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

    def parts(self, shard: int, shards: int) -> dict[str, Place]:
        """Every file that one shard may write, by the name of its table."""
        files: dict[str, Place] = {
            str(output): self.table(output, shard, shards) for output in FILE_OF
        }
        if self.artifacts is not None:
            files |= {"features": self.features(shard, shards), "master": self.master(shard)}
        return files

    def home(self, table: str) -> Place:
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
    def ledger(self) -> Place:
        """What is finished of the run; in an object store a folder of lines."""
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
        if self.root.is_file():
            raise OutputError(f"{self.root} is a file.", "Give a directory as output.")
        for target in (self.predictions, *self.kept):
            held = [file for file in inputs if _lies_in(file, target)]
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
        if isinstance(self.predictions, ObjectPath):
            remove_tree(self.predictions)  # a folder need not be made there; the ledger must be
            return
        shutil.rmtree(self.predictions, ignore_errors=True)
        try:
            # Made here or not at all: of two runs that start at once under one name, one fails.
            self.predictions.mkdir(parents=True)
        except OSError as error:
            raise OutputError(
                f"{self.predictions} cannot be made: {error.strerror}.",
                "Check the path's permissions, or give another --run-name.",
            ) from None


def _is_temporary(path: Place) -> bool:
    """Whether a file is one that :func:`splice_meta.sink.whole_file` had not finished."""
    return isinstance(path, Path) and path.match(TEMPORARY)


def _lies_in(file: str, folder: Place) -> bool:
    if isinstance(folder, ObjectPath):
        return file.startswith(f"{folder}/")
    return object_at(file) is None and folder.resolve() in Path(file).resolve().parents


def part_of(table: P, shard: int, shards: int) -> P:
    """A table of one shard is a plain file, one of several a directory of part files."""
    return table if shards == 1 else table / f"part-{shard:05d}.parquet"


def new_run_name(root: Place) -> str:
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

    In an object store only parts that the ledger lists are of the table.

    Raises:
        OutputError: If the run did not write it.
    """
    path = layout.predictions / FILE_OF[output]
    listed = _listed(layout, output) if isinstance(path, ObjectPath) else []
    if listed:
        return pl.scan_parquet(listed, glob=False)
    if isinstance(path, ObjectPath) or not path.exists():
        raise OutputError(
            f"The run has no table {path.name}.",
            "Either no gene could be done, or it was not among the outputs asked for.",
        )
    return scan_parts(path)


def _listed(layout: OutputLayout, output: Output) -> list[str]:
    """The addresses of the parts of a table that the ledger lists, in order."""
    records, _ = read_lines(layout.ledger)
    shards = {each["number"]: each["parts"] for each in records if each["record"] == "shard"}
    parts = [part for number in sorted(shards) for part in shards[number]]
    return [f"{layout.predictions}/{part['path']}" for part in parts if part["table"] == output]


def scan_parts(path: Place) -> pl.LazyFrame:
    """A Parquet file, or the part files of a directory in order, as one table."""
    return pl.scan_parquet([str(part) for part in parts_of(path)], glob=False)


def parts_of(path: Place) -> Sequence[Place]:
    """A Parquet file, or the part files of a directory, in order."""
    if not path.is_dir():
        return [path]
    if isinstance(path, ObjectPath):
        return [each for each in path.objects() if each.suffix == ".parquet"]
    return sorted(path.glob("*.parquet"))
