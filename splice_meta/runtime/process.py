"""What a process of our own (a command, a worker) sets up before it imports anything heavy.

A library must not do so: its process belongs to whoever imports it.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

ALLOCATOR = "_RJEM_MALLOC_CONF"

ENVIRONMENT = {
    # Polars' memory allocator: columns of several MiB come and go with every shard, and giving
    # their pages back in between takes half of the time that a run spends in the kernel. One arena
    # for all threads: what one has freed another can use, which saves a fifth of a run's memory.
    ALLOCATOR: "oversize_threshold:0,narenas:1,dirty_decay_ms:5000,muzzy_decay_ms:5000",
    # glibc, for numpy and XGBoost, the same: arrays below 32 MiB (it takes no larger number) and
    # 256 MiB at the end of the heap are kept when they are freed. Dask sets the last to 64 KiB for
    # its workers, where numpy then fetches memory anew for every array.
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
    # Nothing here multiplies matrices of a size that threads pay for; starting them costs 0.2 s.
    "OPENBLAS_NUM_THREADS": "1",
}
"""What libraries read when they are loaded."""

_MALLOPT = {"MALLOC_ARENA_MAX": -8, "MALLOC_MMAP_THRESHOLD_": -3, "MALLOC_TRIM_THRESHOLD_": -1}
"""The numbers that ``malloc.h`` gives to what these variables set."""

_POLARS_OWN = "dirty_decay_ms:500,muzzy_decay_ms:1000"
"""What Polars puts in front of the allocator's settings, for its own process and its children."""


def own_environment(given: Mapping[str, str]) -> dict[str, str]:
    """An environment with :data:`ENVIRONMENT`, but for what the user has set.

    Args:
        given: The environment so far, perhaps that of a process which has imported Polars.
    """
    theirs = given.get(ALLOCATOR, "")
    for inherited in (_POLARS_OWN, ENVIRONMENT[ALLOCATOR]):
        theirs = theirs.removeprefix(inherited).lstrip(",")
    # Of two settings of a name the allocator takes the later.
    settings = ",".join(filter(None, [ENVIRONMENT[ALLOCATOR], theirs]))
    return {**ENVIRONMENT, **given, ALLOCATOR: settings}


def open_streams() -> None:
    """Give a process without stdin, stdout or stderr a null device in their place.

    Otherwise the next file that is opened has the number of one of them, and what a library
    writes to stderr ends up in a table.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest number is free
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def set_environment() -> None:
    """Give this process its :func:`own_environment`, and let Python look for garbage less often.

    Imports and plans make some hundred thousand objects that stay; looking through them again and
    again takes 0.1 s of a run.
    """
    gc.set_threshold(1 << 18)
    os.environ.update(own_environment(os.environ))
    # glibc has read its variables long ago; other C libraries have no such function.
    with suppress(OSError, AttributeError, TypeError, ValueError):
        mallopt = ctypes.CDLL(None).mallopt
        for name, option in _MALLOPT.items():
            mallopt(option, int(os.environ[name]))


def import_xgboost() -> None:
    """Import XGBoost without its wrappers for scikit-learn, which no command uses.

    They bring scikit-learn, SciPy's functions and statistics, and pandas with them: four fifths of
    the time and half of the memory.
    """
    if "xgboost" in sys.modules or "sklearn" in sys.modules:
        return
    absent = ("sklearn", "xgboost.sklearn")
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: it is not there
    try:
        import xgboost  # noqa: F401
    finally:
        for name in absent:
            del sys.modules[name]


_sharing = 1


def share_cores(threads: int) -> None:
    """Say how many threads of this process compute at once, as those of a Dask worker do.

    What ``OMP_NUM_THREADS`` grants it grants to each of them.
    """
    global _sharing
    _sharing = threads


def usable_cores() -> int:
    """How many cores this process may use: what the user says, the scheduler, and the container.

    ``OMP_NUM_THREADS`` is what the user, a batch system or a Dask worker says.
    """
    said = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if said.isdecimal() and int(said):
        return int(said) * _sharing
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, _container_cores()))


def _container_cores() -> int:
    """The CPU time that a container's control group grants, in whole cores."""
    with suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, round(int(quota) / int(period)))
    return 1 << 16
