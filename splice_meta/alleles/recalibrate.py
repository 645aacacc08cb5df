"""Recalibrating alternative genes: the same plan, features and meta-model as for the reference.

Many alternative genes are one lazy plan. Each has its gene's full position axis, thinned to what
features can see: positions with a base score of at least 0.001, the neighbours of those that are
recalibrated, and both ends of the gene.

A position is recalibrated in both alleles where a base score of either is at least 0.001, the
threshold of the candidates that meta-models are trained on. What of a gene counts as uncertain
within its 10% (the mode ``hybrid`` of a run) is no matter here: two alleles would differ by what
is picked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.alleles.alternatives import GeneAlleles, score_columns
from splice_meta.alleles.reach import CANDIDATE, neighbours_needed, widened
from splice_meta.contracts import SCORES, scores_of, with_axis
from splice_meta.model.bundle import MetaModel
from splice_meta.pipeline.batch import ENGINE, predict_picked
from splice_meta.reference.bases import letters
from splice_meta.settings import RunSettings

MOST_ROWS = 1 << 20
"""Rows of the genes of one plan; an alternative gene with more is one alone."""

FINAL = ("donor_predicted", "acceptor_predicted")

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Recalibrator:
    """Predicts alternative genes.

    Attributes:
        model: The meta-model.
        names: The base models, the primary one first.
        gene_values: The annotation's features of each gene, by its number; those of the reference
            stand for the alternative genes, too.
        settings: Which families of features are made.
    """

    model: MetaModel
    names: tuple[str, ...]
    gene_values: pl.DataFrame
    settings: RunSettings

    @property
    def neighbours(self) -> int | None:
        """See :func:`.reach.neighbours_needed`."""
        return neighbours_needed(self.model.manifest, self.settings.features)

    def batches(self, genes: Sequence[GeneAlleles]) -> Iterator[list[GeneAlleles]]:
        """Put alternative genes together up to a number of rows."""
        held: list[GeneAlleles] = []
        rows = 0
        for gene in genes:
            each = self._rows_each(gene)
            room = max(MOST_ROWS // each - 1, 1)
            for first in range(0, gene.pairs.height, room):
                some = gene.some(first, room)
                count = each * (some.pairs.height + 1)
                if held and rows + count > MOST_ROWS:
                    yield held
                    held, rows = [], 0
                held.append(some)
                rows += count
        if held:
            yield held

    def _rows_each(self, gene: GeneAlleles) -> int:
        """About how many rows an alternative gene takes."""
        stretch = int((gene.pairs["to_x"] - gene.pairs["from_x"]).max() or 0)  # type: ignore[arg-type]
        return stretch + int(self._kept(gene, gene.is_candidate).sum())

    def _kept(self, gene: GeneAlleles, picked: Flags) -> Flags:
        """Which positions of the reference features may look at."""
        if self.neighbours is None:
            return np.ones(len(gene.bases), np.bool_)
        kept = widened(picked, self.neighbours)
        kept[[0, -1]] = True
        return kept

    def predict(self, genes: Sequence[GeneAlleles]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Recalibrate the candidates of some genes and of their alternatives.

        Returns:
            Of the alternative genes ``pair``, ``x``, ``inserted`` and :data:`FINAL`; of the
            references ``gene``, ``x`` and :data:`FINAL`, also where only an alternative gene has a
            candidate.
        """
        reference = pl.concat([self._reference(gene) for gene in genes])
        pairs = pl.concat([gene.pairs for gene in genes]).filter("is_left")
        rows = pl.concat([self._stretches(gene) for gene in genes])
        marked = self._plan(reference, pairs, rows).collect(engine=ENGINE)
        values = self._values(genes, pairs)
        found, _ = predict_picked(marked, self.model, self.settings, values)
        final = marked.filter("is_adjusted").select("gene_id", "x", "inserted").hstack(
            found.select(donor_predicted="donor", acceptor_predicted="acceptor")
        )  # fmt: skip
        is_reference = pl.col("gene_id") < 0
        return (
            final.filter(~is_reference)
            .with_columns(pair=pl.col("gene_id").cast(pl.UInt32))
            .select("pair", "x", "inserted", *FINAL),
            final.filter(is_reference)
            .with_columns(gene=(-1 - pl.col("gene_id")).cast(pl.UInt32))
            .select("gene", "x", *FINAL),
        )

    def _reference(self, gene: GeneAlleles) -> pl.DataFrame:
        """The positions of the reference that features may look at.

        ``is_own`` marks candidates of its own; ``is_adjusted`` those of its alternatives, too.
        """
        own = gene.is_candidate
        theirs = gene.rows.filter(
            self._is_candidate, pl.col("inserted") == 0, pl.col("x").is_between(0, own.size - 1)
        )
        picked = own.copy()
        picked[theirs["x"].to_numpy()] = True
        at = np.flatnonzero(self._kept(gene, picked))
        names = score_columns(self.names)
        return pl.DataFrame(
            {
                "gene": np.full(at.size, gene.number, np.uint32), "x": at,
                **{name: gene.scores[at, i] for i, name in enumerate(names)},
                "base": letters(gene.bases[at]), "is_own": own[at], "is_adjusted": picked[at],
            }
        )  # fmt: skip

    @property
    def _is_candidate(self) -> pl.Expr:
        splice = [name for names in map(scores_of, self.names) for name in names[:2]]
        return pl.max_horizontal(splice) >= pl.lit(CANDIDATE, pl.Float32)

    def _stretches(self, gene: GeneAlleles) -> pl.DataFrame:
        """The stretches of the alternative genes; adjusted where either allele is a candidate."""
        x, length = gene.rows["x"].to_numpy(), len(gene.bases)
        stands = (gene.rows["inserted"].to_numpy() == 0) & (x >= 0) & (x < length)
        own = gene.is_candidate[np.clip(x, 0, length - 1)] & stands
        return gene.rows.with_columns(
            base=letters(gene.rows["base"].to_numpy()),
            is_adjusted=self._is_candidate | pl.Series(own),
        )

    def _plan(
        self, reference: pl.DataFrame, pairs: pl.DataFrame, rows: pl.DataFrame
    ) -> pl.LazyFrame:
        """The full axes of all genes: references first, numbered from -1 down."""
        raw = score_columns(self.names)
        columns = ["gene_id", "position", *raw, "base", "is_adjusted", "x", "inserted"]
        x = pl.col("x")
        shift = pl.when(x >= pl.col("to_x")).then("shift").otherwise(0)
        unchanged = (
            reference.lazy()
            .join(pairs.lazy(), on="gene")
            .filter((x < pl.col("from_x")) | (x >= pl.col("to_x")))
            .with_columns(
                gene_id=pl.col("pair").cast(pl.Int64), position=x + shift + 1,
                is_adjusted="is_own", inserted=pl.lit(0, pl.Int32),
            )
        )  # fmt: skip
        changed = rows.lazy().with_columns(gene_id=pl.col("pair").cast(pl.Int64))
        references = reference.lazy().with_columns(
            gene_id=-1 - pl.col("gene").cast(pl.Int64), position=x + 1,
            inserted=pl.lit(0, pl.Int32),
        )  # fmt: skip
        plan = pl.concat([each.select(columns) for each in (references, unchanged, changed)])
        primary = dict(zip(SCORES, raw, strict=False)) if raw[0] != SCORES[0] else {}
        named = plan.with_columns(pl.col(theirs).alias(ours) for ours, theirs in primary.items())
        return with_axis(named.sort("gene_id", "position"))

    def _values(self, genes: Sequence[GeneAlleles], pairs: pl.DataFrame) -> pl.DataFrame:
        """The annotation's features of all genes of the plan."""
        of = pl.concat(
            [
                pairs.select("gene", gene_id=pl.col("pair").cast(pl.Int64)),
                pl.DataFrame(
                    {
                        "gene": pl.Series([gene.number for gene in genes], dtype=pl.UInt32),
                        "gene_id": [-1 - gene.number for gene in genes],
                    }
                ),
            ]
        )
        values = of.join(self.gene_values, on="gene", how="left", maintain_order="left")
        return values.drop("gene").select("gene_id", pl.exclude("gene_id"))
