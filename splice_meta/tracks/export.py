"""From predictions to genome tracks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import polars as pl

from splice_meta.errors import UsageError
from splice_meta.evaluation.source import Rows, open_rows
from splice_meta.evaluation.tally import CALL
from splice_meta.files.given import Given
from splice_meta.files.ownership import refuse_target
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.chrom_names import styled
from splice_meta.reference.reference import Reference, open_reference
from splice_meta.reference.sequence import Genome
from splice_meta.runs.found import run_at
from splice_meta.runtime.panics import plain_panics
from splice_meta.runtime.watching import Progress, Watcher, watcher_of
from splice_meta.settings import one_of
from splice_meta.shown import Shown, few
from splice_meta.sink import whole_file
from splice_meta.sites import TYPES
from splice_meta.tracks.bed import BedFiles
from splice_meta.tracks.files import FORMATS, TRACKS, Format, TrackFiles, refuse_unwritable
from splice_meta.tracks.joined import Stretch, placed_genes, stretches
from splice_meta.tracks.site_rows import called_sites, changed_sites
from splice_meta.tracks.sizes import chrom_sizes

ChromStyle = Literal["as-is", "ucsc", "ensembl"]
CHROM_STYLES: tuple[ChromStyle, ...] = ("as-is", "ucsc", "ensembl")


@dataclass(frozen=True, repr=False)
class Exported(Shown):
    """What was written.

    Attributes:
        folder: Where.
        files: The names of the files, in order.
        genes: Genes with a place.
        called: Called sites (BED), 0 where it was not asked for.
        changed: Sites whose call changes.
    """

    folder: Path
    files: tuple[str, ...]
    genes: int
    called: int
    changed: int

    def _facts(self) -> list[tuple[str, str]]:
        return [
            ("folder", str(self.folder)),
            ("genes", f"{self.genes:,}"),
            ("called sites", f"{self.called:,}"),
            ("changed calls", f"{self.changed:,}"),
            ("files", few(self.files)),
        ]


@plain_panics()
def export(
    source: Any,
    output: str | Path,
    *,
    formats: Sequence[Format] = ("bigwig", "bed"),
    genes: str | Sequence[str] | None = None,
    annotation: str | Path | Annotation | None = None,
    fasta: str | Path | Genome | None = None,
    sizes: str | Path | None = None,
    chrom_style: ChromStyle = "as-is",
    threshold: float = CALL,
    least: float = 0.0,
    memory: int = 1 << 30,
    overwrite: bool = False,
    progress: Progress = False,
) -> Exported:
    """Write genome tracks of predictions: bigWig, bedGraph and BED, for IGV and UCSC.

    Per system (``base``, and ``final`` where the source has it), site (``donor``, ``acceptor``)
    and strand of the genes there is a bigWig file and a bedGraph, such as
    ``final_donor_plus.bw``: the probability at each base, as Float32 as it stands in the table. A
    track without values has no file. ``called_sites.bed`` has the sites that the last system
    calls, ``changed_sites.bed`` those that only one of base and final calls; they are coloured
    (donors blue, acceptors orange; gained green, lost purple), named after gene and kind, and
    scored by the probability, or its change, x 1000. Where genes of one strand overlap, the
    largest value counts, and a site has all their names.

    Args:
        source: The output of a run, predictions (files or a frame) or base scores.
        output: The folder to write; it appears complete or not at all.
        formats: Which of ``bigwig``, ``bedgraph`` and ``bed``.
        genes: Only these genes, by id or, with an annotation, by name.
        annotation: GTF or GFF3: gene names, and positions if the table lacks them.
        fasta: For the lengths of chromosomes, unless it holds slices only.
        sizes: File of chromosome names and sizes (UCSC's ``chrom.sizes``, a FASTA index); counts
            before the FASTA. Without either the ends of the last genes count, with a warning.
        chrom_style: ``as-is``, ``ucsc`` (``chr1``, ``chrM``) or ``ensembl`` (``1``, ``MT``).
        threshold: Probability from which a site counts as called.
        least: Leave values below it out of bigWig and bedGraph.
        memory: Memory budget in bytes; genes that overlap are never divided.
        overwrite: Replace a folder of tracks.
        progress: Show progress, or a watcher that receives it: positions.

    Raises:
        UsageError: If an argument cannot work.
        InputError: If the source cannot be read, or it is not known where its genes lie.
        OutputError: If the folder cannot be written.
    """
    folder, chosen = Path(output).expanduser(), tuple(dict.fromkeys(formats))
    _check(chosen, chrom_style, threshold, least)
    layout = run_at(source)
    read = layout.predictions if layout is not None else source
    refuse_target(folder, Given((read, annotation, fasta, sizes)), overwrite, TRACKS, file=False)
    reference = open_reference(annotation, fasta)
    rows = open_rows(source, [genes] if isinstance(genes, str) else genes, reference)
    placed = placed_genes(rows.scores)
    ends = dict(placed.group_by("chrom").agg(pl.col("end").max()).iter_rows())
    lengths = chrom_sizes(ends, sizes, reference)
    with whole_file(folder, TRACKS) as temporary:
        temporary.mkdir()
        work = _Work(rows, placed, lengths, chrom_style, threshold, _names(rows, reference))
        try:
            called, changed = work.write(temporary, chosen, least, memory, watcher_of(progress))
        except Exception as error:
            raise refuse_unwritable(folder, error) from error
        files = tuple(sorted(path.name for path in temporary.iterdir()))
    return Exported(folder, files, placed.height, called, changed)


def _check(formats: tuple[Format, ...], chrom_style: str, threshold: float, least: float) -> None:
    if not formats:
        raise UsageError("No format was asked for.", f"Name one of {', '.join(FORMATS)}.")
    for name in formats:
        one_of("The format", name, FORMATS)
    one_of("The style of chromosomes", chrom_style, CHROM_STYLES)
    if not (0 < threshold <= 1 and 0 <= least <= 1):
        raise UsageError(
            f"The threshold is {threshold} and the least value {least}.",
            "Both are probabilities; the threshold is above 0.",
        )


def _names(rows: Rows, reference: Reference | None) -> dict[str, str]:
    """What genes are called in the annotation, by the table's ids."""
    located = rows.scores.located
    if reference is None or reference.annotation is None or located is None:
        return {}
    named = reference.annotation.genes.select(annotated="gene_id", name="gene_name")
    ids = located.genes.select("gene_id", "annotated").join(named, on="annotated")
    return dict(ids.drop_nulls("name").select("gene_id", "name").iter_rows())


class _Work:
    """What is to be written."""

    def __init__(
        self,
        rows: Rows,
        genes: pl.DataFrame,
        lengths: dict[str, int],
        style: str,
        threshold: float,
        names: dict[str, str],
    ) -> None:
        self._rows, self._genes = rows, genes
        self._threshold, self._names = threshold, names
        self._styled = {chrom: styled(chrom, style) for chrom in lengths}
        self._sizes = {self._styled[chrom]: size for chrom, size in lengths.items()}
        if len(self._sizes) < len(lengths):
            raise UsageError(
                f"Two chromosomes would have one name in the style {style}.",
                "Leave the names as they are, or take one of the two out.",
            )
        self._columns = {
            system: dict(zip(TYPES, columns, strict=False))
            for system, columns in rows.systems.items()
        }

    def write(
        self,
        folder: Path,
        formats: tuple[Format, ...],
        least: float,
        memory: int,
        watch: Watcher,
    ) -> tuple[int, int]:
        """Write the files into a folder; returns the numbers of called and changed sites."""
        tracks = {
            column: f"{system}_{site}"
            for system, columns in self._columns.items()
            for site, column in columns.items()
        }
        # bigWig wants chromosomes in the order of their names' bytes; so does UCSC's BED.
        chroms = sorted(self._styled, key=lambda chrom: self._styled[chrom].encode())
        with ExitStack() as stack:
            files = TrackFiles(folder, formats, self._sizes, least, tracks, stack)
            bed = BedFiles(folder, stack, len(self._columns) > 1) if "bed" in formats else None
            parts = stretches(self._rows.scores, self._genes, chroms, list(tracks), memory)
            watch.started("exporting", int(self._genes["positions"].sum()))
            for stretch in parts:
                chrom = self._styled[stretch.chrom]
                files.add(stretch, chrom)
                if bed is not None:
                    bed.add(chrom, *self._sites(stretch))
                watch.advanced(stretch.by_gene.height)
            files.close()
            return bed.finish() if bed is not None else (0, 0)

    def _sites(self, stretch: Stretch) -> tuple[pl.DataFrame, pl.DataFrame | None]:
        first, last = self._columns["base"], list(self._columns.values())[-1]
        called = called_sites(stretch, last, self._threshold, self._names)
        if first is last:
            return called, None
        return called, changed_sites(stretch, first, last, self._threshold, self._names)
