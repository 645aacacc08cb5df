"""Telling what a run came to, or how far it is, as labels and texts."""

from __future__ import annotations

import polars as pl

from splice_meta.errors import InputError, SpliceMetaError
from splice_meta.files.stores import Place
from splice_meta.runs.found import has_ended, record_of, state_of
from splice_meta.runs.outputs import FILE_OF, HOME, MANIFEST, RECORD, OutputLayout, check_run_name
from splice_meta.runs.tables import scan_parts, scan_table
from splice_meta.settings import MODES

Pairs = list[tuple[str, str]]

HINT = "Finish it with run --resume, or run it again with --overwrite."


def describe_run(layout: OutputLayout) -> Pairs:
    """What a run came to; of one that has not ended, how far it is.

    Raises:
        InputError: If a record of it is damaged.
    """
    others = _others(layout)
    also = [("Other runs there", ", ".join(others))] if others else []
    return [*(_ended(layout) if has_ended(layout) else _begun(layout)), *also]


def _ended(layout: OutputLayout) -> Pairs:
    try:
        data, listed = record_of(layout, RECORD), record_of(layout, MANIFEST)
        states = [gene.at("status").text() for gene in listed.at("genes").items()]
        model = data.find("model")
        pairs = [
            ("Kind", "output of a run"),
            ("Run", check_run_name(data.at("run").text())),
            ("Mode", data.at("settings").at("mode").one_of(MODES)),
            ("Genes", f"{len(states):,} ({states.count('failed'):,} failed)"),
            ("Positions", f"{data.at('positions').whole():,}, "
             f"{data.at('recalibrated').whole():,} recalibrated"),
            ("Model", model.at("source").text(1 << 14) if model else "none"),
        ]  # fmt: skip
        found: list[Place] = sorted(layout.predictions.iterdir())
        rows = [
            f"{table.name} ({_count(scan_parts(table)):,} rows)"
            for table in found
            if table.suffix == ".parquet"
        ]
    except SpliceMetaError as error:
        raise InputError(f"{layout.root} is an incomplete run: {error.message}", HINT) from None
    except OSError as error:
        raise InputError(f"{layout.root} is an incomplete run: {error}.", HINT) from None
    return [*pairs, ("Tables", ", ".join(rows) or "none")]


def _begun(layout: OutputLayout) -> Pairs:
    """A run without reports: it was interrupted, or it is at work."""
    state = state_of(layout)
    assert state is not None  # a run is found by its ledger
    rows = []
    for output in FILE_OF:
        try:
            rows.append(f"{FILE_OF[output]} ({_count(scan_table(layout, output)):,} rows)")
        except SpliceMetaError:  # no shard of it is done
            continue
    return [
        ("Kind", "a run that has not ended: interrupted, or still running"),
        ("Run", layout.run_name),
        ("Started", f"{state.started.astimezone():%Y-%m-%d %H:%M:%S}"),
        ("Done", state.so_far()),
        ("Tables", ", ".join(rows) or "none"),
        ("To resume", f"the same command and --resume --run-name {layout.run_name}"),
    ]


def _count(rows: pl.LazyFrame) -> int:
    return int(rows.select(pl.len()).collect().item())


def _others(layout: OutputLayout) -> list[str]:
    """The other runs of its output directory, by name."""
    home = layout.root / HOME / "predictions"
    found: list[Place] = sorted(home.iterdir()) if home.is_dir() else []
    names = [each.name for each in found if (each / "ledger.jsonl").exists()]
    return [name for name in names if name != layout.run_name]
