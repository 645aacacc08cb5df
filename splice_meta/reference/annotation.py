"""A gene annotation: genes, transcripts and exons, their introns and splice sites."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from splice_meta.contracts import SpliceType
from splice_meta.files.stores import refuse_pipe
from splice_meta.reference import cache as kept
from splice_meta.reference.assembly import assemble
from splice_meta.reference.formats import recognise
from splice_meta.reference.gff3 import read_gff3
from splice_meta.reference.gtf import read_gtf
from splice_meta.reference.lines import no_genes, types_of, unreadable
from splice_meta.reference.reasons import WIDENED, counted, unknown_sites
from splice_meta.runtime.panics import plain_panics
from splice_meta.shown import Shown, few

log = logging.getLogger("splice_meta")

_KEYS = ["gene_id", "transcript_id"]
WITHOUT_VERSION = "gene id without version"
"""How :meth:`Annotation.match` found a gene whose id has another version, or none."""

_VERSION = r"\.\d+(_PAR_Y)?$"


@dataclass(frozen=True, repr=False)
class Annotation(Shown):
    """The genes of an annotation. Coordinates are 1-based and inclusive, on the forward strand.

    Args:
        genes: One row per gene, in the file's order: gene_id, gene_name, gene_type, chrom, strand,
            gene_start, gene_end. Names and types are null where the file has none.
        transcripts: One row per transcript, in the file's order: transcript_id, gene_id,
            transcript_type, chrom, strand, tx_start, tx_end, is_mane_select, is_canonical.
        exons: One row per exon, by transcript: transcript_id, gene_id, chrom, strand, exon_number
            (from 1, 5' to 3'), exon_start, exon_end. Exons of a transcript neither overlap nor
            touch: those that do in the file are joined.
        crossings: Where exons of one transcript overlap in the file so that no joined exon can be
            meant: transcript_id, gene_id, chrom, strand, intron_start, intron_end, as those of
            :meth:`introns` but with the end before the start.
        left_out: What the file has and the annotation has not: gene_id, transcript_id (null for a
            whole gene, or its second place), reason, detail (null or further words). Genes and
            transcripts without exons are listed, too, but keep their places. The rules stand in
            :mod:`splice_meta.reference.assembly`.
        changed: What is not as the file has it, with the same columns: spans that were widened
            (detail: start and end of the line), exons that were derived or joined.
        source: The file.
        digest: SHA-256 of the file's bytes, hexadecimal.
    """

    genes: pl.DataFrame
    transcripts: pl.DataFrame
    exons: pl.DataFrame
    crossings: pl.DataFrame
    left_out: pl.DataFrame
    changed: pl.DataFrame
    source: str
    digest: str

    def _facts(self) -> list[tuple[str, str]]:
        chroms = self.genes["chrom"].unique(maintain_order=True).to_list()
        return [
            ("source", self.source),
            ("genes", f"{self.genes.height:,}"),
            ("transcripts", f"{self.transcripts.height:,}"),
            ("exons", f"{self.exons.height:,}"),
            ("chromosomes", few(chroms)),
            ("left out", f"{self.left_out.height:,}"),
            ("changed", f"{self.changed.height:,}"),
        ]

    def exons_of(self, genes: Sequence[str]) -> Annotation:
        """All genes, but transcripts and exons of some only: what is derived from them is quick.

        Args:
            genes: Ids of the annotation.
        """
        kept = pl.col("gene_id").is_in(list(genes))
        tables = ("transcripts", "exons", "crossings")
        return replace(self, **{name: getattr(self, name).filter(kept) for name in tables})

    def unknown_sites(self) -> pl.DataFrame:
        """The genes whose splice sites it does not tell, or not all of them, and why.

        Where something of a gene was left out, a position without annotated site may well be one:
        such a gene has no truth.

        Returns:
            gene_id (also of genes that it lacks), reason.
        """
        return unknown_sites(self.left_out)

    def own_spans(self) -> pl.DataFrame:
        """The spans of the genes whose lines were widened, as these lines give them.

        Returns:
            gene_id, start, end.
        """
        is_gene = (pl.col("reason") == WIDENED) & pl.col("transcript_id").is_null()
        ends = pl.col("detail").str.split_exact("-", 1).struct.rename_fields(["start", "end"])
        spans = self.changed.filter(is_gene).select("gene_id", ends.alias("span")).unnest("span")
        return spans.with_columns(pl.col("start", "end").cast(pl.Int64))

    def introns(self) -> pl.DataFrame:
        """What lies between two successive exons of a transcript, 5' to 3' by transcript.

        Returns:
            transcript_id, gene_id, chrom, strand, intron_start, intron_end; at least one base
            each.
        """

        def before(name: str) -> pl.Expr:
            return pl.col(name).shift(1).over(_KEYS, order_by="exon_number")

        is_forward = pl.col("strand") == "+"
        start = pl.when(is_forward).then(before("exon_end")).otherwise("exon_end") + 1
        end = pl.when(is_forward).then("exon_start").otherwise(before("exon_start")) - 1
        return (
            self.exons.select(
                "transcript_id", "gene_id", "chrom", "strand", intron_start=start, intron_end=end
            )
            # Null before the first exon.
            .filter(pl.col("intron_start") <= pl.col("intron_end"))
        )

    def splice_sites(self) -> pl.DataFrame:
        """The distinct splice sites of each gene, over all of its transcripts.

        A donor is the last base of an exon that an intron follows, an acceptor the first base of
        the next exon; so are the ends of exons that cross. A position that is both (in several
        transcripts, or an exon of one base) has two rows; a truth table with one class per position
        must choose.

        Returns:
            gene_id, chrom, strand, genomic_position, splice_type (as in
            :data:`splice_meta.contracts.SpliceType`), by gene in the annotation's order, then by
            position, donor before acceptor.
        """
        is_forward = pl.col("strand") == "+"
        low, high = pl.col("intron_start") - 1, pl.col("intron_end") + 1
        sides = {
            "donor": pl.when(is_forward).then(low).otherwise(high),
            "acceptor": pl.when(is_forward).then(high).otherwise(low),
        }
        junctions = pl.concat([self.introns(), self.crossings])
        introns = junctions.unique(["gene_id", "chrom", "strand", "intron_start", "intron_end"])
        sites = pl.concat(
            introns.select(
                "gene_id", "chrom", "strand",
                genomic_position=position, splice_type=pl.lit(name, SpliceType),
            )
            for name, position in sides.items()
        ).unique()  # fmt: skip
        order = self.genes.select("gene_id").with_row_index("number")
        return (
            sites.join(order, on="gene_id")
            .sort("number", "genomic_position", "splice_type")
            .drop("number")
        )

    def match(self, names: Sequence[str]) -> pl.DataFrame:
        """Find genes by id or name.

        The first of these that fits exactly one gene decides: the id itself; the id without
        version, on either side (two different versions only for ids of Ensembl, ``ENS...``: other
        names with a dot, such as those of clones, may be different genes); the gene's name; id or
        name with letters of the other case.

        Args:
            names: Gene ids or names.

        Returns:
            One row per name, in their order: asked, gene_id (null where there is none or several
            fit), reason (how it was found, or why not).
        """
        asked = pl.DataFrame({"asked": list(names)}, schema={"asked": pl.String})
        distinct = asked.unique()
        found = pl.concat(
            fits.select("asked", "gene_id", level=pl.lit(level), how=pl.lit(how))
            for level, (how, fits) in enumerate(self._fits(distinct).items())
        )
        by_level = found.group_by("asked", "level", "how").agg(pl.col("gene_id").unique().sort())
        one = (
            by_level.filter(pl.col("gene_id").list.len() == 1)
            .sort("level")
            .unique("asked", keep="first", maintain_order=True)
            .select("asked", pl.col("gene_id").list.first(), "how")
        )
        several = (
            by_level.group_by("asked")
            .agg(pl.col("gene_id").explode(empty_as_null=False).unique().sort())
            .select("asked", several=pl.col("gene_id").list.head(5).list.join(", "))
        )
        reason = (
            pl.when(pl.col("gene_id").is_not_null())
            .then("how")
            .when(pl.col("several").is_not_null())
            .then(pl.format("fits several genes: {}", "several"))
            .when(pl.col("why").is_not_null())
            .then(pl.format("it is left out of the annotation: {}", "why"))
            .otherwise(pl.lit("no gene has this id or name"))
        )
        lost = self.unknown_sites().select(asked="gene_id", why="reason")
        return (
            asked.join(one, on="asked", how="left", maintain_order="left")
            .join(several, on="asked", how="left", maintain_order="left")
            .join(lost, on="asked", how="left", maintain_order="left")
            .select("asked", "gene_id", reason=reason)
        )

    def _fits(self, asked: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """All pairs of ``asked`` and ``gene_id``, by the way in which they fit."""
        genes = self.genes.select("gene_id", "gene_name", name="gene_id")
        bare = pl.col("gene_id").str.replace(_VERSION, "$1")
        by_bare = asked.with_columns(bare=pl.col("asked").str.replace(_VERSION, "$1")).join(
            genes.with_columns(bare=bare), on="bare"
        )
        one_is_bare = (pl.col("bare") == pl.col("asked")) | (pl.col("bare") == pl.col("gene_id"))
        return {
            "gene id": asked.join(genes, left_on="asked", right_on="name"),
            WITHOUT_VERSION: by_bare.filter(one_is_bare | pl.col("bare").str.starts_with("ENS")),
            "gene name": asked.join(genes, left_on="asked", right_on="gene_name"),
            "id or name in other letters": self._in_any_case(asked),
        }


    def _in_any_case(self, asked: pl.DataFrame) -> pl.DataFrame:
        upper = asked.with_columns(key=pl.col("asked").str.to_uppercase())
        words = (pl.col("gene_name"), pl.col("gene_id").str.replace(_VERSION, "$1"))
        return pl.concat(
            upper.join(self.genes.select("gene_id", key=word.str.to_uppercase()), on="key")
            for word in words
        )


@plain_panics()
def open_annotation(path: str | Path, cache: bool = True) -> Annotation:
    """Read an annotation in GTF or GFF3, plain or gzip, recognised by its content.

    Args:
        path: The file.
        cache: Whether to take the tables of an earlier reading of the same bytes, and to keep
            them for a later one, see :mod:`splice_meta.reference.cache`.

    Raises:
        InputError: If the file cannot be read, is neither GTF nor GFF3, has malformed lines or no
            gene.
    """
    path = Path(path).expanduser()
    refuse_pipe(path)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from None
    tables = kept.load(digest) if cache else None
    if tables is None:
        read = {"gtf": read_gtf, "gff3": read_gff3}[recognise(path)]
        tables = assemble(read(path))
        if tables["genes"].is_empty():
            left_out = tables["left_out"]
            raise no_genes(path, counted(left_out), [] if left_out.height else types_of(path))
        if cache:
            kept.save(digest, tables)
    annotation = Annotation(**tables, source=str(path), digest=digest)
    _say_what_differs(annotation)
    return annotation


def _say_what_differs(annotation: Annotation) -> None:
    """Warn once of what was left out and changed, by reason."""
    told = {
        "left out, or without known splice sites": annotation.left_out,
        "changed": annotation.changed,
    }
    parts = [f"{what}: {counted(rows)}" for what, rows in told.items() if rows.height]
    if parts:
        log.warning("%s: genes and transcripts %s.", annotation.source, ". ".join(parts))
