"""What lies where results of variants are to go, and whether it may be replaced."""

from __future__ import annotations

import json

from splice_meta.alleles.layout import MARK, RESULTS, Layout
from splice_meta.errors import OutputError
from splice_meta.files.given import Given
from splice_meta.files.ownership import remove_owned
from splice_meta.jobs.room import refuse_folder
from splice_meta.sink import write_text


def check_room(layout: Layout, inputs: Given, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that cannot be written to; nothing is changed.

    Raises:
        OutputError: If something is there and may be neither kept nor replaced.
    """
    refuse_folder(layout.folder, RESULTS, inputs)
    if layout.record.exists() and not (resume or overwrite):
        is_begun = layout.parts.exists()
        raise OutputError(
            f"{layout.folder} holds incomplete results."
            if is_begun
            else f"{layout.folder} already holds results.",
            "Give --resume to finish it, or --overwrite to start again.",
        )


def begin(layout: Layout) -> None:
    """Clear away results of before, and mark the folder as ours."""
    remove_owned(layout.folder, RESULTS)
    try:
        layout.parts.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{layout.folder} cannot be written: {error.strerror}.",
            "Check the path and its permissions.",
        ) from None
    write_text(layout.record, "{\n " + MARK + ",\n" + ' "state": "begun"\n}\n')


def is_complete(layout: Layout) -> bool:
    """Whether results are there and nothing of them is left to be done."""
    if layout.parts.exists() or not layout.record.exists():
        return False
    record = json.loads(layout.record.read_text(encoding="utf-8"))
    return isinstance(record, dict) and record.get("state") == "complete"
