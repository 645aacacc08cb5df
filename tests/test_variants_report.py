"""The report of variants: what it says, and that it draws in a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_report_page import CHROMIUM, Page, _open_in_browser, needs_plots

from splice_meta.alleles.vcf import KINDS
from splice_meta.cli.app import run_command
from splice_meta.errors import InputError
from splice_meta.report import variants as module
from splice_meta.report.variants import write_variants_report

GTF = """\
1\tx\tgene\t1000\t3000\t.\t-\t.\tgene_id "G1"; gene_name "<GEN>"; gene_type "protein_coding";
1\tx\ttranscript\t1000\t3000\t.\t-\t.\tgene_id "G1"; transcript_id "T1";
1\tx\texon\t1000\t1200\t.\t-\t.\tgene_id "G1"; transcript_id "T1";
1\tx\texon\t1500\t1600\t.\t-\t.\tgene_id "G1"; transcript_id "T1";
1\tx\texon\t2500\t3000\t.\t-\t.\tgene_id "G1"; transcript_id "T1";
1\tx\ttranscript\t1000\t3000\t.\t-\t.\tgene_id "G1"; transcript_id "T2";
1\tx\texon\t1000\t1200\t.\t-\t.\tgene_id "G1"; transcript_id "T2";
1\tx\texon\t1500\t1600\t.\t-\t.\tgene_id "G1"; transcript_id "T2";
1\tx\texon\t2700\t3000\t.\t-\t.\tgene_id "G1"; transcript_id "T2";
"""
SITES = [
    # genomic_position, inserted, offset, type, base and final of both alleles, fate, is_annotated
    (1499, 0, -1, "donor", 0.98, 0.1, 0.99, 0.03, "lost", True),
    (1600, 0, 100, "acceptor", 0.9, 0.7, 0.95, 0.7, "weakened", True),
    (1589, 0, 89, "donor", 0.02, 0.5, 0.02, 0.71, "gained", False),
    (1500, 2, 0, "acceptor", None, 0.2, None, 0.3, "strengthened", False),
    (1501, 0, 1, "donor", 0.2, None, 0.2, None, "weakened", False),
]


def results(folder: Path, layers: tuple[str, ...] = ("base", "final")) -> Path:
    """Results of three variants: one that changes much, one that changes nothing, one left out."""
    (folder / "genes.gtf").write_text(GTF)
    rows: list[dict[str, Any]] = []
    for number, (pos, alt, largest, why) in enumerate(
        [(1500, "A" * 30, 0.96, None), (2000, "T", 0.012, None), (5000, "<DEL>", None, "symbolic")]
    ):
        gene = None if why else "G1"
        row = {"variant": number, "line": number, "id": "rs<1>" if number == 0 else None,
               "chrom": "chr1", "pos": pos, "ref": "G", "alt": alt, "gene_id": gene,
               "gene_name": "<GEN>" if gene else None, "strand": "-" if gene else None}  # fmt: skip
        for layer in layers:
            for kind in KINDS:
                row[f"{layer}_{kind}"] = largest
                row[f"{layer}_{kind}_position"] = 89 if largest else None
            row[f"{layer}_largest"] = largest
            row[f"{layer}_any"] = largest and 1 - (1 - largest) ** 4
        if "final" in layers:
            row["effect"] = row["final_any"]
        rows.append({**row, "reason": why})
    pl.DataFrame(rows, infer_schema_length=None).write_parquet(folder / "summary.parquet")
    names = ["genomic_position", "inserted", "offset", "type", "base_ref", "base_alt", "final_ref",
             "final_alt", "fate", "is_annotated"]  # fmt: skip
    sites = pl.DataFrame(SITES, schema=names, orient="row").with_columns(
        variant=pl.lit(0, pl.Int64), gene_id=pl.lit("G1"),
        change=pl.col(f"{layers[-1]}_alt").fill_null(0) - pl.col(f"{layers[-1]}_ref").fill_null(0),
    )  # fmt: skip
    dropped = [] if "final" in layers else ["final_ref", "final_alt"]
    sites.drop(dropped).write_parquet(folder / "sites.parquet")
    counts = {
        "variants": 3,
        "scored": 2,
        "pairs": 2,
        "failed_pairs": 0,
        "left_out": {"symbolic": 1},
    }
    record = {
        "what": "splice_meta variants", "counts": counts,
        "settings": {"distance_used": 300, "threshold": 0.1},
        "inputs": {"annotation": {"source": str(folder / "genes.gtf")}},
    }  # fmt: skip
    (folder / "variants.json").write_text(json.dumps(record))
    return folder


@pytest.fixture(autouse=True)
def charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts are drawn here, where they can be."""
    from splice_meta.plots.library import has_plots

    monkeypatch.setattr(module, "has_plots", has_plots)


def words_of(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text.split("<script")[0]).split())


def test_what_it_says(tmp_path: Path) -> None:
    text = write_variants_report(results(tmp_path)).read_text()
    page, words = Page(text), words_of(text)

    assert page.loads == []
    assert len(page.ids) == len(set(page.ids))
    assert {"variants", "variant-0-G1", "variant-1-G1"} <= set(page.ids)
    assert all(link.removeprefix("#") in page.ids for link in page.links)
    assert (
        "The annotated donor at -1 is lost (0.99 to 0.03); "
        "a donor at +89 is gained (0.02 to 0.71); "
        "an acceptor at the variant, inserted base 2 becomes stronger (0.00 to 0.30); "
        "2 further positions change." in words
    )
    assert "No position changes by 0.1 or more. The largest change is 0.012." in words
    assert "1 left out: symbolic" in words
    assert "chr1:1500:G&gt;AAAAAAAAAAAA...(30 bases) in &lt;GEN&gt;" in words
    assert "deleted" in words
    assert "<GEN>" not in text
    assert "rs<1>" not in text


def test_without_a_meta_model(tmp_path: Path) -> None:
    words = words_of(write_variants_report(results(tmp_path, ("base",))).read_text())

    assert "The annotated donor at -1 is lost (0.98 to 0.10)" in words
    assert "recalibrated" not in words


def test_pages_of_some_genes_and_variants(tmp_path: Path) -> None:
    folder = results(tmp_path)

    few = write_variants_report(folder, ["<GEN>"], most=1, output=tmp_path / "o.html").read_text()

    assert "variant-0-G1" in few
    assert "variant-1-G1" not in few
    with pytest.raises(InputError, match="has no variant in gene G2"):
        write_variants_report(folder, ["G1", "G2"])
    with pytest.raises(InputError, match="holds no results of variants"):
        write_variants_report(tmp_path / "other")


def test_an_annotation_that_is_gone_or_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = results(tmp_path)
    (folder / "genes.gtf").write_text("no annotation\n")

    assert "exons" not in words_of(write_variants_report(folder).read_text())
    assert "The annotation of the variants cannot be read" in caplog.text
    (folder / "genes.gtf").unlink()
    assert "exons" not in words_of(write_variants_report(folder).read_text())


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = results(tmp_path)

    assert run_command(["report", str(folder)]) == 0
    assert capsys.readouterr().out == f"Report: {folder / 'report.html'}\n"
    assert run_command(["report", str(folder), "--most", "-1"]) == 2
    assert run_command(["report", str(folder), "-o", str(folder / "summary.parquet")]) == 2


def found_in(spec: Any, name: str) -> list[Any]:
    """What a specification has under a name, wherever it stands."""
    parts = spec if isinstance(spec, list) else spec.values() if isinstance(spec, dict) else []
    found = [spec[name]] if isinstance(spec, dict) and name in spec else []
    return found + [each for part in parts for each in found_in(part, name)]


@needs_plots
def test_what_is_drawn(tmp_path: Path) -> None:
    text = write_variants_report(results(tmp_path)).read_text()
    [spec, quiet] = [
        json.loads(found)
        for found in re.findall(
            r'<script type="application/json" id="spec\d+">(.*?)</script>', text
        )
    ]
    drawn = [row for rows in found_in(spec, "values") for row in rows if isinstance(row, dict)]
    rows = [row for row in drawn if "type" in row and "y2" in row]
    stems = {(row["x"], round(row["y2"] - row["y"], 2)) for row in rows if row["y2"] > row["y"]}

    # Of both alleles, but for the reference of what is inserted and the alternative of what is
    # deleted; the second of three parts between two bases.
    assert stems >= {(1499, 0.99), (1499, 0.03), (1600, 0.95), (1589, 0.71), (1501, 0.2)}
    assert (round(1500 + 2 / 3, 6), 0.3) in {(x, height) for x, height in stems if 1500 < x < 1501}
    assert [2000 - 300 - 30, 2000 + 300 + 30] in found_in(quiet, "domain")


@needs_plots
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium to open the report in")
def test_every_chart_draws_in_a_browser(tmp_path: Path) -> None:
    page = write_variants_report(results(tmp_path))
    shown, log = _open_in_browser(page, tmp_path)

    assert re.findall(r'data-state="(\w+)"', shown) == ["drawn"] * 2
    assert 'data-errors=""' in shown
    assert "CONSOLE" not in log["stderr"]
    assert log["asked"] == []
