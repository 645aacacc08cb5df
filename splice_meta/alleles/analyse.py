"""From variants to what they do to splicing: what ``splice-meta variants`` does."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from splice_meta.alleles.finish import write_results
from splice_meta.alleles.opening import Asked, BaseModels, Opened, open_variants
from splice_meta.alleles.reading import Source
from splice_meta.alleles.results import VariantsResult, given_of, open_results, result_of
from splice_meta.alleles.room import begin, is_complete
from splice_meta.alleles.settings import VariantSettings
from splice_meta.alleles.shards import make_shards
from splice_meta.base_models.scoring import PROTEIN_CODING
from splice_meta.files.digests import digest_of
from splice_meta.jobs.executor import Cluster, execute
from splice_meta.jobs.ledger import Ledger, create_ledger, refuse_differences
from splice_meta.jobs.plan import Receipt, Shard, ledger_of
from splice_meta.jobs.resume import digests_of, open_ledger, take_over
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.sequence import Genome
from splice_meta.runs.scorer import Weights
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.watching import Progress, Watcher, watcher_of
from splice_meta.settings import FeatureSettings

log = logging.getLogger("splice_meta")


@plain_panics()
def variants(
    variants: Source,
    annotation: str | Path | Annotation,
    fasta: str | Path | Genome,
    output: str | Path = "variants",
    *,
    base_model: BaseModels = None,
    weights: Weights = None,
    model: Any = None,
    scores: Any = None,
    settings: VariantSettings | None = None,
    vcf: bool | None = None,
    features: FeatureSettings | None = None,
    genes: str | Sequence[str] | None = None,
    gene_types: Collection[str] = PROTEIN_CODING,
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    trust_pickle: bool = False,
    workers: int | None = None,
    cluster: Cluster = None,
    progress: Progress = False,
) -> VariantsResult:
    """What variants do to splicing: both alleles' probabilities, base and recalibrated.

    Each variant is scored in each gene that it lies in or near, on the gene's strand, with the
    gene's whole context: the FASTA's own sequence where it has it, N beyond. Alleles are trimmed
    first, and what may lie in several places is put at the transcript's 3' end, so that how a
    change is written makes no difference. A variant that cannot be scored is in the results with
    its reason.

    Args:
        variants: VCF, a table or frame with ``chrom``, ``pos``, ``ref``, ``alt``, or variants such
            as ``chr17:43045682:T>A``.
        annotation: GTF or GFF3: where genes, exons and splice sites lie.
        fasta: The sequence.
        output: The folder to write.
        base_model: ``openspliceai``, ``pangolin``, ``spliceai``, the name of an installed entry
            point, or a base model; by default the meta-model's, or ``openspliceai``. Several names
            where there is no meta-model: the deltas shown are the first one's, ``base_any`` counts
            those of all.
        weights: Folder of its weights; with several base models a mapping of names to folders.
        model: The meta-model: a model, a bundle, or ``bundled:NAME``; None for base scores alone.
        scores: Existing base scores; genes that they lack are scored.
        settings: Distance, longest allele, threshold of the sites table, masking.
        vcf: Write an annotated VCF, too; by default where a VCF was read.
        features: Which families of features are made.
        genes: Only these genes, by id or name.
        gene_types: Which types of genes, where ``genes`` is None; every type if empty.
        device: Where the base model runs.
        resume: Resume an interrupted call, and try failed genes again.
        overwrite: Replace results that are there.
        trust_pickle: Allow pickled models, through an allow-list.
        workers: Use this many Dask worker processes on this machine.
        cluster: Use a Dask scheduler: its address, its scheduler file or a connected client.
        progress: Show progress, or a watcher that receives it: pairs of a variant and a gene.

    Returns:
        The results; their tables are lazy frames.

    Raises:
        SpliceMetaError: If an input cannot be used, or no variant can be scored.
    """
    started, watch = time.perf_counter(), watcher_of(progress)
    opened = open_variants(
        Asked(
            variants=variants, annotation=annotation, fasta=fasta, output=output,
            base_model=base_model, weights=weights, scores=scores, model=model,
            settings=settings or VariantSettings(), features=features or FeatureSettings(),
            vcf=vcf, genes=genes, gene_types=gene_types, device=device, resume=resume,
            overwrite=overwrite, trust_pickle=trust_pickle, workers=workers, cluster=cluster,
        )
    )  # fmt: skip
    layout, task = opened.task.layout, opened.task
    if resume and is_complete(layout):
        refuse_differences(f"variants in {layout.folder}", given_of(layout), opened.given)
        return open_results(layout.folder)
    for message in opened.fills.messages() if opened.fills is not None else []:
        log.warning("%s", message)
    with _begun(opened, resume) as ledger:
        counts = task.pairs.group_by("gene", maintain_order=True).len()["len"].to_list()
        shards = make_shards(counts)
        digests = digests_of(digest_of(counts), shards)
        name = f"variants in {layout.folder}"
        taken, left = take_over(ledger, name, task, shards, digests, {})
        count, pairs = opened.genes.height, sum(shard.size for shard in left)
        watch.started(f"{pairs:,} variants in {count:,} genes", pairs)
        receipts = [*taken, *_made(opened, left, ledger, watch)]
    failures = {gene: why for receipt in receipts for gene, why in receipt.failures.items()}
    for gene, why in failures.items():
        log.warning("Gene %s failed: %s", gene, why)
    return result_of(layout, write_results(opened, receipts, time.perf_counter() - started))


@contextmanager
def _begun(opened: Opened, resume: bool) -> Iterator[Ledger]:
    """The ledger of results that begin, or of those to go on with."""
    layout = opened.task.layout
    path = ledger_of(layout.parts)
    resumed = resume and path.exists()
    if not resumed:
        begin(layout)
        create_ledger(path, opened.given)
    with open_ledger(path, f"variants in {layout.folder}", opened.given, resumed) as ledger:
        yield ledger


def _made(
    opened: Opened, shards: Sequence[Shard], ledger: Ledger, watch: Watcher
) -> Iterator[Receipt]:
    for done, receipt in execute(opened.execute, opened.task, shards, ledger):
        if done:
            watch.advanced(done)
        if receipt is not None:
            yield receipt
