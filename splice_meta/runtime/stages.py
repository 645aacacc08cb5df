"""Where the time of a run goes: seconds by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

CHECK, SCORE = "open and check", "score"
READ, FEATURES, PREDICT = "read and select", "features", "predict"
WRITE, COMPARE = "combine and write", "compare scores"
SITES, COUNT, FLUSH = "sites table", "figures", "flush to disk"
REPORTS = "reports"

ORDER = (CHECK, SCORE, READ, FEATURES, PREDICT, WRITE, COMPARE, SITES, COUNT, FLUSH, REPORTS)
"""The stages of a run, in the order of its work."""

_spent: ContextVar[dict[str, float] | None] = ContextVar("splice_meta_stages", default=None)


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Measure the stages that this thread goes through.

    Yields:
        Seconds by stage, filled as stages end.
    """
    spent: dict[str, float] = {}
    before = _spent.set(spent)
    try:
        yield spent
    finally:
        _spent.reset(before)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count the time within as that of a stage, if it is measured; stages do not nest."""
    spent = _spent.get()
    start = time.perf_counter()
    try:
        yield
    finally:
        if spent is not None:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - start


def added(*spent: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage in all, in the order of :data:`ORDER`."""
    total = {name: sum(each.get(name, 0.0) for each in spent) for name in ORDER}
    return {name: seconds for name, seconds in total.items() if seconds}
