"""The page of errors and warnings holds every kind of message that the code has, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from message_kinds import COMMAND, WARNING, Kind, Messages, read_messages

import splice_meta

PAGE = Path(__file__).parent.parent / "docs" / "errors.md"
PROSE = ("Exit status", "Genes that fail", "Unexpected errors")
_ROW = re.compile(r"\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|")


@pytest.fixture(scope="module")
def said() -> Messages:
    return read_messages(Path(splice_meta.__file__).parent)


def sections() -> dict[str, list[str]]:
    """The lines of each section of the page."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            lines = found.setdefault(line.removeprefix("## "), [])
        lines.append(line)
    return found


def listed() -> list[Kind]:
    """The kinds that the page has, one for each row."""
    return [
        Kind(group, row[1])
        for group, lines in sections().items()
        for line in lines
        if (row := _ROW.fullmatch(line))
    ]


def test_the_words_of_every_message_are_found(said: Messages) -> None:
    assert said.faults == (), "\n".join(said.faults)


def test_every_message_has_a_row(said: Messages) -> None:
    on_page = set(listed())
    lacking = [f"{k.group}: {k.words} ({', '.join(p)})" for k, p in said.kinds.items()
               if k not in on_page]  # fmt: skip
    assert not lacking, "docs/errors.md lacks rows for:\n" + "\n".join(lacking)


def test_every_row_has_a_message(said: Messages) -> None:
    gone = [f"{kind.group}: {kind.words}" for kind in listed() if kind not in said.kinds]
    assert not gone, "docs/errors.md has rows for what nothing says:\n" + "\n".join(gone)


def test_every_row_is_there_once() -> None:
    rows = listed()
    assert len(rows) == len(set(rows))


def test_every_class_has_a_section(said: Messages) -> None:
    assert set(sections()) == {*said.classes, WARNING, COMMAND, *PROSE}


def test_every_line_of_a_table_is_a_row() -> None:
    for group, lines in sections().items():
        rows = [line for line in lines if line.startswith("|")]
        heads = ("| message | cause | what to do |", "|---|---|---|")
        wrong = [line for line in rows if line not in heads and not _ROW.fullmatch(line)]
        assert group in PROSE or not wrong, wrong


def test_links_lead_to_sections() -> None:
    text = PAGE.read_text(encoding="utf-8")
    names = {line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines()
             if line.startswith("#")}  # fmt: skip
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= names


CODE = """
import logging
from splice_meta.errors import InputError, UsageError
log = logging.getLogger("splice_meta")
HINT = "Do this."

def direct(path, old):
    raise InputError(f"{path} is bad: {old}.", HINT)

def either(old):
    raise UsageError("It is old." if old else "It is new.", HINT)

def by_factory(path):
    return InputError(*words(path, path))

def words(path, old):
    if old:
        return f"{path} has the old words.", HINT
    return _later(path)

def _later(path):
    return f"{path} has later words.", HINT

def by_parameter(path):
    refuse(path, "lacks all that it should have")
    refuse(path, f"holds {path} more than once or twice")

def refuse(path, what):
    raise InputError(f"{path} {what}.", HINT)

def warned(count):
    log.warning("%d genes of %s are late.", count, 1)
    said = [f"{count} of them are early." for _ in range(3)]
    said.append("Some are " + str(count) + " late.")
    for each in said:
        log.warning("%s", each)

def passed_on(error):
    raise InputError(f"{HINT}: {error.message}", error.hint)
"""

ERRORS = "class SpliceMetaError(Exception): ...\n" + "".join(
    f"class {name}(SpliceMetaError): ...\n" for name in ("UsageError", "InputError")
)


def code(folder: Path, text: str) -> Messages:
    package = folder / "splice_meta"
    package.mkdir()
    (package / "errors.py").write_text(ERRORS)
    (package / "some.py").write_text(text)
    return read_messages(package)


def test_words_are_followed(tmp_path: Path) -> None:
    found = code(tmp_path, CODE)

    assert found.faults == ()
    assert [(kind.group, kind.words) for kind in found.kinds] == [
        ("InputError", "… has later words."),
        ("InputError", "… has the old words."),
        ("InputError", "… holds … more than once or twice."),
        ("InputError", "… is bad: …."),
        ("InputError", "… lacks all that it should have."),
        ("UsageError", "It is new."),
        ("UsageError", "It is old."),
        ("Warnings", "Some are … late."),
        ("Warnings", "… genes of … are late."),
        ("Warnings", "… of them are early."),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "def f(x):\n    raise InputError(x.words[0], 'Do.')",
        "def f(x):\n    raise InputError(*x)",
        "def f(x):\n    raise InputError(unknown(x), 'Do.')",
        "def f(x):\n    raise InputError(f(x)[x], 'Do.')",
        "def f(x):\n    log.warning('%s', x)",
        "def f(x):\n    raise made(x)",
        "def f(x):\n    raise InputError()",
    ],
)
def test_words_that_cannot_be_found_are_said(tmp_path: Path, text: str) -> None:
    assert len(code(tmp_path, text).faults) == 1
