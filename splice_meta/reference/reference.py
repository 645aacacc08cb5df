"""Annotation and sequence together, as a score table is read against them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from splice_meta.errors import InputError
from splice_meta.reference.annotation import Annotation, open_annotation
from splice_meta.reference.sequence import Genome


@dataclass(frozen=True)
class Reference:
    """What is known beside the scores.

    Attributes:
        annotation: Where genes, exons and splice sites lie; None if not given.
        genome: The sequence; None if not given.
    """

    annotation: Annotation | None = None
    genome: Genome | None = None

    @property
    def both(self) -> tuple[Annotation, Genome] | None:
        """Annotation and sequence, as scoring needs them; None if one is missing."""
        if self.annotation is None or self.genome is None:
            return None
        return self.annotation, self.genome

    @property
    def files(self) -> tuple[str, ...]:
        """The files behind both."""
        parts = (self.annotation, self.genome)
        return tuple(part.source for part in parts if part is not None)


def open_reference(
    annotation: str | Path | Annotation | None = None, fasta: str | Path | Genome | None = None
) -> Reference | None:
    """Open what is given of annotation and FASTA; None if neither is.

    Raises:
        InputError: If one cannot be read.
    """
    if annotation is None and fasta is None:
        return None
    if annotation is not None and not isinstance(annotation, Annotation):
        annotation = open_annotation(annotation)
    if fasta is not None and not isinstance(fasta, Genome):
        fasta = Genome(fasta)
    if fasta is not None and not fasta.chroms:  # opens it: a wrong file is refused now
        raise InputError(
            f"The FASTA {fasta.source} has no records.", "Check that the file is complete."
        )
    return Reference(annotation, fasta)
