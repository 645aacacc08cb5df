"""A gene's result depends on that gene only: not on batch, thread count or company."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from conftest import MODEL, make_scores
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import splice_meta as sm
from splice_meta.pipeline import batch

MIB = 1 << 20


@pytest.mark.parametrize("mode", ["hybrid", "meta_only", "base_only"])
def test_genes_alone_together_and_in_any_batch_are_bit_identical(
    short_genes: pl.DataFrame, model: sm.MetaModel, mode: str
) -> None:
    together = sm.predict(short_genes, model, mode=mode)

    alone = pl.concat(
        sm.predict(short_genes, model, mode=mode, genes=[gene])
        for gene in short_genes["gene_id"].unique(maintain_order=True)
    )
    small = sm.predict(
        short_genes,
        model,
        mode=mode,
        settings=sm.RunSettings(memory=MIB, predict_rows=97),
    )

    # DataFrame.equals compares every bit of every value, unlike a comparison with tolerance.
    assert alone.equals(together)
    assert small.equals(together)


def test_thread_count_does_not_matter(
    short_genes: pl.DataFrame, model: sm.MetaModel, tmp_path: Path
) -> None:
    short_genes.write_parquet(tmp_path / "in.parquet")
    code = (
        "import sys, splice_meta as sm; "
        f"sm.predict(sys.argv[1], '{MODEL}').write_parquet(sys.argv[2])"
    )
    environment = os.environ | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, "in.parquet", "out.parquet"]

    subprocess.run(command, cwd=tmp_path, env=environment, check=True)

    assert pl.read_parquet(tmp_path / "out.parquet").equals(sm.predict(short_genes, model))


@pytest.mark.parametrize("rows", [1, 50, 997])
@pytest.mark.parametrize("mode", ["hybrid", "meta_only"])
def test_rows_in_blocks_are_bit_identical(
    short_genes: pl.DataFrame,
    model: sm.MetaModel,
    mode: str,
    rows: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scores = short_genes.head(1200)
    whole = sm.predict(scores, model, mode=mode)

    monkeypatch.setattr(batch, "BLOCK_ROWS", rows)

    assert sm.predict(scores, model, mode=mode).equals(whole)


@settings(max_examples=15, deadline=None)
@given(
    genes=st.dictionaries(
        st.sampled_from([f"G{i}" for i in range(30)]),
        st.sets(st.integers(0, 60), min_size=1, max_size=40),
        min_size=1,
        max_size=30,
    ),
    memory=st.sampled_from([MIB, 64 * MIB]),
    mode=st.sampled_from(["hybrid", "meta_only"]),
)
def test_many_tiny_gappy_genes(genes: dict[str, set[int]], memory: int, mode: str) -> None:
    scores = make_scores({gene: sorted(positions) for gene, positions in genes.items()})
    model = sm.load_model(MODEL)

    together = sm.predict(
        scores, model, mode=mode, settings=sm.RunSettings(memory=memory, predict_rows=64)
    )

    alone = pl.concat(sm.predict(scores, model, mode=mode, genes=[gene]) for gene in genes)
    assert alone.equals(together)


def test_a_gene_larger_than_the_budget_is_a_batch_of_its_own(model: sm.MetaModel) -> None:
    scores = make_scores({"small": [1, 2], "large": list(range(9000)), "last": [5]})

    tight = sm.predict(scores, model, settings=sm.RunSettings(memory=MIB))

    assert tight.equals(sm.predict(scores, model))


def test_rows_are_in_input_order_and_base_scores_unaltered(
    short_genes: pl.DataFrame, model: sm.MetaModel
) -> None:
    found = sm.predict(short_genes, model)

    keys = ["gene_id", "position", "donor_score", "acceptor_score", "neither_score"]
    expected = short_genes.select(keys).cast({"position": pl.Int64})
    assert found.select(keys).equals(expected)


def test_extra_columns_and_their_order_do_not_matter(
    short_genes: pl.DataFrame, model: sm.MetaModel
) -> None:
    shuffled = short_genes.select(
        pl.lit(0.3).alias("is_uncertain"), *reversed(short_genes.columns), score_entropy=pl.lit(9)
    )

    assert_frame_equal(sm.predict(shuffled, model), sm.predict(short_genes, model))
