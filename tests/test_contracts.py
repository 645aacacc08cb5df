from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest
from conftest import make_scores
from hypothesis import given, settings
from hypothesis import strategies as st

from splice_meta.contracts import SpliceType, canonical, with_axis
from splice_meta.errors import ContractError
from splice_meta.sources import checks
from splice_meta.sources.checks import check

GOOD = make_scores({"A": [1, 2, 3, 4], "B": [5, 6, 9]})


def change(row: int, column: str, value: object) -> pl.DataFrame:
    values = GOOD[column].to_list()
    values[row] = value
    return GOOD.with_columns(pl.Series(column, values, GOOD.schema[column]))


@pytest.mark.parametrize("missing", ["gene_id", "position", "donor_score", "acceptor_score"])
def test_missing_column_is_named(missing: str) -> None:
    with pytest.raises(ContractError, match=missing):
        canonical(GOOD.drop(missing).lazy())


@pytest.mark.parametrize(
    ("column", "dtype"), [("position", pl.String), ("donor_score", pl.String)]
)
def test_wrong_type_is_named(column: str, dtype: pl.DataType) -> None:
    with pytest.raises(ContractError, match=column):
        canonical(GOOD.with_columns(pl.col(column).cast(dtype)).lazy())


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (None, "1 null"),
        (float("nan"), "1 NaN"),
        (float("inf"), "1 infinite"),
        (-0.01, "1 below 0 or above 1"),
        (1.01, "1 below 0 or above 1"),
    ],
)
@pytest.mark.parametrize("column", ["donor_score", "acceptor_score", "neither_score"])
def test_bad_score_names_column_count_kind_and_gene(
    column: str, value: float | None, word: str
) -> None:
    scores = canonical(change(5, column, value).lazy())

    with pytest.raises(ContractError) as caught:
        check(scores)

    assert column in caught.value.message
    assert "1 rows" in caught.value.message
    assert word in caught.value.message
    assert "gene B" in caught.value.message


def test_scores_slightly_outside_are_tolerated() -> None:
    # 5e-5 is within the tolerance of the range, and of the sum.
    row = GOOD.row(0, named=True)
    scores = change(0, "donor_score", -5e-5).with_columns(
        neither_score=pl.when(pl.int_range(pl.len()) == 0)
        .then(1 - row["acceptor_score"])
        .otherwise("neither_score")
        .cast(pl.Float32)
    )

    assert check(canonical(scores.lazy())).positions == GOOD.height


def test_sum_must_be_one() -> None:
    scores = GOOD.with_columns(pl.col("neither_score") * 0.5)

    with pytest.raises(ContractError, match="is not 1 in"):
        check(canonical(scores.lazy()))


def test_adjacent_and_distant_duplicates_are_refused() -> None:
    with pytest.raises(ContractError, match=r"repeats a position in 1 rows, first in gene A"):
        check(canonical(change(1, "position", 1).lazy()))
    # 1, 2, 3, 1: the repeat is found only after sorting.
    with pytest.raises(ContractError, match=r"repeats a position in 1 rows, first in gene A"):
        check(canonical(change(3, "position", 1).lazy()))


def test_gene_in_two_places_is_refused() -> None:
    scores = pl.concat([GOOD, make_scores({"A": [7]})])

    with pytest.raises(ContractError, match="Gene A stands in 2 non-adjacent places"):
        check(canonical(scores.lazy()))


def test_null_keys_are_refused() -> None:
    with pytest.raises(ContractError, match="gene_id"):
        check(canonical(change(2, "gene_id", None).lazy()))
    with pytest.raises(ContractError, match="position of the base scores is null"):
        check(canonical(change(2, "position", None).lazy()))


def test_gene_table_is_in_input_order() -> None:
    table = check(canonical(pl.concat([GOOD[4:], GOOD[:4].reverse()]).lazy()))

    asked = table.genes.select("gene_id", "first_row", "positions", "is_sorted")
    assert asked.to_dict(as_series=False) == {
        "gene_id": ["B", "A"],
        "first_row": [0, 3],
        "positions": [3, 4],
        "is_sorted": [True, False],
    }


@settings(deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 10), min_size=1, max_size=6, unique=True), max_size=6),
    st.integers(1, 9),
)
def test_genes_are_found_as_row_by_row(positions: list[list[int]], most: int) -> None:
    genes = {f"G{n}": listed for n, listed in enumerate(positions, start=1)}
    scores = pl.concat([GOOD, make_scores(genes)])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checks, "MOST_RUNS", most)  # fewer than there are must not matter
        found = check(canonical(scores.lazy())).genes

    first = 0
    for row, (gene, listed) in zip(
        found.iter_rows(named=True),
        {"A": [1, 2, 3, 4], "B": [5, 6, 9], **genes}.items(),
        strict=True,
    ):
        assert row["gene_id"] == gene
        assert (row["first_row"], row["positions"]) == (first, len(listed))
        assert row["is_sorted"] == (listed == sorted(listed))
        first += len(listed)


def test_of_very_many_runs_only_the_first_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "MOST_RUNS", 4)
    mixed = pl.concat(make_scores({"AB"[n % 2]: [n]}) for n in range(9))

    with pytest.raises(ContractError, match="Gene A stands in 2 or more non-adjacent places"):
        check(canonical(mixed.lazy()))


def test_absent_neither_score_is_the_rest() -> None:
    found = canonical(GOOD.drop("neither_score").lazy()).collect()

    expected = (1 - GOOD["donor_score"].cast(pl.Float64) - GOOD["acceptor_score"]).cast(pl.Float32)
    assert found["neither_score"].to_list() == expected.to_list()
    assert found.schema["neither_score"] == pl.Float32


@pytest.mark.parametrize(
    "truth",
    [
        pl.Series([0, 1, 2, 0, 1, 2, 0], dtype=pl.Int8),
        pl.Series(["0", "1", "2", "0", "1", "2", "0"]),
        pl.Series(["neither", "donor", "acceptor", "neither", "donor", "acceptor", "neither"]),
    ],
)
def test_truth_becomes_an_enum(truth: pl.Series) -> None:
    found = canonical(GOOD.with_columns(splice_type=truth).lazy()).collect()["splice_type"]

    assert found.dtype == SpliceType
    assert found.to_list()[:3] == ["neither", "donor", "acceptor"]


def test_axis_differs_by_k_exactly_for_neighbours() -> None:
    axis = with_axis(canonical(GOOD.lazy())).collect()["_axis"].to_list()

    assert [b - a for a, b in pairwise(axis)][:3] == [1, 1, 1]
    assert axis[4] - axis[3] > 1_000_000  # gene A to gene B
    assert axis[6] - axis[5] == 3  # the gap from 6 to 9


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("genomic_position", ["1"] * 7),
        ("position", [True] * 7),
        ("base", [1] * 7),
        ("splice_type", [[0]] * 7),
        ("chrom", [1.5] * 7),
    ],
)
def test_wrong_type_of_an_optional_column_is_named(column: str, values: list[object]) -> None:
    with pytest.raises(ContractError, match=f"Column {column} of the base scores has the type"):
        canonical(GOOD.with_columns(pl.Series(column, values)).lazy())


@pytest.mark.parametrize("value", ["3", "Donor", ".", None])
def test_unknown_truth_is_refused_with_its_rows(value: str | None) -> None:
    truth = pl.Series("splice_type", ["0"] * 4 + [value] + ["1"] * 2)

    words = r"no(ne of its values| value) in 1 rows, first in gene B"
    with pytest.raises(ContractError, match=words):
        check(canonical(GOOD.with_columns(truth).lazy()))


def test_whole_numbers_as_floats_are_truths() -> None:
    truth = pl.Series("splice_type", [0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0])

    found = canonical(GOOD.with_columns(truth).lazy()).collect()["splice_type"]

    assert found.to_list()[:3] == ["neither", "donor", "acceptor"]
