"""Variants as a job: the same tables whoever makes them, whatever happens meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from variant_world import SparseNetwork, World, make_model, make_world

import splice_meta as sm
from splice_meta.alleles import finish, shards
from splice_meta.alleles.results import open_results
from splice_meta.alleles.shards import make_shards
from splice_meta.errors import OutputError, UsageError
from splice_meta.manifest import extended

TESTS = Path(__file__).parent
TABLES = ("summary.parquet", "summary.tsv", "sites.parquet", "sites.tsv")
MODEL = make_model(extended().names)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


def synthetic(world: World, count: int, seed: int = 3) -> pl.DataFrame:
    """Substitutions, insertions and deletions all over the chromosome; some are left out."""
    rng = np.random.default_rng(seed)
    at = rng.integers(50, 1390, count)
    rows = []
    for n, position in enumerate(at.tolist()):
        length = int(rng.choice([1, 1, 1, 2, 5]))
        ref = world.sequence[position - 1 : position - 1 + length]
        put = "".join(rng.choice(list("ACGT"), int(rng.choice([1, 1, 2, 6]))))
        alt = "<DEL>" if n % 97 == 0 else put
        ref = "A" * length if n % 89 == 0 else ref
        rows.append(("c1", position, ref, alt))
    return pl.DataFrame(rows, schema=["chrom", "pos", "ref", "alt"], orient="row")


def analyse(
    world: World, output: Path, given: Any, network: Any = None, model: Any = MODEL, **options: Any
) -> sm.VariantsResult:
    return sm.variants(
        given, world.gtf, world.fasta, output, base_model=network or SparseNetwork(), model=model,
        settings=sm.VariantSettings(threshold=0.02), **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results that were made in one go."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    analyse(world, folder, synthetic(world, 2000))
    return folder


def assert_alike(found: Path, expected: Path) -> None:
    assert sorted(os.listdir(found)) == sorted(os.listdir(expected))
    for name in (*TABLES, "left_out.tsv"):
        assert (found / name).read_bytes() == (expected / name).read_bytes(), name


def test_rows_that_are_sorted_some_at_a_time(
    world: World, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "SORTED", 300)

    analyse(world, tmp_path / "out", synthetic(world, 2000))

    assert_alike(tmp_path / "out", whole)


COMMAND = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import polars as pl
import splice_meta as sm
from splice_meta.jobs.ledger import Ledger
from splice_meta.manifest import extended
from variant_world import SparseNetwork, make_model

left, write_shard = int(sys.argv[2]), Ledger.write_shard

def write_and_end(self, task, receipt):
    global left
    write_shard(self, task, receipt)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

Ledger.write_shard = write_and_end
folder = Path(sys.argv[3])
sm.variants(sys.argv[5], folder / "genes.gtf", folder / "genome.fa", sys.argv[4],
            base_model=SparseNetwork(), model=make_model(extended().names),
            settings=sm.VariantSettings(threshold=0.02), resume=True)
"""


def test_two_kills_and_a_resume(world: World, whole: Path, tmp_path: Path) -> None:
    given = tmp_path / "v.parquet"
    synthetic(world, 2000).write_parquet(given)
    ended = []
    for shard in (3, 5, 0):
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, str(TESTS), str(shard), str(world.folder),
             str(tmp_path / "out"), str(given)],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        ended.append(done.returncode)
        assert done.returncode in (0, -signal.SIGKILL), done.stderr
        is_there = (tmp_path / "out" / "summary.parquet").exists()
        assert is_there == (done.returncode == 0)

    assert ended == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert_alike(tmp_path / "out", whole)


def test_shards_and_batches_make_no_difference(
    world: World, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "SHARDS", 3)
    monkeypatch.setattr(shards, "MOST", 100_000)
    told: list[int] = []

    result = analyse(
        world, tmp_path / "out", synthetic(world, 2000), SparseNetwork(batch=3),
        progress=sm.Watcher(advanced=told.append),
    )  # fmt: skip

    assert_alike(tmp_path / "out", whole)
    assert sum(told) == result.pairs


@pytest.fixture(scope="module")
def workers() -> Iterator[Any]:
    pytest.importorskip("distributed")
    from splice_meta.jobs import dask_workers

    with dask_workers.open_workers(2, None) as found:
        yield found.client


def test_executors_agree(workers: Any, world: World, whole: Path, tmp_path: Path) -> None:
    workers.run(sys.path.insert, 0, str(TESTS))

    analyse(world, tmp_path / "out", synthetic(world, 2000), cluster=workers)

    assert_alike(tmp_path / "out", whole)


def test_every_variant_is_accounted_for(world: World, whole: Path) -> None:
    given, result = synthetic(world, 2000), open_results(whole)
    summary = result.summary().collect()

    assert summary["variant"].is_sorted()
    assert set(summary["variant"]) == set(range(2000))
    assert summary.select("variant", "gene_id").is_unique().all()
    reasons = summary.filter(pl.col("reason").is_not_null())
    assert sum(result.left_out.values()) == reasons["variant"].n_unique()
    assert result.scored + reasons["variant"].n_unique() == result.variants == 2000
    begun = set(reasons["reason"].str.slice(0, 10))
    assert begun >= {"symbolic a", "ref contra", "in no gene", "ref and al"}
    for column in ("chrom", "pos", "ref", "alt"):
        first = summary.unique("variant", keep="first", maintain_order=True)
        assert first[column].to_list() == given[column].to_list()
    values = [name for name in summary.columns if name.startswith(("base_", "final_"))]
    assert reasons.select(values).null_count().row(0) == (reasons.height,) * len(values)
    largest = [name for name in values if name.endswith("_largest")]
    assert summary.filter(pl.col("reason").is_null()).select(largest).null_count().row(0) == (0, 0)


def test_a_gene_that_fails_is_listed_and_tried_again(world: World, tmp_path: Path) -> None:
    class Failing(SparseNetwork):
        def predict(self, sequences: Any) -> Any:
            if sequences[0, 20, :].tolist() == first:
                raise RuntimeError("no such gene\nand more")
            return super().predict(sequences)

    gene = world.genes[2]
    # Where the gene begins is told by its own sequence, twenty bases of it with their flank.
    first = [float(world.sequence[gene.start + 9] == letter) for letter in "ACGT"]
    given = synthetic(world, 200)
    expected = analyse(world, tmp_path / "whole", given)

    failed = analyse(world, tmp_path / "out", given, Failing())

    assert failed.failed > 0
    rows = failed.summary().filter(pl.col("reason") == "no such gene").collect()
    assert rows.height == failed.failed
    assert rows["gene_id"].null_count() == 0
    assert (tmp_path / "out" / "parts").is_dir()
    with pytest.raises(OutputError, match="incomplete results"):
        analyse(world, tmp_path / "out", given)
    done = analyse(world, tmp_path / "out", given, resume=True)
    assert done.failed == 0
    assert done.summary().collect().equals(expected.summary().collect())
    assert sorted(os.listdir(tmp_path / "out")) == sorted(os.listdir(tmp_path / "whole"))


def test_complete_results_are_not_made_again(world: World, whole: Path) -> None:
    class Never(SparseNetwork):
        def predict(self, sequences: Any) -> Any:
            raise AssertionError

    given = synthetic(world, 2000)
    before = {name: (whole / name).stat().st_mtime_ns for name in os.listdir(whole)}

    again = analyse(world, whole, given, Never(), resume=True)

    assert again.variants == 2000
    assert {name: (whole / name).stat().st_mtime_ns for name in os.listdir(whole)} == before
    with pytest.raises(UsageError, match="since it started: variants"):
        analyse(world, whole, given.head(7), resume=True)
    with pytest.raises(OutputError, match="already holds results"):
        analyse(world, whole, given)


def test_what_is_foreign_is_not_replaced(world: World, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "summary.tsv").write_text("mine")

    with pytest.raises(OutputError):
        analyse(world, tmp_path / "out", synthetic(world, 5), overwrite=True)

    assert (tmp_path / "out" / "summary.tsv").read_text() == "mine"


def test_given_scores_save_scoring(world: World, tmp_path: Path) -> None:
    given = synthetic(world, 60)
    expected = analyse(world, tmp_path / "a", given)
    sm.score(
        world.gtf, world.fasta, tmp_path / "s.parquet", genes=["GP", "GM"],
        base_model=SparseNetwork(),
    )  # fmt: skip

    network = SparseNetwork()
    found = analyse(world, tmp_path / "b", given, network, scores=tmp_path / "s.parquet")

    assert found.summary().collect().equals(expected.summary().collect())
    assert found.sites().collect().equals(expected.sites().collect())


def test_given_scores_of_a_longer_gene_fit(world: World, tmp_path: Path) -> None:
    given = synthetic(world, 60)
    expected = analyse(world, tmp_path / "a", given)
    longer = tmp_path / "longer.gtf"
    text = world.gtf.read_text()
    longer.write_text(text.replace("\t351\t", "\t361\t").replace("\t405\t", "\t415\t"))
    sm.score(longer, world.fasta, tmp_path / "s.parquet", base_model=SparseNetwork())

    found = analyse(world, tmp_path / "b", given, scores=tmp_path / "s.parquet")

    assert found.summary().collect().equals(expected.summary().collect())


def test_scores_of_another_base_model_are_refused(world: World, tmp_path: Path) -> None:
    sm.score(world.gtf, world.fasta, tmp_path / "s.parquet", base_model=SparseNetwork(seed=5))
    scores = pl.read_parquet(tmp_path / "s.parquet")  # without the note of what made them

    with pytest.raises(sm.SpliceMetaError, match="has other scores of gene GP"):
        analyse(world, tmp_path / "out", synthetic(world, 60), scores=scores)

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("counts", [[1], [3, 5, 1], [700, 2], [1] * 9000, [64, 65, 1, 1, 130]])
def test_shards_hold_every_pair_once(counts: list[int]) -> None:
    made = make_shards(counts)

    assert [shard.number for shard in made] == list(range(len(made)))
    assert {shard.of for shard in made} == {len(made)}
    assert [shard.first for shard in made] == [0, *(shard.stop for shard in made[:-1])]
    assert made[-1].stop == sum(counts)
    assert all(shard.size == shard.stop - shard.first > 0 for shard in made)
    assert max(shard.size for shard in made) <= shards.MOST
