"""What is done with each shard of variants, which is some changes of some genes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import polars as pl

from splice_meta.alleles.alignment import Span
from splice_meta.alleles.alternatives import (
    GeneAlleles,
    GeneBases,
    alternative_genes,
    reference_scores,
    stretches_of,
)
from splice_meta.alleles.changes import Fate, changed_sites, compare_alleles
from splice_meta.alleles.deltas import FACTS, KINDS, delta_columns, find_deltas
from splice_meta.alleles.given_scores import GivenScores
from splice_meta.alleles.layout import SITES, SUMMARY, Layout
from splice_meta.alleles.recalibrate import Recalibrator
from splice_meta.alleles.settings import VariantSettings
from splice_meta.alleles.stopping import Stopping
from splice_meta.base_models.edits import EditScorer
from splice_meta.base_models.protocol import BaseModel, parallel_of
from splice_meta.base_models.score_task import reason_of
from splice_meta.contracts import SpliceType
from splice_meta.files.digests import ends_of
from splice_meta.files.records import Entry
from splice_meta.jobs.plan import Part, Receipt, Shard, Told
from splice_meta.reference.sequence import Genome, transcript_bases
from splice_meta.runtime.panics import plain_panics
from splice_meta.sink import sink_parquet

log = logging.getLogger("splice_meta")

HELD = 4_000_000
"""Positions of genes that are kept together for one recalibration."""


@dataclass
class _Process:
    """What the shards of one process share while they are made; another process has its own."""

    scorers: dict[str, EditScorer] = field(default_factory=dict)
    reading: Lock = field(default_factory=Lock)  # the FASTA is one open file
    stopping: Stopping = field(default_factory=Stopping)

    def __reduce__(self) -> tuple[type[_Process], tuple[()]]:
        return _Process, ()


@dataclass(frozen=True)
class VariantTask:
    """What the shards of variants share; see :class:`splice_meta.jobs.plan.Task`.

    Attributes:
        models: The base models by the names that the meta-model has for them, the primary first.
        recalibrator: Predicts alternative genes; None for base scores alone.
        genome: The sequence.
        genes: ``gene_id``, ``record``, ``strand``, ``start``, ``end``, ``is_known`` (whether its
            splice sites are annotated); by number.
        sites: ``gene`` (number), ``genomic_position`` and ``type`` of annotated splice sites.
        pairs: ``gene``, ``start``, ``end``, ``put``, ``variant``; by gene.
        scores: Base scores of some genes that are made already, or None.
        settings: What is computed.
        layout: Where to write.
    """

    models: Mapping[str, BaseModel]
    recalibrator: Recalibrator | None
    genome: Genome
    genes: pl.DataFrame
    sites: pl.DataFrame
    pairs: pl.DataFrame
    scores: GivenScores | None
    settings: VariantSettings
    layout: Layout
    _process: _Process = field(default_factory=_Process, repr=False, compare=False)

    what = "variants"
    tells = True
    retries = True

    @property
    def at_once(self) -> int:
        """As many as the base model makes calls at once, and one: tables are made meanwhile."""
        return max(parallel_of(model) for model in self.models.values()) + 1

    @property
    def folder(self) -> Any:
        """The folder of the parts."""
        return self.layout.parts

    @property
    def distance(self) -> int:
        """How far scores can change, as far as it is asked for."""
        half = max(model.context for model in self.models.values()) // 2
        return max(1, min(self.settings.distance, half))

    def absolute(self) -> VariantTask:
        """The same, with an absolute path, as it goes to other processes."""
        return replace(self, layout=Layout(self.layout.folder.absolute()))

    def open(self, sent: bool) -> None:
        """Make what calls the base models; let a model that was sent use this process's threads."""
        self._process.scorers = {name: EditScorer(model) for name, model in self.models.items()}
        self._process.stopping.clear()
        boosters = self.recalibrator.model.boosters if sent and self.recalibrator else ()
        for booster in boosters:
            booster.set_param({"nthread": 0})

    def close(self) -> None:
        """Begin no other gene, and let the threads end."""
        self._process.stopping.stop()
        for scorer in self._process.scorers.values():
            scorer.close()

    def run(self, shard: Shard, room: AbstractContextManager[object], told: Told) -> Receipt:
        """Score the changes of some genes; a gene that fails does not stop the others."""
        started, failures = time.perf_counter(), dict[str, str]()
        with room:
            made = list(self._tables(shard, failures, told))
            summary = pl.concat([each for each, _ in made]) if made else self.empty(SUMMARY)
            sites = pl.concat([each for _, each in made]) if made else self.empty(SITES)
        parts = []
        for name, table in ((SUMMARY, summary), (SITES, sites)):
            path = self.layout.part(name, shard.number)
            sink_parquet(table.lazy(), path)
            parts.append(Part(name, path.name, table.height, **ends_of(path)))
        return Receipt(shard, failures, tuple(parts), time.perf_counter() - started)

    def lost(self, shard: Shard, reason: str) -> Receipt:
        """The receipt of a shard all of whose genes failed."""
        return Receipt(shard, dict.fromkeys(self._ids(shard), reason))

    def files(self, shard: Shard) -> dict[str, Any]:
        """A part of each table."""
        return {name: self.layout.part(name, shard.number) for name in (SUMMARY, SITES)}

    def folders(self) -> list[Any]:
        """The folder of the parts."""
        return [self.layout.parts]

    def note(self, receipt: Receipt) -> dict[str, Any]:
        """Nothing more than every receipt has."""
        return {}

    def noted(self, line: Entry, shard: Shard) -> Receipt:
        """Likewise."""
        return Receipt(shard)

    def _ids(self, shard: Shard) -> list[str]:
        numbers = self.pairs["gene"].slice(shard.first, shard.stop - shard.first).unique()
        return self.genes["gene_id"].gather(numbers.sort()).to_list()

    def _tables(
        self, shard: Shard, failures: dict[str, str], told: Told
    ) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """The deltas and changed sites of each gene."""
        pairs = self.pairs.with_row_index("pair")[shard.first : shard.stop]
        held: list[GeneAlleles] = []
        for changes in pairs.partition_by("gene", maintain_order=True):
            self._process.stopping.check()
            gene = self._alleles(changes, failures)
            told(changes.height)
            held += [gene] if gene is not None else []
            if sum(len(each.bases) for each in held) > HELD:
                yield from self._compared(held, failures)
                held = []
        yield from self._compared(held, failures)

    def _alleles(self, changes: pl.DataFrame, failures: dict[str, str]) -> GeneAlleles | None:
        """The base scores of a gene and of what changes make of it; None where that fails."""
        number = changes["gene"][0]
        gene = self.genes.row(number, named=True)
        try:
            with plain_panics():
                return self._scored(gene, number, changes)
        except Exception as error:  # whatever it is, it must not stop the other genes
            self._process.stopping.check()
            log.debug("Gene %s", gene["gene_id"], exc_info=error)
            failures[gene["gene_id"]] = reason_of(error)
            return None

    def _scored(self, gene: dict[str, Any], number: int, changes: pl.DataFrame) -> GeneAlleles:
        sequence, span = self.sequence(gene, changes), span_of(gene)
        edits = span.edits(changes)
        known = self.scores.of(gene, sequence.own) if self.scores is not None else None
        reference = None
        if self.recalibrator is not None or known is not None:
            wanted = None if self.recalibrator else stretches_of(edits, self.distance)
            reference = reference_scores(
                self._process.scorers, sequence, gene["gene_id"], wanted, known
            )
        neighbours = self.recalibrator.neighbours if self.recalibrator is not None else 0
        return alternative_genes(
            self._process.scorers, sequence, span, changes, reference, number, self.distance,
            neighbours or 0,
        )  # fmt: skip

    def sequence(self, gene: dict[str, Any], changes: pl.DataFrame) -> GeneBases:
        """A gene with half a context on each side, and what deletions in it let come nearer."""
        lost = changes.select(
            (pl.col("end") - pl.col("start") + 1 - pl.col("put").str.len_chars()).max()
        ).item()
        half = max(model.context for model in self.models.values()) // 2
        flank = half + max(lost, 0)
        with self._process.reading:
            bases = transcript_bases(
                self.genome, gene["record"], gene["strand"], gene["start"] - flank,
                gene["end"] + flank,
            )  # fmt: skip
        return GeneBases(bases, flank)

    def _compared(
        self, held: list[GeneAlleles], failures: dict[str, str]
    ) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
        """The deltas and sites of genes; those of one plan fail together."""
        batches = (
            self.recalibrator.batches(held) if self.recalibrator else ([each] for each in held)
        )
        for batch in batches:
            try:
                with plain_panics():
                    final = self.recalibrator.predict(batch) if self.recalibrator else None
                    made = [self._table(gene, final) for gene in batch]
            except Exception as error:
                ids = self.genes["gene_id"].gather([gene.number for gene in batch])
                log.debug("Genes %s", ", ".join(ids), exc_info=error)
                failures |= dict.fromkeys(ids, reason_of(error))
                continue
            yield from made

    def _table(
        self, gene: GeneAlleles, final: tuple[pl.DataFrame, pl.DataFrame] | None
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        place = self.genes.row(gene.number, named=True)
        compared = compare_alleles(gene, span_of(place), tuple(self.models), final)
        known = self.sites.filter(pl.col("gene") == gene.number) if place["is_known"] else None
        deltas = find_deltas(compared, known, self.settings.mask)
        sites = changed_sites(compared, known, self.settings.threshold)
        return self._numbered(deltas), self._numbered(sites)

    def _numbered(self, table: pl.DataFrame) -> pl.DataFrame:
        """With variant and gene in place of the pair."""
        numbers = self.pairs.select("variant", "gene")[table["pair"].to_numpy()]
        return numbers.hstack(table.drop("pair"))

    @property
    def layers(self) -> list[str]:
        """The layers that are computed, the one that decides last."""
        return ["base", "final"] if self.recalibrator else ["base"]

    def empty(self, name: str) -> pl.DataFrame:
        """A part of a table without rows."""
        return self._empty_summary() if name == SUMMARY else self._empty_sites()

    def _empty_summary(self) -> pl.DataFrame:
        of = {"": pl.Float32, "_position": pl.Int64, "_annotated": pl.Boolean}
        facts = {f"{k}{fact}": of.get(fact, pl.Float32) for k in KINDS for fact in FACTS}
        facts |= {"largest": pl.Float32, "any": pl.Float32}
        columns = delta_columns(self.layers)
        schema = {name: facts.get(name.partition("_")[2], pl.Float32) for name in columns}
        return pl.DataFrame(schema={"variant": pl.UInt32, "gene": pl.UInt32, **schema})

    def _empty_sites(self) -> pl.DataFrame:
        values = [f"{k}_{side}" for k in self.layers for side in ("ref", "alt")]
        return pl.DataFrame(
            schema={
                "variant": pl.UInt32, "gene": pl.UInt32, "genomic_position": pl.Int64,
                "inserted": pl.Int32, "type": SpliceType, **dict.fromkeys(values, pl.Float32),
                "change": pl.Float32, "fate": Fate, "is_annotated": pl.Boolean,
            }
        )  # fmt: skip


def span_of(gene: Mapping[str, Any]) -> Span:
    """Where a gene lies."""
    return Span(gene["start"], gene["end"], gene["strand"] == "+")
