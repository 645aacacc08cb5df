"""JSON in pieces, so that a list of all genes never stands in memory as a text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

ROWS = 10_000
"""Rows that are made into text at once."""


def json_pieces(data: Mapping[str, Any]) -> Iterator[str]:
    """An object as JSON, piece by piece; a frame becomes a list with one line for each row.

    Args:
        data: The object; what JSON lacks goes in as its text.

    Yields:
        The pieces, in order.
    """
    encode = json.JSONEncoder(default=str).encode
    yield "{"
    for number, (name, value) in enumerate(data.items()):
        yield f"{',' if number else ''}\n {json.dumps(name)}: "
        if not isinstance(value, pl.DataFrame):
            yield json.dumps(value, indent=1, default=str).replace("\n", "\n ")
            continue
        yield "["
        for first, rows in enumerate(value.iter_slices(ROWS)):
            lines = map(encode, rows.iter_rows(named=True))
            yield (",\n  " if first else "\n  ") + ",\n  ".join(lines)
        yield "\n ]" if value.height else "]"
    yield "\n}\n"
