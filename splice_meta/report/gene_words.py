"""One gene in a sentence, and where else it can be looked at."""

from __future__ import annotations

import polars as pl

from splice_meta.contracts import without_version
from splice_meta.report.gene import GeneView


def sentence_of(view: GeneView) -> str:
    """What became of a gene's sites, in one sentence."""
    counts = view.counts
    known = counts["annotated"] is not None

    def told(name: str) -> str:
        count = counts[name]
        if not count:
            return f"none {name}"
        seen = f", {counts[f'{name}_annotated']} of them annotated" if known else ""
        return f"{count:,} {name}{seen}"

    text = (
        f"The base model calls {counts['base_sites']:,} sites, the final probabilities "
        f"{counts['final_sites']:,}: {told('gained')}; {told('lost')}."
    )
    if view.sites.height:
        most = view.sites.sort(pl.col("change").abs(), descending=True).row(0, named=True)
        place = most.get("genomic_position") if view.is_placed else most["position"]
        text += (
            f" The largest change is {'an' if most['type'] == 'acceptor' else 'a'} {most['type']} "
            f"at {place:,}: {most['base']:.2f} to {most['final']:.2f}."
        )
    return text


def links(view: GeneView) -> list[tuple[str, str]]:
    """Genome browsers that show the gene; the scores do not tell which assembly they are of."""
    if not view.is_placed:
        return []
    low, high = view.span
    chrom = view.chrom if view.chrom.startswith("chr") else f"chr{view.chrom}"
    found = [
        (f"UCSC, {name}", f"https://genome.ucsc.edu/cgi-bin/hgTracks?db={db}&position="
         f"{chrom}%3A{low}-{high}")
        for name, db in (("GRCh38", "hg38"), ("GRCh37", "hg19"))
    ]  # fmt: skip
    if view.gene_id.startswith("ENS") and view.gene_id.replace(".", "").isalnum():
        found.append(("Ensembl", f"https://www.ensembl.org/id/{without_version(view.gene_id)}"))
    return found
