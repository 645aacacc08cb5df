from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from bad_inputs import Case, Said
from splice_meta.reference.sequence import Genome, transcript_bases

BASES = "".join(random.Random(13).choices("ACGT", k=1500))
SPANS = {"GP": ("+", 201, 700), "GM": ("-", 601, 1300)}
"""Two genes: where a sequence is wrong by a strand or by one base, their letters are."""
PROTEIN = "MKVLAEGIVPLLLEDRPSW" * 80
MANIFEST = "feature\ngc_content\n"
LETTERS = str.maketrans("ACGT", "TGCA")


def lines(bases: str, width: int = 60, end: str = "\n") -> str:
    return "".join(bases[i : i + width] + end for i in range(0, len(bases), width))


def fasta(bases: str = BASES, name: str = "c1", width: int = 60, end: str = "\n") -> str:
    return f">{name}{end}{lines(bases, width, end)}"


def scores() -> pl.DataFrame:
    """Flat scores without bases: those come from the FASTA."""
    flat = {"donor_score": 0.01, "acceptor_score": 0.01, "neither_score": 0.98}
    tables = []
    for gene, (strand, start, end) in SPANS.items():
        numbers = pl.int_range(1, end - start + 2, eager=True)
        place = numbers + start - 1 if strand == "+" else end + 1 - numbers
        tables.append(
            pl.DataFrame({"position": numbers, "genomic_position": place}).with_columns(
                gene_id=pl.lit(gene), chrom=pl.lit("c1"), strand=pl.lit(strand),
                **{column: pl.lit(value) for column, value in flat.items()},
            )
        )  # fmt: skip
    return pl.concat(tables)


def of_gene(gene: str, bases: str = BASES) -> str:
    strand, start, end = SPANS[gene]
    forward = bases[start - 1 : end]
    return forward if strand == "+" else forward.translate(LETTERS)[::-1]


def made(text: str | bytes) -> Callable[[Path], Sequence[str | Path]]:
    def make(folder: Path) -> list[str | Path]:
        scores().write_parquet(folder / "s.parquet")
        (folder / "g.fa").write_bytes(text.encode() if isinstance(text, str) else text)
        (folder / "m.csv").write_text(MANIFEST)
        return [
            "features", "--scores", "s.parquet", "--manifest", "m.csv", "-o", "f.parquet",
            "--fasta", "g.fa",
        ]  # fmt: skip

    return make


def read(
    name: str, text: str | bytes, *words: str, bases: str = BASES, never: Sequence[str] = (),
    genes: Sequence[str] = ("GP", "GM"),
) -> Case:  # fmt: skip
    """A file that is read: every base of the genes is the right one."""

    def then(said: Said) -> None:
        genome = Genome(said.folder / "g.fa")
        for gene in genes:
            strand, start, end = SPANS[gene]
            found = transcript_bases(genome, "c1", strand, start, end).tobytes().decode()
            assert found == of_gene(gene, bases)
        rows = pl.read_parquet(said.folder / "f.parquet")
        assert set(rows["gene_id"]) == set(SPANS)

    return Case(name=name, make=made(text), words=words, never=never, status=0, then=then)


def refused(name: str, text: str | bytes, *words: str, warnings: int = 0) -> Case:
    return Case(name=name, make=made(text), words=words, warnings=warnings)


def slice_of(gene: str, name: str, bases: str = "") -> str:
    _, start, end = SPANS[gene]
    return fasta(bases or BASES[start - 1 : end], name)


MINUS = of_gene("GM")
ALL_N = BASES.replace("A", "N").replace("C", "N")
RECORDS = slice_of("GP", "c1:201-700") + slice_of("GM", "c1:601-1300")
CASES = [
    # Letters.
    read("RNA", fasta(BASES.replace("T", "U")), never=["letters"]),
    read("RNA in small letters", fasta(BASES.replace("T", "U").lower()), never=["letters"]),
    read("small letters", fasta(BASES.lower()), never=["letters"]),
    read("half of the letters masked", fasta(ALL_N), "letters are N", "%", bases=ALL_N),
    read("masked with X", fasta(ALL_N.replace("N", "X")), "letters are N", bases=ALL_N),
    read("masked in one gene", fasta(BASES[:700] + "N" * 300 + BASES[1000:]), "first GM",
         bases=BASES[:700] + "N" * 300 + BASES[1000:]),
    read("ambiguous letters", fasta(BASES.replace("ACG", "RYS")), "other letters that count as N",
         bases=BASES.replace("ACG", "NNN")),
    read("one N is no warning", fasta(BASES[:300] + "N" + BASES[301:]), never=["letters are N"],
         bases=BASES[:300] + "N" + BASES[301:]),
    refused("protein", fasta(PROTEIN), "not a nucleotide sequence", "protein", "c1"),
    refused("protein in small letters", fasta(PROTEIN.lower()), "not a nucleotide sequence"),
    refused("protein behind the genome", fasta() + fasta(PROTEIN, "p1"), "record p1", "protein"),
    refused("numbers in front of the lines", ">c1\n" + "".join(
        f"{60 * n + 1:>9} {part}\n" for n, part in enumerate(lines(BASES).split())), "digits"),
    # Lines.
    read("trailing blanks", fasta(end=" \n")),
    read("trailing tabs on some lines", fasta().replace("A\n", "A\t\n")),
    read("blanks every ten letters", fasta(" ".join(lines(BASES, 10).split()), width=66)),
    read("two blank lines between records", fasta(BASES[:99], "c0") + "\n\n" + fasta()),
    read("blank lines within", fasta().replace("\n", "\n\n")),
    read("lines of unequal length", ">c1\n" + lines(BASES[:500], 50) + lines(BASES[500:], 70)),
    read("a last line that is longer", ">c1\n" + lines(BASES[:600]) + BASES[600:] + "\n"),
    read("one line", fasta(width=5000)),
    read("line ends of Windows", fasta(end="\r\n")),
    read("some line ends of Windows", fasta().replace("A\n", "A\r\n")),
    read("no line end at the end", fasta().rstrip("\n")),
    read("an asterisk at the end", fasta().rstrip("\n") + "*\n"),
    read("an empty record", ">c0\n" + fasta() + ">c2\n"),
    read("words behind the name", fasta(name="c1 dna:chromosome c1:1:1500:1 REF")),
    read("the name with chr", fasta(name="chrc1").replace("chrc1", "c1")),
    refused("a record without a name", ">\n" + lines(BASES), "name"),
    refused("a name twice", fasta() + fasta(), "c1", "duplicate"),
    refused("a name twice in uneven lines", fasta(end=" \n") + fasta(end=" \n"), "c1", "duplicate"),
    refused("a record without a name in uneven lines", "> \nACGT \nACG\n\nACGTA\n", "name"),
    refused("no header", lines(BASES), "cannot be used as FASTA"),
    refused("an empty file", "", "cannot be used as FASTA"),
    refused("line ends of old Macintoshes", fasta(end="\r"), "g.fa", "CR alone"),
    refused("quality lines", "@c1\n" + BASES + "\n+\n" + "I" * 1500 + "\n", "looks like FASTQ"),
    refused("GenBank", "LOCUS       X 1500 bp DNA\nORIGIN\n  1 acgt\n//\n", "looks like GenBank"),
    refused("UTF-16", fasta().encode("utf-16"), "g.fa"),
    # Names of slices.
    read("samtools' slices", RECORDS, never=["bedtools"]),
    read("bedtools' slices", RECORDS.replace(":201", ":200").replace(":601", ":600"),
         "count from 0", "bedtools", "c1:200-700", "position 201"),
    read("bedtools' names and strands", slice_of("GP", "GP::c1:200-700(+)")
         + slice_of("GM", "GM::c1:600-1300(-)", MINUS), "GP::c1:200-700(+)", "bedtools"),
    read("samtools' reverse complement", slice_of("GP", "c1:201-700")
         + slice_of("GM", "c1:601-1300/rc", MINUS), never=["bedtools"]),
    refused("a minus strand that is not reversed", slice_of("GP", "GP::c1:200-700(+)")
            + slice_of("GM", "GM::c1:600-1300(-)"), "different bases"),
    refused("a name whose span does not fit", fasta(name="GP::c1:200-900(+)"),
            "not as long as the span in their names", warnings=1),
    refused("another chromosome", fasta(name="c7"), "c7", "none is in both"),
]  # fmt: skip
