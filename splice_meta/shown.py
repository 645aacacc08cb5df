"""Short words for objects where people look at them: at the prompt and in notebooks."""

from __future__ import annotations

from html import escape

from splice_meta.plain import plain

MOST = 8
"""Facts that the prompt shows; notebooks show all."""


class Shown:
    """An object that is shown by a few facts rather than by all it holds.

    Dataclasses need ``repr=False``, or they would show their fields.
    """

    def _facts(self) -> list[tuple[str, str]]:
        """Labels and texts, the most important first."""
        raise NotImplementedError

    def __repr__(self) -> str:
        facts = "; ".join(f"{label}: {text}" for label, text in self._facts()[:MOST])
        return f"<{type(self).__name__} {plain(facts)}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(plain(label))}</th>"
            f"<td style='text-align:left'>{escape(plain(text))}</td></tr>"
            for label, text in self._facts()
        )
        return f"<table><caption>{type(self).__name__}</caption><tbody>{rows}</tbody></table>"


def few(names: list[str] | tuple[str, ...], most: int = 5) -> str:
    """The first of some names, and how many there are where that is more."""
    shown = ", ".join(names[:most])
    return f"{len(names):,}: {shown}, ..." if len(names) > most else shown or "none"
