"""What scoring does with each shard, which is some genes: their tables, one part file each.

The parts lie beside the table that they will be, in a folder of its name with ``.parts`` behind.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from threading import Event, Lock
from typing import Any
from urllib.parse import quote

import polars as pl

from splice_meta.base_models.gene_table import gene_table
from splice_meta.base_models.makers import made_by
from splice_meta.base_models.protocol import BaseModel, extras_of, parallel_of
from splice_meta.base_models.windows import (
    WINDOW,
    GeneScores,
    Window,
    batches,
    cut,
    overlapped,
    rounded,
    score_windows,
    window_of,
)  # fmt: skip
from splice_meta.contracts import SCORES
from splice_meta.files.digests import ends_of
from splice_meta.files.ownership import Owned
from splice_meta.files.records import Entry
from splice_meta.files.stores import Place
from splice_meta.jobs.plan import Part, Receipt, Shard, Told
from splice_meta.reference.sequence import Genome, transcript_bases
from splice_meta.runtime.panics import plain_panics
from splice_meta.sink import sink_parquet

log = logging.getLogger("splice_meta")

SHARD = 200_000
"""Positions of a shard of short genes; a longer gene is one alone. A shard that is interrupted is
scored again: about nine seconds of two cores with five networks."""

PARTS = Owned(
    what="genes of a scoring that is not complete",
    files=("ledger.jsonl", "*.parquet"),
    mark=("ledger.jsonl", b'"record":"run"'),
)
"""The folder of the parts."""


def parts_of_table(output: Place) -> Place:
    """The folder of the parts of a table of scores that is being made."""
    return output.parent / f"{output.name}.parts"


def reason_of(error: Exception) -> str:
    """Why a gene failed, in one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def make_shards(genes: pl.DataFrame, context: int) -> tuple[pl.DataFrame, list[Shard]]:
    """Put genes whose windows are alike together, the longest first, and cut them into shards.

    Args:
        genes: ``start`` and ``end`` among its columns.
        context: The base model's.

    Returns:
        The genes in that order, and the shards.
    """
    lengths = (genes["end"] - genes["start"] + 1).to_list()
    order = sorted(
        range(len(lengths)), key=lambda n: -rounded(window_of(lengths[n], WINDOW) + context)
    )
    packed: list[tuple[int, int, int]] = []
    for at, number in enumerate(order):
        length = lengths[number]
        if packed and packed[-1][2] + length <= SHARD:
            first, _, size = packed[-1]
            packed[-1] = (first, at + 1, size + length)
        else:
            packed.append((at, at + 1, length))
    shards = [Shard(number, len(packed), *each) for number, each in enumerate(packed)]
    return genes[order], shards


class Stopped(BaseException):
    """What ends a shard in another thread after an interrupt; nobody is told."""


@dataclass
class _Process:
    """What the shards of one process share while they are made; another process has its own."""

    pool: ThreadPoolExecutor | None = None
    stopped: Event = field(default_factory=Event)
    reading: Lock = field(default_factory=Lock)  # the FASTA is one open file

    def __reduce__(self) -> tuple[type[_Process], tuple[()]]:
        return _Process, ()


@dataclass(frozen=True)
class ScoreTask:
    """What the shards of a scoring share; see :class:`splice_meta.jobs.plan.Task`.

    Attributes:
        model: The base model.
        genome: The sequence.
        genes: In the order of the shards; columns as in :class:`.genes.GenesToScore`.
        sites: ``gene_id``, ``genomic_position`` and ``splice_type`` of splice sites, or None.
        output: The table.
        window: Most positions of a window.
    """

    model: BaseModel
    genome: Genome
    genes: pl.DataFrame
    sites: pl.DataFrame | None
    output: Place
    window: int
    _process: _Process = field(default_factory=_Process, repr=False, compare=False)

    what = "scoring"
    tells = True
    retries = True

    @property
    def at_once(self) -> int:
        """One more than the calls of the base model that run at once: its table is being made."""
        return parallel_of(self.model) + 1

    @property
    def folder(self) -> Place:
        """The folder of the parts."""
        return parts_of_table(self.output)

    def absolute(self) -> ScoreTask:
        """The same, with an absolute path, as it goes to other processes."""
        return replace(self, output=self.output.absolute())

    def open(self, sent: bool) -> None:
        """Start the threads that call the base model, for all shards together."""
        self._process.pool = ThreadPoolExecutor(parallel_of(self.model), "score")
        self._process.stopped.clear()

    def close(self) -> None:
        """Begin no other window, and let the threads end."""
        self._process.stopped.set()
        if self._process.pool is not None:
            self._process.pool.shutdown(wait=False, cancel_futures=True)

    def run(self, shard: Shard, room: AbstractContextManager[object], told: Told) -> Receipt:
        """Score some genes and write a part for each; one that fails does not stop the others."""
        started, failures, parts = time.perf_counter(), dict[str, str](), []
        with room:
            rows = self.genes[shard.first : shard.stop].to_dicts()
            places = {gene["gene_id"]: gene for gene in rows}
            listed = batches(cut(self._sequences(rows, failures), self.window), self.model.batch)
            for batch in self._scored(listed, failures):
                for window in batch:
                    told(window.stop - window.first)
                    gene = window.gene
                    gene.missing -= window.stop - window.first
                    if gene.missing == 0 and gene.gene_id not in failures:
                        parts.append(self._write(places[gene.gene_id], gene))
        return Receipt(shard, failures, tuple(parts), time.perf_counter() - started)

    def lost(self, shard: Shard, reason: str) -> Receipt:
        """The receipt of a shard all of whose genes failed."""
        return Receipt(shard, dict.fromkeys(self.files(shard), reason))

    def files(self, shard: Shard) -> dict[str, Place]:
        """The part of each gene; any id makes a plain file name."""
        genes = self.genes["gene_id"][shard.first : shard.stop]
        return {gene: self.part(gene) for gene in genes}

    def part(self, gene: str) -> Place:
        """The part of a gene."""
        return self.folder / f"{quote(gene, safe='')}.parquet"

    def folders(self) -> list[Place]:
        """The folder of the parts."""
        return [self.folder]

    def note(self, receipt: Receipt) -> dict[str, Any]:
        """Nothing more than every receipt has."""
        return {}

    def noted(self, line: Entry, shard: Shard) -> Receipt:
        """Likewise."""
        return Receipt(shard)

    def _scored(
        self, listed: Iterator[list[Window]], failures: dict[str, str]
    ) -> Iterator[list[Window]]:
        pool = self._process.pool
        assert pool is not None
        ahead = parallel_of(self.model)
        return overlapped(lambda batch: self._score(batch, failures), listed, pool, ahead)

    def _score(self, batch: list[Window], failures: dict[str, str]) -> None:
        """Score windows together; where that fails, one by one to find the gene that fails."""
        if self._process.stopped.is_set():
            raise Stopped
        alive = [window for window in batch if window.gene.gene_id not in failures]
        try:
            if alive:
                with plain_panics():
                    score_windows(self.model, alive)
        except Exception as error:  # whatever it is, it must not stop the other genes
            if len(alive) > 1:
                for window in alive:
                    self._score([window], failures)
                return
            log.debug("Gene %s", alive[0].gene.gene_id, exc_info=error)
            failures[alive[0].gene.gene_id] = reason_of(error)

    def _sequences(
        self, rows: list[dict[str, Any]], failures: dict[str, str]
    ) -> Iterator[GeneScores]:
        """Each gene with half a context of the FASTA's sequence on each side."""
        half, width = self.model.context // 2, len(SCORES) + len(extras_of(self.model))
        for gene in rows:
            start, end = gene["start"] - half, gene["end"] + half
            try:
                with plain_panics(), self._process.reading:
                    bases = transcript_bases(
                        self.genome, gene["record"], gene["strand"], start, end
                    )
            except Exception as error:  # it must not stop the other genes
                failures[gene["gene_id"]] = reason_of(error)
                continue
            yield GeneScores(gene["gene_id"], bases, self.model.context, width)

    def _write(self, place: dict[str, Any], gene: GeneScores) -> Part:
        """Write the part of a gene."""
        half = self.model.context // 2
        bases = gene.bases[half : len(gene.bases) - half]
        truth = None
        if self.sites is not None:
            truth = self.sites.filter(gene_id=place["annotated"])
        table = gene_table(place, gene.scores, bases, truth, extras_of(self.model))
        path = self.part(gene.gene_id)
        sink_parquet(table.lazy(), path, made_by=made_by(self.model))
        name = str(path).removeprefix(f"{self.folder}/")
        return Part(gene.gene_id, name, table.height, **ends_of(path))
