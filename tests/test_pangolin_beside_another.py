"""Pangolin as a base model beside another: its scores have a background."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import splice_meta as sm
from splice_meta.base_models.pangolin import donor_share
from splice_meta.base_models.windows import encoded
from splice_meta.errors import UsageError
from splice_meta.training.rows import collect_rows
from splice_meta.training.subject import open_training

NAME = "bundled:openspliceai-pangolin"
QUICK = sm.TrainSettings(rounds=10, patience=10, folds=3, repeats=1, threads=1)
SCORES = ("donor_score", "acceptor_score", "neither_score")


@pytest.fixture(scope="module")
def scores(demo_scores: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """OpenSpliceAI's demo scores, and such as Pangolin's: P(splice) above a background of 0.001,
    a donor's or an acceptor's by the neighbouring bases."""
    rng = np.random.default_rng(0)
    parts = []
    for gene in demo_scores.partition_by("gene_id", maintain_order=True):
        splice = gene.select(pl.max_horizontal(*SCORES[:2])).to_series().to_numpy()
        level = 0.001 * rng.uniform(0.5, 1.5, splice.size)
        splice = np.clip(0.9 * splice.astype(np.float64) + level, 0, 1)
        bases = "".join(["N" * 4, *gene["base"], "N" * 4]).encode()
        share = donor_share(encoded(np.frombuffer(bases, np.uint8))[None], splice.size)[0]
        parts.append(
            gene.drop("splice_type").with_columns(
                donor_score=pl.Series(splice * share),
                acceptor_score=pl.Series(splice * (1 - share)),
                neither_score=pl.Series(1 - splice),
            )
        )
    return {"openspliceai-mane": demo_scores, "pangolin": pl.concat(parts)}


def test_its_background_is_sampled_as_other_positions_are(scores: dict[str, pl.DataFrame]) -> None:
    def rows(given: dict[str, pl.DataFrame]) -> int:
        subject = open_training(given)
        names = subject.base_models
        found = collect_rows(subject.scores, subject.manifest, QUICK, lambda _: None, names)
        assert found.frame["weight"].sum() == pytest.approx(found.positions)
        return found.frame.height

    alone = rows({"openspliceai-mane": scores["openspliceai-mane"]})
    assert rows(scores) < 1.2 * alone
    unknown = {"openspliceai-mane": scores["openspliceai-mane"], "mine": scores["pangolin"]}
    assert rows(unknown) > 5 * alone


def test_a_model_of_both_is_trained_predicts_and_is_evaluated(
    scores: dict[str, pl.DataFrame], tmp_path: Path
) -> None:
    model = sm.load_model(sm.train(scores, settings=QUICK).save(tmp_path / "bundle"))

    assert model.base_models == ("openspliceai-mane", "pangolin")
    assert "pangolin.donor_score" in model.manifest.names
    gene = demo_gene(scores)
    pred = sm.predict(gene, model)
    sure = pred.filter(~pl.col("is_uncertain"))
    assert sure["donor_meta"].equals(sure["donor_score"], check_names=False)
    result = sm.run(gene, model, output_dir=tmp_path / "out")
    assert result.failed == 0
    assert result.genes["positions"].to_list() == [pred.height]
    figures = sm.evaluate(gene, model, resamples=0)
    assert {"base", "pangolin", "hybrid", "meta_only"} <= set(figures.columns)


def demo_gene(scores: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    gene = scores["pangolin"]["gene_id"][0]
    return {name: table.filter(gene_id=gene) for name, table in scores.items()}


def test_the_bundled_model_of_both(scores: dict[str, pl.DataFrame]) -> None:
    model = sm.load_model(NAME)

    assert model.base_models == ("openspliceai-mane", "pangolin")
    assert "contains no code or weights" in model.metadata["licence"]
    assert len(model.training_genes) == 526
    assert model.metadata["card"]["test"]["chromosomes"] == ["3"]
    pred = sm.predict(demo_gene(scores), NAME)
    assert pred["is_adjusted"].sum() == -(-pred.height // 10)
    with pytest.raises(UsageError, match="needs base scores of openspliceai-mane and pangolin"):
        sm.predict({"openspliceai-mane": demo_gene(scores)["openspliceai-mane"]}, NAME)
