"""The HTML report: what it says, and that it draws in a browser without a network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import MODEL, make_scores

import splice_meta as sm
from splice_meta.bundled import fixtures
from splice_meta.cli.app import run_command
from splice_meta.errors import InputError
from splice_meta.plots.library import HOW_TO, has_plots
from splice_meta.report import html
from splice_meta.report.curves import precision_recall, reliability
from splice_meta.report.html import write_report
from splice_meta.report.markup import read_asset
from splice_meta.runs import task
from splice_meta.runs.tables import scan_table

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_plots = pytest.mark.skipif(not has_plots(), reason="the extra report is not installed")


@pytest.fixture(scope="module", autouse=True)
def charts() -> Iterator[None]:
    """Charts are drawn here, where they can be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(html, "has_plots", has_plots)
        yield


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    sm.run(
        fixtures() / "scores_openspliceai.parquet", MODEL, folder,
        annotation=fixtures() / "annotation.gtf.gz", fasta=fixtures() / "region.fa.gz",
    )  # fmt: skip
    return folder


class Page(HTMLParser):
    """Ids, links and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.charts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.loads += [given[name] for name in ("src", "data", "srcset") if name in given]
        self.loads += [given["href"]] if tag == "link" else []
        self.links += [given["href"]] if tag == "a" else []
        self.charts += [given["data-spec"]] if "data-spec" in given else []


def test_the_page_is_one_file_with_a_page_for_each_changed_gene(demo: Path) -> None:
    text = (demo / "report.html").read_text()
    page = Page(text)

    assert page.loads == []
    assert len(page.ids) == len(set(page.ids))
    assert "gene-ENSG00000164038" in page.ids
    for link in page.links:
        assert link.removeprefix("#") in page.ids or link.startswith("https://")
    assert "SLC9B2 (ENSG00000164038)" in text
    assert "5 gained, 3 of them annotated; none lost" in text
    assert "TGG|GTAAGC" in text
    assert "(10.0%), the share asked for" in text


def test_the_page_made_with_the_run_is_the_one_made_of_its_folder(
    demo: Path, tmp_path: Path
) -> None:
    place = write_report(str(demo), output=tmp_path / "again.html")

    assert Path(str(place)).read_text() == (demo / "report.html").read_text()


def test_of_some_genes_failed_and_none_done_the_page_is_the_same_made_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no luck")

    monkeypatch.setattr(task, "predict_genes", fail)
    table = make_scores({"A": [1, 2, 3], "B": [4, 5]})
    sm.run(table, None, tmp_path / "out", settings=sm.RunSettings(mode="base_only"))

    place = write_report(tmp_path / "out", output=tmp_path / "again.html")

    assert Path(str(place)).read_text() == (tmp_path / "out" / "report.html").read_text()
    assert not list(tmp_path.rglob("sites.tsv"))


@needs_plots
def test_every_chart_has_its_specification_and_no_address(demo: Path) -> None:
    text = (demo / "report.html").read_text()
    page = Page(text)
    altair = pytest.importorskip("altair")

    assert len(page.charts) == 9 + 5
    assert sorted(page.charts) == sorted(name for name in page.ids if name.startswith("spec"))
    for name in page.charts:
        found = re.search(rf'id="{name}">(.*?)</script>', text, re.S)
        assert found is not None
        altair.Chart.from_dict(json.loads(found[1]))  # held against Vega-Lite's schema
        assert '"url"' not in found[1]


def test_the_page_without_plots_has_the_tables(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splice_meta.report.html.has_plots", lambda: False)
    place = write_report(str(demo), output=tmp_path / "plain.html")

    text = Path(str(place)).read_text()
    assert HOW_TO.replace("'", "&#x27;") in text
    assert Page(text).charts == []
    assert "TGG|GTAAGC" in text
    assert len(text) < 300_000


def test_a_gene_that_failed_stands_first_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = task.predict_genes

    def predict_genes(scores: Any, first: int, stop: int, *rest: Any) -> Any:
        if "ENSG00000145354" in scores.table.genes["gene_id"][first:stop]:
            raise ValueError("no <b> probabilities")
        return real(scores, first, stop, *rest)

    monkeypatch.setattr(task, "predict_genes", predict_genes)
    sm.run(fixtures() / "scores_openspliceai.parquet", MODEL, tmp_path)

    text = (tmp_path / "report.html").read_text()
    assert "1 of 5 genes failed" in text
    assert "positions of 4 genes" in text
    rows = text[text.index('id="genes"') :].split("<tr>")
    assert rows[2].startswith('<td class="text">ENSG00000145354</td><td colspan="10" class="text">')
    assert "failed: no &lt;b&gt; probabilities" in rows[2]


def test_what_is_not_known_has_no_column(tmp_path: Path) -> None:
    scores = make_scores({"A": [*range(1, 300)], "B": [*range(1, 300)]}).with_columns(
        donor_score=pl.when(pl.col("position") == 100).then(0.9).otherwise(0.001),
        acceptor_score=0.001,
    )
    bare = scores.select("gene_id", "position", "donor_score", "acceptor_score")
    sm.run(bare, None, tmp_path, settings=sm.RunSettings(mode="base_only"))

    text = (tmp_path / "report.html").read_text()
    heads = [re.findall(r"<th [^>]*>(.*?)</th>", each) for each in text.split("<table")[1:]]
    assert heads[0][-2:] == ["gained", "lost"]
    assert heads[1] == ["gene", "place", "type", "base", "final", "change", "fate"]
    assert "Nearest" not in text


def test_genes_are_chosen_by_id_or_name(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    asked = ["report", str(demo), "--genes", "CENPE,ENSG00000145354", "-o", str(out), "-q"]
    assert run_command(asked) == 0
    ids = Page(out.read_text()).ids
    assert [name for name in ids if name.startswith("gene-")] == [
        "gene-ENSG00000138778", "gene-ENSG00000145354",
    ]  # fmt: skip
    asked = ["report", str(demo), "--genes", "cenpe,ensg00000145354.9", "-o", str(out), "-q"]
    assert run_command([*asked, "--overwrite"]) == 0
    assert Page(out.read_text()).ids == ids
    with pytest.raises(InputError, match="has no gene NONE"):
        write_report(str(demo), ["NONE"], output=out)


def test_what_is_no_run_is_refused(demo: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the output directory of a run"):
        write_report(tmp_path)
    (tmp_path / "gene_manifest.json").write_bytes((demo / "gene_manifest.json").read_bytes())
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata" / "inference_metadata.json").write_text('{"settings": {}}')
    with pytest.raises(InputError, match="no record that a report can be made of"):
        write_report(tmp_path)


def test_names_from_outside_are_text(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>\"'"
    scores = make_scores({name: list(range(1, 400))})
    sm.run(scores, MODEL, tmp_path)

    text = (tmp_path / "report.html").read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def mean_of(p: pl.Series, low: float) -> float:
    """The mean of the probabilities of a tenth."""
    inside = p.filter((p >= max(low, 0.01)) & ((p * 10).floor().clip(0, 9) / 10 == low))
    return float(inside.mean())  # type: ignore[arg-type]


def test_curves_are_those_of_a_count_row_by_row(demo: Path) -> None:
    from splice_meta.report.finished import open_finished

    run = open_finished(demo)
    bins, sites = run.bins, run.record["truth"]
    rows = scan_table(run.layout, "complete").collect()

    assert sites == {"donor": 91, "acceptor": 86}
    curves = precision_recall(bins, sites).filter("is_call")
    assert curves.height == 4
    for row in curves.to_dicts():
        p = rows[f"{row['type']}_{'score' if row['system'] == 'base' else 'meta'}"]
        called = rows.filter(p >= 0.5)
        hits = called.filter(pl.col("splice_type").cast(pl.String) == row["type"]).height
        assert row["precision"] == pytest.approx(hits / called.height)
        assert row["recall"] == pytest.approx(hits / sites[row["type"]])
    for row in reliability(bins).to_dicts():
        p = rows[f"{row['type']}_{'score' if row['system'] == 'base' else 'meta'}"].cast(pl.Float64)
        assert row["predicted"] == pytest.approx(mean_of(p, row["low"]), abs=1e-6)
        inside = rows.filter((p >= max(row["low"], 0.01)) & ((p * 10).floor().clip(0, 9) / 10
                             == row["low"]))  # fmt: skip
        assert row["positions"] == inside.height
        share = (inside["splice_type"].cast(pl.String) == row["type"]).mean()
        assert row["annotated"] == pytest.approx(share)


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG 2 defines it."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1])
def test_colours_have_the_contrast_of_wcag_aa(theme: int) -> None:
    from splice_meta.plots.style import COLOURS

    css = read_asset("page.css")
    blocks = re.findall(r":root \{(.*?)\}", css, re.S)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", blocks[theme]))
    for text in ("text", "soft", "link", "good", "bad"):
        for ground in ("ground", "card"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for colour in COLOURS.values():
        assert contrast(colour, colours["ground"]) >= 3


@needs_plots
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to open the report in")
def test_every_chart_draws_in_a_browser_and_nothing_is_fetched(demo: Path, tmp_path: Path) -> None:
    shown, log = _open_in_browser(demo / "report.html", tmp_path)

    states = re.findall(r'data-state="(\w+)"', shown)
    assert states == ["drawn"] * len(Page((demo / "report.html").read_text()).charts)
    assert 'data-errors=""' in shown
    assert "CONSOLE" not in log["stderr"]
    assert log["asked"] == []


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_the_browser_would_tell_of_a_request(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><img src=http://127.0.0.1:9/x.png><script>null.x</script>")
    _, log = _open_in_browser(page, tmp_path)

    assert log["asked"] == ["http://127.0.0.1:9/x.png"]
    assert "CONSOLE" in log["stderr"]


def _open_in_browser(page: Path, folder: Path) -> tuple[str, dict[str, Any]]:
    """The page as the browser has it after a while, what it said and what it asked for."""
    net = folder / "net.json"
    command = [
        str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-extensions",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--no-first-run", "--no-pings", "--virtual-time-budget=8000", "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}", f"--log-net-log={net}", "--dump-dom",
        f"file://{page}?all",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    events = [event.get("params", {}) for event in json.loads(net.read_text())["events"]]
    # The browser's own services ask for things, too; those requests come from no page.
    asked = [
        each["url"] for each in events
        if each.get("initiator", "not an origin") != "not an origin"
        and each.get("url", "").startswith(("http", "ws", "ftp"))
    ]  # fmt: skip
    return done.stdout, {"stderr": done.stderr, "asked": list(dict.fromkeys(asked))}
