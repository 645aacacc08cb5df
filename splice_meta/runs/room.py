"""Making room for a run: what lies where it writes, and whether that may be replaced."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from splice_meta.errors import OutputError
from splice_meta.files.given import Given
from splice_meta.files.ownership import is_temporary, refuse_foreign, refuse_target, remove_owned
from splice_meta.files.stores import ObjectPath
from splice_meta.jobs.ledger import create_ledger
from splice_meta.jobs.room import refuse_folder, remove_folder
from splice_meta.runs.outputs import HOME, KEPT, RUN, OutputLayout, new_run_name


def check_room(
    layout: OutputLayout,
    inputs: Sequence[object],
    overwrite: bool,
    goes_on: bool = False,
    named: bool = True,
) -> None:
    """Refuse a run that would replace what is not its own; nothing is changed.

    Args:
        layout: Where its files will lie.
        inputs: What it reads, as for :class:`splice_meta.files.given.Given`.
        overwrite: Replace a run of this name, its kept artifacts, and reports that no run wrote.
        goes_on: Whether the run has begun already.
        named: Whether its name was asked for; if not, nothing has this name when it starts.

    Raises:
        OutputError: It says what is in the way.
    """
    given = Given(tuple(inputs))
    if isinstance(layout.root, Path) and not layout.root.is_dir() and os.path.lexists(layout.root):
        raise OutputError(f"{layout.root} is a file.", "Give a directory as output.")
    _check_reports(layout, given, overwrite or goes_on or _has_runs(layout))
    for target in layout.kept:
        given.refuse(target)
        if not (overwrite or goes_on) and _is_used(target):
            raise OutputError(
                f"{target} already exists.", "Give another --keep-artifacts-dir, or --overwrite."
            )
        refuse_foreign(target, KEPT[target.name], file=False)
    if named and not goes_on:
        _check_run(layout, given, overwrite)


def _check_run(layout: OutputLayout, given: Given, overwrite: bool) -> None:
    """Refuse a run's folder that is there, or whose content is not of a run."""
    target = layout.predictions
    if isinstance(target, Path):
        given.refuse(target)
    if (_is_used(target) if isinstance(target, Path) else target.is_dir()) and not overwrite:
        raise OutputError(
            f"The run {layout.run_name} is in {target.parent} already.",
            "Give --resume, another --run-name or folder, or --overwrite.",
        )
    if isinstance(target, Path):
        refuse_target(target, given, True, RUN, file=False)
    else:
        refuse_folder(target, RUN, given)


def make_room(
    layout: OutputLayout, inputs: Sequence[object], overwrite: bool, named: bool = True
) -> OutputLayout:
    """Make the run's folder, and room for the artifacts that are kept.

    Args:
        layout: Where the run's files will lie.
        inputs: What it reads.
        overwrite: Replace what is there of a run of this name.
        named: Whether the name was asked for; if not, the run takes another one where that is gone.

    Returns:
        Where the run's files lie.

    Raises:
        OutputError: If something is in the way, or the folder cannot be made.
    """
    check_room(layout, inputs, overwrite, named=named)
    for target in layout.kept:
        remove_owned(target, KEPT[target.name])
    if named and overwrite:
        remove_folder(layout.predictions, RUN)
    if isinstance(layout.predictions, ObjectPath):
        return layout  # a folder need not be made there; the ledger must be
    while True:
        try:
            layout.predictions.mkdir(parents=True, exist_ok=named)
            return layout
        except FileExistsError:  # of a run that started in the same second
            layout = replace(layout, run_name=new_run_name(layout.root))
        except OSError as error:
            raise OutputError(
                f"{layout.predictions} cannot be made: {error.strerror}.",
                "Check the path's permissions, or give another --run-name.",
            ) from None


def _check_reports(layout: OutputLayout, given: Given, may_replace: bool) -> None:
    """Refuse what lies at a report's name: a folder, an input, or a file that no run wrote."""
    for target in layout.latest.values():
        if isinstance(target, ObjectPath):
            if not may_replace and target.is_file():
                raise OutputError(
                    f"{target} already exists, and no run wrote it.",
                    "Give another output directory, or --overwrite.",
                )
            continue
        if target.is_dir():
            raise OutputError(f"{target} is a folder, where a report goes.", _OTHER_FOLDER)
        refuse_target(target, given, True)
        if not may_replace and os.path.lexists(target):
            raise OutputError(
                f"{target} already exists, and no run wrote it.",
                "Give another output directory, or --overwrite.",
            )


_OTHER_FOLDER = "Give another output directory, or move it away."


def start(
    layout: OutputLayout,
    given: Mapping[str, str],
    inputs: Sequence[object],
    overwrite: bool,
    named: bool,
) -> OutputLayout:
    """Make room and the ledger; under another name where the run needs none of its own."""
    while True:
        layout = make_room(layout, inputs, overwrite, named)
        if create_ledger(layout.ledger, given):
            return layout
        if named:
            raise OutputError(
                f"There is a run in {layout.predictions} already.", "Give another --run-name."
            )
        layout = replace(layout, run_name=new_run_name(layout.root))


def _has_runs(layout: OutputLayout) -> bool:
    """Whether there is a run in the output directory, so that reports are of one."""
    runs = layout.root / HOME / "predictions"
    if isinstance(runs, ObjectPath):
        return any("/ledger.jsonl/" in each.key for each in runs.files())
    return any(runs.glob("*/ledger.jsonl"))


def _is_used(folder: Path) -> bool:
    return folder.is_dir() and not all(map(is_temporary, folder.iterdir()))
