"""The figures that the reports show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from splice_meta.files.stores import Place
from splice_meta.settings import Mode, Selection
from splice_meta.shown import Shown, few

STRATEGY_LINE: dict[Mode, str] = {
    "hybrid": "Selective featurization + base model reuse",
    "meta_only": "Selective featurization + complete meta-model recalibration",
    "base_only": "Base model only",
}


@dataclass(frozen=True, repr=False)
class RunSummary(Shown):
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
        own: Those that were taken from columns of the base scores.
        taken: How many of the gene batches an interrupted run had done already.
        base_scores: Which base model the base scores are taken for, and by what.
        comparison: How they compare with those the model was trained on.
        scored: Genes whose base scores were made in this run, by which base models; empty if none.
        warnings: What was said of the inputs, and of the scores.
        stages: Seconds by stage, those of shards that were worked on at once added up.
        threshold: Probability from which a site counts as called.
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
    own: tuple[str, ...] = ()
    taken: int = 0
    base_scores: str = ""
    comparison: str = ""
    scored: str = ""
    warnings: tuple[str, ...] = ()
    threshold: float = 0.5
    stages: Mapping[str, float] = field(default_factory=dict)

    def _facts(self) -> list[tuple[str, str]]:
        return self.lines()

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

    @property
    def missing(self) -> int:
        """Positions that are missing inside the genes that were done."""
        return int(self.genes.filter(pl.col("status") == "done")["missing"].sum())

    def _missing(self) -> str:
        share = self.missing / (self.positions + self.missing)
        return f"{self.missing:,} positions ({share:.1%})"

    def _count(self, count: int) -> str:
        share = count / self.positions if self.positions else 0.0
        return f"{count:,} ({share:.1%})"

    def lines(self) -> list[tuple[str, str]]:
        """The summary as label and text, for the terminal and the reports."""
        reused = self.positions - self.recalibrated
        done = self.genes.height - self.failed
        fate = f" ({done:,} done, {self.failed:,} failed)" if self.failed else ""
        taken = f"{self.taken:,} of {self.shards:,} shards were already done"
        taken += "; nothing was left" if self.taken == self.shards else ""
        made = [("Scored from sequence", self.scored)] if self.scored else []
        return [
            ("Target genes", f"{self.genes.height:,}{fate}"),
            *made,
            *([("Base scores", self.base_scores)] if self.base_scores else []),
            *([("Their distribution", self.comparison)] if self.comparison else []),
            ("Uncertainty range", f"[{self.selection.low:.3f}, {self.selection.high:.3f})"),
            ("Model", self.model),
            *([("Features", self._features())] if self.features else []),
            ("Strategy", STRATEGY_LINE[self.mode]),
            *([("Resumed", taken)] if self.taken else []),
            ("Processing time", f"{self.seconds:.1f} s"),
            ("Complete coverage", f"{self.positions:,} positions"),
            *([("Missing inside genes", self._missing())] if self.missing else []),
            ("Meta-model recalibrated", self._recalibrated()),
            ("Base model reused", self._count(reused)),
            *(self._sites() if self.positions else []),
        ]

    def _recalibrated(self) -> str:
        """The count; with adaptive tuning its share is not a finding."""
        text = self._count(self.recalibrated)
        if self.mode != "hybrid" or not self.selection.is_tuned:
            return text
        return f"{text}, the share asked for"

    def _total(self, name: str) -> int:
        return int(self.genes[name].sum())

    def _sites(self) -> list[tuple[str, str]]:
        """What became of the sites, and with the truth how good they are."""
        known = self.genes.filter(pl.col("annotated").is_not_null())
        pairs = [
            (
                "Sites called",
                f"{self._total('base_sites'):,} by the base model, {self._total('final_sites'):,} "
                f"by final probabilities (at {self.threshold:g} or more)",
            ),
            ("Gained and lost", f"{self._fate('gained')}; {self._fate('lost')}"),
            ("Moved by over 0.05", f"{self._total('moved'):,} positions"),
        ]
        sites = int(known["annotated"].sum())
        if sites:
            figures = [
                f"{name} {_ratio(known, 'base', below)} -> {_ratio(known, 'final', below)}"
                for name, below in (("precision", "_sites"), ("recall", ""))
            ]
            pairs.append(("Accuracy, base -> final", f"{', '.join(figures)}; {sites:,} annotated"))
        return pairs

    def _fate(self, name: str) -> str:
        count = self._total(name)
        if not count or self.genes["annotated"].null_count() == self.genes.height:
            return f"{count:,} {name}"
        return f"{count:,} {name}, {self._total(f'{name}_annotated'):,} of them annotated"

    def _features(self) -> str:
        taken = f"; {few(self.own)} from the table of base scores" if self.own else ""
        if not self.filled:
            computed = "computed or there" if self.own else "computed"
            return f"{self.features:,}, all {computed}{' (see below)' if self.fills else ''}{taken}"
        return f"{self.features:,}, of which {self.filled:,} filled{taken}"

    def skew(self) -> str:
        """A sentence on training-serving skew, empty where there is none."""
        if not self.filled_gain_share:
            return ""
        return (
            "Training-serving skew: features filled for every row carry "
            f"{self.filled_gain_share:.1%} of the model's total gain."
        )


def _ratio(genes: pl.DataFrame, system: str, below: str) -> str:
    """Precision, where it is over the sites called, or recall, over the annotated ones."""
    over = int(genes[f"{system}{below}" if below else "annotated"].sum())
    return f"{int(genes[f'{system}_annotated'].sum()) / over:.3f}" if over else "-"
