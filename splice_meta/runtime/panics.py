"""Faults inside Polars, as errors that everything else can handle.

Where Polars meets data that it holds to be impossible, such as a damaged page of a Parquet file, it
panics. What it raises then is no ``Exception``: it passes every handler of those, so that one gene
would end a run, and a Dask worker would be left without an answer. An interrupt that meets a Python
function inside Polars comes out as a panic, too, or as an error of Polars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from splice_meta.errors import EngineError

_TASK = re.compile(r'JoinError::Panic\(Id\(\d+\), "(.+?)"')
_LONGEST = 200


@contextmanager
def plain_panics() -> Iterator[None]:
    """Turn a panic into an error of ours, and an interrupt that is wrapped into an interrupt.

    To be used wherever errors are caught that Polars may raise; also as a decorator.

    Raises:
        EngineError: In place of a panic.
        KeyboardInterrupt: In place of an error that wraps one.
    """
    try:
        yield
    except BaseException as error:
        if _wraps_interrupt(error):
            raise KeyboardInterrupt from error
        if not _is_panic(error):
            raise
        raise EngineError(
            f"Polars failed inside: {_reason(str(error))}.",
            "The data may be damaged: check that the files are complete, or make them again.",
        ) from error


def _is_panic(error: BaseException) -> bool:
    """Whether a library written in Rust has panicked; each has a class of its own for it."""
    return type(error).__name__ == "PanicException" and not isinstance(error, Exception)


def _wraps_interrupt(error: BaseException) -> bool:
    theirs = _is_panic(error) or type(error).__module__.startswith("polars")
    return theirs and "KeyboardInterrupt" in str(error)


def _reason(text: str) -> str:
    """What a panic said, on one line; that of a task within Polars is quoted in another's."""
    told = _TASK.search(text)
    line = ((told[1] if told else text).strip() or "it did not say why").splitlines()[0]
    return line[:_LONGEST].rstrip(".")
