"""Markdown that is made."""

from __future__ import annotations


def cell(text: object) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def rows(heads: list[str], lines: list[list[object]]) -> str:
    """A Markdown table."""
    table = [heads, ["---"] * len(heads), *lines]
    return "\n".join("| " + " | ".join(cell(each) for each in line) + " |" for line in table)
