"""Both alleles of variants against brute force: the altered gene scored and predicted whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from variant_world import (
    TYPES,
    Gene,
    SparseNetwork,
    World,
    brute_force,
    expected_rows,
    make_model,
    make_world,
)

import splice_meta as sm
from splice_meta.alleles import recalibrate
from splice_meta.alleles.opening import Asked, open_variants
from splice_meta.catalogue import CATALOGUE
from splice_meta.contracts import scores_of
from splice_meta.manifest import extended
from splice_meta.runs import scorer
from splice_meta.settings import FeatureSettings

EVERYTHING = [name for names in CATALOGUE.values() for name in names]
MODELS = {
    "all features": make_model([*EVERYTHING, "3mer_ACG", "2mer_AA", "3mer_GGT"]),
    "scores and surroundings": make_model(extended().names),
    "neighbours alone": make_model(["donor_score", "context_max", "acceptor_is_local_peak"]),
}
FAR = 5_000


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


def task_of(
    world: World, variants: Sequence[str], model: Any, networks: Mapping[str, Any], folder: Path,
    distance: int = FAR,
) -> Any:  # fmt: skip
    """The task of some variants, opened."""
    single = networks.get("")  # several are those that the meta-model names, or are named
    asked = Asked(
        variants=list(variants), annotation=world.gtf, fasta=world.fasta, output=folder / "none",
        base_model=single if single or model else tuple(networks), weights=None, scores=None,
        model=model, settings=sm.VariantSettings(distance=distance),
        features=FeatureSettings(), vcf=None, genes=None, gene_types=(), device="auto",
        resume=False, overwrite=False, trust_pickle=False, workers=None, cluster=None,
    )  # fmt: skip
    return open_variants(asked)


def compared_rows(opened: Any) -> dict[tuple[int, str], pl.DataFrame]:
    """All that both alleles may differ in, by variant and gene."""
    task = opened.task
    task.open(False)
    found = {}
    failures: dict[str, str] = {}
    from splice_meta.alleles.changes import compare_alleles
    from splice_meta.alleles.task import span_of

    held = [
        task._alleles(changes, failures)
        for changes in task.pairs.with_row_index("pair").partition_by("gene", maintain_order=True)
    ]
    assert failures == {}
    batches = task.recalibrator.batches(held) if task.recalibrator else [[each] for each in held]
    for batch in batches:
        final = task.recalibrator.predict(batch) if task.recalibrator else None
        for gene in batch:
            place = task.genes.row(gene.number, named=True)
            rows = compare_alleles(gene, span_of(place), tuple(task.models), final)
            for (pair,), mine in rows.partition_by("pair", as_dict=True).items():
                variant = task.pairs["variant"][pair]
                found[variant, place["gene_id"]] = mine
    task.close()
    return found


def assert_like_brute_force(
    world: World, gene: Gene, rows: pl.DataFrame, expected: dict[tuple[int, int], dict[str, Any]]
) -> None:
    """Every row is right, and every position that differs has a row."""
    listed = {}
    columns = [name for name in rows.columns if name.startswith(TYPES)]
    for row in rows.iter_rows(named=True):
        key = (row["genomic_position"], row["inserted"])
        assert key not in listed
        listed[key] = row
        assert key in expected, (key, row)
        for name in columns:
            value = expected[key][name]
            if value is None:
                assert row[name] is None, (key, name, row[name])
            else:
                assert row[name] == pytest.approx(value, abs=1e-6), (key, name)
    for key, row in expected.items():
        differs = any(
            (row[name] or 0) != pytest.approx(row[name.replace("_ref", "_alt")] or 0, abs=1e-7)
            for name in columns
            if name.endswith("_ref")
        )
        assert key in listed or not differs, (key, row)


def check(
    world: World, variants: Sequence[str], model: Any, folder: Path,
    networks: Mapping[str, Any] | None = None,
) -> int:  # fmt: skip
    """Compare all variants in all genes; returns how many pairs there were."""
    networks = networks or {"": SparseNetwork()}
    opened = task_of(world, variants, model, networks, folder)
    found = compared_rows(opened)
    genes = {gene.name: gene for gene in world.genes}
    for (variant, name), rows in found.items():
        number = opened.task.genes["gene_id"].to_list().index(name)
        change = opened.task.pairs.filter(variant=variant, gene=number).row(0, named=True)
        brute = brute_force(
            world, genes[name], change["start"], change["end"], change["put"], dict(networks), model
        )
        assert_like_brute_force(world, genes[name], rows, expected_rows(brute, model is not None))
    return len(found)


def written(world: World, at: int, length: int, alt: str) -> str:
    """A variant as one types it, with the base before it where an allele would be empty."""
    ref = world.sequence[at - 1 : at - 1 + length]
    if not ref or not alt:
        before = world.sequence[at - 2]
        return f"c1:{at - 1}:{before + ref}>{before + alt}"
    return f"c1:{at}:{ref}>{alt}"


def fits(world: World, text: str) -> bool:
    """Whether a variant can be scored: no N in ref, and alleles differ."""
    ref, _, alt = text.split(":")[2].partition(">")
    return "N" not in ref and "N" not in alt and ref != alt and bool(ref)


NAMED = {
    "SNV": (500, 1, "A"),
    "SNV where two genes overlap": (380, 1, "A"),
    "SNV at a gene's first base": (101, 1, "G"),
    "SNV before a gene": (95, 1, "G"),
    "SNV behind a gene": (906, 1, "C"),
    "SNV at a gene's last base": (900, 1, "C"),
    "SNV next to N": (394, 1, "A"),
    "SNV near the chromosome's end": (1394, 1, "A"),
    "MNV": (520, 3, "GTA"),
    "insertion": (640, 0, "ACGGTT"),
    "insertion in a repeat": (706, 0, "CACA"),
    "insertion before a gene's first base": (101, 0, "GTA"),
    "insertion behind a gene's first base": (102, 0, "GTA"),
    "insertion before a gene's last base": (900, 0, "GTA"),
    "insertion behind a gene's last base": (901, 0, "GTA"),
    "long insertion": (240, 0, "ACGTTGCATTACGGATTACAGGTAAGT" * 5),
    "deletion": (240, 20, ""),
    "deletion in a run": (722, 3, ""),
    "deletion of a gene's first bases": (95, 20, ""),
    "deletion of a gene's last bases": (890, 30, ""),
    "deletion before a gene": (85, 12, ""),
    "deletion behind a gene": (903, 40, ""),
    "deletion of a whole gene": (90, 304, ""),
    "delins that shortens": (610, 8, "TTG"),
    "delins that lengthens": (610, 3, "TTGACCATA"),
    "delins over a gene's first base": (98, 6, "TT"),
    "delins over a gene's last base": (897, 6, "TTG"),
    "delins over a gene's end that lengthens": (898, 5, "ACGTACGTACGT"),
}


@pytest.mark.parametrize("features", MODELS)
def test_named_variants(world: World, tmp_path: Path, features: str) -> None:
    texts = [written(world, *each) for each in NAMED.values()]
    texts = [text for text in texts if fits(world, text)]
    assert len(texts) >= len(NAMED) - 2

    pairs = check(world, texts, MODELS[features], tmp_path)

    assert pairs > len(texts)


@pytest.mark.parametrize("has_model", [True, False])
def test_several_base_models(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_model: bool
) -> None:
    names = (
        *scores_of("a"), *scores_of("b"), "a.donor_sum_upstream", "b.donor_max_upstream_3_30",
        "b.acceptor_context_mean", "a.nearest_acceptor_downstream_distance", "gc_content",
    )  # fmt: skip
    networks = {"a": SparseNetwork(), "b": SparseNetwork(seed=7)}
    monkeypatch.setattr(scorer, "load_base_model", lambda name, *_: networks[name])
    texts = [written(world, *each) for each in list(NAMED.values())[::2]]

    pairs = check(
        world, [text for text in texts if fits(world, text)],
        make_model(names, ("a", "b")) if has_model else None, tmp_path, networks,
    )  # fmt: skip

    assert pairs > 12


def test_without_a_meta_model(world: World, tmp_path: Path) -> None:
    texts = [written(world, *each) for each in NAMED.values()]

    assert check(world, [text for text in texts if fits(world, text)], None, tmp_path) > 20


changes = st.tuples(
    st.integers(80, 1398), st.integers(0, 12), st.text(alphabet="ACGT", max_size=12)
)


@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(drawn=st.lists(changes, min_size=4, max_size=8), rows=st.sampled_from([50, 3000, 1 << 20]))
def test_any_variants(
    world: World, tmp_path: Path, drawn: list[tuple[int, int, str]], rows: int
) -> None:
    texts = [written(world, *each) for each in drawn]
    texts = [text for text in texts if fits(world, text)]
    if not texts:
        return
    texts.append(written(world, 500, 1, "A"))  # one that can be scored
    before = recalibrate.MOST_ROWS
    recalibrate.MOST_ROWS = rows
    try:
        check(world, texts, MODELS["all features"], tmp_path)
    finally:
        recalibrate.MOST_ROWS = before


def test_values_do_not_depend_on_the_other_variants(world: World, tmp_path: Path) -> None:
    texts = [written(world, *each) for each in NAMED.values()]
    texts = [text for text in texts if fits(world, text)]
    networks = {"": SparseNetwork()}
    model = MODELS["all features"]
    together = compared_rows(task_of(world, texts, model, networks, tmp_path))

    for number in (0, 9, 16):
        alone = compared_rows(task_of(world, [texts[number]], model, networks, tmp_path))
        for (_, gene), rows in alone.items():
            assert rows.drop("pair").equals(together[number, gene].drop("pair"))


def test_random_alleles_are_not_all_alike(world: World, tmp_path: Path) -> None:
    """The world is rich enough: many candidates, and changes that matter far away."""
    opened = task_of(
        world, [written(world, 640, 0, "ACGGTT")], MODELS["all features"], {"": SparseNetwork()},
        tmp_path,
    )  # fmt: skip
    rows = next(iter(compared_rows(opened).values()))

    far = rows.filter(~pl.col("is_near"))
    assert far.height >= 5
    assert (np.abs(far["donor_final_ref"] - far["donor_final_alt"]) > 1e-4).any()
