from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from bad_inputs import Case, Said
from splice_meta.reference.annotation import open_annotation

Sites = set[tuple[int, str]]
Change = Callable[[str], str]
MANIFEST = "feature\nn_splice_sites\ntotal_intron_length\nnum_exons\ngene_length\n"
THREE: Sites = {(200, "donor"), (300, "acceptor"), (400, "donor"), (800, "acceptor")}
REVERSE: Sites = {(200, "acceptor"), (300, "donor"), (400, "acceptor"), (800, "donor")}
TWO: Sites = {(200, "donor"), (300, "acceptor")}


def line(kind: str, start: object, end: object, attributes: str, strand: str = "+") -> str:
    return f"c1\tx\t{kind}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n"


def of(kind: str, *spans: tuple[object, object], ids: str = "G T", strand: str = "+") -> str:
    gene, transcript = ids.split()
    named = f'gene_id "{gene}"; transcript_id "{transcript}";'
    return "".join(line(kind, start, end, named, strand) for start, end in spans)


def gene(start: object = 101, end: object = 900, name: str = "G", strand: str = "+") -> str:
    return line("gene", start, end, f'gene_id "{name}"; gene_type "protein_coding";', strand)


SPANS = ((101, 200), (300, 400), (800, 900))
EXONS = of("exon", *SPANS)
GOOD = gene() + of("transcript", (101, 900)) + EXONS
GFF = (
    "##gff-version 3\n" + line("gene", 101, 900, "ID=G") + line("mRNA", 101, 900, "ID=T;Parent=G")
)
GFF_EXONS = "".join(line("exon", *span, "Parent=T") for span in SPANS)


def scores(folder: Path, strand: str, names: Sequence[str] = ("G",)) -> None:
    """Scores of genes that all lie at c1:101-900, without a motif to tell anything."""
    numbers = pl.int_range(1, 801, eager=True)
    place = numbers + 100 if strand == "+" else 901 - numbers
    flat = {"donor_score": 0.01, "acceptor_score": 0.01, "neither_score": 0.98}
    pl.concat(
        pl.DataFrame({"position": numbers, "genomic_position": place}).with_columns(
            gene_id=pl.lit(name), chrom=pl.lit("c1"), strand=pl.lit(strand),
            **{column: pl.lit(value) for column, value in flat.items()},
        )
        for name in names
    ).write_parquet(folder / "s.parquet")  # fmt: skip


def read(
    name: str, text: str | bytes, sites: Sites, *words: str, strand: str = "+",
    genes: Sequence[str] = ("G",), length: int = 800,
) -> Case:  # fmt: skip
    """A file that is read; the truth of the first gene is what is expected, and so are features."""

    def make(folder: Path) -> list[str | Path]:
        scores(folder, strand, genes[:1])
        (folder / "a.gtf").write_bytes(text.encode() if isinstance(text, str) else text)
        (folder / "m.csv").write_text(MANIFEST)
        return [
            "features", "--scores", "s.parquet", "--manifest", "m.csv", "-o", "f.parquet",
            "--annotation", "a.gtf",
        ]  # fmt: skip

    def then(said: Said) -> None:
        annotation = open_annotation(said.folder / "a.gtf", cache=False)
        assert annotation.genes["gene_id"].to_list() == list(genes)
        found = annotation.splice_sites().filter(gene_id=genes[0])
        assert set(found.select("genomic_position", "splice_type").rows()) == sites
        row = pl.read_parquet(said.folder / "f.parquet").row(0, named=True)
        assert row["n_splice_sites"] == len(sites)
        assert row["total_intron_length"] >= 0
        assert row["gene_length"] == length

    return Case(name=name, make=make, words=words, status=0, then=then)


def refused(name: str, text: str | bytes, *words: str, warnings: int = 0) -> Case:
    def make(folder: Path) -> list[str | Path]:
        scores(folder, "+")
        (folder / "a.gtf").write_bytes(text.encode() if isinstance(text, str) else text)
        return ["evaluate", "s.parquet", "--resamples", "0", "--annotation", "a.gtf"]

    return Case(name=name, make=make, words=words, warnings=warnings)


def unknown(name: str, text: str, *words: str) -> Case:
    """A gene of which not all sites are known has no truth; another one is evaluated."""

    def make(folder: Path) -> list[str | Path]:
        scores(folder, "+", ["G", "H"])
        other = gene(name="H") + of("exon", *SPANS, ids="H U")
        (folder / "a.gtf").write_text(text + other)
        return ["evaluate", "s.parquet", "--resamples", "0", "--annotation", "a.gtf"]

    def then(said: Said) -> None:
        assert "1 gene, 800 positions, 4 annotated sites" in said.out.replace("genes", "gene")

    return Case(name=name, make=make, words=["1 genes are left out", *words], status=0, then=then)


def utf16(text: str) -> bytes:
    return text.encode("utf-16")


CODING = "made from its coding sequence"
WIDER = "widened"
CASES = [
    # Exons that are not there.
    read("coding sequence, no exons", of("transcript", (101, 900)) + of("CDS", *SPANS),
         THREE, CODING),
    read("coding sequence alone", of("CDS", *SPANS, strand="-"), REVERSE, CODING, strand="-"),
    read(
        "coding sequence, untranslated regions and codons",
        of("five_prime_utr", (101, 150)) + of("start_codon", (151, 153)) + of("CDS", (151, 200))
        + of("CDS", (300, 397)) + of("stop_codon", (398, 400)) + of("3UTR", (800, 900)),
        THREE, CODING,
    ),
    read(
        "a stop codon in an exon of its own",
        of("CDS", (101, 200), (300, 400)) + of("stop_codon", (800, 802)) + of("UTR", (803, 900)),
        THREE, CODING,
    ),
    read("coding sequence in GFF3", GFF + GFF_EXONS.replace("exon", "CDS"), THREE, CODING),
    read(
        "coding sequence right below its gene",
        GFF.replace("mRNA", "note").replace("ID=T;Parent=G", "ID=n")
        + GFF_EXONS.replace("exon", "CDS").replace("Parent=T", "Parent=G"), THREE, CODING,
    ),
    read("exons count where both are", GOOD + of("CDS", (120, 200), (300, 350)), THREE),
    unknown("a gene line alone", gene(), "neither exons nor coding sequence"),
    unknown("a transcript without exons", GOOD + of("transcript", (101, 900), ids="G T2"), "exons"),
    unknown("untranslated regions alone", gene() + of("UTR", *SPANS), "neither exons nor coding"),
    unknown(
        "an exon that names no transcript", GOOD + line("exon", 500, 600, 'gene_id "G";'), "lack"
    ),
    unknown("a transcript without strand", GOOD + of("exon", (101, 900), ids="G T2", strand="."),
            "neither + nor -"),
    refused("none of the genes has exons", gene(), "gives the splice sites of none", warnings=1),
    # What lies outside of its parent.
    read("an exon outside its gene", gene(101, 500) + EXONS, THREE, WIDER, "first G"),
    read("an exon outside its transcript", gene() + of("transcript", (101, 500)) + EXONS,
         THREE, WIDER),
    read("an exon before its gene", gene(250, 900) + EXONS, THREE, WIDER),
    read("an exon outside its gene in GFF3",
         GFF.replace("900\t.\t+\t.\tID=G\n", "500\t.\t+\t.\tID=G\n") + GFF_EXONS, THREE, WIDER),
    refused("transcripts of one gene far apart",
            EXONS + of("exon", (50000101, 50000200), ids="G T2"), "more than 1 Mb apart (first G"),
    refused("a gene line around transcripts far apart", gene(101, 50000200) + EXONS
            + of("exon", (50000101, 50000200), ids="G T2"), "more than 1 Mb apart"),
    refused("exons of one transcript far apart", of("exon", (101, 200), (50000101, 50000200)),
            "more than 10 Mb apart"),
    refused("a gene line far from its exons", gene(50000101, 50000200) + EXONS, "1 Mb apart"),
    # Ways to write the same.
    read("types in capitals", GOOD.replace("gene\t", "GENE\t").replace("exon\t", "Exon\t"), THREE),
    read("types in capitals in GFF3", GFF + GFF_EXONS.replace("exon", "EXON"), THREE),
    read("coding sequence in small letters", of("cds", *SPANS), THREE, CODING),
    read("blanks in a list of parents", GFF + line("mRNA", 101, 900, "ID=T2;Parent=G")
         + GFF_EXONS.replace("Parent=T", "Parent=T2, T"), THREE),
    read("values in quotes", GFF.replace("=G", '="G"').replace("=T", '="T"') + GFF_EXONS, THREE),
    read("a semicolon within quotes in GFF3",
         GFF + GFF_EXONS.replace("Parent", 'note="a;Parent=X";Parent'), THREE),
    read("gffread's geneID", "##gff-version 3\n" + line("transcript", 101, 900, "ID=N.2;geneID=G")
         + GFF_EXONS.replace("=T", "=N.2") + line("transcript", 101, 900, "ID=N.3;geneID=G")
         + line("exon", 101, 200, "Parent=N.3") + line("exon", 800, 900, "Parent=N.3"), THREE),
    read("one word as attributes", line("gene", 101, 900, "G")
         + line("transcript", 101, 900, "G.t1") + of("exon", *SPANS, ids="G G.t1"), THREE),
    read("one word and coding sequence", line("gene", 101, 900, "G")
         + line("transcript", 101, 900, "G.t1") + of("CDS", *SPANS, ids="G G.t1"), THREE, CODING),
    read("lines for genome browsers first",
         'browser position c1:1-900\ntrack name="my genes" visibility=2\n' + GOOD, THREE),
    read("comments and empty lines between", GOOD.replace("\n", "\n# c\n\n#gff\n"), THREE),
    read("line ends of Windows", GOOD.replace("\n", "\r\n"), THREE),
    read("equals signs in GTF", GOOD.replace(' "', '="'), THREE),
    read("no blanks in the attributes", GOOD.replace("; ", ";").replace(' "', '"'), THREE),
    read("the gene's id on the transcript line alone", of("transcript", (101, 900))
         + EXONS.replace('gene_id "G"; ', ""), THREE),
    read("exon lines twice", GOOD + EXONS, THREE),
    read("exon numbers that run backwards", "".join(
        part.replace("\n", f' exon_number "{3 - n}";\n') for n, part in enumerate(
            EXONS.splitlines(keepends=True))), THREE),
    read("exons that overlap", GOOD + of("exon", (150, 250)),
         {(150, "acceptor"), (250, "donor"), *THREE}, "its exons overlap, which contradicts"),
    read("sequence behind GFF3", GFF + GFF_EXONS + "##FASTA\n>c1 x\nACGT\nNNNN\n", THREE),
    read("a gene without ID in GFF3", "##gff-version 3\n" + line("gene", 101, 900, "Name=g")
         + line("mRNA", 101, 900, "ID=G") + GFF_EXONS.replace("=T", "=G"), THREE, "lack the id"),
    read("ids of Ensembl's GFF3", GFF.replace("ID=G", "ID=gene:G").replace("=T;", "=transcript:T;")
         .replace("Parent=G", "Parent=gene:G") + GFF_EXONS.replace("=T", "=transcript:T"), THREE),
    read("a directive of GFF3 above GTF", "##gff-version 3\n" + GOOD, THREE),
    read("one feature on several lines", "##gff-version 3\n" + "".join(
        line("CDS", *span, "ID=G") for span in SPANS), THREE, CODING),
    read("a second place of a gene", GOOD + GOOD.replace("c1", "cY"), THREE, "first place is kept"),
    # Nothing to be used, or nothing right.
    refused("no strand", of("exon", *SPANS, strand="."), "1 because its strand", "first G"),
    refused("a question mark for the strand", of("exon", *SPANS, strand="?"), "its strand"),
    refused("one id on two chromosomes", EXONS + EXONS.replace("c1", "c2"),
            "several chromosomes", "first G"),
    refused("no ids", EXONS.replace("G", "").replace('"T"', '""'), "lack the id"),
    refused("introns alone", of("intron", (201, 299)), "lines of the type intron"),
    refused("comments alone", "##gff-version 3\n# nothing\n", "holds no gene"),
    refused("start above end", GOOD + of("exon", (700, 600)), "malformed", "line 6"),
    refused("a start of 0", GOOD + of("exon", (0, 60)), "malformed", "line 6"),
    refused("a negative start", GOOD + of("CDS", (-5, 60)), "malformed", "line 6"),
    refused("coordinates with commas", GOOD.replace("\t900", "\t9,00"), "malformed", "line 1"),
    refused("coordinates with a decimal point", GOOD.replace("900", "900.0"), "malformed"),
    refused("blanks in place of tabs", GOOD.replace("\t", " "), "separated by blanks"),
    refused("Latin-1", GOOD.replace("coding", "codi\xf1g").encode("latin-1"), "line 1", "0xF1"),
    refused("Latin-1 far below", (GOOD + EXONS.replace("G", "\xe9")).encode("latin-1"), "line 6"),
    refused("UTF-16", utf16(GOOD), "UTF-16"),
    refused("line ends of old Macintoshes", GOOD.replace("\n", "\r"), "CR alone"),
    refused("BED12", "c1\t100\t900\tT\t0\t+\t100\t900\t0\t2\t100,101,\t0,700,\n", "looks like BED"),
    refused("BED", "c1\t100\t900\n", "looks like BED"),
    refused("genePred", "T\tc1\t+\t100\t900\t100\t900\t1\t100,\t900,\n", "genePred"),
    refused("genePred with bin", "585\tT\tc1\t+\t100\t900\t100\t900\t1\t100,\t900,\n", "genePred"),
    refused("another annotation of other genes", GOOD.replace('"G"', '"X"'), "none of the 1 genes"),
    refused("the gene was left out", of("exon", *SPANS, strand=".") + GOOD.replace('"G"', '"X"'),
            "left it out", "its strand is neither", warnings=1),
]  # fmt: skip
