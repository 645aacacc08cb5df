"""The reports of the latest run, copied to the top of its output directory.

Each run has its reports beside its tables, where no other run replaces them. What lies at the top
are copies of those of the run that ended last: files of their own, since an object store and some
file systems have no links.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from splice_meta.files.stores import ObjectPath, Place
from splice_meta.runs.outputs import REPORTS, OutputLayout
from splice_meta.sink import whole_file

LOG = "inference_workflow.log"


@contextmanager
def published(layout: OutputLayout) -> Iterator[None]:
    """Copy a run's reports to the top when it ends; of one that does not get there, the log."""
    try:
        yield
    except BaseException:
        publish(layout, [LOG])
        raise
    publish(layout)


def publish(layout: OutputLayout, names: Sequence[str] = tuple(REPORTS)) -> None:
    """Copy reports of a run to the top of its output directory.

    Args:
        layout: The run.
        names: Which, by their names beside the tables.

    Raises:
        OutputError: If one cannot be written.
    """
    for name in names:
        own, top = layout.predictions / name, layout.latest[name]
        if own.is_file():
            _copy(own, top)


def _copy(source: Place, target: Place) -> None:
    if isinstance(target, ObjectPath):
        target.write_bytes(source.read_bytes())
        return
    assert isinstance(source, Path)
    with whole_file(target) as temporary:
        shutil.copyfile(source, temporary)
