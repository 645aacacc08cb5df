"""Features by the older systems' definitions, against their formulas written row by row."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from conftest import FIXTURES
from test_ensembles import NAMES, Sigmoids, binary, save

import splice_meta as sm
from splice_meta.catalogue import COMPARATIVE, NEIGHBOUR_CONTEXT, PROBABILITY, SEQUENCE, SIGNAL
from splice_meta.cli.app import run_command
from splice_meta.errors import ManifestError, UsageError
from splice_meta.manifest import AGENTIC_SPLICEAI, META_SPLICEAI, OWN, FeatureManifest
from splice_meta.model.load import load_model

SCORED = (*PROBABILITY, *NEIGHBOUR_CONTEXT, *SIGNAL, *COMPARATIVE)
EPS = 1e-10


def genes() -> pl.DataFrame:
    """Slices of a real gene around its sites, with gaps, and a short gene."""
    table = sm.scan_scores(FIXTURES / "scores_openspliceai.parquet")
    rows = table.filter(pl.col("gene_id") == "ENSG00000164039").collect()
    peak = int(rows.select(pl.col("donor_score").arg_max()).item())
    near = rows.slice(max(peak - 300, 0), 700)
    gaps = near.filter(pl.col("position") % 13 != 5).with_columns(gene_id=pl.lit("GAPS"))
    short = near.head(3).with_columns(gene_id=pl.lit("SHORT"))
    return pl.concat([near, gaps, short])


def naive(rows: list[dict[str, Any]], origin: str) -> list[dict[str, float]]:
    """The older systems' formulas, for the rows of one gene."""
    at = {row["position"]: row for row in rows}
    found = []
    for row in rows:
        d, a, n = (float(row[f"{t}_score"]) for t in ("donor", "acceptor", "neither"))

        def c(k: int, here: int = row["position"], own: bool = d >= a) -> float:
            if here + k not in at:
                return 0.0
            beside = at[here + k]
            if origin == AGENTIC_SPLICEAI:
                return max(beside["donor_score"], beside["acceptor_score"])
            return float(beside["donor_score" if own else "acceptor_score"])

        m2, m1, p1, p2 = c(-2), c(-1), c(1), c(2)
        mean, most = (m2 + m1 + p1 + p2) / 4, max(m2, m1, p1, p2)
        made = {
            "relative_donor_probability": d / (d + a + EPS),
            "splice_probability": (d + a) / (d + a + n + EPS),
            "donor_acceptor_diff": (d - a) / (max(d, a) + EPS),
            "splice_neither_diff": (max(d, a) - n) / (max(d, a, n) + EPS),
            "donor_acceptor_logodds": math.log(d + EPS) - math.log(a + EPS),
            "splice_neither_logodds": math.log(d + a + EPS) - math.log(n + EPS),
            "probability_entropy": -sum(p * math.log(p + EPS) for p in (d, a, n)),
            "context_score_m2": m2, "context_score_m1": m1,
            "context_score_p1": p1, "context_score_p2": p2,
            "context_neighbor_mean": mean, "context_max": most,
            "context_asymmetry": (m1 + m2) - (p1 + p2),
        }  # fmt: skip
        for t, s in (("donor", d), ("acceptor", a)):
            made |= {
                f"{t}_diff_m1": s - m1, f"{t}_diff_m2": s - m2,
                f"{t}_diff_p1": s - p1, f"{t}_diff_p2": s - p2,
                f"{t}_surge_ratio": s / (m1 + p1 + EPS),
                f"{t}_is_local_peak": float(s > m1 and s > p1 and s > 1e-3),
                f"{t}_weighted_context": 0.1 * m2 + 0.2 * m1 + 0.4 * s + 0.2 * p1 + 0.1 * p2,
                f"{t}_peak_height_ratio": s / (mean + EPS),
                f"{t}_second_derivative": (s - m1) - (p1 - s),
                f"{t}_signal_strength": s - mean,
                f"{t}_context_diff_ratio": s / (most + EPS),
            }  # fmt: skip
        made |= {
            "donor_acceptor_peak_ratio": made["donor_peak_height_ratio"]
            / (made["acceptor_peak_height_ratio"] + EPS),
            "type_signal_difference": made["donor_signal_strength"]
            - made["acceptor_signal_strength"],
            "score_difference_ratio": (d - a) / (d + a + EPS),
            "signal_strength_ratio": made["donor_signal_strength"]
            / (made["acceptor_signal_strength"] + EPS),
        }
        found.append(made)
    return found


def window_of(rows: list[dict[str, Any]], here: int, before: int, after: int) -> str:
    letters = [row["base"] for row in rows if here - before <= row["position"] <= here + after]
    return "".join(letters)


@pytest.mark.parametrize("origin", [META_SPLICEAI, AGENTIC_SPLICEAI])
def test_score_features_are_those_of_the_older_system(origin):
    table = genes()
    got = sm.plan_features(table, FeatureManifest(SCORED, origin=origin)).collect()
    expected: list[dict[str, float]] = []
    for gene in table.partition_by("gene_id", maintain_order=True):
        expected += naive(gene.to_dicts(), origin)
    for name in SCORED:
        theirs = np.array([row[name] for row in expected])
        np.testing.assert_allclose(got[name], theirs, rtol=2e-5, atol=1e-6, err_msg=name)


def test_which_names_mean_another_number():
    """How many of the 40 names differ by more than rounding."""
    table = genes()
    plans = {o: sm.plan_features(table, FeatureManifest(SCORED, origin=o)).collect()
             for o in (OWN, META_SPLICEAI, AGENTIC_SPLICEAI)}  # fmt: skip

    def differ(origin: str) -> set[str]:
        return {n for n in SCORED if not np.allclose(plans[OWN][n], plans[origin][n], 1e-4, 1e-5)}

    assert differ(AGENTIC_SPLICEAI) >= {
        "donor_acceptor_diff", "splice_neither_diff", "donor_acceptor_logodds",
        "donor_is_local_peak", "signal_strength_ratio",
    }  # fmt: skip
    assert not {"context_max", "donor_diff_m1"} & differ(AGENTIC_SPLICEAI)
    assert differ(META_SPLICEAI) > differ(AGENTIC_SPLICEAI) | {"context_max"}


@pytest.mark.parametrize("origin", [META_SPLICEAI, AGENTIC_SPLICEAI])
def test_windows_and_complexity(origin):
    table = genes()
    names = (*SEQUENCE, "2mer_GT", "3mer_AAA")
    got = sm.plan_features(table, FeatureManifest(names, origin=origin)).collect()
    ours = origin != META_SPLICEAI
    place = 0
    for gene in table.partition_by("gene_id", maintain_order=True):
        rows = gene.to_dicts()
        for row in rows[::37]:
            text = window_of(rows, row["position"], 250, 250 if ours else 249)
            shares = [text.count(base) / len(text) for base in "ACGT" if base in text]
            bits = -sum(share * math.log2(share) for share in shares)
            found = got.row(place + rows.index(row), named=True)
            assert found["sequence_length"] == len(text)
            assert found["sequence_complexity"] == pytest.approx(bits / 2 if ours else bits, 1e-5)
            assert found["gc_content"] == pytest.approx(
                (text.count("G") + text.count("C")) / len(text), 1e-5
            )
        place += len(rows)


@pytest.mark.parametrize("origin", [META_SPLICEAI, AGENTIC_SPLICEAI])
def test_bits_do_not_depend_on_what_is_picked(origin):
    table = genes()
    names = (*SCORED, *SEQUENCE)
    whole = sm.plan_features(table, FeatureManifest(names, origin=origin)).collect()
    for gene in table.partition_by("gene_id"):
        alone = sm.plan_features(gene, FeatureManifest(names, origin=origin)).collect()
        assert alone.equals(whole.filter(pl.col("gene_id") == gene["gene_id"][0]))


# ---- manifests, bundles, the command ------------------------------------------------------------


def test_a_manifest_keeps_its_origin(tmp_path):
    manifest = FeatureManifest(SCORED, origin=META_SPLICEAI)
    (tmp_path / "m.json").write_text(manifest.to_json())
    assert sm.load_manifest(tmp_path / "m.json") == manifest
    assert "origin" not in json.loads(FeatureManifest(SCORED).to_json())
    with pytest.raises(ManifestError, match="origin"):
        FeatureManifest(SCORED, origin="elsewhere")


@pytest.fixture
def pickled(tmp_path: Path) -> Path:
    return save(tmp_path / "m.pkl", Sigmoids(binary()))


@pytest.mark.parametrize("given", [None, AGENTIC_SPLICEAI, OWN])
def test_the_origin_is_guessed_or_given(tmp_path, pickled, given, capsys):
    more = ["--origin", given] if given else []
    out = tmp_path / "bundle"
    assert run_command(["convert-model", str(pickled), str(out), "--trust-pickle", *more]) == 0
    said = capsys.readouterr().out
    origin = given or META_SPLICEAI
    assert load_model(out).manifest.origin == origin
    assert (f"those of {origin}" in said) == (origin != OWN)
    run_command(["inspect", str(out)])
    shown = capsys.readouterr().out
    assert ("cannot be known at prediction" in shown) == (origin == META_SPLICEAI)
    assert ("-250..+249" in shown) == (origin == META_SPLICEAI)


def test_a_lone_model_is_taken_as_ours_unless_said(tmp_path):
    import xgboost

    x = np.random.default_rng(0).random((60, 5), np.float32)
    booster = xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(x, np.arange(60) % 3)
    booster.get_booster().feature_names = NAMES
    booster.save_model(tmp_path / "m.ubj")
    order = ("donor", "acceptor", "neither")
    assert load_model(tmp_path / "m.ubj", classes=order).manifest.origin == OWN
    given = load_model(tmp_path / "m.ubj", classes=order, origin=AGENTIC_SPLICEAI)
    assert given.manifest.origin == AGENTIC_SPLICEAI
    with pytest.raises(UsageError, match="states the origin"):
        load_model(given.save(tmp_path / "b"), origin=META_SPLICEAI)
