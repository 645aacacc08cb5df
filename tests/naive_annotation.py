"""Splice sites and genomic features, gene by gene and exon by exon, from the specification."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

CHROM_CODES = {**{str(n): n for n in range(1, 23)}, "X": 23, "Y": 24, "M": 25, "MT": 25}


@dataclass
class Transcript:
    name: str
    exons: list[tuple[int, int]]
    mane: bool = False
    canonical: bool = False
    # How far the transcript line reaches beyond its exons; below 0 it ends before them.
    margin: int = 0

    @property
    def span(self) -> tuple[int, int]:
        wider = max(self.margin, 0)
        return min(s for s, _ in self.exons) - wider, max(e for _, e in self.exons) + wider

    @property
    def line(self) -> tuple[int, int]:
        start = min(s for s, _ in self.exons) - self.margin
        end = max(e for _, e in self.exons) + self.margin
        # Never crossed, though it may be narrower than the exons.
        return (start, end) if start <= end else self.exons[0]


@dataclass
class Gene:
    name: str
    chrom: str
    strand: str
    start: int
    end: int
    transcripts: list[Transcript] = field(default_factory=list)

    @property
    def span(self) -> tuple[int, int]:
        spans = [(self.start, self.end), *(each.span for each in self.transcripts)]
        return min(start for start, _ in spans), max(end for _, end in spans)


def joined(exons: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Exons in ascending order, those that share a base or touch as one."""
    done: list[tuple[int, int]] = []
    for start, end in sorted(exons):
        if done and start <= done[-1][1] + 1:
            done[-1] = (done[-1][0], max(done[-1][1], end))
        else:
            done.append((start, end))
    return done


def sites(gene: Gene) -> set[tuple[str, int, str]]:
    found = set()
    for transcript in gene.transcripts:
        exons = joined(transcript.exons)
        for i in range(len(exons) - 1):
            left, right = exons[i][1], exons[i + 1][0]
            found |= junction(gene, left, right)
        for left, right in crossings(transcript.exons):
            found |= junction(gene, left, right)
    return found


def junction(gene: Gene, left: int, right: int) -> set[tuple[str, int, str]]:
    donor, acceptor = (left, right) if gene.strand == "+" else (right, left)
    return {(gene.name, donor, "donor"), (gene.name, acceptor, "acceptor")}


def crossings(exons: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """End of the first and start of the second of exons that share more than two bases.

    Not where one lies within what precedes it, or starts where another does.
    """
    found = []
    ordered = sorted(exons)
    for i in range(1, len(ordered)):
        start, end = ordered[i]
        reach = max(other for _, other in ordered[:i])
        shares = len(positions(start, end) & positions(1, reach)) > 2
        if shares and end > reach and start != ordered[i - 1][0]:
            found.append((reach, start))
    return found


def introns(gene: Gene) -> set[tuple[str, int, int]]:
    found = set()
    for transcript in gene.transcripts:
        exons = joined(transcript.exons)
        for i in range(len(exons) - 1):
            found.add((transcript.name, exons[i][1] + 1, exons[i + 1][0] - 1))
    return found


def positions(start: int, end: int) -> set[int]:
    return set(range(start, end + 1))


def bases(transcript: Transcript) -> int:
    return sum(end - start + 1 for start, end in joined(transcript.exons))


def representative(gene: Gene) -> Transcript | None:
    best = None
    for transcript in gene.transcripts:
        rank = (not transcript.mane, not transcript.canonical, -bases(transcript), transcript.name)
        if best is None or rank < best[0]:
            best = (rank, transcript)
    return best[1] if best else None


def features(gene: Gene, genes: list[Gene]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "gene_id": gene.name,
        "gene_start": gene.span[0],
        "gene_end": gene.span[1],
        "gene_length": gene.span[1] - gene.span[0] + 1,
        "num_overlaps": sum(
            other is not gene
            and other.chrom == gene.chrom
            and not positions(*other.span).isdisjoint(positions(*gene.span))
            for other in genes
        ),
        "chrom": CHROM_CODES.get(gene.chrom.upper().removeprefix("CHR"), 0),
    }
    chosen = representative(gene)
    if chosen is None:
        return row
    exons = joined(chosen.exons)
    lengths = [end - start + 1 for start, end in exons]
    start, end = chosen.span
    return row | {
        "tx_start": start,
        "tx_end": end,
        "transcript_length": end - start + 1,
        "num_exons": len(exons),
        "avg_exon_length": sum(lengths) / len(lengths),
        "median_exon_length": statistics.median(lengths),
        "total_exon_length": sum(lengths),
        "total_intron_length": end - start + 1 - sum(lengths),
        "n_splice_sites": len(sites(gene)),
    }


def as_gtf(genes: list[Gene]) -> str:
    """The genes as GTF; exons in an order that is neither that of the genome nor of the RNA."""
    lines = []
    for gene in genes:
        at = f'gene_id "{gene.name}";'
        lines.append(_gtf(gene, "gene", gene.start, gene.end, at))
        for transcript in gene.transcripts:
            start, end = transcript.line
            own = f'{at} transcript_id "{transcript.name}";'
            tags = ' tag "MANE_Select";' * transcript.mane
            tags += ' tag "Ensembl_canonical";' * transcript.canonical
            lines.append(_gtf(gene, "transcript", start, end, own + tags))
            exons = transcript.exons[::2] + transcript.exons[1::2]
            lines += [_gtf(gene, "exon", s, e, own) for s, e in exons]
    return "\n".join(lines) + "\n"


def as_coding_gtf(genes: list[Gene]) -> str:
    """The genes as GTF without exon lines: coding sequence, start and stop codons, ends apart.

    The first base in the RNA's direction is untranslated where the transcript has more than one,
    the last three are the stop codon, which is no coding sequence in GTF.
    """
    lines = []
    for gene in genes:
        for transcript in gene.transcripts:
            own = f'gene_id "{gene.name}"; transcript_id "{transcript.name}";'
            lines += [
                _gtf(gene, kind, start, end, own)
                for kind, start, end in _parts(joined(transcript.exons), gene.strand)
            ]
    return "\n".join(lines) + "\n"


def _parts(exons: list[tuple[int, int]], strand: str) -> list[tuple[str, int, int]]:
    places = [position for start, end in exons for position in range(start, end + 1)]
    places = places if strand == "+" else places[::-1]
    five, stop = places[:1], places[-3:]
    kinds = {place: "CDS" for place in places}
    if len(places) > 4:
        kinds |= dict.fromkeys(five, "UTR") | dict.fromkeys(stop, "stop_codon")
    parts: list[tuple[str, int, int]] = []
    for place in sorted(kinds):
        if parts and parts[-1][0] == kinds[place] and parts[-1][2] == place - 1:
            parts[-1] = (parts[-1][0], parts[-1][1], place)
        else:
            parts.append((kinds[place], place, place))
    return parts[::2] + parts[1::2]


def as_gff3(genes: list[Gene]) -> str:
    lines = ["##gff-version 3"]
    for gene in genes:
        lines.append(_gtf(gene, "gene", gene.start, gene.end, f"ID=gene-{gene.name};Name=x"))
        for transcript in gene.transcripts:
            start, end = transcript.line
            tags = ["basic"] + ["MANE Select"] * transcript.mane
            tags += ["Ensembl_canonical"] * transcript.canonical
            own = f"ID=rna-{transcript.name};Parent=gene-{gene.name};tag={','.join(tags)}"
            lines.append(_gtf(gene, "mRNA", start, end, own))
            for start, end in transcript.exons:
                lines.append(_gtf(gene, "exon", start, end, f"Parent=rna-{transcript.name}"))
    return "\n".join(lines) + "\n"


def _gtf(gene: Gene, kind: str, start: int, end: int, attributes: str) -> str:
    return f"{gene.chrom}\tx\t{kind}\t{start}\t{end}\t.\t{gene.strand}\t.\t{attributes}"
