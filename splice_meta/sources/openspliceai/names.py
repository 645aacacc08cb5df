"""OpenSpliceAI's output: what its sequence names say, and which base is which position.

OpenSpliceAI scores sequences that lie on the transcript strand; here the base of a sequence with
index ``i`` (from 0) is the one its network scored as number ``i``. A name such as
``GENE chr1:101-200(-)`` (1-based, inclusive) says where the sequence lies: index 0 is base 101 of
a ``+`` gene and base 200 of a ``-`` gene. With an annotation OpenSpliceAI scores genes with their
flanks, and the name gives the span with flanks.

Sequences above its ``--split-threshold`` come in overlapping pieces. Their names count from the
sequence's first base, on the ``-`` strand too, where the coordinates named are therefore those of
the mirrored place; a position in two pieces is read from the one in which it lies further inside.
"""

from __future__ import annotations

import polars as pl

from splice_meta.errors import InputError

BLOCK = 5000
"""Bases that the network scores at once; the last block of a sequence is padded."""

_PLACE = r":(?<start>\d+)-(?<end>\d+)\((?<strand>[-+.])\)"
# OpenSpliceAI looks for chr..., wherever it stands; other contigs are a word of their own.
_PATTERNS = (
    r"^(?<gene>.*?)[\s:|]*(?<chrom>chr[A-Za-z0-9_]*)" + _PLACE,
    r"^(?<gene>.*?)\s*(?<chrom>\S+)" + _PLACE,
)


def parse_names(table: pl.DataFrame) -> pl.DataFrame:
    """Add what the sequence names say.

    Args:
        table: Has ``name``: ``GENE chrN:s-e(+)`` with or without ``:+`` behind it, ``ID:s-e(.)``
            (a piece of a sequence whose place is not known) or any other text.

    Returns:
        The table with ``gene_id`` (the text before the place, or the name's first word),
        ``chrom``, ``strand``, ``start``, ``end`` (1-based, inclusive; null where not known),
        ``part`` (index of a piece's first base in its sequence, for ``(.)``; else null) and
        ``length`` (bases; null where not known).
    """

    def group(name: str) -> pl.Expr:
        found = (pl.col("name").str.extract_groups(p).struct.field(name) for p in _PATTERNS)
        return pl.coalesce(*found)

    is_placed = pl.col("strand").is_in(["+", "-"]).fill_null(False)
    is_part = (pl.col("strand") == ".").fill_null(False)
    place = pl.format("{}:{}-{}({})", "chrom", "start", "end", "strand")
    gene = pl.col("gene").str.strip_chars()
    first_word = pl.col("name").str.replace(r":[-+]$", "").str.extract(r"^(\S+)")
    groups = table.with_columns(
        group("gene"),
        group("chrom"),
        group("strand"),
        group("start").cast(pl.Int64),
        group("end").cast(pl.Int64),
    )
    return groups.with_columns(
        gene_id=pl.when(is_part)
        .then("chrom")
        .when(is_placed & (gene != ""))
        .then(gene)
        .when(is_placed)
        .then(place)
        .otherwise(first_word),
        part=pl.when(is_part).then(pl.col("start") - 1),
        length=pl.col("end") - pl.col("start") + 1,
        **{c: pl.when(is_placed).then(pl.col(c)) for c in ("chrom", "strand", "start", "end")},
    ).drop("gene")


def place_pieces(table: pl.DataFrame, spans: pl.DataFrame | None, source: str) -> pl.DataFrame:
    """Say which bases of each sequence are which positions of its gene.

    Args:
        table: From :func:`parse_names`, in the order of the file; further columns are kept.
        spans: Where genes lie: ``gene_id``, ``chrom``, ``strand``, ``start``, ``end`` (1-based,
            inclusive); None where not known. A gene with flanks is cut to its span; genes that
            are not in it are read whole.
        source: The file, for messages.

    Returns:
        One row per sequence, those of a gene adjacent, with ``chrom``, ``strand``,
        ``gene_start``, ``gene_end`` (null where not known), ``first`` and ``stop`` (index of the
        first base that is read and of the one after the last), ``position`` (that of ``first``,
        from 1 at the gene's 5' end).

    Raises:
        InputError: If a length is not known, pieces do not fit together, or a gene's span is not
            that of the sequence.
    """
    parts = _join_pieces(_with_spans(table, spans, source), source)
    _refuse_other_spans(parts, source)
    is_plus, is_cut = pl.col("strand") == "+", pl.col("span_start").is_not_null()
    before = (
        pl.when(is_plus)
        .then(pl.col("span_start") - pl.col("start"))
        .otherwise(pl.col("end") - pl.col("span_end"))
    )
    return (
        parts.with_columns(
            before=pl.when(is_cut).then(before.fill_null(0)).otherwise(0),
            gene_start=pl.coalesce("span_start", "start"),
            gene_end=pl.coalesce("span_end", "end"),
        )
        .with_columns(
            bases=pl.coalesce(pl.col("gene_end") - pl.col("gene_start") + 1, "whole"),
        )
        .with_columns(
            low=pl.max_horizontal("low", "before"),
            high=pl.min_horizontal("high", pl.col("before") + pl.col("bases")),
        )
        .filter(pl.col("low") < pl.col("high"))
        .with_columns(
            first=pl.col("low") - pl.col("part"),
            stop=pl.col("high") - pl.col("part"),
            position=pl.col("low") - pl.col("before") + 1,
        )
        .drop("low", "high", "before", "bases", "whole", "span_start", "span_end")
    )


def _with_spans(table: pl.DataFrame, spans: pl.DataFrame | None, source: str) -> pl.DataFrame:
    """Add ``span_start`` and ``span_end``; fill the place of names that do not give one."""
    empty = pl.DataFrame(schema={"gene_id": pl.String, "chrom": pl.String, "strand": pl.String})
    known = spans if spans is not None else empty.with_columns(start=0, end=0)
    known = known.select(
        "gene_id",
        span_chrom=pl.col("chrom").cast(pl.String),
        span_strand=pl.col("strand").cast(pl.String),
        span_start=pl.col("start").cast(pl.Int64),
        span_end=pl.col("end").cast(pl.Int64),
    )
    twice = known.filter(
        pl.col("gene_id").is_duplicated() & pl.col("gene_id").is_in(table["gene_id"].to_list())
    )
    if twice.height:
        raise InputError(
            f"Gene {twice['gene_id'][0]} lies in several places of the annotation.",
            "Give an annotation with one span per gene.",
        )
    joined = table.join(known, on="gene_id", how="left", maintain_order="left")
    span = pl.col("span_end") - pl.col("span_start") + 1
    joined = joined.with_columns(length=pl.coalesce("length", span))
    lost = joined.filter(pl.col("length").is_null())["gene_id"]
    if len(lost):
        where = "the name gives no coordinates" if spans is None else "nor does the annotation"
        raise InputError(
            f"{source} does not say where {len(lost):,} sequences lie, first {lost[0]}: {where}.",
            "Give the genes' spans with --annotation, or name sequences 'GENE chrN:start-end(+)'.",
        )
    same = pl.col("chrom").str.strip_prefix("chr") == pl.col("span_chrom").str.strip_prefix("chr")
    other = joined.filter(~same | (pl.col("strand") != pl.col("span_strand")))
    if other.height:
        raise InputError(
            f"Gene {other['gene_id'][0]} lies on {other['chrom'][0]} ({other['strand'][0]}) in "
            f"{source}, on {other['span_chrom'][0]} ({other['span_strand'][0]}) in the annotation.",
            "Give the annotation that the scores were made with.",
        )
    return joined.with_columns(
        chrom=pl.coalesce("chrom", "span_chrom"), strand=pl.coalesce("strand", "span_strand")
    ).drop("span_chrom", "span_strand")


def _join_pieces(table: pl.DataFrame, source: str) -> pl.DataFrame:
    """Order the pieces of each gene and say which indices of the whole each is read for."""
    step = pl.col("start").diff()
    rises, falls = (found.any().over("gene_id") for found in (step > 0, step < 0))
    one_place = (pl.col("chrom").n_unique() == 1) & (pl.col("strand").n_unique() == 1)
    is_minus = pl.col("strand") == "-"
    least, most = pl.col("start").min().over("gene_id"), pl.col("end").max().over("gene_id")
    # Pieces stand 5' to 3'; names that fall on the - strand are of no version known, but true.
    offset = pl.when(is_minus & falls).then(most - pl.col("end")).otherwise(pl.col("start") - least)
    end = pl.col("part") + pl.col("length")
    # Halfway through the overlap with the piece before; 0 in a gene's first piece.
    cut = ((pl.col("part") + end.shift(1)) // 2).over("gene_id").fill_null(0)
    parts = (
        table.with_row_index("order")
        .with_columns(
            one_place=one_place.over("gene_id") & ~(is_minus & rises & falls),
            part=pl.coalesce("part", offset, pl.lit(0))
        )
        .with_columns(
            order=pl.col("order").min().over("gene_id"),
            piece_start=pl.col("start"),
            piece_end=pl.col("end"),
            start=least,
            end=most,
        )
        .sort("order", "part", maintain_order=True)
        .with_columns(
            low=cut, gap=pl.col("part") > end.shift(1).over("gene_id").fill_null(0),
            whole=end.max().over("gene_id"),
        )
        .with_columns(high=pl.col("low").shift(-1).over("gene_id").fill_null(pl.col("whole")))
    )  # fmt: skip
    bad = parts.filter(pl.col("gap") | ~pl.col("one_place"))["gene_id"]
    if len(bad):
        raise InputError(
            f"The sequences named {bad[0]} in {source} are no adjacent pieces of one gene.",
            "Every gene needs a name of its own.",
        )
    return parts.drop("order", "gap", "one_place")


def _refuse_other_spans(parts: pl.DataFrame, source: str) -> None:
    span = pl.col("span_end") - pl.col("span_start") + 1
    inside = (pl.col("start") <= pl.col("span_start")) & (pl.col("span_end") <= pl.col("end"))
    bad = parts.filter(~pl.coalesce(inside, span == pl.col("whole")))
    if bad.height:
        raise InputError(
            f"Gene {bad['gene_id'][0]} has {bad['whole'][0]:,} scored bases in {source}, which do "
            f"not cover its span {bad['span_start'][0]:,}-{bad['span_end'][0]:,} in the "
            f"annotation ({bad.height:,} such sequences).",
            "Give the annotation that the scores were made with.",
        )
