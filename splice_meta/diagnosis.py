"""What a good issue says of a machine, an input and a run, as text without data.

Names of columns, types and counts are told; values, names of genes and paths are not.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import polars as pl

from splice_meta import __version__
from splice_meta.errors import SpliceMetaError
from splice_meta.files.stores import place_of
from splice_meta.model.load import load_model
from splice_meta.report.describe_model import describe_model
from splice_meta.runs.found import has_ended, record_of, run_at
from splice_meta.runs.outputs import RECORD
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.process import usable_cores
from splice_meta.sources.files import files_of, reads_by_gene
from splice_meta.sources.tables import open_tables, scan_unchanged

PACKAGES = (
    "polars", "numpy", "pyarrow", "xgboost", "typer", "rich", "altair", "vl-convert-python",
    "openvino", "torch", "h5py", "distributed", "obstore", "skops", "mlflow-skinny",
)  # fmt: skip
VARIABLES = (
    "POLARS_MAX_THREADS", "OMP_NUM_THREADS", "POLARS_ENGINE_AFFINITY", "CUDA_VISIBLE_DEVICES",
)  # fmt: skip
"""Variables that change how a run computes, and hold nothing private."""
MODEL_FACTS = ("Kind", "Classes", "Trees", "Margin", "Calibration", "Features", "By kind",
               "Digests of its files")  # fmt: skip

_PRIVATE = (
    (re.compile(r"'[^']*'"), "'…'"),
    (re.compile(r"\b([Gg]ene) (?!id\b)\S+"), r"\1 …"),
    (re.compile(r"\bfirst (?!in\b)[^\s;,]+"), "first …"),
    (re.compile(r"(?:[\w.+-]+://|~)?[\w.+@%=-]*(?:/[\w.+@%=-]+)+/?"), "PATH"),
    (
        re.compile(
            r"[\w.+@%=-]+\.(?:parquet|arrow|ipc|feather|[ct]sv|txt|bed|h5|json|ubj|pkl|pickle|"
            r"joblib|skops)(?:\.(?:gz|zst))?\b"
        ),
        "FILE",
    ),
)


def diagnose(
    scores: Sequence[str] | None,
    model: str,
    run: str | None = None,
    checks: Sequence[tuple[str, str]] = (),
    trust_pickle: bool = False,
) -> str:
    """Describe versions, a model, base scores and a run for an issue, without data.

    Args:
        scores: Files, folders or patterns of base scores; None for none.
        model: The model.
        run: The output directory of a run, or its folder of tables, for its settings.
        checks: What was checked and what is wrong with it, as ``health_check`` yields it.
        trust_pickle: Allow pickled models, through an allow-list.

    Returns:
        The text. It has no value of a table, no name of a gene or sample, and no path.
    """
    lines = [
        "A splice_meta report for an issue. It holds no data; read it before you paste it.",
        "",
    ]
    for head, section in (
        ("Versions", _versions()),
        ("Checks", (f"{'failed' if bad else 'ok':7} {private(label)}{private(bad) and ': '}"
                    f"{private(bad)}" for label, bad in checks)),
        ("Model", _model(model, trust_pickle)),
        ("Input", _inputs(scores)),
        ("Run", _run(run)),
    ):  # fmt: skip
        lines += [f"## {head}", "", *_refused(section), ""]
    return "\n".join(lines)


def private(text: str) -> str:
    """A message without what is quoted in it, names of genes, and paths."""
    for pattern, instead in _PRIVATE:
        text = pattern.sub(instead, text)
    return text


def _refused(section: Iterator[str]) -> Iterator[str]:
    """The lines of a section; an error ends it with its class and message."""
    try:
        with plain_panics():
            yield from section
    except SpliceMetaError as error:
        yield f"{type(error).__name__}: {private(error.message)}"


def _versions() -> Iterator[str]:
    yield f"splice_meta {__version__}, Python {platform.python_version()}"
    yield f"{platform.system()} {platform.release()} {platform.machine()}, {usable_cores()} cores"
    for name in PACKAGES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            yield f"{name} not installed"
    for name in VARIABLES:
        if name in os.environ:
            yield f"{name}={os.environ[name]}"


def _model(model: str, trust_pickle: bool) -> Iterator[str]:
    loaded = load_model(model, trust_pickle=trust_pickle)
    yield f"Given as: {model if model.startswith('bundled:') else Path(model).suffix or 'folder'}"
    for label, text in describe_model(loaded):
        if label in MODEL_FACTS:
            yield f"{label}: {text}"


def _inputs(scores: Sequence[str] | None) -> Iterator[str]:
    if not scores:
        yield "None given."
        return
    for number, source in enumerate(scores, 1):
        name, _, path = source.rpartition("=")
        files = files_of(path if name.isidentifier() else source)
        endings = sorted({"".join(Path(file).suffixes[-2:]) or "no ending" for file in files})
        yield f"Input {number}: {len(files):,} file(s), {', '.join(endings)}"
        if reads_by_gene(files):
            yield "  OpenSpliceAI's own files"
            continue
        rows = scan_unchanged(open_tables(files))
        yield from _shape(rows)


def _shape(rows: pl.LazyFrame) -> Iterator[str]:
    schema = rows.collect_schema()
    counts = [pl.col(name).null_count().alias(f"null {name}") for name in schema]
    genes = [pl.col("gene_id").n_unique().alias("genes")] if "gene_id" in schema else []
    found = rows.select(pl.len().alias("rows"), *genes, *counts).collect(engine="streaming")
    row = found.row(0, named=True)
    yield f"  rows: {row['rows']:,}; genes: {row['genes'] if genes else 'no column gene_id'}"
    for name, dtype in schema.items():
        kind = type(dtype).__name__ if isinstance(dtype, pl.Enum | pl.Categorical) else f"{dtype}"
        yield f"  {name}: {kind}, {row[f'null {name}']:,} missing"


def _run(run: str | None) -> Iterator[str]:
    if run is None:
        yield "None given."
        return
    layout = run_at(place_of(run))
    if layout is None or not has_ended(layout):
        yield "It has not ended." if layout is not None else "Not the output directory of a run."
        return
    yield from _nested("settings", record_of(layout, RECORD).at("settings").value)


def _nested(name: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _nested(f"{name}.{key}", each)
    elif name.rpartition(".")[2] == "custom":
        yield f"{name}: {len(value) if isinstance(value, list) else 0} families"
    else:
        yield f"{name}: {value}"
