"""Files as meta-spliceai and agentic-spliceai leave them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import FIXTURES

import splice_meta as sm
from splice_meta.errors import ContractError
from splice_meta.sources.base_scores import open_scores

CASES = Path(__file__).parents[2] / "shared" / "cases"
HEADER = "gene_id\tposition\tdonor_score\tacceptor_score\tneither_score\tsplice_type\n"
PASSES = (
    "G1\t0\t0.9\t0.05\t0.05\tdonor\nG1\t7\t0.01\t0.01\t0.98\t\nG2\t3\t0.01\t0.01\t0.98\t\n"
    "G1\t9\t0.0\t0.97\t0.03\tacceptor\n"
)


def read(path: Path, text: str) -> pl.DataFrame:
    path.write_text(HEADER + text)
    return sm.scan_scores(path).collect()


@pytest.mark.parametrize(
    "name", ["analysis_sequences_22_chunk_1_500.tsv", "splice_positions_enhanced_22.tsv",
             "full_splice_positions_enhanced.tsv"],
)  # fmt: skip
def test_each_gene_once_in_the_order_of_its_positions(tmp_path, name):
    found = read(tmp_path / name, PASSES)
    assert found["gene_id"].to_list() == ["G1", "G1", "G1", "G2"]
    assert found["position"].to_list() == [0, 7, 9, 3]
    assert found["splice_type"].to_list() == ["donor", "neither", "acceptor", "neither"]
    assert found["acceptor_score"].to_list() == pytest.approx([0.05, 0.01, 0.97, 0.01])


def test_any_other_table_of_that_order_is_refused(tmp_path):
    with pytest.raises(ContractError, match="non-adjacent"):
        read(tmp_path / "scores.tsv", PASSES)


def test_a_table_is_known_by_its_columns_too(tmp_path):
    text = PASSES.replace("\n", "\tTN\t5\n")
    (tmp_path / "scores.tsv").write_text(HEADER[:-1] + "\tpred_type\tpredicted_position\n" + text)
    assert sm.scan_scores(tmp_path / "scores.tsv").collect().height == 4


def test_positions_with_the_same_scores_are_kept_once(tmp_path, caplog):
    caplog.set_level(logging.WARNING, "splice_meta")
    again = "G1\t9\t0.0\t0.97\t0.03\t\nG1\t0\t0.9\t0.05\t0.05\tdonor\n"
    found = read(tmp_path / "analysis_sequences_1_chunk_1_2.tsv", PASSES + again)
    assert found["position"].to_list() == [0, 7, 9, 3]
    assert found["splice_type"].to_list() == ["donor", "neither", "acceptor", "neither"]
    assert "2 rows repeat a position" in caplog.text


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("G1\t7\t0.02\t0.01\t0.97\t\n", "another score"),
        ("G1\t0\t0.9\t0.05\t0.05\tacceptor\n", "another truth"),
    ],
)
def test_positions_that_contradict_themselves_are_refused(tmp_path, row, what):
    with pytest.raises(ContractError, match=what):
        read(tmp_path / "analysis_sequences_1_chunk_1_2.tsv", PASSES + row)


def test_a_site_gets_its_own_score_back(tmp_path, caplog):
    """Their writer puts the largest of five scores at a site that was missed."""
    caplog.set_level(logging.WARNING, "splice_meta")
    rows = "G1\t4\t0.6\t0.1\t0.7\tdonor\nG1\t4\t0.2\t0.1\t0.7\t\n"
    found = read(tmp_path / "analysis_sequences_1_chunk_1_2.tsv", rows)
    assert found["donor_score"].to_list() == pytest.approx([0.2])
    assert found["splice_type"].to_list() == ["donor"]
    assert "1 sites have the largest score" in caplog.text
    with pytest.raises(ContractError, match="must sum to 1"):
        read(tmp_path / "analysis_sequences_2_chunk_1_2.tsv", "G1\t4\t0.6\t0.1\t0.7\t\n")


def test_genes_can_be_asked_for(tmp_path):
    path = tmp_path / "analysis_sequences_1_chunk_1_2.tsv"
    path.write_text(HEADER + PASSES)
    opened = open_scores(path, ["G2"])
    assert opened.all_rows().collect()["position"].to_list() == [3]


def test_chunks_of_one_chromosome_are_one_table(tmp_path):
    for number, text in enumerate((PASSES, PASSES.replace("G1", "G3").replace("G2", "G4"))):
        (tmp_path / f"analysis_sequences_22_chunk_{number}.tsv").write_text(HEADER + text)
    found = sm.scan_scores(tmp_path).collect()
    assert found["gene_id"].unique(maintain_order=True).to_list() == ["G1", "G2", "G3", "G4"]


# ---- folders ------------------------------------------------------------------------------------


def agentic(rows: pl.DataFrame) -> pl.DataFrame:
    low, high = pl.col("genomic_position").min(), pl.col("genomic_position").max()
    return rows.select(
        "gene_id", "chrom", "strand", position="genomic_position",
        gene_start=low.over("gene_id"), gene_end=high.over("gene_id"),
        donor_prob="donor_score", acceptor_prob="acceptor_score", neither_prob="neither_score",
        splice_type=pl.when(pl.col("splice_type") == "neither").then(pl.lit(""))
        .otherwise(pl.col("splice_type").cast(pl.String)),
    )  # fmt: skip


@pytest.fixture
def rows() -> pl.DataFrame:
    table = sm.scan_scores(FIXTURES / "scores_openspliceai.parquet")
    return table.filter(pl.col("gene_id") == "ENSG00000164038").head(400).collect()


def test_whole_predictions_go_before_their_chunks(tmp_path, rows, caplog):
    caplog.set_level(logging.WARNING, "splice_meta")
    table = agentic(rows)
    table.write_csv(tmp_path / "predictions.tsv", separator="\t")
    for name, part in (("chunk_1", table.head(150)), ("chunk_2", table.tail(250))):
        part.write_csv(tmp_path / f"predictions_{name}.tsv", separator="\t")
    (tmp_path / "gene_manifest.tsv").write_text("gene_id\tstatus\nENSG00000164038\tdone\n")
    (tmp_path / "summary.json").write_text("{}")
    found = sm.scan_scores(tmp_path).collect()
    assert found.height == 400
    assert found["splice_type"].to_list() == rows["splice_type"].cast(pl.String).to_list()
    assert "holds the positions of predictions.tsv again" in caplog.text
    assert "(2 such files)" in caplog.text
    assert "gene_manifest.tsv is not a score table" in caplog.text


def test_chunks_alone_are_read(tmp_path, rows):
    table = agentic(rows)
    table.head(150).write_parquet(tmp_path / "predictions_chunk_1.parquet")
    other = table.tail(250).with_columns(gene_id=pl.lit("OTHER"))
    other.write_parquet(tmp_path / "predictions_chunk_2.parquet")
    spans: Any = pl.concat([table.head(150), other])
    assert sm.scan_scores(tmp_path).collect().height == spans.height


def test_full_scores_go_before_samples_of_them(tmp_path, rows, caplog):
    caplog.set_level(logging.WARNING, "splice_meta")
    rows.write_csv(tmp_path / "nucleotide_scores.tsv", separator="\t")
    (tmp_path / "analysis_sequences_4_chunk_1_500.tsv").write_text(HEADER + PASSES)
    (tmp_path / "full_splice_positions_enhanced.tsv").write_text(HEADER + PASSES)
    (tmp_path / "full_splice_errors.tsv").write_text("gene_id\tposition\terror_type\nG1\t3\tFN\n")
    assert sm.scan_scores(tmp_path).collect().height == 400
    assert caplog.text.count("holds the positions of nucleotide_scores.tsv again") == 2


# ---- the shared cases ---------------------------------------------------------------------------

READ = {
    "tables/agentic_layout_strand_minus_one.parquet": 600,
    "tables/bases_of_RNA.parquet": 600,
    "tables/extra_column_phylop_mean.parquet": 2,
    "tables/genomic_position_as_float.tsv": 600,
    "tables/one_model_from_100.parquet": 3,
    "tables/other_model_from_98.parquet": 5,
    "tables/truth_empty_for_neither.parquet": 600,
    "tables/two_lone_quotes.tsv": 600,
    "peers/analysis_sequences_22_chunk_1_500.tsv": 4,
}
REFUSED = {
    "tables/minus_gene_in_genome_order.parquet": "they count along the genome",
    "tables/row_names_of_R.tsv": "one more, as where R has written row names",
}


@pytest.mark.skipif(not CASES.exists(), reason="the shared cases are not there")
@pytest.mark.parametrize("name", [*READ, *REFUSED])
def test_shared_cases_read_as_their_page_says(name):
    if name in REFUSED:
        with pytest.raises(sm.SpliceMetaError, match=REFUSED[name]):
            sm.scan_scores(CASES / name)
        return
    found = sm.scan_scores(CASES / name).collect()
    assert found.height == READ[name]
    if "splice_type" in found.columns:
        assert found["splice_type"].null_count() == 0
    if "base" in found.columns:
        assert set(found["base"].unique()) <= set("ACGTUacgtuN")
