from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
from conftest import FIXTURES

from bad_inputs import Case, Said, real

GTF = FIXTURES / "annotation.gtf.gz"


def predictions() -> pl.DataFrame:
    """Rows in the layout of predictions: the final probabilities are the base model's."""
    return real(300).with_columns(
        donor_meta="donor_score",
        acceptor_meta="acceptor_score",
        neither_meta="neither_score",
        predicted_type=pl.lit("neither"),
    )


def export(
    *more: str | Path, sizes: str | bytes | None = None, table: pl.DataFrame | None = None
) -> Callable[[Path], Sequence[str | Path]]:
    """Predictions, and a file of sizes where one is given."""

    def make(folder: Path) -> Sequence[str | Path]:
        (predictions() if table is None else table).write_parquet(folder / "p.parquet")
        if sizes is not None:
            (folder / "s").write_bytes(sizes.encode() if isinstance(sizes, str) else sizes)
            return ["export", "p.parquet", "-o", "t", "--chrom-sizes", "s", *more]
        return ["export", "p.parquet", "-o", "t", *more]

    return make


def holding(name: str) -> Callable[[Path], Sequence[str | Path]]:
    def make(folder: Path) -> Sequence[str | Path]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
        return export("--overwrite")(folder)

    return make


def pair() -> pl.DataFrame:
    other = predictions().with_columns(chrom=pl.lit("chr4"), gene_id=pl.lit("G"))
    return pl.concat([predictions().with_columns(chrom=pl.lit("4")), other])


def base_only(said: Said) -> None:
    files = sorted(path.name for path in (said.folder / "t").iterdir())
    assert files == ["base_acceptor_minus.bw", "base_donor_minus.bw", "called_sites.bed"]


CASES = [
    Case(
        name="a value that is none of those an option takes",
        make=lambda folder: ["run", "--scores", "s", "--uncertainty-strategy", "best"],
        words=["--uncertainty-strategy is 'best'; it may be 'confidence_only', 'entropy_only'"],
        never=["Value error"],
    ),
    Case(name="no format", make=export("--formats", ""), words=["no format"]),
    Case(name="unknown format", make=export("--formats", "wig"), words=["wig", "bigwig"]),
    Case(name="unknown style", make=export("--chrom-style", "x"), words=["as-is", "ucsc"]),
    Case(name="threshold 0", make=export("--threshold", "0"), words=["threshold is 0"]),
    Case(name="least above 1", make=export("--least", "2"), words=["least value 2"]),
    Case(name="no sizes", make=export("--chrom-sizes", "none"), words=["no file of sizes none"]),
    Case(name="sizes, other text", make=export(sizes="chr4 long\n"), words=["line 1 of s"]),
    Case(name="sizes, too large", make=export(sizes="chr4\t9999999999\n"), words=["line 1"]),
    Case(name="sizes, a table", make=export(sizes=b"PAR1\xff\xfe"), words=["UTF-8"]),
    Case(name="sizes, empty", make=export(sizes="# none\n"), words=["names no chromosome"]),
    Case(name="sizes, twice", make=export(sizes="4\t7\n4\t8\n"), words=["two sizes of 4"]),
    Case(name="sizes, others", make=export(sizes="chr9\t700\n"), words=["has no chromosome"]),
    Case(name="sizes, too short", make=export(sizes="chr4\t700\n"), words=["reach to position"]),
    Case(
        name="no place",
        make=export(table=predictions().drop("chrom", "strand", "genomic_position", strict=False)),
        words=["where the genes lie", "--annotation"],
    ),
    Case(
        name="one chromosome twice",
        make=export("--chrom-style", "ucsc", table=pair()),
        words=["style ucsc"],
        warnings=1,
    ),
    Case(name="a file of the user's", make=holding("t/notes.txt"), words=["notes.txt"]),
    Case(name="a file in the way", make=holding("t"), words=["is a file"]),
    Case(
        name="base scores have base tracks only",
        make=export("--annotation", GTF, table=real(300)),
        status=0,
        words=["sizes of some chromosomes are not known (1, first 4)"],
        then=base_only,
    ),
]
