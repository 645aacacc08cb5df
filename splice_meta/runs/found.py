"""Finding a run by a path: an output directory, the folder of a run, finished or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from splice_meta.errors import InputError, SpliceMetaError
from splice_meta.files.records import Entry, read_record
from splice_meta.files.stores import Place, object_at
from splice_meta.jobs.ledger import read_ledger
from splice_meta.runs.outputs import (
    HOME,
    MANIFEST,
    REPORTS,
    OutputLayout,
    check_run_name,
    latest_started,
)  # fmt: skip

LARGEST = 1 << 30
"""Bytes that a record of a run may have: it names every gene."""

_HINT = "Run it again with --overwrite."


def place_at(source: str | Path) -> Place:
    """The place that a path or an address means."""
    return object_at(source) or Path(source).expanduser()


def run_at(source: Any) -> OutputLayout | None:
    """The run that a path is of.

    Args:
        source: An output directory, of which the run that ended last is meant, or where none has
            ended the one that started last; or the folder of a run's tables.

    Returns:
        None if it is neither.

    Raises:
        InputError: If the gene manifest of an output directory is damaged.
    """
    if not isinstance(source, (str, Path)):
        return None
    folder = place_at(source)
    place = folder if folder.name else folder.absolute()  # "." has no parents
    home = place.parent.parent
    is_tables = place.parent.name == "predictions" and home.name == HOME
    if is_tables and (place / "ledger.jsonl").exists():
        return OutputLayout(home.parent, place.name)
    name = latest_ended(folder)
    if name is None and (folder / HOME / "predictions").is_dir():
        name = latest_started(folder)
    return OutputLayout(folder, name) if name is not None else None


@contextmanager
def incomplete(folder: Place, hint: str = _HINT) -> Iterator[None]:
    """Say of what a record lacks that the run is incomplete."""
    try:
        yield
    except SpliceMetaError as error:
        raise InputError(f"{folder} is an incomplete run: {error.message}", hint) from None


def latest_ended(root: Place) -> str | None:
    """The name of the run whose reports are those of an output directory; None if there is none.

    Raises:
        InputError: If its gene manifest is damaged.
    """
    manifest = root / MANIFEST
    if not manifest.is_file():
        return None
    with incomplete(root):
        return check_run_name(read_record(manifest, largest=LARGEST).at("run").text())


def record_of(layout: OutputLayout, name: str) -> Entry:
    """A report of a run that is JSON; runs of version 0.1 have theirs at the top alone.

    Args:
        layout: The run.
        name: A key of :data:`REPORTS`.

    Raises:
        InputError: If it is damaged, or not there.
    """
    return read_record(_report(layout, name), hint=_HINT, largest=LARGEST)


def has_ended(layout: OutputLayout) -> bool:
    """Whether a run has its gene manifest."""
    return _report(layout, MANIFEST).is_file()


def _report(layout: OutputLayout, name: str) -> Place:
    own = layout.predictions / name
    if not own.is_file() and latest_ended(layout.root) == layout.run_name:
        return layout.root / REPORTS[name]
    return own


@dataclass(frozen=True)
class State:
    """How far a run is, by its ledger.

    Attributes:
        started: When it started.
        done: Shards that are done.
        shards: Of how many; 0 where it did not get to its plan.
        genes: Genes that are done.
        positions: Their positions.
    """

    started: datetime
    done: int
    shards: int
    genes: int
    positions: int

    def so_far(self) -> str:
        """In a few words."""
        if not self.shards:
            return "no shard is done"
        return (
            f"{self.done:,} of {self.shards:,} shards are done, with {self.genes:,} genes and "
            f"{self.positions:,} positions"
        )

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to do but the reports."""
        return 0 < self.shards <= self.done


def state_of(layout: OutputLayout) -> State | None:
    """How far a run is; None where it has no ledger.

    Raises:
        InputError: If the ledger is damaged.
    """
    found = read_ledger(layout.ledger)
    if found is None:
        return None
    shards = [each.items() for each in found.plan.at("shards").items()] if found.plan else []
    genes = [each.at("genes").fields() for each in found.shards.values()]
    counted = [each["positions"].items() for each in genes if "positions" in each]
    return State(
        found.started,
        len(found.shards),
        len(shards),
        sum(map(len, counted)),
        sum(each.whole() for positions in counted for each in positions),
    )
