"""What an interrupted run leaves behind, and must go before it is gone on with."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from splice_meta.ownership import TEMPORARY, is_plain_file
from splice_meta.runs.outputs import OutputLayout
from splice_meta.runs.shards import Shard
from splice_meta.stores import ObjectPath, remove_objects


def remove_parts(layout: OutputLayout, shards: Sequence[Shard]) -> None:
    """Remove what there is of shards that no line of the ledger lists."""
    paths = [path for each in shards for path in layout.parts(each.number, each.of).values()]
    if isinstance(layout.predictions, ObjectPath):
        unlisted = set(paths)
        remove_objects([each for each in layout.predictions.files() if each in unlisted])
    for path in paths:
        if isinstance(path, Path) and is_plain_file(path):
            path.unlink(missing_ok=True)


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
