"""The code blocks of a Markdown page, and what its comments say of them.

``<!-- not run: REASON -->`` before a block says why it cannot run here. ``<!-- output -->`` before
a ``text`` block says that it is what the block above prints: a line ``...`` stands for any lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<mark>[^\n]*?) -->\n+ *)?```(?P<kind>\w*)[^\n]*\n"
    r"(?P<code>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
_INDENTED = re.compile(r"\n\n {4}(?![*\-\d ])[^\n]+")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        kind: Its language.
        code: What is in it.
        line: Its line on the page, from 1.
        reason: Why it does not run; empty where it does.
        is_output: Whether it is what the block above prints.
    """

    kind: str
    code: str
    line: int
    reason: str
    is_output: bool


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        mark, indent = match["mark"] or "", len(match["indent"])
        code = "".join(line[indent:] if line.strip() else line
                       for line in match["code"].splitlines(keepends=True))  # fmt: skip
        found.append(
            Block(
                kind=match["kind"],
                code=code,
                line=text.count("\n", 0, match.start()) + 1,
                reason=mark.removeprefix("not run: ") if mark.startswith("not run: ") else "",
                is_output=mark == "output",
            )
        )
    return found


def indented(page: Path) -> list[str]:
    """Code that is only indented, which no test would see."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    return [line.strip() for line in _INDENTED.findall(text)]


def is_printed(shown: str, printed: str) -> bool:
    """Whether a text is what was printed; a line ``...`` stands for any lines."""
    wanted, lines = (
        [line.rstrip() for line in text.strip("\n").splitlines()] for text in (shown, printed)
    )
    pattern = "".join(r"(?:.*\n)*" if line == "..." else re.escape(line) + r"\n" for line in wanted)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None
