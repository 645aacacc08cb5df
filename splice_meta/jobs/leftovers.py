"""What an interrupted job leaves behind, and must go before it is gone on with."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from splice_meta.files.ownership import TEMPORARY, is_plain_file
from splice_meta.files.stores import ObjectPath, Place, remove_objects
from splice_meta.jobs.plan import R, Shard, Task


def remove_parts(task: Task[R], shards: Sequence[Shard]) -> None:
    """Remove what there is of shards that no line of the ledger lists."""
    paths = [path for each in shards for path in task.files(each).values()]
    if isinstance(task.folder, ObjectPath):
        unlisted = set(paths)
        remove_objects([each for each in task.folder.files() if each in unlisted])
    for path in paths:
        if isinstance(path, Path) and is_plain_file(path):
            path.unlink(missing_ok=True)


def remove_temporaries(folders: Iterable[Place], files: Iterable[Place] = ()) -> None:
    """Remove what killed processes left unfinished.

    Args:
        folders: Whatever lies in these, at any depth.
        files: What lies beside these and bears their name.
    """
    found = [path for each in folders if isinstance(each, Path) for path in each.rglob(TEMPORARY)]
    local = [file for file in files if isinstance(file, Path)]
    found += [path for file in local for path in file.parent.glob(f".{file.name}{TEMPORARY}")]
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
