"""Regenerate the files under ``data/fixtures`` from their public sources.

Three files are written for five genes of chromosome 4 (GRCh37): the base-model scores, a small
gene annotation and the genomic sequence under both. Every coordinate in the output is 1-based
and every interval includes both of its ends.

The gene spans, the junctions and the exons come from tables inside two PyPI wheels. The wheels
are read as zip archives and never installed. Give them with ``--wheels`` or let the script
download them into a temporary folder.

    python scripts/make_fixtures.py --scores scores_openspliceai.parquet --fasta region.fa.gz

Nothing is written unless every check of the inputs against each other has passed. With the same
versions of Python, zlib, polars and pyarrow the output is the same to the byte.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

CHROMOSOME = "4"
MARGIN = 2_000  # bases of sequence kept on either side of the genes
LINE_LENGTH = 60  # bases on one line of the FASTA file
SYMBOLS = {
    "ENSG00000109332": "UBE2D3",
    "ENSG00000145354": "CISD2",
    "ENSG00000164038": "SLC9B2",
    "ENSG00000164039": "BDH2",
    "ENSG00000138778": "CENPE",
}
DONOR, ACCEPTOR = 1, 2  # values of the column splice_type
# Digest of the upper-case bases that are kept, margins included, without line breaks.
SEQUENCE_SHA256 = "dd7bdbcd57d2b70a8670e6ea28d86a77948917fcc683241da1a7932b46d9882e"
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
TEXT_COLUMNS = ["gene_id", "chrom", "strand", "base"]
# Few distinct values, so a dictionary takes less room than a stream of bytes.
DICTIONARY_COLUMNS = [*TEXT_COLUMNS, "neither_score", "splice_type"]
PLAIN_ENCODINGS = {
    "position": "DELTA_BINARY_PACKED",
    "genomic_position": "DELTA_BINARY_PACKED",
    "donor_score": "BYTE_STREAM_SPLIT",
    "acceptor_score": "BYTE_STREAM_SPLIT",
}


class FixtureError(Exception):
    """An input is missing, is not the expected one, or contradicts another input."""


@dataclass(frozen=True)
class WheelTable:
    """A table inside a PyPI wheel.

    Attributes:
        package: Name of the package on PyPI.
        version: Version of the package.
        sha256: Hexadecimal digest of the wheel file.
        member: Path of the table inside the wheel.
    """

    package: str
    version: str
    sha256: str
    member: str


JUNCTION_TABLE = WheelTable(
    "cispliceai",
    "1.2.2",
    "def1db5358848a19533fd387e0620fc0df79784b9e6e1cba1a045ad6678e1da7",
    "cispliceai/data/grch37.csv",
)
EXON_TABLE = WheelTable(
    "spliceai",
    "1.3.1",
    "63c633b8de6803d4ffb613e6ef62f1a896fec9fc13245c0f000ff7adea279776",
    "spliceai/annotations/grch37.txt",
)


@dataclass(frozen=True)
class Gene:
    """One gene with its splice sites and the exons of one transcript.

    Attributes:
        gene_id: Ensembl identifier without version.
        symbol: Gene symbol.
        strand: ``+`` or ``-``.
        start: First base of the gene, 1-based genomic.
        end: Last base of the gene, 1-based genomic, included.
        donors: Last bases of exons, over all isoforms, 1-based genomic.
        acceptors: First bases of exons, over all isoforms, 1-based genomic.
        exons: First and last base of each exon of the canonical transcript, 1-based genomic,
            both included, from the 5' to the 3' end of the transcript.
    """

    gene_id: str
    symbol: str
    strand: str
    start: int
    end: int
    donors: frozenset[int]
    acceptors: frozenset[int]
    exons: tuple[tuple[int, int], ...]

    @property
    def transcript_id(self) -> str:
        """Identifier of the one transcript; the source table has none."""
        return f"{self.symbol}-canonical"

    def canonical_sites(self) -> tuple[set[int], set[int]]:
        """Return the donors and the acceptors of the transcript, as 1-based genomic positions."""
        first, last = (0, 1) if self.strand == "+" else (1, 0)
        donors = {exon[last] for exon in self.exons[:-1]}
        acceptors = {exon[first] for exon in self.exons[1:]}
        return donors, acceptors


@dataclass(frozen=True)
class Region:
    """A stretch of upper-case genomic sequence on the plus strand.

    Attributes:
        start: 1-based genomic position of the first base.
        sequence: The bases.
    """

    start: int
    sequence: str

    @property
    def end(self) -> int:
        """1-based genomic position of the last base."""
        return self.start + len(self.sequence) - 1

    def slice(self, start: int, end: int) -> Region:
        """Return the part from ``start`` to ``end`` (1-based genomic, both included)."""
        if start < self.start or end > self.end:
            raise FixtureError(
                f"The sequence covers {self.start}-{self.end}, but {start}-{end} is needed. "
                "Give a FASTA file that covers the genes and their margin."
            )
        return Region(start, self.sequence[start - self.start : end - self.start + 1])


def download_wheels(folder: Path) -> None:
    """Let pip put the two wheels into ``folder``, without installing them or their needs."""
    wanted = [f"{table.package}=={table.version}" for table in (JUNCTION_TABLE, EXON_TABLE)]
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, *wanted], check=True)


def read_wheel_table(folder: Path, table: WheelTable) -> str:
    """Return the text of a table in a wheel, after checking the digest of the wheel file."""
    wheels = sorted(folder.glob(f"{table.package}-{table.version}-*.whl"))
    if len(wheels) != 1:
        raise FixtureError(
            f"Expected one wheel of {table.package} {table.version} in {folder}, "
            f"found {len(wheels)}. Leave out --wheels to have it downloaded."
        )
    if hashlib.sha256(wheels[0].read_bytes()).hexdigest() != table.sha256:
        raise FixtureError(f"{wheels[0].name} is not the wheel on PyPI: its SHA-256 differs.")
    with zipfile.ZipFile(wheels[0]) as archive:
        return archive.read(table.member).decode("utf-8")


def _integers(cell: str) -> list[int]:
    """Return the numbers of a comma-separated cell; a trailing comma is allowed."""
    return [int(number) for number in cell.split(",") if number]


def _read_text_table(text: str, separator: str) -> pl.DataFrame:
    """Read a delimited table and leave every column as text."""
    return pl.read_csv(io.StringIO(text), separator=separator, infer_schema=False)


def _only_row(table: pl.DataFrame, column: str, value: str) -> dict[str, str]:
    """Return the one row of ``table`` on chromosome 4 whose ``column`` equals ``value``."""
    chrom = "chr" if "chr" in table.columns else "CHROM"
    on_chromosome = pl.col(chrom).str.strip_prefix("chr") == CHROMOSOME
    rows = table.filter((pl.col(column) == value) & on_chromosome).to_dicts()
    if len(rows) != 1:
        raise FixtureError(f"Expected one row with {column} {value}, found {len(rows)}.")
    return rows[0]


def clip_exons(exons: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Cut the outer ends of a transcript back to the span of its gene.

    Args:
        exons: Exons in ascending order, 1-based, both ends included.
        start: First base of the gene, 1-based.
        end: Last base of the gene, 1-based, included.

    Returns:
        The same number of exons, all inside the span. Only the outer end of the first and of the
        last exon may have moved.

    Raises:
        FixtureError: If more than an outer end lies beyond the span.
    """
    clipped = [(max(first, start), min(last, end)) for first, last in exons]
    inner = [position for exon in exons for position in exon][1:-1]
    inner_clipped = [position for exon in clipped for position in exon][1:-1]
    if inner != inner_clipped or any(first > last for first, last in clipped):
        raise FixtureError(f"A splice site of the transcript lies outside {start}-{end}.")
    return clipped


def build_gene(gene_id: str, junctions: pl.DataFrame, exon_table: pl.DataFrame) -> Gene:
    """Join what the two tables say about one gene.

    The junction table is 1-based and names an intron by the exon bases on its two sides. The
    exon table is 0-based and half open, so one is added to its starts and not to its ends.
    """
    symbol = SYMBOLS[gene_id]
    row = _only_row(junctions, "gene_id", gene_id)
    transcript = _only_row(exon_table, "#NAME", symbol)
    if row["strand"] != transcript["STRAND"]:
        raise FixtureError(f"The two tables give {symbol} different strands.")
    start, end = int(row["start"]), int(row["end"])
    starts = [position + 1 for position in _integers(transcript["EXON_START"])]
    ends = _integers(transcript["EXON_END"])
    if starts[0] != int(transcript["TX_START"]) + 1 or ends[-1] != int(transcript["TX_END"]):
        raise FixtureError(f"The exons of {symbol} do not span its transcript.")
    exons = clip_exons(list(zip(starts, ends, strict=True)), start, end)
    left, right = frozenset(_integers(row["jn_start"])), frozenset(_integers(row["jn_end"]))
    forward = row["strand"] == "+"
    return Gene(
        gene_id=gene_id,
        symbol=symbol,
        strand=row["strand"],
        start=start,
        end=end,
        donors=left if forward else right,
        acceptors=right if forward else left,
        exons=tuple(exons if forward else reversed(exons)),
    )


def read_genes(folder: Path) -> list[Gene]:
    """Read the five genes from the wheels in ``folder``, in ascending order of their start."""
    junctions = _read_text_table(read_wheel_table(folder, JUNCTION_TABLE), ",")
    exon_table = _read_text_table(read_wheel_table(folder, EXON_TABLE), "\t")
    genes = [build_gene(gene_id, junctions, exon_table) for gene_id in SYMBOLS]
    return sorted(genes, key=lambda gene: gene.start)


def read_region(path: Path) -> Region:
    """Read the only record of a FASTA file, plain or gzip-compressed.

    The header must name the coordinates, 1-based with both ends included: either
    ``>chr4:103000000-105000000`` or, as in Debian's augustus-doc, ``>chr4 103000000 105000000``.
    """
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("ascii")
    header, _, body = text.partition("\n")
    match = re.fullmatch(r">(?:chr)?(\w+)[: ](\d+)[- ](\d+)", header.strip())
    if match is None or match[1] != CHROMOSOME:
        raise FixtureError(f"The header {header!r} does not read chr{CHROMOSOME}:START-END.")
    region = Region(int(match[2]), "".join(body.split()).upper())
    if region.end != int(match[3]):
        raise FixtureError(f"The header promises an end at {match[3]}, found {region.end}.")
    return region


def read_scores(path: Path) -> pl.DataFrame:
    """Read the rows of the five genes from a full score table and keep their order."""
    scores = pl.scan_parquet(path).filter(pl.col("gene_id").is_in(list(SYMBOLS))).collect()
    missing = set(SYMBOLS) - set(scores["gene_id"].unique())
    if missing:
        raise FixtureError(f"The score table has no rows of {', '.join(sorted(missing))}.")
    return scores


def check_positions(rows: pl.DataFrame, gene: Gene) -> None:
    """Check that the rows of one gene cover its span once, 5' to 3' on its strand."""
    length = gene.end - gene.start + 1
    if rows.height != length:
        raise FixtureError(f"{gene.symbol} has {rows.height} rows and {length} positions.")
    forward = gene.strand == "+"
    genomic = range(gene.start, gene.end + 1) if forward else range(gene.end, gene.start - 1, -1)
    expected = {
        "chrom": [CHROMOSOME] * length,
        "strand": [gene.strand] * length,
        "position": list(range(1, length + 1)),
        "genomic_position": list(genomic),
    }
    for column, values in expected.items():
        if rows[column].to_list() != values:
            raise FixtureError(f"{column} of {gene.symbol} does not follow the gene's span.")


def check_bases(rows: pl.DataFrame, gene: Gene, region: Region) -> None:
    """Check every ``base`` against the sequence, complemented on the minus strand."""
    expected = region.slice(gene.start, gene.end).sequence
    if gene.strand == "-":
        expected = expected[::-1].translate(COMPLEMENT)
    if "".join(rows["base"].to_list()) != expected:
        raise FixtureError(f"The column base of {gene.symbol} differs from the sequence.")


def check_labels(rows: pl.DataFrame, gene: Gene) -> None:
    """Check that ``splice_type`` marks exactly the junctions of the junction table."""
    for label, sites in ((DONOR, gene.donors), (ACCEPTOR, gene.acceptors)):
        labelled = rows.filter(pl.col("splice_type") == label)["genomic_position"].to_list()
        if set(labelled) != sites:
            raise FixtureError(f"splice_type {label} of {gene.symbol} differs from the table.")


def check_inputs(scores: pl.DataFrame, genes: Sequence[Gene], region: Region) -> None:
    """Check the sequence, and the scores against the gene spans, the junctions and the sequence.

    Args:
        scores: Rows of the five genes.
        genes: The five genes.
        region: Exactly the sequence to be kept, margins included.

    Raises:
        FixtureError: If the sequence is another one, a gene is incomplete or out of order, or a
            base or a label is different.
    """
    if hashlib.sha256(region.sequence.encode("ascii")).hexdigest() != SEQUENCE_SHA256:
        raise FixtureError(
            f"The bases of {region.start}-{region.end} are not those of GRCh37 "
            f"chromosome {CHROMOSOME}: their SHA-256 differs."
        )
    for gene in genes:
        rows = scores.filter(pl.col("gene_id") == gene.gene_id)
        check_positions(rows, gene)
        check_bases(rows, gene, region)
        check_labels(rows, gene)


def write_scores(scores: pl.DataFrame, path: Path) -> None:
    """Write the score table with one row group for each gene, then read it back and compare."""
    table = scores.to_arrow(compat_level=pl.CompatLevel.oldest())
    with pq.ParquetWriter(
        path,
        table.schema,
        compression="zstd",
        compression_level=19,
        use_dictionary=DICTIONARY_COLUMNS,
        column_encoding=PLAIN_ENCODINGS,
        write_statistics=True,
        data_page_size=1 << 20,
    ) as writer:
        runs = scores["gene_id"].rle().struct.field("len").to_list()
        offset = 0
        for length in runs:
            writer.write_table(table.slice(offset, length), row_group_size=length)
            offset += length
    if not pl.scan_parquet(path).collect().equals(scores):
        raise FixtureError("The Parquet file does not read back as it was written.")


def gtf_line(source: str, feature: str, gene: Gene, span: tuple[int, int], exon: int = 0) -> str:
    """Return one line of GTF.

    Args:
        source: Package the coordinates come from.
        feature: ``gene``, ``transcript`` or ``exon``.
        gene: The gene the line belongs to.
        span: First and last base, 1-based, both included.
        exon: Number of the exon from the 5' end, starting at 1; 0 if the line is no exon.
    """
    attributes = [f'gene_id "{gene.gene_id}"']
    if feature != "gene":
        attributes.append(f'transcript_id "{gene.transcript_id}"')
    attributes += ['gene_type "protein_coding"', f'gene_name "{gene.symbol}"']
    if feature != "gene":
        attributes.append('transcript_type "protein_coding"')
    if exon:
        attributes.append(f"exon_number {exon}")
    first, last = str(span[0]), str(span[1])
    fields = [f"chr{CHROMOSOME}", source, feature, first, last, ".", gene.strand, "."]
    return "\t".join([*fields, "; ".join(attributes) + ";"])


def gtf_text(genes: Sequence[Gene]) -> str:
    """Return the annotation as GTF, each gene followed by its transcript and its exons."""
    lines = [
        "##description: five genes of GRCh37 chromosome 4, one transcript each",
        f"##gene spans: {JUNCTION_TABLE.package} {JUNCTION_TABLE.version} (CC BY 4.0)",
        f"##exons: GENCODE by way of {EXON_TABLE.package} {EXON_TABLE.version}",
        "##format: gtf",
    ]
    for gene in genes:
        ends = [position for exon in gene.exons for position in exon]
        transcript = (min(ends), max(ends))
        lines.append(gtf_line(JUNCTION_TABLE.package, "gene", gene, (gene.start, gene.end)))
        lines.append(gtf_line(EXON_TABLE.package, "transcript", gene, transcript))
        for number, exon in enumerate(gene.exons, start=1):
            lines.append(gtf_line(EXON_TABLE.package, "exon", gene, exon, number))
    return "\n".join(lines) + "\n"


def fasta_text(region: Region) -> str:
    """Return the region as one FASTA record named ``chr4:START-END`` (1-based, both included)."""
    starts = range(0, len(region.sequence), LINE_LENGTH)
    lines = [region.sequence[start : start + LINE_LENGTH] for start in starts]
    return "\n".join([f">chr{CHROMOSOME}:{region.start}-{region.end}", *lines]) + "\n"


def write_gzip(text: str, path: Path) -> None:
    """Compress ASCII text with neither a file name nor a time in the gzip header."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as file:
        file.write(text.encode("ascii"))
    path.write_bytes(buffer.getvalue())


def summary_line(gene: Gene) -> str:
    """Describe one gene: its span, its labelled sites, and how many canonical sites are labelled.

    The span is 1-based with both ends included. A canonical site is an end of an intron of the
    one transcript in the annotation.
    """
    donors, acceptors = gene.canonical_sites()
    found = len(donors & gene.donors) + len(acceptors & gene.acceptors)
    return (
        f"{gene.gene_id} {gene.symbol} {gene.strand} {gene.start}-{gene.end}: "
        f"{gene.end - gene.start + 1} positions, {len(gene.donors)} donors, "
        f"{len(gene.acceptors)} acceptors; {found} of {len(donors) + len(acceptors)} "
        "canonical sites are labelled"
    )


def make_fixtures(scores_path: Path, fasta: Path, wheels: Path, output: Path) -> list[Path]:
    """Check the inputs and write the three files.

    Args:
        scores_path: Parquet score table that contains the five genes.
        fasta: FASTA file of the region, plain or gzip-compressed.
        wheels: Folder with the two wheels.
        output: Folder to write to; made if absent.

    Returns:
        The paths of the score table, the annotation and the sequence.

    Raises:
        FixtureError: If an input is not the expected one or contradicts another.
    """
    genes = read_genes(wheels)
    region = read_region(fasta)
    scores = read_scores(scores_path)
    margins = (min(gene.start for gene in genes) - MARGIN, max(gene.end for gene in genes) + MARGIN)
    kept = region.slice(*margins)
    check_inputs(scores, genes, kept)
    output.mkdir(parents=True, exist_ok=True)
    names = ["scores_openspliceai.parquet", "annotation.gtf.gz", "region.fa.gz"]
    paths = [output / name for name in names]
    write_scores(scores, paths[0])
    write_gzip(gtf_text(genes), paths[1])
    write_gzip(fasta_text(kept), paths[2])
    for gene in genes:
        print(summary_line(gene))
    return paths


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Regenerate the demonstration data from their public sources."
    )
    parser.add_argument(
        "--scores", type=Path, required=True, help="OpenSpliceAI score table of the region"
    )
    parser.add_argument(
        "--fasta", type=Path, required=True, help="sequence of the region, .fa or .fa.gz"
    )
    parser.add_argument(
        "--wheels", type=Path, help="folder with the two wheels (default: download them)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("data/fixtures"), help="default: %(default)s"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script and return its exit code: 0 if the files were written, 1 if not."""
    options = parse_arguments(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        try:
            if options.wheels is None:
                download_wheels(Path(temporary))
            wheels = options.wheels or Path(temporary)
            paths = make_fixtures(options.scores, options.fasta, wheels, options.output)
        except (FixtureError, OSError, subprocess.CalledProcessError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    for path in paths:
        print(f"{path}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
