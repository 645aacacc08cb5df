from __future__ import annotations

import csv
import io
import logging
import pickle

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splice_meta.errors import InputError
from splice_meta.manifest import FeatureManifest, load_manifest
from splice_meta.plain import LONGEST_LINE, csv_cell, from_csv_cell, plain
from splice_meta.sink import write_csv


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gene A, 5% of 3'-UTR", "gene A, 5% of 3'-UTR"),
        ("a\nb\r\n", "a\\nb\\r\\n"),
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udc80", "\\udc80"),
        ("Gène ä 遺伝子", "Gène ä 遺伝子"),
        ("x" * 300, "x" * 300),
        ("x" * 400 + "end", "x" * 220 + " ... " + "x" * 72 + "end"),
        ("a " * 2000, "a " * 372 + "a ... " + "a " * 125),
    ],
)
def test_text_is_shown_on_one_line_without_control_characters(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(st.characters(), max_size=200) | st.text("a b\n\x1b", min_size=500, max_size=3000))
def test_shown_text_stays_as_it_is_when_shown_again(text: str) -> None:
    once = plain(text)

    assert once.isprintable()
    assert len(once) <= LONGEST_LINE
    assert plain(once) == once


def test_errors_are_plain_also_after_a_journey() -> None:
    error = pickle.loads(pickle.dumps(InputError("gene \x1b[2J\nnext", "do\rthis")))

    assert str(error) == "gene \\x1b[2J\\nnext\ndo\\rthis"
    assert error.message == "gene \\x1b[2J\\nnext"


def test_the_log_is_plain_for_any_handler(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "splice_meta"):
        logging.getLogger("splice_meta").warning("Gene %s failed: %s", "\x1b]0;x\x07", "100%\nx")

    assert caplog.messages == ["Gene \\x1b]0;x\\x07 failed: 100%\\nx"]


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_a_cell_comes_back_and_never_begins_like_a_formula(text: str) -> None:
    cell = csv_cell(text)

    begins = cell.lstrip()
    assert not begins.startswith(("=", "+", "-", "@")) or len(begins) == 1
    if not text.startswith("'"):
        assert from_csv_cell(cell) == text


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-2+3", "@SUM(A1)", "\t=1", "\n=1", "=\n1"])
def test_what_spreadsheets_run_is_guarded(text: str, tmp_path) -> None:
    write_csv(tmp_path / "t.csv", pl.DataFrame({"gene_id": [text, "A"], "x": [-1.5, 2.0]}))

    rows = list(csv.reader(io.StringIO((tmp_path / "t.csv").read_text())))
    assert rows == [["gene_id", "x"], [f"'{text}", "-1.5"], ["A", "2.0"]]


def test_a_strand_is_no_formula() -> None:
    assert csv_cell("-") == "-"


def test_a_manifest_keeps_names_that_look_like_formulas(tmp_path) -> None:
    names = ("=cmd|x", "-neg", "donor_score", "'quoted")
    (tmp_path / "m.csv").write_text(FeatureManifest(names).to_csv())

    assert "'=cmd|x" in (tmp_path / "m.csv").read_text()
    assert load_manifest(tmp_path / "m.csv").names == names
