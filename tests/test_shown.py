"""What objects look like at the prompt and in notebooks."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import FIXTURES, MODEL

import splice_meta as sm

GENE = "ENSG00000164039"
GTF = FIXTURES / "annotation.gtf.gz"


@pytest.fixture(scope="module")
def objects(
    tmp_path_factory: pytest.TempPathFactory, demo_path: Path
) -> dict[str, tuple[Any, list[str]]]:
    """Objects, and what must be told of them."""
    folder = tmp_path_factory.mktemp("shown")
    pred = sm.predict(demo_path, MODEL, genes=GENE)
    done = sm.run(demo_path, MODEL, folder / "out", genes=GENE)
    return {
        "model": (sm.load_model(MODEL), ["openspliceai-mane", "59", "526 genes"]),
        "manifest": (sm.extended(), ["log_odds_donor", "sequence window"]),
        "annotation": (sm.open_annotation(GTF), ["annotation.gtf.gz"]),
        "summary": (done.summary, ["Target genes: 1"]),
        "run": (done, ["Target genes: 1"]),
        "comparison": (sm.compare(pred, pred, resamples=0), ["genes in both: 1"]),
        "exported": (
            sm.export(pred, folder / "t", formats=["bed"], annotation=GTF),
            ["called_sites.bed"],
        ),
    }


NAMES = ("model", "manifest", "annotation", "summary", "run", "comparison", "exported")


class Tags(HTMLParser):
    """Notes the tags of a text, which must be balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", NAMES)
def test_objects_are_told_in_a_line(objects: dict[str, Any], name: str) -> None:
    value, words = objects[name]
    text = repr(value)
    assert len(text) < 1000
    assert "\n" not in text
    assert text.startswith(f"<{type(value).__name__} ")
    for word in words[-1:]:
        assert word in text, text


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_show_a_table(objects: dict[str, Any], name: str) -> None:
    value, _ = objects[name]
    tags = Tags()
    tags.feed(value._repr_html_())
    assert not tags.open
    assert tags.seen == {"table", "caption", "tbody", "tr", "th", "td"}


def test_text_from_outside_is_no_markup() -> None:
    manifest = sm.FeatureManifest(names=("donor_score", "x<script>alert(1)</script>"))
    assert "<script>" not in manifest._repr_html_()


def test_dataclasses_compare_as_before(demo_scores: pl.DataFrame) -> None:
    assert sm.extended() == sm.extended()
    assert sm.extended() != sm.reference124()
