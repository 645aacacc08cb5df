"""Where genes lie by their own rows: chromosome, strand, span, direction, gaps."""

from __future__ import annotations

import polars as pl

from splice_meta.errors import ContractError
from splice_meta.strands import is_known, no_strand_error, strand_of

NOTABLE = 0.01
"""Share of a gene's positions that must lack for a warning."""


def placed(runs: pl.DataFrame) -> pl.DataFrame:
    """Add what the rows tell of each gene's place.

    Args:
        runs: One row per gene, from :func:`splice_meta.sources.checks.runs.gene_runs`.

    Returns:
        The runs with ``missing`` (positions between the lowest and the highest that are not
        there), ``chrom``, ``strand`` (``+``, ``-``, null if unknown, or a word that is none),
        ``direction`` (the strand by the way the positions count), ``start`` and ``end`` (genomic,
        1-based); null where the table does not tell.

    Raises:
        ContractError: If chromosome or strand change inside a gene, or genomic position, position
            and strand contradict one another.
    """
    _refuse_changes(runs)
    columns = runs.columns
    chrom = pl.col("chrom") if "chrom" in columns else pl.lit(None)
    word = pl.col("strand") if "strand" in columns else pl.lit(None)
    genes = runs.with_columns(
        missing=pl.col("high") - pl.col("low") + 1 - pl.col("positions"),
        chrom=chrom.cast(pl.String),
        strand=strand_of(word),
    )
    if "placed" not in columns:
        nothing = pl.lit(None, pl.Int64)
        return genes.with_columns(
            direction=pl.lit(None, pl.String), start=nothing, end=nothing
        )  # fmt: skip
    _refuse_partly_placed(genes)
    _refuse_direction(genes)
    return _with_span(genes)


def _with_span(genes: pl.DataFrame) -> pl.DataFrame:
    """Add direction and span."""
    rises, falls = _rises(), _falls()
    told = pl.when(rises & ~falls).then(pl.lit("+")).when(falls & ~rises).then(pl.lit("-"))
    # A gene of one row neither rises nor falls; its place is the same either way.
    ahead, across = pl.col("ahead_low"), pl.col("across_low")
    return genes.with_columns(
        direction=told,
        start=pl.when(rises).then(pl.col("low") + ahead).otherwise(across - pl.col("high")),
        end=pl.when(rises).then(pl.col("high") + ahead).otherwise(across - pl.col("low")),
    )


def _rises() -> pl.Expr:
    """Whether genomic position and position rise together, by as much."""
    return (pl.col("ahead_low") == pl.col("ahead_high")).fill_null(False)


def _falls() -> pl.Expr:
    return (pl.col("across_low") == pl.col("across_high")).fill_null(False)


def _refuse_changes(runs: pl.DataFrame) -> None:
    for name, label in (("chrom", "chromosome"), ("strand", "strand")):
        if f"{name}_changes" not in runs.columns:
            continue
        changed = runs.filter(pl.col(f"{name}_changes") > 0)
        if changed.height:
            raise ContractError(
                f"The {label} changes inside gene {changed['gene_id'][0]} of the base scores "
                f"({changed.height:,} such genes).",
                f"Each gene lies on one {label}; give genes of one name in two places two names.",
            )


def _refuse_partly_placed(genes: pl.DataFrame) -> None:
    partly = genes.filter((pl.col("placed") > 0) & (pl.col("placed") < pl.col("positions")))
    if partly.height:
        gene = partly.row(0, named=True)
        lacking = gene["positions"] - gene["placed"]
        raise ContractError(
            f"Column genomic_position is empty in {lacking:,} of {gene['positions']:,} rows of "
            f"gene {gene['gene_id']} ({partly.height:,} such genes).",
            "Give it for every row of a gene, or leave the column out.",
        )


def _refuse_direction(genes: pl.DataFrame) -> None:
    """Refuse genes whose positions do not count 5' to 3' along their genomic positions."""
    told = genes.filter(pl.col("placed") > 0)
    uneven = told.filter(~_rises() & ~_falls())
    if uneven.height:
        raise ContractError(
            f"position and genomic_position do not move together in gene {uneven['gene_id'][0]} "
            f"({uneven.height:,} such genes).",
            "From row to row both must change by as much; number every nucleotide of the gene, "
            "introns too.",
        )
    no_strand = told.filter(pl.col("strand").is_not_null() & ~is_known(pl.col("strand")))
    if no_strand.height:
        gene, word = no_strand.select("gene_id", "strand").row(0)
        raise no_strand_error(gene, word, "which way its positions count")
    wrong = told.filter(
        ((pl.col("strand") == "-") & ~_falls()) | ((pl.col("strand") == "+") & ~_rises())
    )
    if wrong.is_empty():
        return
    gene, strand = wrong.select("gene_id", "strand").row(0)
    count = f"gene {gene} ({wrong.height:,} such genes)"
    if strand == "-":
        raise ContractError(
            f"Positions count 5' to 3'; here they count along the genome in {count}, which lies on "
            "the - strand: position and genomic_position rise together.",
            "On - number position from the highest genomic_position down; or correct the strand, "
            "if that is wrong.",
        )
    raise ContractError(
        f"Positions count 5' to 3'; here they count against the genome in {count}, which lies on "
        "the + strand: position rises where genomic_position falls.",
        "On + number position from the lowest genomic_position up, or correct the strand.",
    )


def judge_gaps(genes: pl.DataFrame) -> list[str]:
    """What is to be said of positions that are missing inside genes.

    Args:
        genes: From :func:`placed`.
    """
    gappy = genes.filter(
        pl.col("missing") > NOTABLE * (pl.col("positions") + pl.col("missing"))
    )  # fmt: skip
    if gappy.is_empty():
        return []
    missing, there = int(gappy["missing"].sum()), int(gappy["positions"].sum())
    return [
        f"{missing:,} of {missing + there:,} positions ({missing / (missing + there):.1%}) are "
        f"missing inside {gappy.height:,} of {genes.height:,} genes, first "
        f"{gappy['gene_id'][0]}; features of neighbours take a missing position for one that "
        "scores 0."
    ]
