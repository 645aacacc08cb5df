"""JSON of ours is read with its shape checked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from splice_meta.errors import InputError, ModelError
from splice_meta.files.records import DEEPEST, Entry, depth_of, parse_record, read_record


def entry(value: Any) -> Entry:
    return Entry({"a": {"b": [value]}}, "f.json", kind=ModelError, hint="Do this.")


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        (lambda e: e.text(), [None, 3, [], {}, True, "", "x" * 2000, "\ud800"]),
        (lambda e: e.whole(0, 9), [None, "3", [], {}, True, -1, 10, 10**5000, 3.0]),
        (lambda e: e.number(0, 9), [None, "3", [], {}, True, -1, 10**5000, float("inf"), 9.1]),
        (lambda e: e.one_of(("x", "y")), [None, "z", 3, ["x"], {}]),
        (lambda e: e.texts(), [None, "x", {}, [3], ["x", "x"], [None]]),
        (lambda e: e.numbers(), [None, "x", {}, ["3"], [float("nan")], [True]]),
        (lambda e: e.items(), [None, "x", {}, 3]),
        (lambda e: e.fields(), [None, "x", [], 3]),
        (lambda e: e.at("c"), [None, "x", [], 3, {}]),
        (lambda e: e.find("c"), [None, "x", [], 3]),
    ],
)
def test_wrong_values_are_named_with_their_place(read: Any, wrong: list[Any]) -> None:
    for value in wrong:
        [found] = entry(value).at("a").at("b").items()
        with pytest.raises(ModelError, match=r"^f\.json: a\.b\[0\]") as caught:
            read(found)
        assert caught.value.hint == "Do this."
        assert len(caught.value.message) < 200


def test_right_values_come_as_they_are() -> None:
    found = parse_record(b'\xef\xbb\xbf{"a": [1, 2.5], "b": null, "c": ["x"], "d": {"e": 1}}', "f")
    assert found.at("a").numbers() == (1.0, 2.5)
    assert found.find("b") is None
    assert found.find("z") is None
    assert found.at("c").texts() == ("x",)
    assert found.at("d").fields()["e"].place == "d.e"


def test_names_from_the_file_are_shown_plainly() -> None:
    found = parse_record(b'{"a b\\n": 3}', "f")
    with pytest.raises(InputError, match=r'f: "a b\\n" is 3, not a text'):
        found.fields()["a b\n"].text()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not JSON"),
        (b"\xff", "UTF-8"),
        (b'{"a": 1, "a": 2}', '"a" stands twice'),
        (b"[NaN]", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"[1] [2]", "Extra data"),
        (b"[" * 200_000, "deep"),
        (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), "deep"),
        (b"1" + b"0" * 5000, "digits"),
    ],
)
def test_what_is_no_json_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        parse_record(data, "f")
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ('{"a": [[{"]": 1}]]}', 4),
        ('"[[[\\"[["', 0),
        ("[] [] []", 1),
        ('["\\\\", [1]]', 2),
        ("]]]", 0),
        ('"\\', 0),
    ],
)
def test_depth_counts_brackets_outside_of_texts(text: str, depth: int) -> None:
    assert depth_of(text.encode()) == depth


def test_depth_takes_no_time_for_texts_that_never_end() -> None:
    assert depth_of(b'"' + b'\\"' * 3_000_000) == 0


def test_files_that_are_none_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_record(tmp_path / "nowhere")
    with pytest.raises(InputError, match="is not a file"):
        read_record(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="is not a file"):
        read_record(tmp_path / "pipe")
    (tmp_path / "large").write_text("[1, 2, 3]")
    with pytest.raises(InputError, match="more than 8 bytes"):
        read_record(tmp_path / "large", largest=8)
