"""The figures that the reports show."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from splice_meta.settings import Mode, Selection
from splice_meta.stores import Place

STRATEGY_LINE: dict[Mode, str] = {
    "hybrid": "Selective featurization + base model reuse",
    "meta_only": "Selective featurization + complete meta-model recalibration",
    "base_only": "Base model only",
}

TRACK_GENES = 12
"""Genes whose splice sites the HTML report draws."""

SITE = 0.5
"""Probability from which a position counts as a predicted site in the reports."""


@dataclass(frozen=True)
class RunSummary:
    """The figures of a run.

    Attributes:
        mode: How positions were chosen for the meta-model.
        selection: What counted as uncertain.
        model: Where the model came from.
        genes: One row per gene asked for.
        shards: Number of gene batches.
        seconds: Wall time.
        fills: One sentence per kind of filled feature.
        filled_gain_share: Share of the model's total gain that filled features carry.
        predictions: The folder of the tables.
        features: Number of features the model reads; 0 without a model.
        filled: How many of them were filled for every row.
        taken: How many of the gene batches an interrupted run had done already.
        scored: Genes whose base scores were made in this run, by which base models; empty if none.
    """

    mode: Mode
    selection: Selection
    model: str
    genes: pl.DataFrame
    shards: int
    seconds: float
    fills: tuple[str, ...]
    filled_gain_share: float
    predictions: Place
    features: int = 0
    filled: int = 0
    taken: int = 0
    scored: str = ""

    @property
    def positions(self) -> int:
        """Positions with a prediction."""
        return int(self.genes.filter(pl.col("status") == "done")["positions"].sum())

    @property
    def recalibrated(self) -> int:
        """Positions where the meta-model ran."""
        return int(self.genes["recalibrated"].sum())

    @property
    def failed(self) -> int:
        """Genes that could not be done."""
        return self.genes.filter(pl.col("status") == "failed").height

    def _count(self, count: int) -> str:
        share = count / self.positions if self.positions else 0.0
        return f"{count:,} ({share:.1%})"

    def lines(self) -> list[tuple[str, str]]:
        """The summary as label and text, for the terminal and the reports."""
        reused = self.positions - self.recalibrated
        done = self.genes.height - self.failed
        fate = f" ({done:,} done, {self.failed:,} failed)" if self.failed else ""
        taken = f"{self.taken:,} of {self.shards:,} shards were done already"
        taken += "; nothing was left to do" if self.taken == self.shards else ""
        made = [("Scored from sequence", self.scored)] if self.scored else []
        return [
            ("Target genes", f"{self.genes.height:,}{fate}"),
            *made,
            ("Uncertainty range", f"[{self.selection.low:.3f}, {self.selection.high:.3f})"),
            ("Model", self.model),
            *([("Features", self._features())] if self.features else []),
            ("Strategy", STRATEGY_LINE[self.mode]),
            *([("Resumed", taken)] if self.taken else []),
            ("Processing time", f"{self.seconds:.1f} s"),
            ("Complete coverage", f"{self.positions:,} positions"),
            ("Meta-model recalibrated", self._count(self.recalibrated)),
            ("Base model reused", self._count(reused)),
        ]

    def _features(self) -> str:
        if not self.filled:
            return f"{self.features:,}, all computed{' (see below)' if self.fills else ''}"
        return f"{self.features:,}, of which {self.filled:,} filled"

    def skew(self) -> str:
        """A sentence on training-serving skew, empty where there is none."""
        if not self.filled_gain_share:
            return ""
        return (
            "Training-serving skew: features filled for every row carry "
            f"{self.filled_gain_share:.1%} of the model's total gain."
        )


@dataclass(frozen=True)
class TableSummary:
    """What the HTML report draws of the complete table.

    Attributes:
        changes: Histogram of the change of donor + acceptor probability where the meta-model ran:
            ``change`` (lower edge of a bin of 0.05) and ``positions``.
        calls: One row per gene: predicted donors and acceptors of base model and final.
        sites: Positions of the drawn genes with a base or final splice probability >= 0.1.
    """

    changes: pl.DataFrame
    calls: pl.DataFrame
    sites: pl.DataFrame


def table_summary(complete: pl.LazyFrame, genes: pl.DataFrame) -> TableSummary:
    """Aggregate the complete table in one pass.

    Args:
        complete: The combined prediction.
        genes: One row per gene asked for.
    """
    base = pl.col("donor_score") + pl.col("acceptor_score")
    final = pl.col("donor_meta") + pl.col("acceptor_meta")
    drawn = (
        genes.filter(pl.col("status") == "done")
        .sort("recalibrated", descending=True)
        .head(TRACK_GENES)["gene_id"]
    )
    changes = (
        complete.filter(pl.col("is_adjusted"))
        .select(bin=((final - base).cast(pl.Float64) * 20).round(0, mode="half_away_from_zero"))
        .group_by("bin")
        .agg(positions=pl.len())
        .select(change=pl.col("bin") / 20, positions="positions")
        .sort("change")
    )
    calls = complete.group_by("gene_id", maintain_order=True).agg(
        **{
            f"{name}_{kind}": (pl.col(f"{name}_{column}") >= SITE).sum()
            for kind, column in (("base", "score"), ("final", "meta"))
            for name in ("donor", "acceptor")
        }
    )
    sites = complete.filter(
        pl.col("gene_id").is_in(drawn.to_list()),
        pl.max_horizontal("donor_score", "acceptor_score", "donor_meta", "acceptor_meta") >= 0.1,
    ).select(
        "gene_id", "position", "donor_score", "acceptor_score", "donor_meta", "acceptor_meta",
        "is_adjusted",
    )  # fmt: skip
    return TableSummary(*pl.collect_all([changes, calls, sites]))
