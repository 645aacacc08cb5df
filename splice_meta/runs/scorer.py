"""Genes without base scores: scored first, where annotation, sequence and base model are given."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from splice_meta.base_models.genes import GenesToScore, genes_to_score
from splice_meta.base_models.load import BUILT_IN, base_model_of, load_base_model
from splice_meta.base_models.makers import made_by
from splice_meta.base_models.protocol import BaseModel
from splice_meta.base_models.scoring import PROTEIN_CODING, is_scored, score_genes
from splice_meta.catalogue import GENOMIC
from splice_meta.contracts import scores_of
from splice_meta.errors import InputError, UsageError
from splice_meta.files.digests import ends_of
from splice_meta.files.records import Entry
from splice_meta.files.stores import Place, place_of
from splice_meta.jobs.executor import Executor
from splice_meta.model.bundle import MetaModel
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import Reference
from splice_meta.reference.sequence import Genome
from splice_meta.runtime.watching import Watcher
from splice_meta.sources.base_scores import extend, open_scores
from splice_meta.sources.opened import BaseScores

log = logging.getLogger("splice_meta")

Weights = str | Path | Mapping[str, str | Path] | None
"""A folder of weights, or one for each base model by its name."""


@dataclass(frozen=True)
class Scored:
    """What was scored in a run.

    Attributes:
        genes: The genes, in order.
        positions: Their positions.
        by: The base models that scored them, with the digest of their weights.
        failures: Reason by gene that could not be scored.
        files: The tables.
    """

    genes: tuple[str, ...] = ()
    positions: int = 0
    by: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()


NOTHING = Scored()


@dataclass(frozen=True)
class Scorer:
    """Scores genes from their sequence.

    Attributes:
        models: The base models by the name they have in the run; the empty name where the run's
            scores have none.
        annotation: Where the genes lie.
        genome: The sequence.
    """

    models: Mapping[str, BaseModel]
    annotation: Annotation
    genome: Genome

    def blank(self) -> tuple[pl.LazyFrame, pl.DataFrame]:
        """No rows of what :meth:`add` gives: scores and genomic features."""
        scores = [score for name in ("", *self.models) for score in scores_of(name)]
        rows = pl.LazyFrame(
            schema={"gene_id": pl.String, "position": pl.Int64, "chrom": pl.String}
            | dict.fromkeys(scores, pl.Float32)
            | {"base": pl.String}
        )
        features = dict.fromkeys((name for name in GENOMIC if name != "chrom"), pl.Float64)
        return rows, pl.DataFrame(schema={"gene_id": pl.String, **features})

    def add(
        self,
        opened: BaseScores | None,
        genes: Sequence[str] | None,
        folder: Place,
        executor: Executor,
        watcher: Watcher,
        before: Mapping[str, str] | None = None,
    ) -> tuple[BaseScores, Scored]:
        """Score genes into ``folder`` and put them behind the scores that are there.

        If those have truth, the new ones have the annotation's.

        Args:
            opened: The scores that are there; None if there are none.
            genes: The genes to score; None for every protein-coding gene in the FASTA.
            folder: Where the tables go, one per base model.
            executor: Who scores.
            watcher: Told about progress.
            before: Reason by gene that failed, where ``folder`` has the scores of all others
                already; None to score those that it lacks.

        Raises:
            InputError: If there are no scores in the end.
        """
        tables: dict[str, Place] = {}
        asked = genes_to_score(self.annotation, self.genome, genes, PROTEIN_CODING)
        failures = dict(asked.failures) | dict(before or {})
        for gene, why in failures.items():
            log.warning("Gene %s failed: %s", gene, why)
        if opened is not None and asked.table.is_empty():
            return _with_absent(opened, failures), Scored(failures=failures)
        # Where the others have their truth, so do these: figures need it of all genes.
        truth = opened is not None and "splice_type" in opened.frame.collect_schema()
        wanted = GenesToScore(asked.table, {})  # the others have been told of
        if truth:
            wanted = wanted.with_truth(self.annotation, genes is not None)
        for name, model in self.models.items():
            path = folder / (f"base_scores.{name}.parquet" if name else "base_scores.parquet")
            if before is None and not is_scored(path):
                found = score_genes(
                    model, self.annotation, self.genome, wanted, path, truth=truth, resume=True,
                    executor=executor, watch=watcher,
                )  # fmt: skip
                failures |= dict(
                    found.genes.filter(status="failed").select("gene_id", "reason").iter_rows()
                )
            if path.exists():
                tables[name] = path
        reference = Reference(self.annotation, self.genome)
        if len(tables) < len(self.models):
            if opened is None:
                gene, why = next(iter(failures.items()))
                raise InputError(
                    f"No gene could be scored; {gene}: {why}.", "Check the base model and --device."
                )
            return _with_absent(opened, failures), Scored(failures=failures)
        first = next(iter(tables))
        source = {name: str(path) for name, path in tables.items()} if first else str(tables[first])
        more = open_scores(source, _in_all(tables), None if opened else reference)
        scored = Scored(
            genes=tuple(more.table.genes["gene_id"]),
            positions=more.table.positions,
            by={model.name: model.digest for model in self.models.values()},
            failures=failures,
            files=tuple(str(path) for path in tables.values()),
        )
        whole = extend(opened, more, reference) if opened else more
        return _with_absent(whole, failures), scored


def scored_before(plan: Entry | None, folder: Place) -> Mapping[str, str] | None:
    """What became of genes that a run had scored before it was interrupted.

    Args:
        plan: What its ledger says of it, if it got there.
        folder: Where its scores lie.

    Returns:
        Reason by gene that failed; None where scoring had not come to its end, or its tables are
        gone, as they are after a complete run that did not keep them.

    Raises:
        InputError: If a table is not what it was.
    """
    if plan is None:
        return None
    files, failures = noted_scores(plan)
    there = {name: folder / name for name in files if (folder / name).exists()}
    for name, path in there.items():
        if ends_of(path) != files[name]:
            raise InputError(
                f"{path} is not what this run scored.",
                "Start the run again with --overwrite instead of --resume.",
            )
    return failures if len(there) == len(files) else None


def noted_scores(plan: Entry) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """What the plan in a ledger notes of scores that a run made: tables and failures.

    Raises:
        InputError: If it is damaged.
    """
    noted = plan.at("notes").at("scored")
    files = {
        name: {n: each.value for n, each in table.fields().items()}
        for name, table in noted.at("files").fields().items()
    }
    return files, {gene: why.text(1 << 20) for gene, why in noted.at("failures").fields().items()}


def notes_of(scored: Scored) -> dict[str, Any]:
    """What a run's plan notes of scores that were made in it, for :func:`scored_before`."""
    files = {Path(file).name: ends_of(place_of(file)) for file in scored.files}
    return {"scored": {"files": files, "failures": {**scored.failures}}}


def _with_absent(scores: BaseScores, failures: Mapping[str, str]) -> BaseScores:
    """The scores, with genes that have none among those wanted, so that they are reported."""
    there = scores.table.genes["gene_id"].to_list()
    return replace(scores, wanted=tuple(dict.fromkeys([*there, *failures]))) if failures else scores


def _in_all(tables: Mapping[str, Place]) -> list[str] | None:
    """The genes that every base model could score; None for all of the only one."""
    if len(tables) == 1:
        return None
    first, *others = (
        pl.scan_parquet(str(path), glob=False).select("gene_id").unique().collect()["gene_id"]
        for path in tables.values()
    )
    return [gene for gene in first if all(gene in other for other in others)]


def make_scorer(
    annotation: Annotation,
    genome: Genome,
    model: MetaModel | None,
    names: Sequence[str],
    base_model: str | BaseModel | None,
    weights: Weights,
    device: str,
) -> Scorer:
    """Load the base models that a run needs for genes without scores.

    Args:
        annotation: Where the genes lie.
        genome: The sequence.
        model: The meta-model, which knows its base models.
        names: The names of the base models in the run's scores; empty where they have none.
        base_model: Which base model scores, where there is one; by default the meta-model's.
        weights: Where its weights are.
        device: ``auto``, ``cpu``, ``cuda`` ...

    Raises:
        UsageError: If it is not clear which base model, or it cannot be loaded.
    """
    wanted = list(names) or list(model.manifest.base_models if model else ())
    if base_model is not None and len(wanted) > 1:
        raise UsageError(
            f"The run needs scores of {' and '.join(wanted)}, but --base-model names one.",
            "Leave --base-model out; names like openspliceai-mane are understood.",
        )
    if len(wanted) > 1 and weights is not None and not isinstance(weights, Mapping):
        raise UsageError(
            f"One folder of weights is given for {' and '.join(wanted)}.",
            f"Write --weights {wanted[0]}=DIR for each that needs one.",
        )
    given = dict(weights) if isinstance(weights, Mapping) else None

    def load(name: str) -> BaseModel:
        place = given.get(name) if given is not None else weights
        return load_base_model(_scorer_of(name), place, device)  # type: ignore[arg-type]

    if len(wanted) > 1:
        models = {name: load(name) for name in wanted}
    else:
        key = wanted[0] if wanted else ""
        known = [*wanted, *(model.base_models if model else ())]
        if base_model is None and not known:
            base_model = _told_by(weights)
        if base_model is None or isinstance(base_model, str):
            models = {key: load(base_model or known[0])}
        else:
            models = {key: base_model}
        _refuse_another(models[key], known)
    return Scorer(models, annotation, genome)


def _told_by(weights: Weights) -> str:
    """The base model whose weights are given, where nothing else tells which is meant.

    Raises:
        UsageError: If they do not tell either.
    """
    name = None if weights is None or isinstance(weights, Mapping) else base_model_of(weights)
    if name is None:
        raise UsageError(
            "It is not known which base model the meta-model was trained on.",
            "Name one with --base-model.",
        )
    log.warning(
        "It is not known which base model the meta-model was trained on; %s scores, whose weights "
        "are given.", name,
    )  # fmt: skip
    return name


def _refuse_another(scorer: BaseModel, known: Sequence[str]) -> None:
    """Refuse to score with another base model than the meta-model's, or that of other scores."""
    if known and not made_by(scorer).bears(known[0]):
        raise UsageError(
            f"Genes without scores would be scored by {scorer.name}, but the run is of scores of "
            f"{known[0]}.",
            f"Give --base-model {known[0]}, or a model trained on scores of {scorer.name}.",
        )


def _scorer_of(name: str) -> str:
    """The base model behind a name such as ``openspliceai-mane``."""
    return next((known for known in BUILT_IN if name.startswith(f"{known}-")), name)
