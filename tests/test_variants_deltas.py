"""Deltas and changed sites against loops over rows, and SpliceAI's own way with its arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splice_meta.alleles.changes import changed_sites
from splice_meta.alleles.deltas import KINDS, delta_columns, find_deltas
from splice_meta.contracts import SpliceType

TYPES = ("donor", "acceptor")
LAYERS = ("base", "final")
STEPS = [0.0, 0.1, 0.2, 0.5, 0.9]


def drawn_rows(seed: int, layers: tuple[str, ...] = LAYERS, pairs: int = 4) -> pl.DataFrame:
    """Comparisons with ties, deleted positions and inserted bases, of few different values."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for pair in range(pairs):
        for at in range(100, 112):
            gone = rng.random() < 0.2
            kinds = [(at, 0, gone)] + [(at, k, False) for k in range(1, 3) if rng.random() < 0.15]
            for place, inserted, is_gone in kinds:
                row: dict[str, Any] = {
                    "pair": pair, "x": place - 100, "inserted": inserted,
                    "genomic_position": place, "is_near": at < 110,
                }  # fmt: skip
                for t in TYPES:
                    for layer in layers:
                        ref, alt = rng.choice(STEPS, 2)
                        row[f"{t}_{layer}_ref"] = None if inserted else ref
                        row[f"{t}_{layer}_alt"] = None if is_gone else alt
                rows.append(row)
    floats = {
        f"{t}_{layer}_{s}": pl.Float32 for t in TYPES for layer in layers for s in ("ref", "alt")
    }
    whole = {"pair": pl.UInt32, "x": pl.Int64, "inserted": pl.Int32, "genomic_position": pl.Int64}
    return pl.DataFrame(rows, schema={**whole, "is_near": pl.Boolean, **floats})


def marks(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [(int(at), t) for t in TYPES for at in rng.choice(np.arange(100, 112), 4, replace=False)]
    return pl.DataFrame(
        rows, schema={"genomic_position": pl.Int64, "type": SpliceType}, orient="row"
    )


def naive_deltas(
    rows: pl.DataFrame, pair: int, layer: str, kind: str, known: set[tuple[int, str]], mask: bool
) -> tuple[float, int, float, float | None, bool]:
    """As SpliceAI: an array along the genome, 0 where deleted, the largest where inserted."""
    t, what = kind.split("_")
    by: dict[int, tuple[float, float | None]] = {}
    mine = rows.filter(pl.col("pair") == pair, "is_near")
    for row in mine.iter_rows(named=True):
        at, ref, alt = row["genomic_position"], row[f"{t}_{layer}_ref"], row[f"{t}_{layer}_alt"]
        before = by.get(at)
        if before is None:
            by[at] = (ref, alt)
        else:
            values = [value for value in (before[1], alt) if value is not None]
            by[at] = (before[0], max(values) if values else None)
    places = sorted(by)
    change = [
        (np.float32(by[at][1] or 0) - np.float32(by[at][0])) * (1 if what == "gain" else -1)
        for at in places
    ]
    first = int(np.argmax(change))
    at = places[first]
    is_known = (at, t) in known
    delta = max(float(change[first]), 0.0)
    if mask and (is_known if what == "gain" else not is_known):
        delta = 0.0
    return delta, at, by[at][0], by[at][1], is_known


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), mask=st.booleans(), has_final=st.booleans())
def test_deltas(seed: int, mask: bool, has_final: bool) -> None:
    layers = LAYERS if has_final else ("base",)
    rows, known = drawn_rows(seed, layers), marks(seed)
    listed = {(at, str(t)) for at, t in known.iter_rows()}

    found = find_deltas(rows, known, mask)

    assert found.columns == ["pair", *delta_columns(list(layers))]
    for row in found.iter_rows(named=True):
        for layer in layers:
            largest = 0.0
            for kind in KINDS:
                name = f"{layer}_{kind}"
                delta, at, ref, alt, is_known = naive_deltas(
                    rows, row["pair"], layer, kind, listed, mask
                )
                assert row[name] == pytest.approx(delta, abs=1e-7)
                assert row[f"{name}_position"] == at
                assert row[f"{name}_ref"] == pytest.approx(ref, abs=1e-7)
                assert row[f"{name}_alt"] == (None if alt is None else pytest.approx(alt, abs=1e-7))
                assert row[f"{name}_annotated"] is is_known
                largest = max(largest, delta)
            assert row[f"{layer}_largest"] == pytest.approx(largest, abs=1e-7)
            rest = math.prod(1 - row[f"{layer}_{kind}"] for kind in KINDS)
            assert row[f"{layer}_any"] == pytest.approx(1 - rest, abs=1e-6)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), mask=st.booleans(), count=st.integers(1, 3))
def test_any_and_effect_of_several_base_models(seed: int, mask: bool, count: int) -> None:
    bases = ["base", "base2", "base3"][:count]
    rows, known = drawn_rows(seed, (*bases, "final")), marks(seed)
    listed = {(at, str(t)) for at, t in known.iter_rows()}

    found = find_deltas(rows, known, mask)

    assert not [name for name in found.columns if name.startswith(("base2", "base3"))]
    for row in found.iter_rows(named=True):
        delta = {
            (layer, kind): naive_deltas(rows, row["pair"], layer, kind, listed, mask)[0]
            for layer in (*bases, "final")
            for kind in KINDS
        }
        mean = {kind: sum(delta[layer, kind] for layer in bases) / count for kind in KINDS}
        rest = math.prod(1 - mean[kind] for kind in KINDS)
        assert row["base_any"] == pytest.approx(1 - rest, abs=1e-6)
        rest = math.prod(
            1 - (delta["final", kind] if kind.endswith("gain") else mean[kind]) for kind in KINDS
        )
        assert row["effect"] == pytest.approx(1 - rest, abs=1e-6)


def test_nothing_is_masked_where_sites_are_not_known() -> None:
    rows = drawn_rows(5)

    plain, masked = find_deltas(rows, None), find_deltas(rows, None, mask=True)

    assert plain.equals(masked)
    assert plain["base_donor_gain_annotated"].null_count() == plain.height


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.1, 0.35, 0.8]))
def test_changed_sites(seed: int, threshold: float) -> None:
    rows, known = drawn_rows(seed), marks(seed)
    listed = {(at, str(t)) for at, t in known.iter_rows()}
    expected = []
    for row in rows.sort("pair", "genomic_position", "inserted").iter_rows(named=True):
        for t in TYPES:
            ref, alt = (np.float32(row[f"{t}_final_{side}"] or 0) for side in ("ref", "alt"))
            base = np.float32(row[f"{t}_base_alt"] or 0) - np.float32(row[f"{t}_base_ref"] or 0)
            if max(abs(alt - ref), abs(base)) < np.float32(threshold):
                continue
            fate = (
                "lost" if ref >= 0.5 > alt else "gained" if alt >= 0.5 > ref
                else "weakened" if alt < ref else "strengthened"
            )  # fmt: skip
            place = row["genomic_position"], row["inserted"]
            expected.append((
                row["pair"], *place, t, pytest.approx(float(alt - ref), abs=1e-7), fate,
                (place[0], t) in listed and not place[1],
            ))  # fmt: skip

    found = changed_sites(rows, known, threshold)

    names = ["pair", "genomic_position", "inserted", "type", "change", "fate", "is_annotated"]
    assert found.select(names).rows() == expected
    assert changed_sites(rows, None, threshold)["is_annotated"].null_count() == len(expected)
