"""What a process of our own (a command, a worker) sets up before it imports anything heavy.

A library must not do so: its process belongs to whoever imports it.
"""

from __future__ import annotations

import os
import sys

ALLOCATOR = {"_RJEM_MALLOC_CONF": "oversize_threshold:0,dirty_decay_ms:5000,muzzy_decay_ms:5000"}
"""For Polars' memory allocator: columns of several MiB come and go with every shard, and giving
their pages back in between takes a tenth of a run's CPU time in the kernel."""


def set_allocator() -> None:
    """Tell Polars' memory allocator to keep memory for a while, unless the user told it."""
    for name, value in ALLOCATOR.items():
        os.environ.setdefault(name, value)


def import_xgboost() -> None:
    """Import XGBoost without its wrappers for scikit-learn, which no command uses.

    They bring scikit-learn, SciPy's statistics and pandas with them: three quarters of the time
    and half of the memory.
    """
    if "xgboost" in sys.modules or "sklearn" in sys.modules:
        return
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # how to say that it is not there
    try:
        import xgboost  # noqa: F401
    finally:
        del sys.modules["sklearn"]
