"""The sites table, against a walk over every row, and as runs write it."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import splice_meta as sm
from splice_meta.bundled import fixtures
from splice_meta.contracts import SpliceType, with_axis
from splice_meta.outcome import Outcome
from splice_meta.runs.figures import count_figures
from splice_meta.runs.tables import scan_table
from splice_meta.runs.truth_bins import count_bins
from splice_meta.sites import COUNTS, count_sites
from splice_meta.sites.find import find_sites
from splice_meta.sites.known import Known

MODEL = "bundled:openspliceai-mane"
VALUES = (0.0, 0.01, 0.1, 0.45, 0.5, 0.55, 0.9)
Row = dict[str, Any]


def naive_sites(rows: list[Row], marks: list[Row] | None, threshold: float) -> list[Row]:
    """What :func:`find_sites` should find, one row and one type at a time."""
    base_at = {(row["gene_id"], row["position"]): row["base"] for row in rows}
    known = None if marks is None else {mark["gene_id"] for mark in marks}
    found = []
    for row in rows:
        for kind in ("donor", "acceptor"):
            base, final = row[f"{kind}_score"], row[f"{kind}_meta"]
            was, now = base >= threshold, final >= threshold
            if not (was or now or abs(final - base) >= 0.1):
                continue
            around = range(-2, 7) if kind == "donor" else range(-6, 3)
            letters = [
                base_at.get((row["gene_id"], row["position"] + step)) or "N" for step in around
            ]
            letters.insert(3 if kind == "donor" else 6, "|")
            here = [place for gene, place in base_at if gene == row["gene_id"]]
            places = [
                mark["position"] - row["position"]
                for mark in marks or ()
                if mark["gene_id"] == row["gene_id"] and mark["type"] == kind
                and min(here) <= mark["position"] <= max(here)
            ]  # fmt: skip
            is_known = known is not None and row["gene_id"] in known
            distance = min(places, key=lambda d: (abs(d), d)) if places and is_known else None
            found.append(
                {
                    "gene_id": row["gene_id"], "position": row["position"], "type": kind,
                    "sequence": "".join(letters).replace("U", "T"), "base": base, "final": final,
                    "change": final - base,
                    "fate": {(True, True): "kept", (False, True): "gained", (True, False): "lost"}
                    .get((was, now), "uncalled"),
                    "is_annotated": distance == 0 if is_known else None, "distance": distance,
                }
            )  # fmt: skip
    return found


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Row], list[Row] | None]:
    """A few short genes with gaps; annotated sites of some, of none, or not known."""
    rows: list[Row] = []
    marks: list[Row] = []
    value = st.sampled_from(VALUES)
    for number in range(draw(st.integers(1, 3))):
        gene = f"G{number}"
        places = draw(st.sets(st.integers(1, 25), min_size=1, max_size=20))
        for position in sorted(places):
            scores = {f"{kind}_{of}": draw(value) for kind in ("donor", "acceptor")
                      for of in ("score", "meta")}  # fmt: skip
            letter = draw(st.sampled_from(["A", "C", "G", "T", "U", None]))
            rows.append({"gene_id": gene, "position": position, "base": letter, **scores})
        if draw(st.booleans()):
            sites = draw(st.sets(
                st.tuples(st.integers(1, 30), st.sampled_from(["donor", "acceptor"])), max_size=4
            ))  # fmt: skip
            marks += [{"gene_id": gene, "position": p, "type": kind} for p, kind in sites] or [
                {"gene_id": gene, "position": None, "type": None}
            ]
    return rows, draw(st.sampled_from([marks, None]))


ROWS = {
    "gene_id": pl.String, "position": pl.Int64, "base": pl.String,
    "donor_score": pl.Float64, "donor_meta": pl.Float64,
    "acceptor_score": pl.Float64, "acceptor_meta": pl.Float64,
}  # fmt: skip
MARKS = {"gene_id": pl.String, "position": pl.Int64, "type": SpliceType}


def batch_of(rows: list[Row]) -> tuple[pl.DataFrame, Outcome]:
    """Rows as a batch: the meta-model ran where a probability changed."""
    table = with_axis(pl.LazyFrame(rows, ROWS)).collect()
    kinds = ("donor", "acceptor")
    has_run = table.select(pl.any_horizontal(pl.col(f"{k}_score") != pl.col(f"{k}_meta")
                                             for k in kinds)).to_series().to_numpy()  # fmt: skip
    return table, Outcome(
        np.flatnonzero(has_run),
        {kind: table[f"{kind}_score"].to_numpy() for kind in kinds},
        {kind: table[f"{kind}_meta"].to_numpy()[has_run] for kind in kinds},
    )


def sites_in(rows: list[Row], marks: list[Row] | None, threshold: float) -> pl.DataFrame:
    table, outcome = batch_of(rows)
    genes = table.group_by("gene_id", maintain_order=True).agg(positions=pl.len())
    known = (
        Known.nothing(genes.height)
        if marks is None
        else Known.by_annotation(pl.DataFrame(marks, MARKS), table, genes)
    )
    return find_sites(table, outcome, known, threshold)


@settings(max_examples=200, deadline=None)
@given(tables(), st.sampled_from([0.05, 0.5, 0.55, 1.0]))
def test_sites_are_those_of_a_walk_over_the_rows(
    drawn: tuple[list[Row], list[Row] | None], threshold: float
) -> None:
    rows, marks = drawn
    assert sites_in(rows, marks, threshold).to_dicts() == naive_sites(rows, marks, threshold)


@settings(max_examples=50, deadline=None)
@given(tables())
def test_changes_and_moved_positions_are_those_of_a_walk(
    drawn: tuple[list[Row], list[Row] | None],
) -> None:
    rows, _ = drawn
    genes = list(dict.fromkeys(row["gene_id"] for row in rows))
    moved = dict.fromkeys(genes, 0)
    histogram: Counter[int] = Counter()
    for row in rows:
        if all(row[f"{k}_score"] == row[f"{k}_meta"] for k in ("donor", "acceptor")):
            continue
        base = row["donor_score"] + row["acceptor_score"]
        change = row["donor_meta"] + row["acceptor_meta"] - base
        moved[row["gene_id"]] += abs(change) > 0.05
        histogram[math.floor(abs(change) * 20 + 0.5) * (1 if change > 0 else -1)] += 1

    sizes = Counter(row["gene_id"] for row in rows)
    _, outcome = batch_of(rows)
    found, changes = count_figures(outcome, np.array([sizes[gene] for gene in genes]))
    assert (found.to_list(), changes) == (list(moved.values()), dict(histogram))


@settings(max_examples=50, deadline=None)
@given(tables(), st.sampled_from([0.05, 0.5, 0.9]), st.randoms(use_true_random=False))
def test_bins_are_those_of_a_walk(
    drawn: tuple[list[Row], list[Row] | None], threshold: float, random: Random
) -> None:
    rows, _ = drawn
    truth = [random.choice(["neither", "donor", "acceptor"]) for _ in rows]
    expected: dict[tuple[Any, ...], list[float]] = {}
    for row, is_ in zip(rows, truth, strict=True):
        for kind, (system, end) in product(
            ("donor", "acceptor"), (("base", "score"), ("final", "meta"))
        ):
            p = row[f"{kind}_{end}"]
            if p < 0.01:
                continue
            held = min(max(p, 1e-6), 1 - 1e-6)
            key = (system, kind, min(int(p * 10), 9), math.floor(math.log(held / (1 - held)) * 10),
                   p >= threshold)  # fmt: skip
            sums = expected.setdefault(key, [0, 0, 0, 1.0])
            sums[0] += 1
            sums[1] += is_ == kind
            sums[2] += round(p * 1_000_000)
            sums[3] = min(sums[3], p)

    _, outcome = batch_of(rows)
    bins, sites = count_bins(outcome, pl.Series(truth, dtype=SpliceType), threshold)
    assert {row[:5]: list(row[5:]) for row in bins.rows()} == expected
    assert sites == {kind: truth.count(kind) for kind in ("donor", "acceptor")}


@settings(max_examples=50, deadline=None)
@given(tables())
def test_counts_are_those_of_a_walk_over_the_sites(
    drawn: tuple[list[Row], list[Row] | None],
) -> None:
    rows, marks = drawn
    sites = sites_in(rows, marks, 0.5).lazy()

    counts: dict[str, dict[str, int]] = {}
    for site in sites.collect().to_dicts():
        gene = counts.setdefault(site["gene_id"], dict.fromkeys(COUNTS, 0))
        of = {"kept": ("base", "final"), "gained": ("final", "gained"), "lost": ("base", "lost")}
        for name in of.get(site["fate"], ()):
            gene[f"{name}_sites" if name in ("base", "final") else name] += 1
            gene[f"{name}_annotated"] += bool(site["is_annotated"])
    found = {row.pop("gene_id"): row for row in count_sites(sites).collect().to_dicts()}
    assert found == counts


def test_truth_is_sites_of_every_gene() -> None:
    rows = pl.DataFrame(
        {
            "gene_id": ["A", "A", "B"],
            "position": [1, 2, 1],
            "splice_type": ["neither", "donor", "neither"],
        },
        schema_overrides={"splice_type": SpliceType},
    )
    known = Known.by_truth(with_axis(rows.lazy()).collect(), 2)
    assert known.counts().to_list() == [1, 0]
    assert [places.tolist() for places in known.places.values()] == [[2], []]


def _demo(folder: Path, **options: Any) -> sm.RunResult:
    scores = pl.scan_parquet(fixtures() / "scores_openspliceai.parquet")
    scores = scores.drop(options.pop("without", []))
    return sm.run(
        scores.collect(), MODEL, folder, annotation=fixtures() / "annotation.gtf.gz",
        fasta=fixtures() / "region.fa.gz", run_name="r", **options,
    )  # fmt: skip


def test_a_run_lists_the_demos_gained_sites(tmp_path: Path) -> None:
    result = _demo(tmp_path)

    sites = scan_table(result.layout, "sites").collect()
    gained = sites.filter(fate="gained")
    assert gained["sequence"].to_list() == [
        "AAA|GTGAGT", "CAAAAG|GCG", "TGG|GTAAGC", "TTTCAG|GAA", "TTACAG|GCC",
        "GAG|GTGAAA", "TTATAG|GAA", "AAA|GTAAGA", "AAG|GTGAGA", "CTGCAG|TCT",
    ]  # fmt: skip
    assert gained["is_annotated"].to_list() == [True] * 2 + [False] * 2 + [True] * 6
    assert sites.filter(fate="lost").is_empty()
    assert result.genes["gained"].sum() == 10
    assert result.genes["annotated"].to_list() == [28, 5, 25, 22, 97]
    complete = result.predictions().collect()
    base = pl.read_parquet(fixtures() / "scores_openspliceai.parquet", columns=["base"])
    rows = complete.with_columns(base["base"]).to_dicts()
    marks = [
        {"gene_id": r["gene_id"], "position": r["position"], "type": r["splice_type"]}
        for r in rows if r["splice_type"] != "neither"
    ]  # fmt: skip
    expected = pl.DataFrame(naive_sites(rows, marks, 0.5), infer_schema_length=None)
    assert_frame_equal(sites.select(expected.columns), expected, check_dtypes=False, rel_tol=1e-6)


def test_shards_and_outputs_make_no_difference(tmp_path: Path) -> None:
    one = _demo(tmp_path / "one")
    settings = sm.RunSettings(memory=4 << 20, outputs=("complete",), columns="lean")
    many = _demo(tmp_path / "many", settings=settings)

    assert many.layout.table("sites", 0, 5).is_file()
    first, second = (scan_table(each.layout, "sites").collect() for each in (one, many))
    assert_frame_equal(first, second)
    assert one.layout.sites_text.read_bytes() == many.layout.sites_text.read_bytes()
    text = pl.read_csv(one.layout.sites_text, separator="\t", schema_overrides={"chrom": pl.String})
    assert text.columns == first.columns
    assert text["strand"].to_list() == first["strand"].to_list()
    assert_frame_equal(
        text.select("base", "change"), first.select("base", "change"), check_dtypes=False,
        abs_tol=1e-6,
    )  # fmt: skip


@pytest.mark.parametrize(
    "without", [["splice_type"], ["splice_type", "genomic_position", "strand"]]
)
def test_without_truth_the_annotation_tells_what_is_annotated(
    tmp_path: Path, without: list[str]
) -> None:
    result = _demo(tmp_path, without=without)

    sites = scan_table(result.layout, "sites").collect()
    annotation = sm.open_annotation(fixtures() / "annotation.gtf.gz").splice_sites()
    keys = {(r["gene_id"], r["genomic_position"], r["splice_type"]) for r in annotation.to_dicts()}
    for site in sites.to_dicts():
        is_there = (site["gene_id"], site["genomic_position"], site["type"]) in keys
        assert site["is_annotated"] == is_there
        sign = 1 if site["strand"] == "+" else -1
        places = [sign * (place - site["genomic_position"]) for gene, place, kind in keys
                  if gene == site["gene_id"] and kind == site["type"]]  # fmt: skip
        assert site["distance"] == min(places, key=lambda d: (abs(d), d))
    assert result.genes["annotated"].sum() == len(keys)
    assert sites["gene_name"].unique().sort().to_list() == [
        "BDH2", "CENPE", "CISD2", "SLC9B2", "UBE2D3",
    ]  # fmt: skip


def test_where_nothing_is_known_nothing_is_said(tmp_path: Path) -> None:
    scores = pl.read_parquet(fixtures() / "scores_openspliceai.parquet")
    bare = scores.select("gene_id", "position", "donor_score", "acceptor_score", "neither_score")
    result = sm.run(
        bare, None, tmp_path, settings=sm.RunSettings(mode="base_only", site_threshold=0.9)
    )

    sites = scan_table(result.layout, "sites").collect()
    for name in ("gene_name", "sequence", "is_annotated", "distance"):
        assert sites[name].null_count() == sites.height
    assert sites["fate"].unique().to_list() == ["kept"]
    assert sites["base"].min() >= 0.9  # type: ignore[operator]
    assert result.genes["annotated"].null_count() == 5
