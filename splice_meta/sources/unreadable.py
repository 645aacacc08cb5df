"""Tables that Polars cannot read, said in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl

from splice_meta.errors import ContractError, EngineError, InputError
from splice_meta.runtime.panics import plain_panics

FAULTS = (pl.exceptions.PolarsError, EngineError, OSError)
"""What comes of a file that Polars cannot read, within :func:`plain_panics`."""


def unreadable(file: str, error: BaseException) -> InputError:
    """The error for a table that Polars cannot read.

    Args:
        file: The file, or what the table is called.
        error: What Polars raised.
    """
    if isinstance(error, pl.exceptions.DuplicateError):
        return ContractError(
            f"{file} has two columns of one name: {reason_of(error)}.",
            "Give each column a name of its own.",
        )
    return InputError(
        f"{file} cannot be read: {reason_of(error)}.",
        "Check that the file is complete; write or copy it again.",
    )


def reason_of(error: BaseException) -> str:
    """What a library says of a file, on one line; nothing of its words where it panicked."""
    if isinstance(error, EngineError):  # a panic, in words of Rust
        return "its data is damaged"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(".: ")


@contextmanager
def readable() -> Iterator[None]:
    """Say in plain words what Polars finds when it reads the scores."""
    try:
        with plain_panics():
            yield
    except FAULTS as error:
        raise unreadable("The table of base scores", error) from None
