"""What a run reads: base scores, and genes that are to be scored first."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from splice_meta.base_models.genes import genes_to_score
from splice_meta.base_models.makers import refuse_mixture
from splice_meta.base_models.protocol import BaseModel
from splice_meta.base_models.scoring import PROTEIN_CODING
from splice_meta.errors import NoGenesError, UsageError
from splice_meta.files.stores import Place
from splice_meta.jobs.executor import Executor
from splice_meta.jobs.room import remove_folder
from splice_meta.model.bundle import MetaModel
from splice_meta.pipeline.matching import require_base_models, sources_for
from splice_meta.pipeline.matrix import fills_of, fills_of_rows
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.reference import Reference
from splice_meta.reference.sequence import Genome
from splice_meta.runs.outputs import SCORED, OutputLayout
from splice_meta.runs.scorer import NOTHING, Scored, Scorer, Weights, make_scorer
from splice_meta.runtime.watching import Watcher
from splice_meta.settings import FeatureSettings
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.opened import BaseScores

log = logging.getLogger("splice_meta")


@dataclass(frozen=True)
class Inputs:
    """The genes of a run: those with base scores, and those to be scored first.

    Attributes:
        opened: The scores that are there; None if there are none.
        scorer: Scores the others; None where there are none, or they cannot be scored.
        missing: The others; None for every protein-coding gene in the FASTA.
        reference: Annotation and sequence, or None.
    """

    opened: BaseScores | None
    scorer: Scorer | None
    missing: Sequence[str] | None
    reference: Reference | None

    @property
    def files(self) -> list[str]:
        """Everything that is read."""
        scores = self.opened.files if self.opened is not None else ()
        return [*scores, *(self.reference.files if self.reference is not None else ())]

    def check_features(self, model: MetaModel, settings: FeatureSettings) -> None:
        """Refuse a model that needs features nobody makes, before anything long is done.

        Raises:
            FeatureError: It says which family would make them.
        """
        if self.opened is not None:
            fills_of(self.opened, model.manifest, settings)
        elif self.scorer is not None:
            fills_of_rows(*self.scorer.blank(), model.manifest, settings)

    def complete(
        self,
        folder: Place,
        executor: Executor,
        watcher: Watcher,
        before: Mapping[str, str] | None = None,
    ) -> tuple[BaseScores, Scored]:
        """The base scores of all genes; those without are scored now.

        Args:
            folder: Where new scores go.
            executor: Who makes them.
            watcher: Told about progress.
            before: Reason by gene that failed, where all were scored before; None if not.
        """
        if self.scorer is not None:
            return self.scorer.add(self.opened, self.missing, folder, executor, watcher, before)
        assert self.opened is not None
        return self.opened, NOTHING


def check_given(scores: Any, annotation: Any, fasta: Any) -> None:
    """Refuse a run that has neither scores nor what they are made from.

    Raises:
        UsageError: If so.
    """
    if scores is None and (annotation is None or fasta is None):
        raise UsageError(
            "There are no base scores.", "Give --scores, or --annotation and --fasta to make them."
        )


def sources_of(
    annotation: str | Path | Annotation | None,
    fasta: str | Path | Genome | None,
    training_dataset: str | Path | None,
) -> list[object]:
    """The files and folders behind what is read beside scores and model."""
    dataset = [training_dataset, Path(training_dataset) / "master"] if training_dataset else []
    opened = [
        each.source if isinstance(each, (Annotation, Genome)) else each
        for each in (annotation, fasta)
    ]
    return [*opened, *dataset]


def open_inputs(
    scores: Any,
    genes: Sequence[str] | None,
    reference: Reference | None,
    model: MetaModel | None,
    base_model: str | BaseModel | None,
    weights: Weights,
    device: str,
) -> Inputs:
    """Open what a run reads; whatever is wrong with it is said here, before anything is written.

    Args:
        scores: Base scores, or None.
        genes: Only these genes.
        reference: Annotation and sequence, or None.
        model: The meta-model.
        base_model: What scores genes without scores.
        weights: Its weights.
        device: Where it runs.

    Raises:
        SpliceMetaError: If scores, reference or base model cannot be used.
    """
    both = reference.both if reference is not None else None
    opened = None
    if scores is not None:
        try:
            also = model.manifest.names if model is not None else ()
            opened = open_scores(sources_for(scores, model), genes, reference, also=also)
            require_base_models(model, opened)
        except NoGenesError:
            if both is None:
                raise
    missing = opened.absent if opened is not None else genes
    scorer = None
    if both is not None and (missing or opened is None):
        asked = genes_to_score(*both, missing, PROTEIN_CODING)
        if opened is None:
            asked.refuse_none()
        names = opened.names if opened is not None else ()
        if opened is not None and missing:
            log.info("%d genes have no base scores, first %s.", len(missing), missing[0])
        # Where none of them can be scored anyway, nothing need be loaded to say so.
        scorer = (
            Scorer({}, *both)
            if asked.table.is_empty()
            else make_scorer(*both, model, names, base_model, weights, device)
        )
        if opened is not None:
            refuse_mixture(opened.makers, scorer.models.values())
    return Inputs(opened, scorer, missing, reference)


@contextmanager
def scores_folder(layout: OutputLayout) -> Iterator[Place]:
    """Where base scores made in a run go: kept with the artifacts, or gone when it is complete."""
    if layout.scored is not None:
        yield layout.scored
        return
    folder = layout.predictions / ".base_scores"
    yield folder  # after an interrupt they stay, for the run to go on with
    remove_folder(folder, SCORED)
