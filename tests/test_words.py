"""Messages, help texts and pages use the words of docs/glossary.md, and none that read oddly."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from message_kinds import read_messages

import splice_meta
from splice_meta.cli.commands import app_of

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md",
         *sorted((ROOT / "docs").rglob("*.md"))]  # fmt: skip

INSTEAD = {
    r"\bgo(es|ing|ne)? on (with|by)\b": "resume",
    r"\b(start(ed)?|begin|made?|written) anew\b": "again",
    r"\b(appears?|is|are|it|files?|written|stays?) whole\b(?! (number|gene|slice))": "complete",
    r"(?<![Tt]here )\b(is|are) no (file|number|text|table|name|place|score|truth)s?\b": "is not a",
    r"\bbeside (it|them|the|each)\b": "next to",
    r"\bof ours\b": "of splice_meta",
    r"\bat hand\b": "available",
    r"\b[Ww]hoever\b": "anyone who",
    r"\bare told\b|\bis told\b": "are reported",
    r"\b(still )?(at|in) work\b": "running",
    r"\bWho (has|reads|wants|needs)\b": "if you have",
}
"""What is said in place of words that are not idiomatic, or not the glossary's."""


def odd(text: str) -> list[str]:
    """The words of a text that :data:`INSTEAD` replaces."""
    return [f"{match[0]!r}: {instead}" for pattern, instead in INSTEAD.items()
            for match in re.finditer(pattern, text)]  # fmt: skip


def test_messages() -> None:
    said = read_messages(Path(splice_meta.__file__).parent)
    found = {kind.words: odd(kind.words) for kind in said.kinds}
    assert {words: each for words, each in found.items() if each} == {}


@pytest.mark.parametrize(
    "command", app_of().registered_commands, ids=lambda command: str(command.name)
)
def test_help(command: object) -> None:
    callback = command.callback  # type: ignore[attr-defined]
    texts = [inspect.getdoc(callback) or ""]
    for parameter in inspect.get_annotations(callback, eval_str=True).values():
        texts += [info.help or "" for info in getattr(parameter, "__metadata__", ())]
    assert len(texts) > 2
    assert [each for text in texts for each in odd(text)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = text.splitlines()
    assert [(n, each) for n, line in enumerate(lines, 1) for each in odd(line)] == []


def test_odd_words_are_found() -> None:
    assert odd("It goes on with the rest") == ["'goes on with': resume"]
    assert odd("x is no file") == ["'is no file': is not a"]
    assert odd("There is no file x; positions are whole numbers of whole genes") == []
