"""A finished run, as the report reads it from its folder, here or in an object store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.contracts import without_version
from splice_meta.errors import InputError, OutputError, SpliceMetaError
from splice_meta.runs.found import has_ended, record_of, run_at, state_of
from splice_meta.runs.outputs import MANIFEST, RECORD, OutputLayout, check_run_name
from splice_meta.runs.site_table import read_sites
from splice_meta.runs.tables import scan_genes
from splice_meta.runs.truth_bins import BINS
from splice_meta.sites import COUNTS

HINT = "Run it again with --overwrite; runs of earlier versions have no sites table."

GENES: dict[str, type[pl.DataType]] = {
    "gene_id": pl.String, "scenario": pl.String, "status": pl.String, "reason": pl.String,
    "positions": pl.Int64, "uncertain": pl.Int64, "recalibrated": pl.Int64,
    "with_criteria": pl.Int64, "moved": pl.Int64, "annotated": pl.Int64,
    **dict.fromkeys(COUNTS, pl.Int64),
}  # fmt: skip


@dataclass(frozen=True)
class FinishedRun:
    """What a run left in its folder, or what it is about to end with.

    Attributes:
        layout: Where its files lie.
        record: Its metadata.
        genes: One row per gene asked for, with :data:`GENES` at least.
        sites: Its sites table; without rows where no gene could be done.
        bins: Positions by probability and truth, see :mod:`splice_meta.runs.truth_bins`.
    """

    layout: OutputLayout
    record: dict[str, Any]
    genes: pl.DataFrame
    sites: pl.DataFrame
    bins: pl.DataFrame

    def rows_of(self, genes: Collection[str]) -> pl.LazyFrame | None:
        """Some genes' rows of the complete table; None where that was not written."""
        try:
            return scan_genes(self.layout, "complete", genes)
        except OutputError:
            return None

    @property
    def threshold(self) -> float:
        """The probability from which a site counts as called."""
        return float(self.record["settings"]["site_threshold"])


def open_finished(source: str | Path) -> FinishedRun:
    """Open a finished run.

    Args:
        source: Its output directory, of which the latest run is meant, or the folder of its tables;
            here or in an object store.

    Raises:
        InputError: If there is no finished run with a sites table.
    """
    layout = run_at(source)
    if layout is None or not has_ended(layout):
        state = state_of(layout) if layout is not None else None
        if layout is not None and state is not None:
            raise InputError(
                f"The run {layout.run_name} has not ended: {state.so_far()}.",
                "Finish it with the same command and --resume.",
            )
        raise InputError(f"{source} is not the output directory of a run.", "Give one that is.")
    try:
        listed, data = record_of(layout, MANIFEST), record_of(layout, RECORD)
        check_run_name(listed.at("run").text())
        data.at("settings").at("site_threshold").number(0, 1)
        for pair in data.at("summary").items():
            pair.texts()
        for pair in data.at("changes").items():
            pair.numbers()
        for count in data.at("truth").fields().values():
            count.whole()
        counted = [each.value for each in data.at("bins").items()]
        bins = pl.DataFrame(counted, schema=BINS)
        rows = [gene.value for gene in listed.at("genes").items()]
        genes = pl.DataFrame(rows, schema_overrides=GENES, infer_schema_length=None)
        genes = genes.select(list(GENES))
    except (SpliceMetaError, pl.exceptions.PolarsError, TypeError, ValueError) as error:
        reason = getattr(error, "message", "") or " ".join(str(error).split())
        raise InputError(
            f"{source} has no record that a report can be made of: {reason}", HINT
        ) from None
    return FinishedRun(layout, data.value, genes, read_sites(layout, genes), bins)


def chosen_genes(run: FinishedRun, asked: Sequence[str] | None, most: int) -> list[str]:
    """The genes that get a page: those asked for, or those with the most gained and lost sites.

    Args:
        run: The run.
        asked: Ids, with or without version, or names that the sites table has, in any case.
        most: How many are chosen where none are asked for.

    Raises:
        InputError: If a gene asked for is not among those that the run has done.
    """
    done = run.genes.filter(pl.col("status") == "done")
    if asked is None:
        changed = done.with_columns(_changed=pl.col("gained") + pl.col("lost"))
        order = ["_changed", "moved", "final_sites"]
        first = changed.sort(order, descending=True, maintain_order=True).head(most)
        return first["gene_id"].to_list()
    named = run.sites.select("gene_name", "gene_id").drop_nulls().unique().rows()
    ids = {gene: gene for gene in done["gene_id"]}
    exact = dict(named) | ids
    loose: dict[str, set[str]] = {}
    for name, gene in [*named, *ids.items()]:
        loose.setdefault(_bare(name), set()).add(gene)
    found: list[str] = []
    for name in asked:
        meant = {exact[name]} if name in exact else loose.get(_bare(name), set())
        if len(meant) != 1:
            raise InputError(f"The run has no gene {name}.", _GENES_HINT)
        found += meant
    return list(dict.fromkeys(found))


_GENES_HINT = (
    "Its genes are in gene_manifest.json; names are known of a run with --annotation, of genes "
    "with sites."
)


def _bare(name: str) -> str:
    """A name without what people leave out or write otherwise."""
    return without_version(name.upper())
