"""Where scores come from: predictions given as scores, and scores of another base model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from conftest import MODEL

import splice_meta as sm
from bad_inputs import Case, Said, real, run_of
from splice_meta.provenance import NOTE, MadeBy
from splice_meta.sink import sink_parquet

Make = Callable[[Path], Sequence[str | Path]]


def predicted(columns: str = "full") -> pl.DataFrame:
    """Predictions of real scores, in the layout of this version."""
    return sm.predict(real(), mode="base_only", columns=columns)  # type: ignore[arg-type]


def old(table: pl.DataFrame) -> pl.DataFrame:
    """Predictions as version 0.1.0 wrote them: the predicted class is ``splice_type``."""
    return table.rename({"splice_type": "true_splice_type", "predicted_type": "splice_type"})


def given(arguments: Sequence[str | Path], **tables: Any) -> Make:
    """A ``make`` that writes tables, ``NAME.parquet`` each, and gives these arguments.

    A table is made by a function, or is a pair of one and what made its scores.
    """

    def make(folder: Path) -> Sequence[str | Path]:
        for name, table in tables.items():
            make_table, made_by = table if isinstance(table, tuple) else (table, None)
            sink_parquet(make_table().lazy(), folder / f"{name}.parquet", made_by=made_by)
        return arguments

    return make


def noted(table: Callable[[], pl.DataFrame], base_model: str, digest: str = "a" * 64) -> Any:
    """Scores with the note of the base model that made them."""
    return table, MadeBy(base_model=base_model, weights_sha256=digest)


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


def with_note(note: str) -> Make:
    """A ``make`` that writes scores with any text as their note, and runs them."""

    def make(folder: Path) -> Sequence[str | Path]:
        real().lazy().sink_parquet(folder / "s.parquet", metadata={NOTE: note})
        return run_of()

    return make


def half(number: int) -> Callable[[], pl.DataFrame]:
    """Some rows of one of two genes."""
    return lambda: real(gene=("ENSG00000164038", "ENSG00000164039")[number])


SITES = 20_000
"""Positions with enough called sites to tell the base model."""


def lifted(rows: int) -> pl.DataFrame:
    """Scores as another base model may give them: the same sites, a higher background."""
    names = ("donor_score", "acceptor_score")
    called = pl.max_horizontal(names) >= 0.5
    raised = [
        pl.when(called).then(name).otherwise((pl.col(name) * 1000).clip(0, 0.3)).alias(name)
        for name in names
    ]
    return real(rows).with_columns(raised).drop("neither_score")


def rounded(digits: int) -> pl.DataFrame:
    """Real scores as some tables give them."""
    scores = pl.col("donor_score", "acceptor_score", "neither_score")
    return real(SITES).with_columns(scores.round(digits))


SPLICEAI = noted(real, "spliceai")
OTHER = (
    ("run", run_of()),
    ("run as what it is", run_of("spliceai=s.parquet")),
    ("evaluate", [*EVALUATE, "--model", MODEL]),
    ("features", ["features", "--scores", "s.parquet", "--model", MODEL, "-o", "f.parquet"]),
    ("explain", [*EVALUATE, "--model", MODEL, "--explain", "ENSG00000164038:5"]),
    ("check", ["check", "--model", MODEL, "--scores", "s.parquet"]),
)
LABELLED = (
    ("run", run_of("openspliceai-mane=s.parquet")),
    ("train", ["train", "--scores", "openspliceai=s.parquet", "-o", "bundle"]),
    ("train as an option", [*TRAIN, "--base-model", "openspliceai"]),
    ("features", ["features", "--scores", "mine=s.parquet", "--model", MODEL, "-o", "f.parquet"]),
    ("evaluate", ["evaluate", "openspliceai=s.parquet"]),
)


CASES = [
    *(
        Case(
            name=f"scores of another base model given to {command}",
            make=given(arguments, s=SPLICEAI),
            words=["spliceai", "openspliceai-mane", "score the genes with openspliceai-mane"],
            never=["=PATH"],
        )
        for command, arguments in OTHER
    ),
    *(
        Case(
            name=f"a name that the file contradicts, given to {command}",
            make=given(arguments, s=SPLICEAI),
            words=["were made by spliceai", "as their file says"],
        )
        for command, arguments in LABELLED
    ),
    *(
        Case(
            name=f"files of different {what} as one table, given to {command}",
            make=given(
                arguments,
                a=noted(half(0), "openspliceai"),
                b=noted(half(1), *other),
            ),
            words=["a.parquet holds scores of openspliceai", "b.parquet scores of"],
        )
        for what, other in (
            ("base models", ("spliceai",)),
            ("weights", ("openspliceai", "b" * 64)),
        )
        for command, arguments in (
            ("run", [*run_of("a.parquet"), "--scores", "b.parquet"]),
            ("train", ["train", "--scores", "a.parquet", "--scores", "b.parquet", "-o", "m"]),
            ("sort", ["sort", "a.parquet", "b.parquet", "-o", "c.parquet"]),
            ("evaluate", ["evaluate", "a.parquet", "b.parquet"]),
            ("inspect", ["inspect", "*.parquet"]),
        )
    ),
    *(
        Case(
            name=f"the note of what made the scores is {what}",
            make=with_note(note),
            words=["s.parquet", "what made its scores is damaged"],
        )
        for what, note in (
            ("no JSON", "{"),
            ("a list", "[1]"),
            ("without a base model", '{"weights_sha256": "", "precision": ""}'),
            ("of a number", '{"base_model": 1, "weights_sha256": "", "precision": ""}'),
            ("nested too deep", "[" * 100_000),
        )
    ),
    Case(
        name="one base model under two names",
        make=given(
            [*run_of("openspliceai=a.parquet"), "--scores", "openspliceai-mane=b.parquet"],
            a=real,
            b=real,
        ),
        words=["openspliceai-mane are given twice"],
    ),
    Case(
        name="more base models than the model needs",
        make=given(
            [*run_of("spliceai=a.parquet"), "--scores", "openspliceai=b.parquet"],
            a=noted(real, "spliceai"),
            b=noted(real, "openspliceai"),
        ),
        words=["scores of spliceai are not read"],
        status=0,
        then=lambda said: (
            sm.predict(real(), MODEL, columns="lean").equals(said.predictions)
            or pytest.fail("other numbers")
        ),
    ),
    Case(
        name="a terminal that is told which base model scores are taken for",
        make=given(run_of(), s=real),
        status=0,
        then=says("assumed to be openspliceai-mane", "the file does not say"),
    ),
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
    Case(
        name="base models that are optional, of which there is one",
        make=given((*TRAIN, "--optional-base-models"), s=real),
        words=["cannot be optional", "not of several", "NAME=PATH"],
    ),
    Case(
        name="scores that are distributed as those of another base model",
        make=given(run_of(), s=lambda: lifted(SITES)),
        words=["not distributed like", "openspliceai-mane", "distance"],
        status=0,
        then=says("unlike the training scores"),
    ),
    Case(
        name="the same, named as the model's own",
        make=given(run_of("openspliceai=s.parquet"), s=lambda: lifted(SITES)),
        words=["not distributed like"],
        status=0,
        then=says("assumed to be openspliceai-mane, as they are", "unlike the training scores"),
    ),
    Case(
        name="other genes of the same base model",
        make=given(run_of(), s=lambda: real(SITES)),
        status=0,
        never=["not distributed like"],
        then=says("like the training scores"),
    ),
    Case(
        name="scores rounded to six digits",
        make=given(run_of(), s=lambda: rounded(6)),
        status=0,
        never=["not distributed like"],
        then=says("not compared with the training scores", "rounded or cut"),
    ),
    Case(
        name="too few sites to tell the base model",
        make=given(run_of(), s=lambda: lifted(200)),
        status=0,
        never=["not distributed like"],
        then=says("there are too few called sites"),
    ),
]
