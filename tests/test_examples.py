"""Every example of every help text runs."""

from __future__ import annotations

import gzip
import inspect
import pickle
import shlex
import shutil
from pathlib import Path

import polars as pl
import pytest
import typer
from conftest import FIXTURES, MODEL
from naive_network import random_parts
from weight_writers import openspliceai_state, save_torch

import splice_meta as sm
from splice_meta.bundled import bundled_model
from splice_meta.cli.app import run_command
from splice_meta.cli.commands import COMMANDS, app_of
from splice_meta.cli.examples import EXAMPLES

GENES = ("ENSG00000164039", "ENSG00000145354")
LINES = [(command, line) for command, lines in EXAMPLES.items() for line in lines]
VARIANT = "chr4\t104003237\t.\tC\tG\t.\t.\t."


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, short_genes: pl.DataFrame) -> Path:
    """A folder with the files that the examples name."""
    folder = tmp_path_factory.mktemp("examples")
    scores = short_genes.filter(pl.col("gene_id").is_in(GENES))
    scores.write_parquet(folder / "scores.parquet")
    with gzip.open(folder / "scores.tsv.gz", "wb") as file:
        file.write(scores.write_csv(separator="\t").encode())
    (folder / "parts").mkdir()
    scores.write_parquet(folder / "parts/a.parquet")
    shutil.copy(FIXTURES / "annotation.gtf.gz", folder / "genes.gtf.gz")
    (folder / "genome.fa").write_bytes(gzip.decompress((FIXTURES / "region.fa.gz").read_bytes()))
    chrom = scores["chrom"][0]
    (folder / "hg38.chrom.sizes").write_text(f"{chrom}\t191154276\n")
    shutil.copytree(bundled_model("openspliceai-mane"), folder / "model")
    model = sm.load_model(MODEL)
    shutil.copy(folder / "model/model.ubj", folder / "model.ubj")
    (folder / "model.pkl").write_bytes(pickle.dumps(model.boosters[0]))
    _put_validated_variants(folder)
    (folder / "weights").mkdir()
    save_torch(folder / "weights/model_random.pt", openspliceai_state(random_parts()))
    with gzip.open(folder / "variants.vcf.gz", "wt") as file:
        file.write(f"##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n{VARIANT}\n")
    for name, mode in (("out", "hybrid"), ("out2", "base_only")):
        sm.run(scores, MODEL, folder / name, settings=sm.RunSettings(mode=mode))
    return folder


def _put_validated_variants(folder: Path) -> None:
    """Ten variants with a truth and a published score, and results of them."""
    keys = pl.DataFrame(
        {"chrom": ["chr4"] * 10, "pos": range(100, 110), "ref": ["A"] * 10, "alt": ["C"] * 10}
    )
    truth = pl.Series("affects", [0, 1] * 5)
    keys.with_columns(truth, gene=pl.lit("G"), published=pl.col("pos") / 110).write_csv(
        folder / "validated.tsv", separator="\t"
    )
    kinds = ("acceptor_gain", "acceptor_loss", "donor_gain", "donor_loss", "largest", "any")
    (folder / "changes").mkdir()
    changes = {f"base_{kind}": truth * 0.8 + 0.1 for kind in kinds}
    results = keys.with_columns(gene_id=pl.lit("G"), **changes)
    results.write_parquet(folder / "changes/summary.parquet")


def test_every_command_has_two_examples() -> None:
    assert set(EXAMPLES) <= set(COMMANDS)
    for command, lines in EXAMPLES.items():
        assert len(lines) == 2
        assert all(line.split()[0] == command for line in lines)


def test_the_list_of_commands_has_the_words_of_their_helps() -> None:
    for command in app_of().registered_commands:
        first = inspect.cleandoc(command.callback.__doc__ or "").split("\n\n")[0]
        assert COMMANDS[command.name] == " ".join(first.split())


@pytest.mark.parametrize(("command", "line"), LINES, ids=[line for _, line in LINES])
def test_examples_are_understood(command: str, line: str) -> None:
    found = typer.main.get_command(app_of()).commands[command]
    found.make_context(command, shlex.split(line)[1:])


@pytest.mark.parametrize("line", [line for _, line in LINES], ids=str)
def test_examples_run(
    place: Path, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    more = ["--overwrite"] if line.startswith(("sort", "train")) else []
    status = run_command([*shlex.split(line), *more])
    assert status == 0, capsys.readouterr().err


def test_examples_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command, lines in EXAMPLES.items():
        run_command([command, "--help"])
        said = " ".join(capsys.readouterr().out.split())
        for line in lines:
            assert f"splice-meta {line}" in said
