"""Train the bundled meta-model from base-score tables with truth.

The features come from the package's own plan, the one that prediction uses. Rows: every position
with a base splice score of at least 0.001 or an annotated site, and a sample of the rest, weighted
so that sums over the training rows stand for complete coverage. The trees add to the base model's
log-probabilities (XGBoost's base_margin). Depth and rounds are chosen by cross-validation over
genes; nothing of the demo genes or of chromosome 3 goes in.

    python scripts/train_bundled_model.py --name openspliceai-mane --output BUNDLE \
        --scores chr2.parquet chr4.parquet chr22.parquet --licence "..."
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import xgboost
from sklearn.metrics import average_precision_score
from sklearn.model_selection import GroupKFold

from splice_meta.bundled import fixtures
from splice_meta.contracts import CLASSES, SCORES, with_axis
from splice_meta.manifest import GENOMIC, FeatureManifest, reference124
from splice_meta.model.bundle import Margin, MetaModel
from splice_meta.model.predict import base_margin
from splice_meta.pipeline import harmonize_plan
from splice_meta.settings import FeatureSettings
from splice_meta.sources.base_scores import open_scores

CANDIDATE = 0.001
SAMPLE = 0.03
FOLDS = 5
SEED = 20
DEPTHS = (3, 4)
MAX_ROUNDS = 3000
MARGIN = Margin()
MARGIN_COLUMNS = tuple(f"{name}_score" for name in CLASSES)

Floats = npt.NDArray[np.float32]


def manifest() -> FeatureManifest:
    """The reference manifest without genomic features, which need an annotation.

    Those that count annotated exons and sites would also tell the model what it is to predict.
    """
    return FeatureManifest(tuple(n for n in reference124().names if n not in GENOMIC))


def training_rows(path: Path, left_out: list[str]) -> pl.DataFrame:
    """Features, truth, gene and weight of the training rows of one score table.

    Args:
        path: A base-score table with ``splice_type``.
        left_out: Genes that must not go in.
    """
    opened = open_scores(path)
    kept = [g for g in opened.table.genes["gene_id"] if g not in left_out]
    rows = open_scores(path, kept).all_rows()
    rng = np.random.default_rng(SEED)
    drawn = pl.Series("drawn", rng.random(rows.select(pl.len()).collect().item()) < SAMPLE)
    splice = pl.max_horizontal("donor_score", "acceptor_score")
    is_candidate = (splice >= CANDIDATE) | (pl.col("splice_type") != "neither")
    marked = with_axis(rows.with_columns(drawn)).with_columns(
        is_row=is_candidate | pl.col("drawn"),
        weight=pl.when(is_candidate).then(1.0).otherwise(1 / SAMPLE).cast(pl.Float32),
    )
    labels = marked.filter("is_row").select("weight", truth=pl.col("splice_type").to_physical())
    matrix = harmonize_plan(marked, manifest(), FeatureSettings(), "is_row", SCORES)
    found, extra = pl.collect_all([matrix, labels])
    return found.hstack(extra)


def data_of(rows: pl.DataFrame) -> xgboost.DMatrix:
    """The rows as XGBoost data, with the base log-probabilities as the margin."""
    names = list(manifest().names)
    return xgboost.DMatrix(
        rows.select(names).to_numpy(),
        rows["truth"].to_numpy(),
        weight=rows["weight"].to_numpy(),
        base_margin=base_margin(rows, MARGIN_COLUMNS, "multiclass", MARGIN.floor),
        feature_names=names,
    )


def parameters(depth: int) -> dict[str, Any]:
    """XGBoost's parameters for one depth."""
    return {
        "objective": "multi:softprob", "num_class": 3, "eval_metric": "mlogloss", "seed": SEED,
        "tree_method": "hist", "max_depth": depth, "eta": 0.005, "subsample": 0.7,
        "colsample_bytree": 0.5, "min_child_weight": 5, "lambda": 5.0,
    }  # fmt: skip


def measures(rows: pl.DataFrame, probabilities: Floats) -> dict[str, float]:
    """Log-loss per annotated site and average precision, weighted to complete coverage."""
    truth, weight = rows["truth"].to_numpy(), rows["weight"].to_numpy()
    hit = np.clip(probabilities[np.arange(truth.size), truth], 1e-9, 1)
    found = {"log_loss_per_site": float(-(weight * np.log(hit)).sum() / (truth > 0).sum())}
    for number, name in ((1, "donor"), (2, "acceptor")):
        found[f"average_precision_{name}"] = float(
            average_precision_score(truth == number, probabilities[:, number], sample_weight=weight)
        )
    return found


def cross_validate(rows: pl.DataFrame) -> tuple[int, int, dict[str, Any]]:
    """Choose depth and rounds over gene folds.

    Returns:
        The depth, the mean of the folds' best rounds, and the held-out measures beside the base
        model's.
    """
    folds = list(GroupKFold(FOLDS).split(rows, groups=rows["gene_id"].to_numpy()))
    best: tuple[float, int, int, Floats] | None = None
    for depth in DEPTHS:
        held = np.zeros((rows.height, 3), np.float32)
        rounds = []
        for train, test in folds:
            test_rows = rows[test]
            data = data_of(test_rows)
            booster = xgboost.train(
                parameters(depth), data_of(rows[train]), MAX_ROUNDS,
                evals=[(data, "held")], early_stopping_rounds=150, verbose_eval=False,
            )  # fmt: skip
            rounds.append(booster.best_iteration + 1)
            held[test] = booster[: rounds[-1]].predict(data)
        loss = measures(rows, held)["log_loss_per_site"]
        print(f"depth {depth}: held-out log-loss per site {loss:.4f}, rounds {rounds}")
        if best is None or loss < best[0]:
            best = (loss, depth, round(float(np.mean(rounds))), held)
    assert best is not None
    base = rows.select([SCORES[2], SCORES[0], SCORES[1]]).to_numpy()
    report = {
        "held_out_genes": measures(rows, best[3]),
        "base_model": measures(rows, base),
        "how": f"{FOLDS}-fold cross-validation over genes, weighted to complete coverage",
    }
    return best[1], best[2], report


def main() -> None:
    """Train and save the bundle named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scores", nargs="+", type=Path, required=True)
    parser.add_argument("--name", required=True, help="the base model the scores come from")
    parser.add_argument("--licence", default="", help="what the scores' licence allows")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    demo = open_scores(fixtures() / "scores_openspliceai.parquet").table.genes["gene_id"].to_list()
    rows = pl.concat(training_rows(path, demo) for path in options.scores)
    counts = rows.group_by("truth").len().sort("truth")["len"].to_list()
    print(f"{rows.height:,} rows of {rows['gene_id'].n_unique()} genes, by class {counts}")
    depth, rounds, report = cross_validate(rows)
    booster = xgboost.train(parameters(depth), data_of(rows), rounds)
    model = MetaModel(
        manifest=manifest(),
        boosters=(booster,),
        margin=MARGIN,
        base_models=(options.name,),
        training_genes=tuple(sorted(rows["gene_id"].unique())),
        metadata={
            "description": f"Residual gradient boosting on {options.name} scores.",
            "training": {"rows": rows.height, "rows_by_class": counts, "depth": depth,
                         "rounds": rounds, "parameters": parameters(depth)},
            "metrics": report,
            "licence": options.licence,
            "versions": {"xgboost": xgboost.__version__, "polars": pl.__version__},
        },
    )  # fmt: skip
    model.save(options.output)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
