"""What an interrupted run leaves behind, and must go before it is gone on with."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from splice_meta.ownership import TABLE, TEMPORARY, is_plain_file
from splice_meta.runs.outputs import FEATURES, FILE_OF, KEPT, OutputLayout
from splice_meta.runs.shards import Shard
from splice_meta.runs.task import Receipt
from splice_meta.stores import ObjectPath, Place, remove_objects

log = logging.getLogger("splice_meta")


def remove_parts(layout: OutputLayout, shards: Sequence[Shard]) -> None:
    """Remove what there is of shards that no line of the ledger lists."""
    paths = [path for each in shards for path in layout.parts(each.number, each.of).values()]
    if isinstance(layout.predictions, ObjectPath):
        unlisted = set(paths)
        remove_objects([each for each in layout.predictions.files() if each in unlisted])
    for path in paths:
        if isinstance(path, Path) and is_plain_file(path):
            path.unlink(missing_ok=True)


def remove_strays(layout: OutputLayout, receipts: Sequence[Receipt]) -> None:
    """Remove files of a table's name that no shard of the finished run has written.

    Who reads the folder of a table takes each of them for a part. Other tables in it are not
    ours, and only named.

    Args:
        layout: Where the run's files lie.
        receipts: What all its shards wrote.
    """
    listed = {f"{layout.home(part.table)}/{part.path}" for each in receipts for part in each.parts}
    if isinstance(layout.predictions, ObjectPath):
        names = {str(each): each for each in layout.predictions.files()}
        strays = [each for name, each in names.items() if _is_part(each) and name not in listed]
        remove_objects(strays)
    tables = [layout.predictions / file for file in FILE_OF.values()]
    tables += [layout.features(0, 1), layout.master(0).parent] if layout.artifacts else []
    for table in tables:
        if isinstance(table, Path):
            for path in sorted(table.iterdir()) if table.is_dir() else [table]:
                _remove_stray(path, listed)


def _remove_stray(path: Path, listed: set[str]) -> None:
    if not is_plain_file(path) or path.suffix != ".parquet" or str(path) in listed:
        return
    if _is_part(path):
        log.warning("%s was not written by this run; it was removed.", path)
        path.unlink()
    else:
        log.warning("%s is no part of this table, but whoever reads its folder reads it.", path)


def _is_part(path: Place) -> bool:
    """Whether a name is that of a table, or of a part of one."""
    patterns = (*TABLE.files, *KEPT["master"].files, *FILE_OF.values(), FEATURES)
    return any(fnmatchcase(path.name, pattern) for pattern in patterns)


def remove_temporaries(layout: OutputLayout, reports: bool = False) -> None:
    """Remove what killed processes left unfinished where a run writes tables.

    Args:
        layout: Where the run's files lie.
        reports: Also beside the reports, which other runs may be writing.
    """
    folders = [each for each in (layout.predictions, *layout.kept) if isinstance(each, Path)]
    found = [path for folder in folders for path in folder.rglob(TEMPORARY)]
    if reports:
        files = (
            layout.report_text, layout.report_html, layout.gene_manifest, layout.manifest_csv,
            layout.metadata,
        )  # fmt: skip
        local = [file for file in files if isinstance(file, Path)]
        found += [path for file in local for path in file.parent.glob(f".{file.name}{TEMPORARY}")]
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
