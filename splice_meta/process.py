"""What a process of our own (a command, a worker) sets up before it imports anything heavy.

A library must not do so: its process belongs to whoever imports it.
"""

from __future__ import annotations

import os
import sys

ENVIRONMENT = {
    # Polars' memory allocator: columns of several MiB come and go with every shard, and giving
    # their pages back in between takes half of the time that a run spends in the kernel.
    "_RJEM_MALLOC_CONF": "oversize_threshold:0,dirty_decay_ms:5000,muzzy_decay_ms:5000",
    # Nothing here multiplies matrices of a size that threads pay for; starting them costs 0.2 s.
    "OPENBLAS_NUM_THREADS": "1",
}
"""What libraries read when they are loaded."""


def set_environment() -> None:
    """Set :data:`ENVIRONMENT`, but for what the user has set."""
    for name, value in ENVIRONMENT.items():
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
