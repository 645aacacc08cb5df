"""Annotated VCF: the input's lines as they are, with the changes of splicing in INFO.

The fields have SpliceAI's layout, so that what reads SpliceAI's reads them: ``SpliceMeta`` from
recalibrated probabilities, ``SpliceMeta_base`` from the base model's. Two more have layouts of
their own: ``SpliceMeta_effect`` (see :mod:`.deltas`), and ``SpliceMeta_left_out`` for alleles that
were not scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Protocol

import polars as pl

from splice_meta.alleles import vcf_header
from splice_meta.alleles.bgzip import BgzipWriter
from splice_meta.alleles.deltas import EFFECT
from splice_meta.alleles.vcf_header import BASE, COMBINED, FINAL, LEFT_OUT
from splice_meta.alleles.vcf_text import NO_VARIANT
from splice_meta.errors import InputError
from splice_meta.files.packed import blocks
from splice_meta.sink import whole_file

KINDS = ("acceptor_gain", "acceptor_loss", "donor_gain", "donor_loss")
"""The changes, in the order of SpliceAI's fields."""

_LAYERS = {FINAL: "final", BASE: "base"}
_DECIMALS = 4
_BATCH_BYTES = 1 << 22
_BATCH_LINES = 1 << 16
_OLD = rf"(?:^|;){FINAL}(?:_base|_effect|_left_out)?=[^;]*"
# What INFO, or a field of it, is divided by; see the VCF specification on special characters.
_ESCAPED = {"%": "%25", ",": "%2C", ";": "%3B", "=": "%3D", ":": "%3A", "|": "%7C",
            " ": "%20", "\t": "%09", "\r": "%0D", "\n": "%0A"}  # fmt: skip


class _Writer(Protocol):
    def write(self, data: bytes, /) -> object: ...


def write_vcf(
    summary: pl.LazyFrame,
    target: Path,
    *,
    source: Path | None = None,
    lengths: Mapping[str, int] | None = None,
    base_model: str = "the base model",
    version: str,
) -> None:
    """Write an annotated VCF file; it appears complete or not at all.

    Memory is bounded by a batch of lines, where ``summary`` is a scan of a Parquet file whose rows
    are in the order of ``line``.

    Args:
        summary: The summary of variants, one row per variant and gene: the columns of
            :data:`~splice_meta.alleles.reading.VARIANTS`, ``gene_name``, ``gene_id`` and for
            ``base``, and ``final`` where there is a meta-model, ``{layer}_{kind}`` and
            ``{layer}_{kind}_position``; ``effect``, if it is there.
        target: Where the file should appear; packed with bgzip if the name ends in ``.gz`` or
            ``.bgz``.
        source: The VCF file that the variants were read from: its lines are kept, but for line ends
            of Windows and fields of earlier runs. Without it lines are made from the summary.
        lengths: Of chromosomes, in bases, by the names of the variants.
        base_model: Its name, for the header.
        version: Of this package, for the header.

    Raises:
        OutputError: If it cannot be written.
        InputError: If the source cannot be read.
    """
    fields = _fields(summary)
    chroms = summary.select(pl.col("chrom").unique(maintain_order=True)).collect()["chrom"]
    head, batches = _of_vcf(source) if source else ([], _from_summary(summary))
    first = next(batches, None)
    columns = 8 if first is None else first["text"][0].count("\t") + 1
    header = vcf_header.complete(
        head, columns=columns, fields=fields, chroms=chroms.drop_nulls().to_list(),
        lengths=lengths or {}, base_model=base_model, version=version,
    )  # fmt: skip
    with whole_file(target) as temporary, temporary.open("wb") as file:
        packed = BgzipWriter(file) if target.suffix.lower() in (".gz", ".bgz") else None
        _write(packed or file, header, first, batches, summary, source)
        if packed:
            packed.close()


def _write(
    file: _Writer | IO[bytes], header: str, first: pl.DataFrame | None,
    batches: Iterator[pl.DataFrame], summary: pl.LazyFrame, source: Path | None,
) -> None:  # fmt: skip
    file.write(header.encode())
    batch, high = first, -1
    while batch is not None:
        low, high = batch["line"][0], batch["line"][-1]
        fields = info(summary.filter(pl.col("line").is_between(low, high)))
        lines = batch.lazy().join(fields, on="line", how="left", maintain_order="left")
        text = lines.select(_annotated().str.join("\n")).collect().item()
        file.write(text.encode() + b"\n")
        batch = next(batches, None)
    if source and high != summary.select(pl.col("line").max()).collect().item():
        raise InputError(
            f"{source} has other records than when it was read.", "Do not change files meanwhile."
        )


def _of_vcf(source: Path) -> tuple[list[str], Iterator[pl.DataFrame]]:
    """The header's lines of a VCF file, and its records in batches: ``line`` and ``text``."""
    texts = _texts(source)
    head: list[str] = []
    for text in texts:  # to the first batch with a record; a header may have many contigs
        frame = pl.DataFrame({"text": text}).with_columns(pl.col("text").str.strip_prefix("\ufeff"))
        head += frame.filter(pl.col("text").str.starts_with("#"))["text"].to_list()
        if _records(frame).height:
            return head, _numbered(frame, texts)
    return head, iter(())


def _numbered(first: pl.DataFrame, texts: Iterator[pl.Series]) -> Iterator[pl.DataFrame]:
    """Records with ``line``, their number from 0."""
    frame, count = first, 0
    while True:
        records = _records(frame)
        if records.height:
            yield records.with_row_index("line", offset=count)
        count += records.height
        text = next(texts, None)
        if text is None:
            return
        frame = pl.DataFrame({"text": text})


def _records(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(~pl.col("text").str.contains(NO_VARIANT))


def _texts(source: Path) -> Iterator[pl.Series]:
    """The lines of a text file in batches, without their ends."""
    held = b""
    for block in blocks(source):
        held += block
        if len(held) >= _BATCH_BYTES:
            yield _lines(held)
            held = b""
    if held:
        yield _lines(held)


def _lines(data: bytes) -> pl.Series:
    return pl.read_lines(data, name="text")["text"].str.strip_chars_end("\r")


def _from_summary(summary: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Records made of the variants of other input: ``line`` and ``text``; none without a place."""
    last = summary.select(pl.col("line").max()).collect().item()
    for low in range(0, (last or 0) + 1, _BATCH_LINES):
        part = summary.filter(pl.col("line").is_between(low, low + _BATCH_LINES - 1))
        records = (
            part.filter(pl.col("chrom").is_not_null() & (pl.col("pos") >= 0))
            .unique(["line", "alt"], keep="first", maintain_order=True)
            .group_by("line", maintain_order=True)
            .agg(
                pl.col("chrom", "pos", "id", "ref").first(),
                pl.col("alt").fill_null(".").str.join(","),
            )
            .sort("line")
            .select("line", text=pl.concat_str(
                "chrom", pl.col("pos").cast(pl.String), pl.col("id").fill_null("."),
                pl.col("ref").fill_null("N"), "alt", pl.lit(".\t.\t."), separator="\t",
            ))
            .collect()
        )  # fmt: skip
        if records.height:
            yield records


def _fields(summary: pl.LazyFrame) -> list[str]:
    """The fields that records get."""
    names = summary.collect_schema().names()
    layers = [field for field, layer in _LAYERS.items() if f"{layer}_{KINDS[0]}" in names]
    return [*layers, *([COMBINED] if EFFECT in names else []), LEFT_OUT]


def info(summary: pl.LazyFrame) -> pl.LazyFrame:
    """What is added to INFO.

    Args:
        summary: Rows of the summary.

    Returns:
        ``line`` and ``added``: the fields with their values, divided by semicolons; empty where
        there is nothing to say.
    """
    fields = _fields(summary)
    values = [_values(field).alias(field) for field in fields[:-1]]
    left_out = pl.when(pl.col("reason").is_not_null()).then(
        pl.concat_str(_escaped("alt"), _escaped("reason", {" ": "_"}), separator="|")
    )
    listed = [
        pl.when(pl.col(field).list.len() > 0).then(f"{field}=" + pl.col(field).list.join(","))
        for field in fields
    ]
    return (
        summary.select("line", "variant", *values, left_out.alias(LEFT_OUT))
        .sort("line", "variant", maintain_order=True)
        .group_by("line", maintain_order=True)
        .agg(pl.col(field).drop_nulls().unique(maintain_order=True) for field in fields)
        .select("line", pl.concat_str(listed, separator=";", ignore_nulls=True).alias("added"))
    )


def _values(field: str) -> pl.Expr:
    """The field of one row; null for an allele that was not scored."""
    if field == COMBINED:
        numbers = [_decimals(EFFECT)]
    else:
        names = [f"{_LAYERS[field]}_{kind}" for kind in KINDS]
        places = [pl.col(f"{name}_position").cast(pl.String).fill_null(".") for name in names]
        numbers = [*map(_decimals, names), *places]
    symbol = pl.coalesce(_escaped("gene_name"), _escaped("gene_id"))
    is_scored = pl.col("gene_id").is_not_null() & pl.col("reason").is_null()
    return pl.when(is_scored).then(
        pl.concat_str(_escaped("alt"), symbol, *numbers, separator="|")
    )


def _decimals(name: str) -> pl.Expr:
    whole = (pl.col(name).cast(pl.Float64) * 10**_DECIMALS).round().cast(pl.Int64)
    rest = (whole % 10**_DECIMALS).cast(pl.String).str.zfill(_DECIMALS)
    return pl.format("{}.{}", whole // 10**_DECIMALS, rest).fill_null(".")


def _escaped(name: str, signs: Mapping[str, str] | None = None) -> pl.Expr:
    known = {**_ESCAPED, **(signs or {})}
    return pl.col(name).str.replace_many(list(known), list(known.values()))


def _annotated() -> pl.Expr:
    """A record with ``added`` in its INFO; columns up to INFO are filled where they are missing."""
    text, added = pl.col("text"), pl.col("added").fill_null("")
    parts = text.str.splitn("\t", 9).struct
    columns = [parts[number].fill_null(".") for number in range(7)]
    old = parts[7].fill_null(".").str.replace_all(_OLD, "").str.strip_prefix(";")
    was_empty = old.is_in([".", ""])
    new = (
        pl.when(added == "").then(pl.when(was_empty).then(pl.lit(".")).otherwise(old))
        .when(was_empty).then(added)
        .otherwise(old + ";" + added)
    )  # fmt: skip
    return pl.concat_str(*columns, new, parts[8], separator="\t", ignore_nulls=True)
