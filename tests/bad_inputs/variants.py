from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
from conftest import FIXTURES, MODEL

from bad_inputs import Case, real
from splice_meta.reference.sequence import Genome

REFERENCE = ("--annotation", FIXTURES / "annotation.gtf.gz", "--fasta", FIXTURES / "region.fa.gz")
PLACE = 104_000_000


def base(at: int = PLACE) -> str:
    return Genome(FIXTURES / "region.fa.gz").fetch("chr4", at, at).tobytes().decode()


def other(at: int = PLACE) -> str:
    return "ACGT"[("ACGT".index(base(at)) + 1) % 4]


def asked(
    *more: str | Path, text: str = "", table: pl.DataFrame | None = None
) -> Callable[[Path], list[str | Path]]:
    """A ``make`` of the command on one variant, or on a file."""

    def make(folder: Path) -> list[str | Path]:
        given: str | Path = f"chr4:{PLACE}:{base()}>{other()}"
        if table is not None:
            given = folder / "v.tsv"
            table.write_csv(given, separator="\t")
        if text:
            given = folder / "v.vcf"
            (folder / "v.vcf").write_text(text)
        return ["variants", given, *REFERENCE, "-o", "out", *more]

    return make


def many(change: Callable[[int], str]) -> pl.DataFrame:
    """Substitutions of one chromosome; ``change`` gives the REF of a place."""
    places = [PLACE + 10 * n for n in range(20)]
    return pl.DataFrame(
        {"chrom": "chr4", "pos": places, "ref": [change(at) for at in places], "alt": "G"}
    ).filter(pl.col("ref") != "G")


def in_folder(name: str, text: str) -> Callable[[Path], list[str | Path]]:
    """A ``make`` whose output folder holds something."""

    def make(folder: Path) -> list[str | Path]:
        (folder / "out").mkdir()
        (folder / "out" / name).write_text(text)
        return asked("--overwrite")(folder)

    return make


def with_scores(folder: Path) -> list[str | Path]:
    real().write_parquet(folder / "s.parquet")
    return asked("--scores", "s.parquet", "--scores", "a=s.parquet")(folder)


HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def vcf(line: str) -> str:
    return f"{HEAD}{line}\t.\t.\t.\n"


CASES = [
    *(
        Case(name=f"--distance {value}", make=asked("--distance", value), words=["the distance is"])
        for value in ("0", "-5", "5001", "99999999")
    ),
    Case(name="--distance of words", make=asked("--distance", "far"), words=["--distance"]),
    Case(name="--max-allele 0", make=asked("--max-allele", "0"), words=["longest allele is 0"]),
    *(
        Case(name=f"--threshold {value}", make=asked("--threshold", value),
             words=["threshold of changes is"])
        for value in ("0", "-0.1", "1.5", "nan")
    ),
    Case(name="--resume and --overwrite", make=asked("--resume", "--overwrite"),
         words=["contradict each other"]),
    Case(name="no such file", make=lambda _: ["variants", "none.vcf", *REFERENCE, "-o", "out"],
         words=["there is no file none.vcf", "chr17:43045682:t>a"]),
    Case(name="no variant", make=asked(text=HEAD), words=["holds no variants"]),
    Case(
        name="a file and a variant",
        make=lambda _: ["variants", "v.vcf", "chr4:1:A>C", *REFERENCE, "-o", "out"],
        words=["v.vcf", "is not a variant"],
    ),
    Case(name="chromosomes of another genome", make=asked(text=vcf("chr9\t5\t.\tA\tC")),
         words=["'chr4'", "'chr9'", "none is in both"]),
    Case(name="another assembly", make=asked(table=many(other)),
         words=["none of the", "ref contradicts the fasta", "same assembly"]),
    Case(name="beyond the sequence", make=asked(text=vcf("chr4\t5\t.\tA\tC")),
         words=["none of the 1 variants", "beyond the sequence of the fasta"]),
    Case(name="symbolic alleles alone", make=asked(text=vcf("chr4\t5\t.\tA\t<DEL>")),
         words=["none of the 1 variants", "symbolic allele"]),
    Case(name="no weights", make=asked("--weights", "nothing"), words=["nothing"]),
    Case(name="an unknown base model", make=asked("--base-model", "other"),
         words=["there is no base model 'other'"]),
    Case(name="another base model than the meta-model's",
         make=asked("--base-model", "pangolin", "--model", MODEL, "--weights", "nothing"),
         words=["nothing"]),
    Case(name="several base models beside a meta-model",
         make=asked("--base-model", "spliceai,openspliceai", "--model", MODEL),
         words=["spliceai and openspliceai are named beside a meta-model", "leave --base-model"]),
    Case(name="one folder of weights for several base models",
         make=asked("--base-model", "spliceai,openspliceai", "--weights", "folder"),
         words=["one folder of weights", "--weights spliceai=dir"]),
    Case(name="scores with and without a name", make=with_scores, words=["without a name"]),
    Case(name="another's file in the folder", make=in_folder("mine.txt", "x"),
         words=["holds mine.txt"]),
    Case(name="another's table in the folder", make=in_folder("summary.tsv", "x"),
         words=["is not results of variants of splice_meta"]),
    Case(name="an address", make=asked("-o", "s3://bucket/out"),
         words=["not in the file system", "write this to a local disk"]),
    Case(name="no such gene", make=asked("--genes", "NOSUCHGENE"), words=["nosuchgene"]),
    Case(name="genes of another type", make=asked("--gene-types", "lncRNA"),
         words=["no gene of the wanted types"]),
]  # fmt: skip
