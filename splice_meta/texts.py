"""Columns of texts by their views: runs of the same text, and letters, without reading each text.

In memory each row of a Polars column of texts is a view of 16 bytes, as Arrow's ``string_view``: a
length, then the text itself if it is short, else its first bytes and where it lies. Rows that are
read from one entry of a Parquet dictionary have the same view.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

FEW = 64
"""Where at most one view in so many differs from the one before, the texts there are compared."""


def runs_of(texts: pl.Series) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first row of each run of the same text, and the row after its last.

    Missing texts are the same. Views are compared in a quarter of the time of texts.

    Args:
        texts: Of any type that has runs.
    """
    starts = _starts(texts)
    return starts, np.append(starts[1:], len(texts)) if starts.size else starts


def _starts(texts: pl.Series) -> NDArray[np.int64]:
    starts, row = [np.zeros(0, np.int64)], 0
    chunks = _views(texts)
    for views in chunks:
        words = views.view(np.uint64)
        differs = (words[1:] != words[:-1]).view(np.uint16) != 0  # either word of a view
        starts += [np.array([row]), np.flatnonzero(differs) + (row + 1)]
        row += len(views)
    found = np.concatenate(starts)
    if chunks and FEW * (found.size - len(chunks)) <= len(texts):
        # Views may differ where texts do not: of two chunks, of two dictionaries, or of none.
        values = [texts[row] for row in found.tolist()]
        return np.asarray(found[[True, *(one != other for one, other in pairwise(values))]])
    lengths = texts.rle().struct.field("len").to_numpy()
    return np.asarray(np.cumsum(lengths, dtype=np.int64) - lengths)


def letters_of(texts: pl.Series) -> NDArray[np.uint8]:
    """The number that a text of one byte is; 0 for any other text.

    Args:
        texts: String.
    """
    # Both of a chunk at once, while the caches hold it.
    chunks = [(views[:, 0].max(), views.view(np.uint8)[:, 4].copy()) for views in _views(texts)]
    if chunks and max(longest for longest, _ in chunks) <= 1:
        return np.concatenate([letters for _, letters in chunks])
    return texts.cast(pl.Binary).bin.reinterpret(dtype=pl.UInt8).fill_null(0).to_numpy()


def _views(texts: pl.Series) -> list[NDArray[np.uint32]]:
    """The views of each chunk, four words each, the first of which is the length.

    Empty where texts have none.
    """
    if texts.dtype != pl.String or texts.null_count():
        return []
    found = []
    for chunk in texts.get_chunks():
        array = chunk.to_arrow(compat_level=pl.CompatLevel.newest())
        views = np.frombuffer(array.buffers()[1], np.uint32).reshape(-1, 4)
        found.append(views[array.offset : array.offset + len(array)])
    return [views for views in found if len(views)]
