"""Where a run's files lie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from splice_meta.base_models.score_task import PARTS
from splice_meta.errors import InputError, UsageError
from splice_meta.files.ownership import TABLE, Owned
from splice_meta.files.stores import ObjectPath, Place
from splice_meta.jobs.ledger import read_ledger
from splice_meta.jobs.plan import ledger_of
from splice_meta.settings import Output

TableName = Output | Literal["sites"]

FILE_OF: dict[TableName, str] = {
    "complete": "complete_coverage_predictions.parquet",
    "meta": "meta_model_predictions.parquet",
    "base": "base_model_predictions.parquet",
    "sites": "sites.parquet",
}

SITES_TEXT = "sites.tsv"

HOME = "selective_inference"
"""The folder of everything but the reports."""

MANIFEST, RECORD = "gene_manifest.json", "inference_metadata.json"

REPORTS = {
    "performance_report.txt": "performance_report.txt",
    "report.html": "report.html",
    MANIFEST: MANIFEST,
    "gene_manifest.csv": f"{HOME}/cache/gene_manifests/selective_inference_manifest.csv",
    RECORD: f"metadata/{RECORD}",
    "inference_workflow.log": "inference_workflow.log",
}
"""The reports beside a run's tables, and where the latest run's are copied to."""

TABLES = {file: TABLE for file in FILE_OF.values()}

FEATURES = "uncertain_positions_features.parquet"

SCORED = Owned(
    what="base scores made in a run",
    files=("base_scores*.parquet",),
    folders={"base_scores*.parquet.parts": PARTS},
)

KEPT = {
    "features": Owned(what="kept features", files=(FEATURES,), folders={FEATURES: TABLE}),
    "master": Owned(what="kept training-like tables", files=("batch_[0-9]*.parquet",)),
    "artifacts": SCORED,
}
"""What is kept of a run where that is asked for, by the name of its folder."""

RUN = Owned(
    what="a run",
    files=("ledger.jsonl", *FILE_OF.values(), SITES_TEXT, *REPORTS),
    folders={**TABLES, **KEPT, ".base_scores": SCORED},
    mark=("ledger.jsonl", b'"record":"run"'),
)

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
        return self.root / HOME / "predictions" / self.run_name

    @property
    def report_text(self) -> Place:
        """The plain report."""
        return self.predictions / "performance_report.txt"

    @property
    def report_html(self) -> Place:
        """The report with pictures."""
        return self.predictions / "report.html"

    @property
    def gene_manifest(self) -> Place:
        """One entry per gene."""
        return self.predictions / MANIFEST

    @property
    def manifest_csv(self) -> Place:
        """The same as CSV."""
        return self.predictions / "gene_manifest.csv"

    @property
    def log(self) -> Place:
        """The log."""
        return self.predictions / "inference_workflow.log"

    @property
    def metadata(self) -> Place:
        """Settings, versions, digests, thresholds."""
        return self.predictions / RECORD

    @property
    def sites_text(self) -> Place:
        """The sites table as text."""
        return self.predictions / SITES_TEXT

    def table(self, output: TableName, shard: int, shards: int) -> Place:
        """The file of one output of one shard: the table itself, or a part of it."""
        return part_of(self.predictions / FILE_OF[output], shard, shards)

    def features(self, shard: int, shards: int) -> Path:
        """The kept feature matrix of one shard."""
        assert self.artifacts is not None
        return part_of(self.artifacts / "features" / FEATURES, shard, shards)

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
        return [self.artifacts / name for name in KEPT] if self.artifacts is not None else []

    @property
    def ledger(self) -> Place:
        """What is finished of the run; in an object store a folder of lines."""
        return ledger_of(self.predictions)

    def absolute(self) -> OutputLayout:
        """The same, with paths that mean the same in every process."""
        artifacts = self.artifacts.absolute() if self.artifacts is not None else None
        return replace(self, root=self.root.absolute(), artifacts=artifacts)

    @property
    def scored(self) -> Path | None:
        """Where base scores made in this run are kept."""
        return self.artifacts / "artifacts" if self.artifacts is not None else None

    @property
    def latest(self) -> dict[str, Place]:
        """Where the latest run's reports are copied to, by their names beside the tables."""
        return {name: self.root / place for name, place in REPORTS.items()}


def name_of_run(root: Place, asked: str | None, resume: bool) -> str:
    """The name of the run that starts or goes on.

    Args:
        root: The output directory.
        asked: The name that was asked for.
        resume: Take the latest run by its ledger where no name was asked for.

    Raises:
        UsageError: If the name is not a folder name.
    """
    if asked is not None:
        return check_run_name(asked)
    found = latest_started(root) if resume else None
    return found if found is not None else new_run_name(root)


def latest_started(root: Place) -> str | None:
    """The name of the run that started last in an output directory, by its ledger."""
    runs = root / HOME / "predictions"
    found = []
    for folder in runs.iterdir() if runs.is_dir() else ():
        try:
            recorded = read_ledger(ledger_of(folder))
        except InputError:  # another run's; if it is the wanted one, its name finds it
            continue
        if recorded is not None:
            found.append((recorded.started, folder.name))
    return max(found)[1] if found else None


def part_of(table: P, shard: int, shards: int) -> P:
    """A table of one shard is a plain file, one of several a directory of part files."""
    return table if shards == 1 else table / f"part-{shard:05d}.parquet"


def new_run_name(root: Place) -> str:
    """``selective_inference_YYYYMMDD_HHMMSS``, in local time; ``_2`` ... where that is taken."""
    name = f"{HOME}_{datetime.now():%Y%m%d_%H%M%S}"
    taken = root / HOME / "predictions"
    number = 1
    while (taken / (f"{name}_{number}" if number > 1 else name)).exists():
        number += 1
    return f"{name}_{number}" if number > 1 else name


def check_run_name(name: str) -> str:
    """Refuse a run name that is not a plain folder name."""
    if not name or name in (".", "..") or "/" in name or "\\" in name:
        raise UsageError(f"The run name {name!r} is not a folder name.", "Use letters and digits.")
    return name
