"""SpliceAI's own example variants, with SpliceAI's weights where they are installed.

Two things differ from SpliceAI here on purpose. It puts N in place of what lies outside of a gene,
this package the sequence itself; no example lies within 5,000 nucleotides of a gene's end. And it
gives no values where both alleles have several bases (``.``), this package does.
"""

from __future__ import annotations

import gzip
from importlib.util import find_spec
from pathlib import Path

import polars as pl
import pytest

from splice_meta.alleles.analyse import variants
from splice_meta.alleles.settings import VariantSettings
from splice_meta.alleles.vcf import KINDS

SLICES = Path(__file__).parents[2] / "shared/data/variants/example_slices_grch37.fa.gz"
# Where SpliceAI has the genes, on GRCh37; starts from 1.
GENES = (
    ("NEB", "chr2", "-", 152341853, 152591001),
    ("TTN", "chr2", "-", 179390716, 179672150),
    ("RYR1", "chr19", "+", 38924470, 39078060),
    ("COL6A1", "chr21", "+", 47401651, 47424964),
)
# Written by SpliceAI 1.3 with its default distance of 50, unmasked.
EXPECTED = {
    ("chr2", 152389953, "T"): (
        "A|NEB|0.01|0.00|0.00|0.74|43|3|-26|3",
        "C|NEB|0.04|0.00|0.00|0.71|43|3|-26|3",
        "G|NEB|0.03|0.00|0.00|0.75|43|3|-26|3",
    ),
    ("chr2", 179415988, "C"): ("CA|TTN|0.07|1.00|0.00|0.00|-7|-1|35|-29",),
    ("chr2", 179446218, "ATACT"): ("A|TTN|0.00|0.00|0.02|0.91|-7|34|-11|8",),
    ("chr2", 179642185, "G"): ("A|TTN|0.00|0.00|0.64|0.55|2|38|2|-38",),
    ("chr19", 38958362, "C"): ("T|RYR1|0.00|0.00|0.91|0.08|-28|-46|-2|-31",),
    ("chr21", 47406854, "CCA"): ("C|COL6A1|0.04|0.98|0.00|0.00|-38|4|38|4",),
    ("chr21", 47406856, "A"): ("AT|COL6A1|0.03|0.99|0.00|0.00|-40|2|36|2",),
}
WITHOUT_VALUES = [("chr2", 179446218, "ATACT", "AT"), ("chr2", 179446218, "ATACT", "ATA")]


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("spliceai")
    rows = [(*place, field.split("|")[0]) for place, fields in EXPECTED.items() for field in fields]
    asked = pl.DataFrame(
        [*rows, *WITHOUT_VALUES], schema=["chrom", "pos", "ref", "alt"], orient="row"
    )
    lines = [
        f"{chrom}\tx\t{kind}\t{start}\t{end}\t.\t{strand}\t.\t"
        f'gene_id "{name}"; gene_name "{name}"; transcript_id "{name}"; gene_type "protein_coding";'
        for name, chrom, strand, start, end in GENES
        for kind in ("gene", "transcript", "exon")
    ]
    (folder / "genes.gtf").write_text("\n".join(lines) + "\n")
    (folder / "slices.fa").write_bytes(gzip.decompress(SLICES.read_bytes()))
    done = variants(
        asked, folder / "genes.gtf", folder / "slices.fa", folder / "out",
        base_model="spliceai", settings=VariantSettings(distance=50),
    )  # fmt: skip
    return done.summary().collect()


@pytest.mark.skipif(find_spec("spliceai") is None, reason="without its weights")
@pytest.mark.skipif(not SLICES.is_file(), reason="no data beside the checkout")
@pytest.mark.parametrize(
    ("place", "field"),
    [(place, field) for place, fields in EXPECTED.items() for field in fields],
    ids=str,
)
def test_deltas_and_positions(
    summary: pl.DataFrame, place: tuple[str, int, str], field: str
) -> None:
    chrom, pos, ref = place
    allele, symbol, *numbers = field.split("|")

    [row] = summary.filter(chrom=chrom, pos=pos, ref=ref, alt=allele).to_dicts()

    assert row["gene_name"] == symbol
    for kind, delta, offset in zip(KINDS, numbers[:4], numbers[4:], strict=True):
        assert row[f"base_{kind}"] == pytest.approx(float(delta), abs=0.01), kind
        if float(delta) >= 0.02:  # below, it is the largest of values that are as good as equal
            assert row[f"base_{kind}_position"] == int(offset), kind


@pytest.mark.skipif(find_spec("spliceai") is None, reason="without its weights")
@pytest.mark.skipif(not SLICES.is_file(), reason="no data beside the checkout")
def test_alleles_that_spliceai_does_not_score(summary: pl.DataFrame) -> None:
    for chrom, pos, ref, alt in WITHOUT_VALUES:
        [row] = summary.filter(chrom=chrom, pos=pos, ref=ref, alt=alt).to_dicts()
        assert row["reason"] is None
        assert row["base_largest"] is not None
