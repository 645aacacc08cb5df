"""Runs and letters by the views of texts, against a look at each text."""

from __future__ import annotations

from io import BytesIO
from itertools import groupby

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splice_meta import texts
from splice_meta.texts import letters_of, runs_of

# Some are kept in their view, some are not; two begin alike and are as long.
WORDS = ["", "A", "B", "ENSG00000012", "ENSG00000012048.23", "ENSG00000012048.24", "\N{MICRO SIGN}"]
RUNS = st.lists(st.tuples(st.sampled_from([*WORDS, None]), st.integers(1, 5)), max_size=8)


def naive_runs(values: pl.Series) -> list[tuple[int, int]]:
    found, row = [], 0
    for _, group in groupby(values.to_list()):
        stop = row + len(list(group))
        found.append((row, stop))
        row = stop
    return found


def told(values: pl.Series) -> list[tuple[int, int]]:
    starts, stops = runs_of(values)
    return list(zip(starts.tolist(), stops.tolist(), strict=True))


def from_parquet(values: pl.Series, rows: int) -> pl.Series:
    file = BytesIO()
    values.to_frame("x").write_parquet(file, row_group_size=rows)
    file.seek(0)
    return pl.read_parquet(file)["x"]


@settings(deadline=None)
@given(
    st.lists(RUNS, min_size=1, max_size=3),
    st.sampled_from([1, texts.FEW]),
    st.sampled_from([0, 3, 100]),
    st.integers(0, 3),
)
def test_runs_are_those_of_the_texts(
    chunks: list[list[tuple[str | None, int]]], few: int, rows: int, off: int
) -> None:
    series = [
        pl.Series([word for word, times in runs for _ in range(times)], dtype=pl.String)
        for runs in chunks
    ]
    values = pl.concat(series)
    if rows and len(values):
        values = from_parquet(values, rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "FEW", few)
        for part in (values, values[off:], values.rechunk()[off:], values.drop_nulls()):
            assert told(part) == naive_runs(part)


def test_runs_of_many_rows_of_one_dictionary_are_told_by_their_views(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["ENSG00000012048.23"] * 1000 + ["ENSG00000012048.24"] * 2000
    values = from_parquet(pl.Series(words), 700)
    monkeypatch.setattr(pl.Series, "rle", None)  # the look at each text
    assert told(values) == told(values.rechunk()) == [(0, 1000), (1000, 3000)]


@pytest.mark.parametrize("dtype", [pl.Enum(WORDS), pl.Categorical])
def test_runs_of_codes(dtype: pl.DataType) -> None:
    values = pl.Series(["A", "A", None, "B", "A"], dtype=dtype)
    assert told(values) == [(0, 2), (2, 3), (3, 4), (4, 5)]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.sampled_from([*"ACGTNacgtn-", "", *WORDS, None]), max_size=9), min_size=1),
    st.booleans(),
)
def test_letters_are_texts_of_one_byte(chunks: list[list[str | None]], known: bool) -> None:
    values = pl.concat([pl.Series(each, dtype=pl.String) for each in chunks])
    if known:
        values = values.filter(values.str.len_bytes() == 1)
    bytes_of = [(value or "").encode() for value in values]
    expected = [each[0] if len(each) == 1 else 0 for each in bytes_of]
    assert letters_of(values).tolist() == expected
    assert letters_of(values.rechunk()[1:]).tolist() == expected[1:]
