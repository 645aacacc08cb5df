"""Where scores come from: predictions given as scores, and scores of another base model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
from conftest import MODEL

import splice_meta as sm
from bad_inputs import Case, Said, real, run_of

Make = Callable[[Path], Sequence[str | Path]]


def predicted(columns: str = "full") -> pl.DataFrame:
    """Predictions of real scores, in the layout of this version."""
    return sm.predict(real(), mode="base_only", columns=columns)  # type: ignore[arg-type]


def old(table: pl.DataFrame) -> pl.DataFrame:
    """Predictions as version 0.1.0 wrote them: the predicted class is ``splice_type``."""
    return table.rename({"splice_type": "true_splice_type", "predicted_type": "splice_type"})


def given(arguments: Sequence[str | Path], **tables: Callable[[], pl.DataFrame]) -> Make:
    """A ``make`` that writes tables, ``NAME.parquet`` each, and gives these arguments."""

    def make(folder: Path) -> Sequence[str | Path]:
        for name, table in tables.items():
            table().write_parquet(folder / f"{name}.parquet")
        return arguments

    return make


TRAIN = ("train", "--scores", "s.parquet", "-o", "bundle")
FEATURES = ("features", "--scores", "s.parquet", "--manifest", "reference124", "-o", "f.parquet")
EVALUATE = ("evaluate", "s.parquet", "--resamples", "0")

LAYOUTS: dict[str, Callable[[], pl.DataFrame]] = {
    "predictions": predicted,
    "lean predictions": lambda: predicted("lean"),
    "predictions of 0.1.0": lambda: old(predicted()),
    "lean predictions of 0.1.0": lambda: predicted("lean").drop("splice_type").rename(
        {"predicted_type": "splice_type"}
    ),
}  # fmt: skip
READERS = {
    "run": tuple(run_of()),
    "named to run": tuple(run_of("openspliceai-mane=s.parquet")),
    "train": TRAIN,
    "features": FEATURES,
}


def says(*words: str) -> Callable[[Said], None]:
    """A ``then`` that wants these words on stdout."""

    def then(said: Said) -> None:
        for word in words:
            assert word in said.out, said.out

    return then


CASES = [
    *(
        Case(
            name=f"{layout} given to {reader}",
            make=given(arguments, s=table),
            words=["s.parquet holds predictions", "base_model_predictions.parquet"],
        )
        for layout, table in LAYOUTS.items()
        for reader, arguments in READERS.items()
    ),
    Case(
        name="only the column prediction_source is left of predictions",
        make=given(TRAIN, s=lambda: predicted().drop("^.*_meta$", "predicted_type")),
        words=["holds predictions"],
    ),
    Case(
        name="a run's folder given as scores",
        make=given(run_of("."), base=real, complete=predicted),
        words=["base.parquet holds base scores", "complete.parquet predictions"],
    ),
    Case(
        name="both layouts together",
        make=given(("evaluate", "a.parquet", "b.parquet"), a=predicted, b=lambda: old(predicted())),
        words=["a.parquet holds predictions", "b.parquet predictions in the layout of version"],
    ),
    Case(
        name="both layouts sorted into one",
        make=given(
            ("sort", "a.parquet", "b.parquet", "-o", "c.parquet"),
            a=predicted,
            b=lambda: old(predicted()),
        ),
        words=["one kind"],
    ),
    Case(
        name="two columns say what the truth is",
        make=given(EVALUATE, s=lambda: predicted().with_columns(true_splice_type="splice_type")),
        words=["both splice_type and true_splice_type"],
    ),
    Case(
        name="predictions of 0.1.0 without truth",
        make=given(EVALUATE, s=lambda: old(predicted()).drop("true_splice_type")),
        words=["layout of version 0.1.0", "no column true_splice_type"],
    ),
    Case(
        name="predictions of 0.1.0 evaluated",
        make=given(EVALUATE, s=lambda: old(sm.predict(real(1500), MODEL))),
        words=["layout of version 0.1.0", "true_splice_type"],
        status=0,
    ),
    Case(
        name="predictions of 0.1.0 inspected",
        make=given(("inspect", "s.parquet"), s=lambda: old(predicted())),
        status=0,
        then=says("predictions (layout of version 0.1.0", "in true_splice_type"),
    ),
]
