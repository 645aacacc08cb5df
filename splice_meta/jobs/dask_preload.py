"""What the Dask workers that are started here import first; the name of the hook is Dask's."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from splice_meta.runtime.process import import_xgboost

TASKS = "splice_meta.runs.task"
"""Named rather than imported: this room knows of no task."""


def dask_setup(worker: Any) -> None:
    """Import what every shard needs, before the first one waits for it."""
    import_xgboost()
    import_module(TASKS)
