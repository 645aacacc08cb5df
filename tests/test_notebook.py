"""Charts for notebooks: what they hold, and that they can be drawn."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import FIXTURES, MODEL

import splice_meta as sm

pytest.importorskip("altair")

GTF = FIXTURES / "annotation.gtf.gz"
GENE = "ENSG00000164039"


@pytest.fixture(scope="module")
def pred(demo_path: Path) -> pl.DataFrame:
    return sm.predict(demo_path, MODEL)


def values_of(chart: Any, *path: int | str) -> list[dict[str, Any]]:
    """The data of one layer."""
    whole = found = chart.to_dict()
    for step in path:
        found = found[step]
    return whole["datasets"][found["data"]["name"]]


def drawn(chart: Any, tmp_path: Path) -> None:
    """Draw it where the converter is installed; else only check it against the schema."""
    chart.to_dict()
    if pytest.importorskip("vl_convert"):
        chart.save(tmp_path / "c.png")
        assert (tmp_path / "c.png").read_bytes()[1:4] == b"PNG"


def test_gene_holds_its_positions_and_sites(pred: pl.DataFrame, tmp_path: Path) -> None:
    chart = sm.plot_gene(pred, GENE, least=0.1)

    rows = pred.filter(gene_id=GENE)
    for number, site in enumerate(("donor", "acceptor")):
        expected = {
            (position, base, final)
            for position, base, final in rows.select(
                "genomic_position", f"{site}_score", f"{site}_meta"
            ).iter_rows()
            if base >= 0.1 or final >= 0.1
        }
        found = values_of(chart, "vconcat", number, "layer", 0)
        assert {(row["x"], row["base"], row["final"]) for row in found} == expected
        ticks = values_of(chart, "vconcat", number, "layer", 3)
        assert {row["x"] for row in ticks} == set(
            rows.filter(splice_type=site)["genomic_position"].to_list()
        )
    drawn(chart, tmp_path)


def test_gene_by_name_with_exons(pred: pl.DataFrame, tmp_path: Path) -> None:
    annotation = sm.open_annotation(GTF)
    name, gene = annotation.genes.select("gene_name", "gene_id").row(0)

    chart = sm.plot_gene(pred.drop("splice_type"), name, annotation=annotation)

    exons = values_of(chart, "vconcat", 2, "layer", 1)
    known = annotation.exons.filter(gene_id=gene)
    assert {row["start"] for row in exons} <= {start - 0.5 for start in known["exon_start"]}
    ticks = {row["x"] for n in (0, 1) for row in values_of(chart, "vconcat", n, "layer", 3)}
    assert ticks == set(annotation.splice_sites().filter(gene_id=gene)["genomic_position"])
    drawn(chart, tmp_path)


def test_base_scores_without_places(demo_scores: pl.DataFrame, tmp_path: Path) -> None:
    scores = demo_scores.drop("chrom", "strand", "genomic_position", strict=False)

    chart = sm.plot_gene(scores, GENE, start=1, end=9000)

    found = values_of(chart, "vconcat", 0, "layer", 0)
    assert all(1 <= row["x"] <= 9000 and "final" not in row for row in found)
    drawn(chart, tmp_path)
    with pytest.raises(sm.SpliceMetaError, match="no position from"):
        sm.plot_gene(scores, GENE, start=10**7, end=10**8)


def test_calibration_holds_the_bins(pred: pl.DataFrame, tmp_path: Path) -> None:
    chart = sm.plot_calibration(pred)

    for number, site in enumerate(("donor", "acceptor")):
        found = values_of(chart, "hconcat", number, "layer", 2)
        near = pred.filter(
            (pl.max_horizontal("donor_score", "acceptor_score") >= 0.001)
            | (pl.col("splice_type") != "neither")
        )
        for system, column in (("base", f"{site}_score"), ("final", f"{site}_meta")):
            high = near.filter(pl.col(column).cast(pl.Float64) * 15 >= 14)
            [bin_] = [r for r in found if r["system"] == system and r["predicted"] > 14 / 15]
            assert bin_["candidates"] == high.height
            assert bin_["annotated"] == pytest.approx((high["splice_type"] == site).mean())
    drawn(chart, tmp_path)


def test_changes_hold_every_call_that_differs(pred: pl.DataFrame, tmp_path: Path) -> None:
    base = pred.drop("donor_meta", "acceptor_meta", "neither_meta").drop(
        "predicted_type", "prediction_source"
    )
    for chart in (sm.plot_changes(pred), sm.plot_changes(base, pred)):
        for number, site in enumerate(("donor", "acceptor")):
            points = values_of(chart, "hconcat", number, "layer", 3)
            was, is_called = (pl.col(f"{site}_{name}") >= 0.5 for name in ("score", "meta"))
            differ = pred.filter(was != is_called)
            assert {(r["gene_id"], r["position"]) for r in points} == set(
                differ.select("gene_id", "position").iter_rows()
            )
            squares = values_of(chart, "hconcat", number, "layer", 0)
            near = pred.filter(pl.max_horizontal(f"{site}_score", f"{site}_meta") >= 0.001)
            assert sum(row["positions"] for row in squares) == near.height
    drawn(chart, tmp_path)
    with pytest.raises(sm.SpliceMetaError, match="do not change"):
        sm.plot_changes(base)


def test_without_altair_it_says_what_to_install(
    pred: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def lacking(name: str, *rest: Any) -> Any:
        if name == "altair":
            raise ImportError("none here")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(sm.SpliceMetaError, match=r"splice_meta\[report\]"):
        sm.plot_gene(pred, GENE)
