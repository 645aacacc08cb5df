"""Opening variants: everything that can be refused is refused here, and nothing is written."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from splice_meta.alleles.given_scores import GivenScores
from splice_meta.alleles.layout import Layout
from splice_meta.alleles.placing import place_in_genes
from splice_meta.alleles.reading import Source, read_variants
from splice_meta.alleles.recalibrate import Recalibrator
from splice_meta.alleles.room import check_room
from splice_meta.alleles.settings import VariantSettings
from splice_meta.alleles.settling import settle_alleles
from splice_meta.alleles.task import VariantTask, span_of
from splice_meta.alleles.vcf_text import is_vcf
from splice_meta.base_models.altered import Edit
from splice_meta.base_models.edits import EditScorer
from splice_meta.base_models.genes import GenesToScore, genes_to_score
from splice_meta.base_models.protocol import BaseModel
from splice_meta.contracts import SpliceType
from splice_meta.errors import InputError, UsageError
from splice_meta.files.digests import digest_of, ends_of, input_digests
from splice_meta.files.given import Given
from splice_meta.files.stores import local_path
from splice_meta.harmonize import Fills
from splice_meta.jobs.executor import Cluster, Executor, check_task, choose_executor
from splice_meta.jobs.resume import refuse_both
from splice_meta.model.bundle import MetaModel
from splice_meta.model.load import load_model
from splice_meta.pipeline.matching import require_base_models, sources_for
from splice_meta.pipeline.matrix import fills_of_rows
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.chrom_names import match_chroms, no_match_error
from splice_meta.reference.gene_features import gene_features
from splice_meta.reference.reference import open_reference
from splice_meta.reference.sequence import Genome
from splice_meta.runs.scorer import Scorer, Weights, make_scorer
from splice_meta.settings import FeatureSettings, RunSettings
from splice_meta.sources.base_scores import open_scores

log = logging.getLogger("splice_meta")

NO_GENE = "in no gene, and within the distance of none"

FEW, MANY = 3, 0.05
"""How many variants, and which share, must contradict the FASTA for a warning to say so."""

TOLERANCE = 0.01
"""How far given scores may be from those that the base model gives for the same positions."""


BaseModels = str | BaseModel | Sequence[str] | None
"""A base model or its name, or the names of several, the primary one first."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for; the arguments of :func:`splice_meta.variants`."""

    variants: Source
    annotation: str | Path | Annotation
    fasta: str | Path | Genome
    output: str | Path
    base_model: BaseModels
    weights: Weights
    scores: Any
    model: Any
    settings: VariantSettings
    features: FeatureSettings
    vcf: bool | None
    genes: str | Sequence[str] | None
    gene_types: Collection[str]
    device: str
    resume: bool
    overwrite: bool
    trust_pickle: bool
    workers: int | None
    cluster: Cluster


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Variants that nothing speaks against.

    Attributes:
        asked: What is asked for.
        variants: As read, see :data:`.reading.VARIANTS`; with the reasons that the sequence and the
            annotation add.
        genes: The genes in which some lie: ``gene_id``, ``gene_name``, ``strand`` among the
            columns.
        task: What is done with each shard.
        execute: Who does it.
        given: Digests of everything that the results are made from.
        sources: The files of it, for the record.
        fills: What of the meta-model's features is filled; None without one.
        records: The FASTA's names of the variants' chromosomes.
        vcf: The VCF that the variants were read from, or None.
    """

    asked: Asked
    variants: pl.DataFrame
    genes: pl.DataFrame
    task: VariantTask
    execute: Executor
    given: dict[str, str]
    sources: dict[str, Any]
    fills: Fills | None
    records: Mapping[str, str]
    vcf: Path | None

    @property
    def writes_vcf(self) -> bool:
        """Whether an annotated VCF is wanted."""
        return self.vcf is not None if self.asked.vcf is None else self.asked.vcf


def open_variants(asked: Asked) -> Opened:
    """Read and check everything, and place the variants in genes.

    Raises:
        SpliceMetaError: If something cannot be used, or no variant can be scored.
    """
    refuse_both(asked.resume, asked.overwrite)
    layout = Layout(local_path(asked.output))
    files = [asked.variants if not isinstance(asked.variants, pl.DataFrame | pl.LazyFrame) else ()]
    read = Given((*files, asked.annotation, asked.fasta, asked.weights, asked.scores, asked.model))
    check_room(layout, read, asked.resume, asked.overwrite)
    execute = choose_executor(asked.workers, asked.cluster)
    variants = read_variants(asked.variants)
    reference = open_reference(asked.annotation, asked.fasta)
    assert reference is not None and reference.annotation is not None  # noqa: PT018
    annotation, genome = reference.annotation, reference.genome
    assert genome is not None
    records = _records(variants, genome)
    settled = settle_alleles(variants, genome, records, asked.settings.max_allele)
    _judge(settled, variants)
    wanted = [asked.genes] if isinstance(asked.genes, str) else asked.genes
    found = genes_to_score(annotation, genome, wanted, asked.gene_types)
    found.refuse_none()
    _say_failures(found)
    model = None
    if asked.model is not None:
        model = load_model(asked.model, trust_pickle=asked.trust_pickle)
    several, named = _base_models(asked.base_model, model)
    scorer = make_scorer(annotation, genome, model, several, named, asked.weights, asked.device)
    scores = _given_scores(asked.scores, model, tuple(scorer.models))
    half = max(each.context for each in scorer.models.values()) // 2
    reach = max(1, min(asked.settings.distance, half))
    genes, pairs = _placed(settled, found, reach)
    settled = _with_no_gene(settled, pairs)
    variants = variants.drop("reason").with_columns(settled["reason"])
    recalibrator, fills = _recalibrator(model, scorer, annotation, genes, asked.features)
    genes, sites = _with_sites(genes, annotation)
    task = VariantTask(
        scorer.models, recalibrator, genome, genes, sites, pairs, scores, asked.settings, layout
    )
    check_task(execute, task)
    if scores is not None:
        _compare_given(task, scores)
    return Opened(
        asked=asked,
        variants=variants,
        genes=genes,
        task=task,
        execute=execute,
        given=_digests(asked, variants, task, annotation, genome),
        sources=_sources(asked, annotation, genome, scores),
        fills=fills,
        records=records,
        vcf=_vcf_of(asked.variants),
    )


def _base_models(
    asked: BaseModels, model: MetaModel | None
) -> tuple[Sequence[str], str | BaseModel | None]:
    """The names of several base models; or the one that is meant, None for the meta-model's.

    Raises:
        UsageError: If several are named beside a meta-model.
    """
    if asked is None or isinstance(asked, str) or not isinstance(asked, Sequence):
        return (), asked or (None if model is not None else "openspliceai")
    names = tuple(dict.fromkeys(asked))
    if len(names) < 2:
        return (), names[0] if names else None if model is not None else "openspliceai"
    if model is not None:
        raise UsageError(
            f"The base models {' and '.join(names)} are named beside a meta-model, which has its "
            "own.",
            "Leave --base-model out.",
        )
    return names, None


def _vcf_of(source: Source) -> Path | None:
    """The VCF file behind variants; None where they are from elsewhere."""
    if isinstance(source, pl.DataFrame | pl.LazyFrame):
        return None
    texts = [source] if isinstance(source, str | Path) else source
    if len(texts) != 1 or not os.path.isfile(texts[0]):
        return None
    return Path(texts[0]) if is_vcf(Path(texts[0])) else None


def _given_scores(
    source: Any, model: MetaModel | None, names: tuple[str, ...]
) -> GivenScores | None:
    """The table of scores that are made already."""
    if source is None:
        return None
    opened = open_scores(sources_for(source, model))
    require_base_models(model, opened)
    lacking = [name for name in names if name and name not in opened.names]
    if lacking:
        raise InputError(
            f"The scores lack the base model {lacking[0]}.",
            "Give the scores of each base model as NAME=PATH.",
        )
    files = opened.files
    return GivenScores(opened, names, files[0] if files else "The table of scores")


def _say_failures(found: GenesToScore) -> None:
    for gene, why in found.failures.items():
        log.warning("Gene %s is left out: %s", gene, why)


def _records(variants: pl.DataFrame, genome: Genome) -> Mapping[str, str]:
    """The FASTA's names of the variants' chromosomes."""
    chroms = variants.filter(pl.col("reason").is_null())["chrom"].unique(maintain_order=True)
    records = match_chroms(chroms.to_list(), genome.chroms)
    if chroms.len() and not records:
        raise no_match_error(chroms.to_list(), genome.chroms, "variants", "FASTA")
    return records


def _judge(settled: pl.DataFrame, variants: pl.DataFrame) -> None:
    """Refuse variants of which none can be scored; warn where many contradict the sequence."""
    bad = settled.filter(pl.col("reason").is_not_null())
    if bad.height == settled.height:
        first = variants.row(0, named=True)
        raise InputError(
            f"None of the {settled.height:,} variants can be scored; the first is "
            f"{first['chrom']}:{first['pos']}: {bad['reason'][0]}.",
            "Check that variants and FASTA are of the same assembly.",
        )
    contradict = bad["reason"].str.starts_with("ref contradicts").sum()
    if contradict >= FEW and contradict > MANY * settled.height:
        log.warning(
            "REF of %d of the %d variants contradicts the FASTA: are they of another assembly?",
            contradict, settled.height,
        )  # fmt: skip


def _placed(
    settled: pl.DataFrame, found: GenesToScore, reach: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The genes in which variants lie, numbered anew, and the pairs."""
    pairs = place_in_genes(settled, found.table, reach)
    numbers = pairs["gene"].unique().sort()
    genes = found.table[numbers.to_numpy()]
    new = pl.DataFrame({"gene": numbers, "_new": np.arange(numbers.len(), dtype=np.uint32)})
    pairs = pairs.join(new, on="gene", how="left", maintain_order="left")
    return genes, pairs.with_columns(gene="_new").drop("_new")


def _with_no_gene(settled: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """With a reason for those that lie in no gene."""
    is_placed = pl.col("variant").is_in(pairs["variant"].unique().implode())
    return settled.with_columns(
        reason=pl.when(pl.col("reason").is_null() & ~is_placed)
        .then(pl.lit(NO_GENE))
        .otherwise("reason")
    )


def _recalibrator(
    model: MetaModel | None,
    scorer: Scorer,
    annotation: Annotation,
    genes: pl.DataFrame,
    features: FeatureSettings,
) -> tuple[Recalibrator | None, Fills | None]:
    """What predicts, and what it fills."""
    if model is None:
        return None, None
    blank, _ = scorer.blank()
    values = gene_features(annotation)
    fills = fills_of_rows(blank, values.head(0), model.manifest, features)
    numbered = genes.select(gene_id="annotated").with_row_index("gene")
    mine = numbered.join(values, on="gene_id", how="left", maintain_order="left").drop("gene_id")
    settings = RunSettings(features=features)
    return Recalibrator(model, tuple(scorer.models), mine, settings), fills


def _with_sites(genes: pl.DataFrame, annotation: Annotation) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The genes with names, and whether their sites are known; and these sites."""
    ids = genes["annotated"].to_list()
    mine = annotation.exons_of(ids)
    unknown = annotation.unknown_sites()["gene_id"]
    names = annotation.genes.select(annotated="gene_id", gene_name="gene_name")
    listed = genes.join(names, on="annotated", how="left", maintain_order="left").with_columns(
        is_known=~pl.col("annotated").is_in(unknown.implode())
    )
    numbers = genes.select(gene_id="annotated").with_row_index("gene")
    sites = mine.splice_sites().join(numbers, on="gene_id").select(
        "gene", pl.col("genomic_position").cast(pl.Int64),
        type=pl.col("splice_type").cast(SpliceType),
    )  # fmt: skip
    return listed, sites


def _compare_given(task: VariantTask, scores: GivenScores) -> None:
    """Refuse given scores of a gene that are not those of the base model, looking at one stretch.

    Raises:
        InputError: If they differ.
    """
    for number, changes in task.pairs.group_by("gene", maintain_order=True):
        gene = task.genes.row(number[0], named=True)
        if not scores.has(gene["gene_id"]):
            continue
        sequence = task.sequence(gene, changes.head(1))
        known = scores.of(gene, sequence.own)
        assert known is not None
        edit = span_of(gene).edits(changes.head(1))[0]
        at = min(max(edit.start, 0), len(sequence.own) - 1)
        same = Edit(at, at + 1, sequence.own[at : at + 1])
        for column, (name, model) in enumerate(task.models.items()):
            scorer = EditScorer(model)
            handle = scorer.reference(sequence.bases, sequence.flank, gene["gene_id"])
            first, stop = handle.span(same, task.distance)
            found = scorer.scores(handle, [same], task.distance)[0][:, :3]
            scorer.close()
            given = known[first:stop, 3 * column : 3 * column + 3]
            both = ~np.isnan(given).any(axis=1)
            off = float(np.abs(found - given)[both].max(initial=0.0))
            if off > TOLERANCE:
                raise InputError(
                    f"{scores.source} has other scores of gene {gene['gene_id']} than "
                    f"{name or model.name} gives: they differ by up to {off:.3f}.",
                    "Give scores of the same base model and sequence, or none.",
                )
        return


def _digests(
    asked: Asked, variants: pl.DataFrame, task: VariantTask, annotation: Annotation, genome: Genome
) -> dict[str, str]:
    """Digests of everything that results depend on, by the name that a user knows it by."""
    text = variants.select("chrom", "pos", "ref", "alt").write_csv()
    recalibrator = task.recalibrator
    values = {
        "variants": sha256(text.encode()).hexdigest(),
        "base model": [(name, model.name) for name, model in task.models.items()],
        "weights": [model.digest for model in task.models.values()],
        "model": recalibrator.model.digest() if recalibrator is not None else None,
        "annotation": annotation.digest,
        "FASTA": ends_of(Path(genome.source)),
        "scores": input_digests(task.scores.opened.files) if task.scores is not None else None,
        "settings": asdict(asked.settings),
        "features": str(asked.features),
    }
    return {name: digest_of(value) for name, value in values.items()}


def _sources(
    asked: Asked, annotation: Annotation, genome: Genome, scores: GivenScores | None
) -> dict[str, Any]:
    """The files that results are made from, for the record."""
    given = asked.variants
    if isinstance(given, pl.DataFrame | pl.LazyFrame):
        listed: Any = "a frame"
    else:
        texts = [str(given)] if isinstance(given, str | Path) else [str(each) for each in given]
        # A typed variant may be too long for a name.
        listed = [each for text in texts for each in _digest_of_file(text)]
    return {
        "variants": listed,
        "annotation": input_digests([annotation.source])[0],
        "fasta": input_digests([genome.source])[0],
        "scores": input_digests(scores.opened.files) if scores is not None else None,
    }


def _digest_of_file(text: str) -> list[dict[str, Any]]:
    return input_digests([text]) if os.path.isfile(text) else [{"source": text}]
