"""What the Dask workers that are started here import first; the name of the hook is Dask's."""

from __future__ import annotations

from typing import Any

from splice_meta.process import import_xgboost


def dask_setup(worker: Any) -> None:
    """Import what every shard needs, before the first one waits for it."""
    import_xgboost()
    import splice_meta.runs.task  # noqa: F401
