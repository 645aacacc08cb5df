"""From what is opened to a plan: the scores of all genes, their shards, and what is left to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from splice_meta.harmonize import Fills
from splice_meta.jobs.ledger import Ledger, read_ledger, refuse_differences
from splice_meta.jobs.plan import Shard
from splice_meta.jobs.resume import digests_of, open_ledger, take_over
from splice_meta.pipeline.matching import require_base_models
from splice_meta.pipeline.matrix import fills_of
from splice_meta.runs.inputs import scores_folder
from splice_meta.runs.latest import published
from splice_meta.runs.log import Heard, log_file, log_start
from splice_meta.runs.opening import Opened
from splice_meta.runs.room import start
from splice_meta.runs.scorer import Scored, noted_scores, notes_of, scored_before
from splice_meta.runs.shards import make_shards
from splice_meta.runs.task import Receipt, RunTask, noted
from splice_meta.runtime.stages import SCORE, stage
from splice_meta.runtime.watching import Watcher

log = logging.getLogger("splice_meta")


@dataclass(frozen=True, kw_only=True)
class Planned:
    """What a run is to do.

    Attributes:
        task: What is done with each shard.
        left: The shards to make.
        taken: Receipts of those that were made before.
        scored: What was scored in this run.
        fills: What is filled with a constant; None without a model.
        ledger: Where finished shards are listed.
    """

    task: RunTask
    left: Sequence[Shard]
    taken: Sequence[Receipt]
    scored: Scored
    fills: Fills | None
    ledger: Ledger


@contextmanager
def planned(opened: Opened, heard: Heard, watcher: Watcher) -> Iterator[Planned]:
    """The plan of a run that starts, or of the one to go on with; genes without scores are scored.

    Args:
        opened: The run.
        heard: What was said while it was opened, for its log.
        watcher: Told while genes are scored.

    Raises:
        SpliceMetaError: If the run is another one than it was, or its genes cannot be scored.
    """
    asked, layout, model = opened.asked, opened.layout, opened.model
    before = read_ledger(layout.ledger) if asked.resume else None
    if before is None:
        layout = start(layout, opened.given, opened.read, asked.overwrite, opened.named)
    else:
        if before.plan is not None:  # damage is said before what differs
            noted_scores(before.plan)
        for number, line in before.shards.items():
            noted(line, Shard(number, 0, 0, 0, 0))
        refuse_differences(f"run {layout.run_name}", before.given, opened.given)
    name = f"run {layout.run_name}"
    with (
        open_ledger(layout.ledger, name, opened.given, before is not None) as ledger,
        published(layout),
        log_file(layout.log, append=ledger.resumed) as written,
        scores_folder(layout) as folder,
    ):
        earlier = scored_before(ledger.recorded.plan, folder)
        with stage(SCORE):
            scores, scored = opened.inputs.complete(folder, opened.execute, watcher, earlier)
        require_base_models(model, scores)
        fills = fills_of(scores, model.manifest, asked.settings.features) if model else None
        task = RunTask(scores, model, asked.settings, layout, opened.dataset)
        shards = make_shards(scores, model, asked.settings)
        genes = scores.table.genes
        items = [genes["gene_id"].to_list(), genes["positions"].to_list(), scores.absent]
        taken, left = take_over(
            ledger, name, task, shards, digests_of(items, shards), notes_of(scored),
            [*layout.latest.values()],
        )  # fmt: skip
        for gene, why in ((g, w) for each in taken for g, w in each.failures.items()):
            log.warning("Gene %s had failed: %s", gene, why)
        for record in heard.records:
            written.handle(record)
        log_start(task, fills, left)
        yield Planned(task=task, left=left, taken=taken, scored=scored, fills=fills, ledger=ledger)
