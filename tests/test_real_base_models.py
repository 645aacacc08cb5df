"""SpliceAI, OpenSpliceAI and Pangolin themselves, where their weights are."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from naive_network import naive_probabilities

import splice_meta as sm
from splice_meta.base_models.altered import Edit
from splice_meta.base_models.edits import EditScorer
from splice_meta.base_models.load import load_base_model
from splice_meta.base_models.network import Ensemble
from splice_meta.base_models.on_openvino import OnOpenVino
from splice_meta.base_models.state_dict import read_state_dict
from splice_meta.base_models.torch_device import CPU_BATCH, GPU_BATCH, batch_of, choose_device
from splice_meta.base_models.windows import GeneScores, Window, score_windows
from splice_meta.contracts import SCORES
from splice_meta.errors import UsageError

# Data that stand beside a developer's checkout only.
SHARED = Path(__file__).parents[2] / "shared" / "data"
REGION = SHARED / "chr22_20M_grch37"
GENCODE = SHARED / "chr3_52M_grch38"
MANE = SHARED / "openspliceai-mane-10000nt"
PANGOLIN = SHARED / "pangolin"
SMALLEST = ("ENSG00000274252", "ENSG00000278558")  # one of each strand
TOLERANCE = 1e-6

has_data = pytest.mark.skipif(not REGION.is_dir(), reason="no data beside the checkout")
has_pangolin = pytest.mark.skipif(not PANGOLIN.is_dir(), reason="no data beside the checkout")
has_spliceai = pytest.mark.skipif(find_spec("spliceai") is None, reason="without its weights")
has_torch = pytest.mark.skipif(find_spec("torch") is None, reason="without torch")


# --- Against scores that were made elsewhere ---------------------------------------------------


@has_data
@pytest.mark.parametrize("engine", ["openvino", pytest.param("torch", marks=has_torch)])
@pytest.mark.parametrize(
    ("name", "weights"),
    [pytest.param("spliceai", None, marks=has_spliceai), ("openspliceai", MANE)],
)
def test_scores_are_those_of_the_authors_networks(
    tmp_path: Path, name: str, weights: Path | None, engine: str
) -> None:
    expected = pl.read_parquet(REGION / f"scores_{name}.parquet").filter(
        pl.col("gene_id").is_in(SMALLEST)
    )
    gtf = tmp_path / "genes.gtf"
    gtf.write_text("".join(map(gene_line, spans(expected).rows())))

    result = sm.score(
        gtf, REGION / "region.fa.gz", tmp_path / "scores.parquet",
        base_model=name, weights=weights, genes=SMALLEST, device="cpu", engine=engine,
    )  # fmt: skip

    assert result.failed == 0
    expected = pl.concat(expected.filter(gene_id=gene) for gene in SMALLEST)
    assert_same(result.scores().collect(), expected.drop("splice_type"))


@has_data
def test_scores_and_truth_by_a_real_annotation(tmp_path: Path) -> None:
    gene = "ENSG00000114854"
    expected = pl.read_parquet(GENCODE / "scores_openspliceai.parquet").filter(gene_id=gene)

    result = sm.score(
        GENCODE / "gencode_v35.gtf.gz", GENCODE / "region.fa.gz", tmp_path / "scores.parquet",
        weights=MANE, genes=gene, truth=True, device="cpu",
    )  # fmt: skip

    # The annotation calls the chromosome chr3.
    assert_same(result.scores().collect().drop("chrom"), expected.drop("chrom"))
    assert expected["splice_type"].sum() > 0


def assert_same(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    """The same table, but for the scores' rounding and wider integers."""
    assert found.columns == expected.columns
    expected = expected.cast(dict(found.schema))
    assert found.drop(SCORES).equals(expected.drop(SCORES))
    furthest = np.abs(found.select(SCORES).to_numpy() - expected.select(SCORES).to_numpy()).max()
    assert furthest <= TOLERANCE


def spans(scores: pl.DataFrame) -> pl.DataFrame:
    return scores.group_by("gene_id", "chrom", "strand").agg(
        start=pl.col("genomic_position").min(), end=pl.col("genomic_position").max()
    )


def gene_line(row: tuple[str, str, str, int, int]) -> str:
    gene, chrom, strand, start, end = row
    return f'{chrom}\ttest\tgene\t{start}\t{end}\t.\t{strand}\t.\tgene_id "{gene}";\n'


# --- Pangolin, for which there are no scores ---------------------------------------------------


def authors_parts(file: Path, head: int) -> dict[str, Any]:
    """Arrays of one of Pangolin's files by the names of the naive network, one by one."""
    state, parts = read_state_dict(file), {}
    norms = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
    for array in ("weight", "bias"):
        parts[f"entry.{array}"] = state[f"conv1.{array}"]
        parts[f"skip.0.{array}"] = state[f"skip.{array}"]
        parts[f"head.{array}"] = state[f"conv_last{head}.{array}"]
        for unit in range(16):
            parts[f"{unit}.first.{array}"] = state[f"resblocks.{unit}.conv1.{array}"]
            parts[f"{unit}.second.{array}"] = state[f"resblocks.{unit}.conv2.{array}"]
        for number in range(4):
            parts[f"skip.{number + 1}.{array}"] = state[f"convs.{number}.{array}"]
    for unit in range(16):
        for theirs, ours in norms.items():
            for number in (1, 2):
                name = f"resblocks.{unit}.bn{number}.{theirs}"
                parts[f"{unit}.norm{number}.{ours}"] = state[name]
    return parts


@has_pangolin
@pytest.mark.parametrize("tissue", range(4))
def test_pangolin_is_its_authors_network(tissue: int) -> None:
    letters = np.zeros((10_000 + 40, 4), dtype=np.float32)
    letters[np.arange(len(letters)), np.random.default_rng(tissue).integers(0, 4, len(letters))] = 1
    model = load_base_model("pangolin", PANGOLIN, "cpu", engine="openvino")
    at = model.ensemble.groups.index(tissue)  # type: ignore[attr-defined]
    network = model.ensemble.networks[at]  # type: ignore[attr-defined]

    found = OnOpenVino(Ensemble((network,), (0,)), "float32", 1).forward(letters[None])[0]

    parts = authors_parts(PANGOLIN / f"final.1.{2 * tissue}.3.v2", 2 * tissue + 1)
    expected = naive_probabilities(parts, letters, 1e-5, 0.0)
    np.testing.assert_allclose(found, expected, atol=1e-5)


# --- Altered sequences -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        pytest.param("spliceai", None, marks=has_spliceai),
        pytest.param("openspliceai", MANE, marks=has_data),
        pytest.param("pangolin", PANGOLIN, marks=has_pangolin),
    ],
)
def test_edits_are_scored_as_the_whole_altered_gene(name: str, weights: Path | None) -> None:
    model = load_base_model(name, weights, "cpu", engine="openvino")
    draw = np.random.default_rng(1).choice
    scorer = EditScorer(model)
    reference = scorer.reference(draw(list(b"ACGTN"), 3000 + 10_000).astype(np.uint8))
    made = [(0, 1, 1), (700, 701, 1), (720, 720, 5), (731, 760, 0), (800, 803, 2), (2990, 3000, 1)]
    edits = [
        Edit(start, end, draw(list(b"ACGT"), put).astype(np.uint8)) for start, end, put in made
    ]

    found = scorer.scores(reference, edits, 500)

    scorer.close()
    for edit, scores in zip(edits, found, strict=True):
        gene = GeneScores("g", reference.altered(edit, -5000, 3000 + edit.shift + 5000), 10_000)
        score_windows(model, [Window(gene, 0, len(gene.scores))])
        first, stop = reference.span(edit, 500)
        np.testing.assert_array_equal(scores, gene.scores[first:stop])


# --- Devices -----------------------------------------------------------------------------------


@has_torch
def test_devices() -> None:
    assert choose_device("cpu") == "cpu"
    assert choose_device("auto") in ("cpu", "cuda", "mps")
    assert (batch_of("cpu"), batch_of("cuda"), batch_of("mps")) == (CPU_BATCH, GPU_BATCH, GPU_BATCH)
    for device in (
        "abacus",
        "",
        "meta",
        "xpu",
        *([] if choose_device("auto") == "cuda" else ["cuda", "cuda:1"]),
    ):
        with pytest.raises(UsageError, match=f"no device '{device}'") as caught:
            choose_device(device)
        assert caught.value.hint.startswith("Here there is: cpu")
