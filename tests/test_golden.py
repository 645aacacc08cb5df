import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import splice_meta as sm
from splice_meta.contracts import canonical, with_axis
from splice_meta.features import plan_features
from splice_meta.harmonize import find_fills, harmonize
from splice_meta.manifest import FeatureManifest
from splice_meta.selection import mark_uncertain
from splice_meta.settings import FeatureSettings, Selection

# Handed over with the specification: a whole gene, one with gaps and N, one of a single position
# and three positions far from each other. Computed by an implementation that is not this one.
GOLDEN = Path(__file__).parent / "golden"
KEYS = ["gene_id", "position"]
NUMBERS = ("max_score", "max_confidence", "score_entropy", "score_spread", "score_variance")
CRITERIA = ("is_low_confidence", "is_high_entropy", "is_low_discriminability")


@pytest.fixture(scope="module")
def scores() -> pl.LazyFrame:
    return with_axis(canonical(pl.read_parquet(GOLDEN / "open_scores.parquet").lazy()))


@pytest.fixture(scope="module")
def golden_features() -> pl.DataFrame:
    return pl.read_parquet(GOLDEN / "open_features.parquet")


@pytest.fixture(scope="module")
def golden_selection() -> pl.DataFrame:
    return pl.read_parquet(GOLDEN / "open_selection.parquet")


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("picked", [None, "is_uncertain"])
def test_features_equal_the_golden_ones(
    scores: pl.LazyFrame, golden_features: pl.DataFrame, engine: Any, picked: str | None
) -> None:
    names = tuple(golden_features.columns[2:])
    manifest = FeatureManifest(names)
    marked = mark_uncertain(scores, Selection())
    expected = golden_features
    if picked:
        wanted = marked.select(picked).collect()[picked]
        expected = golden_features.filter(wanted)

    plan, made = plan_features(marked, manifest, FeatureSettings(), picked)
    fills = find_fills(manifest, made, FeatureSettings(), has_base=True)
    got = harmonize(plan, manifest, fills).collect(engine=engine)

    assert not fills
    assert got.columns == [*KEYS, *names]
    assert got.select(KEYS).equals(expected.select(KEYS))
    assert {name: far_off(got[name], expected[name]) for name in names} == dict.fromkeys(names, 0)


def far_off(got: pl.Series, want: pl.Series) -> int:
    """The number of values further from the expected ones than 1e-5 of them and 1e-6."""
    pair = pl.DataFrame({"got": got.cast(pl.Float64), "want": want})
    error, size = (pl.col("got") - pl.col("want")).abs(), pl.col("want").abs()
    is_near = pl.col("got").is_finite() & (error <= pl.max_horizontal(size * 1e-5, 1e-6))
    return pair.select(~is_near.fill_null(False)).to_series().sum()


def test_golden_features_cover_the_catalogue_but_genomic(golden_features: pl.DataFrame) -> None:
    # Guards the test above: 3 + 7 + 4 + 7 + 22 + 4 + 3 features, 16 2-mers and 64 3-mers.
    assert golden_features.width - len(KEYS) == 50 + 16 + 64
    assert golden_features["gene_id"].n_unique() == 4


def test_measures_equal_the_golden_ones(
    scores: pl.LazyFrame, golden_selection: pl.DataFrame
) -> None:
    marked = mark_uncertain(scores, Selection()).collect()

    assert marked.select(KEYS).equals(golden_selection.select(KEYS))
    for name in NUMBERS:
        assert (marked[name] - golden_selection[name]).abs().max() <= 1e-6, name
    for name in CRITERIA:
        assert marked[name].equals(golden_selection[name]), name
    for name in ("confidence_category", "predicted_type_base"):
        assert marked[name].cast(pl.String).equals(golden_selection[name]), name
    is_low = marked["score_variance"] < Selection().variance
    assert is_low.equals(golden_selection["low_variance"], check_names=False)


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize(
    ("column", "selection"),
    [
        ("selected_confidence_only", Selection(strategy="confidence_only")),
        ("selected_entropy_only", Selection(strategy="entropy_only")),
        ("selected_hybrid_entropy", Selection(strategy="hybrid_entropy")),
        ("selected_entropy_only_raw", Selection(strategy="entropy_only", adaptive=False)),
        ("selected_hybrid_entropy_raw", Selection(strategy="hybrid_entropy", adaptive=False)),
    ],
)
def test_uncertain_positions_are_the_golden_ones(
    scores: pl.LazyFrame,
    golden_selection: pl.DataFrame,
    column: str,
    selection: Selection,
    engine: Any,
) -> None:
    marked = mark_uncertain(scores, selection).collect(engine=engine)

    differs = marked["is_uncertain"] != golden_selection[column]
    assert marked.filter(differs).select(KEYS).rows() == []


def test_public_plan_and_command_line_give_the_golden_features(tmp_path: Path) -> None:
    scores, golden = (
        GOLDEN / "open_scores.parquet",
        pl.read_parquet(GOLDEN / "open_features.parquet"),
    )
    names = golden.columns[2:]
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("feature\n" + "\n".join(names) + "\n")
    command = [
        sys.executable, "-m", "splice_meta", "features", "--scores", str(scores),
        "--manifest", str(manifest), "--output", str(tmp_path / "features.parquet"),
    ]  # fmt: skip

    subprocess.run(command, check=True, capture_output=True)

    planned = sm.plan_features(scores, manifest).collect()
    assert planned.equals(pl.read_parquet(tmp_path / "features.parquet"))
    assert planned.select("gene_id", "position").equals(golden.select("gene_id", "position"))
    for name in names:
        error = (planned[name].cast(pl.Float64) - golden[name]).abs()
        allowed = golden.select(pl.max_horizontal(pl.lit(1e-6), pl.col(name).abs() * 1e-5))
        assert (error <= allowed.to_series()).all(), name
