"""A column and a table, in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    Args:
        name: Its name; ``NAME`` in it stands for a name that the user chose.
        type: Its Polars type; ``integer`` for any integer type, as the input has it.
        meaning: What a value says, in a sentence.
        unit: What numbers count.
        least: The smallest value there can be; None where there is no bound.
        most: The largest.
        when: When the column is there; empty for always.
        null: When a value is missing; empty for never.
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    least: float | None = None
    most: float | None = None
    when: str = ""
    null: str = ""

    @property
    def range(self) -> str:
        """The range in words; empty where there is none."""
        if self.least is None and self.most is None:
            return ""
        if self.most is None:
            return f"from {self.least:g}"
        if self.least is None:
            return f"up to {self.most:g}"
        return f"{self.least:g} to {self.most:g}"


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that is read or written.

    Args:
        name: What it is called.
        place: The file, the option or the Python object that holds it.
        rows: What a row is, and how rows are ordered.
        columns: Its columns, in their order.
    """

    name: str
    place: str
    rows: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)


def probability(name: str, meaning: str, when: str = "") -> Column:
    """A Float32 column of probabilities."""
    return Column(
        name=name, type="Float32", unit="probability", least=0, most=1, meaning=meaning, when=when
    )


def count(name: str, meaning: str, unit: str, null: str = "") -> Column:
    """An Int64 column of counts."""
    return Column(name=name, type="Int64", unit=unit, least=0, meaning=meaning, null=null)
