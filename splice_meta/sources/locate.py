"""Finding the genes of a score table in annotation and FASTA."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import polars as pl

from splice_meta.errors import InputError
from splice_meta.reference.annotation import Annotation
from splice_meta.reference.chrom_names import match_chroms, no_match_error
from splice_meta.reference.composition import say_unknown_bases
from splice_meta.reference.gene_features import gene_features
from splice_meta.reference.reference import Reference
from splice_meta.reference.sequence import Genome
from splice_meta.reference.truth import truth_of
from splice_meta.sources.checks import GeneTable
from splice_meta.sources.located import PLACE, Located
from splice_meta.strands import is_known, no_strand_error

log = logging.getLogger("splice_meta")

_ANNOTATED = ("annotated", "there", "way", "gene_name")
"""What an annotation tells of a gene in words."""


def locate(
    frame: pl.LazyFrame, table: GeneTable, reference: Reference, truth: bool = False
) -> Located:
    """Find the genes of a score table in annotation and FASTA.

    A gene is the annotation's if its id is (with or without version) and, where the scores tell,
    chromosome and strand agree and the spans overlap; spans as long as one another must be the
    same.

    Args:
        frame: Canonical scores.
        table: Their genes, as checked.
        reference: Annotation and sequence.
        truth: Take ``splice_type`` from the annotation.

    Raises:
        InputError: If the annotation has none of the genes, more than half of those it has lie
            elsewhere in it, or names of chromosomes do not match.
    """
    columns = frame.collect_schema().names()
    places = _own_places(table)
    annotation, genome = reference.annotation, reference.genome
    places = _annotated(places, annotation)
    missing = tuple(name for name in PLACE if name not in columns)
    if annotation is None:
        missing = ()
        _refuse_unplaced(columns, genome)
    located = places.with_columns(
        first=pl.when(pl.col("start").is_not_null()).then("low").otherwise(1),
        chrom=pl.coalesce("chrom", "there"),
        # Where the scores have no word for it, the way their positions count tells.
        strand=pl.coalesce("strand", "way", *(["direction"] if "strand" in columns else [])),
        start=pl.coalesce("start", "from"), end=pl.coalesce("end", "to"),
    )  # fmt: skip
    located = _with_records(located, genome, "scores" if "chrom" in columns else "annotation")
    if "genomic_position" in missing:
        _say_short(located)
    needs_base = genome is not None and "base" not in columns
    if genome is not None and needs_base:
        _say_uncovered(located, genome)
        placed = located.drop_nulls(["record", "start", "end"])
        say_unknown_bases(genome, placed.select("gene_id", "record", "start", "end").iter_rows())
    values = None
    if annotation is not None:
        annotation = annotation.exons_of(located["annotated"].drop_nulls().to_list())
        features = gene_features(annotation).drop("chrom").rename({"gene_id": "annotated"})
        values = located.select("gene_id", "annotated").join(
            features, on="annotated", how="left", maintain_order="left"
        ).drop("annotated")  # fmt: skip
    return Located(
        genes=located.select(
            "gene_id", "annotated", "chrom", "strand", "start", "end", "from", "to", "record",
            "gene_name",
        ),
        values=values,
        adds=(*missing, *(("base",) if needs_base else ())),
        genome=genome,
        sites=_sites(located, annotation) if truth and annotation else None,
        untold=_untold(located, annotation) if truth and annotation else {},
        marks=_marks(located, annotation) if annotation else None,
    )


def _own_places(table: GeneTable) -> pl.DataFrame:
    """Where the scores say their genes lie; null where they do not.

    Raises:
        ContractError: If a word for a strand is none.
    """
    names = ("gene_id", "chrom", "strand", "direction", "start", "end", "low", "high")
    places = table.genes.select(names)
    bad = places.filter(pl.col("strand").is_not_null() & ~is_known(pl.col("strand")))
    if bad.height:
        raise no_strand_error(bad["gene_id"][0], bad["strand"][0], "where its bases are")
    return places


def _annotated(places: pl.DataFrame, annotation: Annotation | None) -> pl.DataFrame:
    """Add the annotation's id and span of each gene, null where it lacks the gene."""
    if annotation is None:
        return places.with_columns(
            **{name: pl.lit(None, pl.String) for name in _ANNOTATED},
            **{name: pl.lit(None, pl.Int64) for name in ("from", "to")},
        )
    spans = annotation.genes.select(
        "gene_name", annotated="gene_id", there="chrom", way="strand",
        **{"from": pl.col("gene_start").cast(pl.Int64), "to": pl.col("gene_end").cast(pl.Int64)},
    )  # fmt: skip
    ids = annotation.match(places["gene_id"].to_list()).select(gene_id="asked", annotated="gene_id")
    found = places.join(ids, on="gene_id", how="left", maintain_order="left").join(
        spans, on="annotated", how="left", maintain_order="left"
    )
    by_id = found.filter(pl.col("annotated").is_not_null())
    if by_id.is_empty():
        raise _none_of(places["gene_id"], annotation)
    is_other_strand, is_elsewhere = _elsewhere(found, annotation)
    elsewhere = found.filter(is_elsewhere)
    if 2 * elsewhere.height > by_id.height:
        if found.filter(is_other_strand).height == elsewhere.height:
            _refuse_other_strand(elsewhere, by_id.height)
        _refuse_elsewhere(elsewhere, by_id.height)
    if elsewhere.height:
        log.warning(
            "%d genes lie elsewhere in the annotation than in the scores, first %s; the annotation "
            "counts as lacking them.", elsewhere.height, elsewhere["gene_id"][0],
        )  # fmt: skip
    blank = [
        pl.when(is_elsewhere).then(None).otherwise(pl.col(name)).alias(name)
        for name in (*_ANNOTATED, "from", "to")
    ]
    return found.with_columns(blank)


def _none_of(genes: pl.Series, annotation: Annotation) -> InputError:
    """The error for an annotation without any gene of the scores; it may have left them out."""
    names = f"its own are named like {annotation.genes['gene_id'][0]}"
    left_out = annotation.unknown_sites().filter(pl.col("gene_id").is_in(genes.implode()))
    if left_out.height:
        gene, reason = left_out.row(0)
        names = f"it has {gene}, but left it out because {reason}"
    return InputError(
        f"The annotation {annotation.source} has none of the {len(genes):,} genes of the scores, "
        f"first {genes[0]}; {names}.",
        "Give the annotation that the scores were made with.",
    )


def _elsewhere(found: pl.DataFrame, annotation: Annotation) -> tuple[pl.Series, pl.Series]:
    """Which genes the scores put at another place than the annotation of the same id.

    Returns:
        Those that differ in nothing but the strand; all of them.
    """
    own = found["chrom"].drop_nulls().unique(maintain_order=True).to_list()
    theirs = annotation.genes["chrom"].unique(maintain_order=True).to_list()
    names = match_chroms(own, theirs)
    if own and not names:
        raise no_match_error(own, theirs, "scores", "annotation")
    chrom = pl.col("chrom").replace_strict(
        {None: None, **names}, default="", return_dtype=pl.String
    )
    apart = (pl.col("start") > pl.col("to")) | (pl.col("end") < pl.col("from"))
    # As long as annotated but not in the same place: another assembly, a short way off.
    shift = pl.col("start") - pl.col("from")
    moved = (shift != 0) & (shift == pl.col("end") - pl.col("to"))
    length = pl.col("to") - pl.col("from") + 1
    outside = (pl.col("low") < 1) | (pl.col("high") > length)
    # Position 1 is the first base of the gene's line or of its widened span: not known which.
    widened = annotation.own_spans()["gene_id"]
    outside |= pl.col("annotated").is_in(widened.implode()) & (pl.col("high") < length)
    # Comparisons with null, where the scores do not tell, are null: no contradiction.
    strand = (pl.coalesce("strand", "direction") != pl.col("way")).fill_null(False)
    place = (chrom != pl.col("there")).fill_null(False) | pl.when(pl.col("start").is_null()).then(
        outside
    ).otherwise(apart | moved).fill_null(False)
    both = found.select(strand=strand & ~place, either=strand | place)
    return both["strand"], both["either"]


def _refuse_other_strand(elsewhere: pl.DataFrame, genes: int) -> None:
    gene = elsewhere.row(0, named=True)
    if gene["strand"] is None:
        own = f"counts its positions along the {gene['direction']} strand"
    else:
        own = f"lies on the {gene['strand']} strand"
    raise InputError(
        f"{elsewhere.height:,} of {genes:,} genes lie on the other strand in the annotation: "
        f"{gene['gene_id']} {own} in the scores, on {gene['way']} in the annotation.",
        "Correct strand and order in the scores (position counts 5' to 3'), or give the annotation "
        "that they were made with.",
    )


def _refuse_elsewhere(elsewhere: pl.DataFrame, genes: int) -> None:
    gene = elsewhere.row(0, named=True)
    theirs = f"{gene['there']}:{gene['from']:,}-{gene['to']:,} ({gene['way']})"
    if gene["start"] is None:
        own = f"has positions {gene['low']:,} to {gene['high']:,}"
    else:
        own = f"lies at {gene['chrom']}:{gene['start']:,}-{gene['end']:,} ({gene['strand']})"
    from_0 = gene["low"] == 0 if gene["start"] is None else gene["start"] == gene["from"] - 1
    raise InputError(
        f"{elsewhere.height:,} of {genes:,} genes do not lie where the annotation puts them: "
        f"{gene['gene_id']} {own} in the scores, at {theirs} in the annotation.",
        "position and genomic_position count from 1; these look counted from 0."
        if from_0
        else "Give the annotation of the assembly that was scored.",
    )


def _say_short(places: pl.DataFrame) -> None:
    """Warn of genes that end before their annotated 3' end: they may be of another release."""
    short = places.filter(pl.col("high") < pl.col("to") - pl.col("from") + 1)["gene_id"]
    if len(short):
        log.warning(
            "%d genes have fewer positions than the annotation gives them, first %s; position 1 is "
            "taken for their annotated 5' end.", len(short), short[0],
        )  # fmt: skip


def _refuse_unplaced(columns: Sequence[str], genome: Genome | None) -> None:
    missing = [name for name in PLACE if name not in columns]
    if genome is not None and missing and "base" not in columns:
        raise InputError(
            f"The scores have no column {', '.join(missing)}, so their bases cannot be found in "
            "the FASTA.",
            "Give the annotation too, which gives where the genes lie.",
        )


def _with_records(places: pl.DataFrame, genome: Genome | None, label: str) -> pl.DataFrame:
    """Add the FASTA's name of each gene's chromosome."""
    if genome is None:
        return places.with_columns(record=pl.lit(None, pl.String))
    own = places["chrom"].drop_nulls().unique(maintain_order=True).to_list()
    names = match_chroms(own, genome.chroms)
    if own and not names:
        raise no_match_error(own, genome.chroms, label, "FASTA")
    record = pl.col("chrom").replace_strict(names, default=None, return_dtype=pl.String)
    return places.with_columns(record=record)


def _say_uncovered(places: pl.DataFrame, genome: Genome) -> None:
    """Warn of genes whose bases are not all known."""
    bare = [
        gene["gene_id"]
        for gene in places.iter_rows(named=True)
        if gene["record"] is None
        or gene["start"] is None
        or not genome.covers(gene["record"], gene["start"], gene["end"])
    ]
    if len(bare) == places.height:
        raise InputError(
            f"The FASTA {genome.source} covers none of the {places.height:,} genes of the scores, "
            f"first {bare[0]}.",
            "Give the sequence of the assembly that was scored.",
        )
    if bare:
        log.warning(
            "%d genes do not lie in the FASTA with all their bases, first %s; those count as N.",
            len(bare), bare[0],
        )  # fmt: skip


def _sites(places: pl.DataFrame, annotation: Annotation) -> pl.DataFrame:
    """The annotated sites under the scores' gene ids."""
    ids = places.select("gene_id", "annotated").drop_nulls()
    sites = truth_of(annotation).rename({"gene_id": "annotated"})
    return sites.join(ids, on="annotated", how="inner", maintain_order="left").select(
        "gene_id", "genomic_position", "splice_type"
    )


def _marks(places: pl.DataFrame, annotation: Annotation) -> pl.DataFrame:
    """The annotated sites of the genes of which all are told, by the scores' positions."""
    untold = annotation.unknown_sites()["gene_id"].implode()
    known = places.filter(
        pl.col("annotated").is_not_null(), ~pl.col("annotated").is_in(untold)
    ).select("gene_id", "annotated", "strand", "start", "end", "first")  # fmt: skip
    sites = annotation.splice_sites().select(
        pl.col("genomic_position").cast(pl.Int64), annotated="gene_id", type="splice_type"
    )
    along = (
        pl.when(pl.col("strand") == "+")
        .then(pl.col("genomic_position") - pl.col("start"))
        .otherwise(pl.col("end") - pl.col("genomic_position"))
    )
    return known.join(sites, on="annotated", how="left", maintain_order="left_right").select(
        "gene_id", "type", position=pl.col("first").cast(pl.Int64) + along
    )


def _untold(places: pl.DataFrame, annotation: Annotation) -> dict[str, str]:
    """Why not all splice sites are known, by the scores' gene ids."""
    unknown = annotation.unknown_sites().rename({"gene_id": "annotated"})
    told = places.select("gene_id", "annotated").join(
        unknown, on="annotated", how="inner", maintain_order="left"
    )
    return dict(told.select("gene_id", "reason").iter_rows())


def refuse_no_truth(located: Located, reference: Reference) -> None:
    """Warn of genes whose truth is not known; refuse to go on where none is left."""
    gene, reason = next(iter(located.untold.items()), ("", ""))
    if len(located.without_truth) == located.genes.height:
        source = reference.files[0]
        gene, reason = (gene, reason) if gene else (located.unknown[0], "it is not in it")
        raise InputError(
            f"The annotation {source} gives the splice sites of none of the "
            f"{located.genes.height:,} genes, first {gene}: {reason}.",
            "Give an annotation with the exons of these genes.",
        )
    if located.unknown:
        log.warning(
            "%d genes are not in the annotation and are left out, first %s.",
            len(located.unknown), located.unknown[0],
        )  # fmt: skip
    if located.untold:
        log.warning(
            "%d genes are left out, since the annotation does not give all of their splice sites, "
            "first %s: %s.", len(located.untold), gene, reason,
        )  # fmt: skip
