"""Options, tables and models of the older systems that are used wrongly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from bad_inputs import LEAN, MODEL, Case, real

Make = Callable[[Path], Sequence[str | Path]]

HEADER = "gene_id\tposition\tdonor_score\tacceptor_score\tneither_score\tsplice_type\n"


def with_scores(*arguments: str | Path) -> Make:
    """Arguments beside a table of real scores, ``s.parquet``."""

    def make(folder: Path) -> list[str | Path]:
        real().write_parquet(folder / "s.parquet")
        return list(arguments)

    return make


def run_with(*more: str) -> Make:
    """A run of real scores with further options."""
    return with_scores("run", "--scores", "s.parquet", "--model", MODEL, *LEAN, *more)


def passes(rows: str) -> Make:
    """A run of a table as meta-spliceai's evaluation writes it."""

    def make(folder: Path) -> list[str | Path]:
        (folder / "analysis_sequences_1_chunk_1_9.tsv").write_text(HEADER + rows)
        return ["run", "--scores", "analysis_sequences_1_chunk_1_9.tsv", "--model", MODEL, *LEAN]

    return make


CASES = [
    Case(
        name="a strategy of the older script",
        make=run_with("--strategy", "COMPLETE"),
        words=["--strategy is an option of meta-spliceai", "--inference-mode meta_only"],
    ),
    Case(
        name="MLflow by the older script's options",
        make=run_with("--mlflow-enable", "--mlflow-tags", "a=b", "c=d"),
        words=["--mlflow-enable", "write --mlflow uri"],
    ),
    Case(
        name="an option of the older script that is not needed",
        make=run_with("--complete-coverage", "--chunk-size", "5000"),
        status=0,
        words=["--complete-coverage is not needed", "--chunk-size is not needed"],
    ),
    Case(
        name="a position twice with other scores",
        make=passes("G\t1\t0.1\t0.1\t0.8\t\nG\t1\t0.2\t0.1\t0.7\t\n"),
        words=["position 1 of gene G stands there twice", "another score (1 such rows)"],
    ),
    Case(
        name="a position twice with other truths",
        make=passes("G\t1\t0.1\t0.1\t0.8\tdonor\nG\t1\t0.1\t0.1\t0.8\tacceptor\n"),
        words=["position 1 of gene G stands there twice", "another truth"],
    ),
    Case(
        name="the layout of meta-spliceai from base scores",
        make=with_scores("export", "s.parquet", "-o", "out", "--compat", "meta-spliceai"),
        words=["one of predictions; these are base scores"],
    ),
    Case(
        name="a column to train on that is not there",
        make=with_scores("train", "--scores", "s.parquet", "--column", "phylop", "-o", "b"),
        words=["no column phylop"],
    ),
    Case(
        name="a column to train on that tells the place",
        make=with_scores("train", "--scores", "s.parquet", "--column", "genomic_position",
                         "-o", "b"),
        words=["genomic_position", "position or scores under another name"],
    ),
    Case(
        name="the origin of a bundle",
        make=with_scores("convert-model", MODEL, "b", "--origin", "meta-spliceai"),
        words=["states the origin of its features itself"],
    ),
    Case(
        name="an origin that is none",
        make=with_scores("convert-model", "m.pkl", "b", "--origin", "elsewhere"),
        words=["--origin", "elsewhere"],
    ),
]  # fmt: skip
