"""The tables of ``variants``."""

from __future__ import annotations

from dataclasses import replace

from splice_meta.dictionary.column import Column, Table, probability
from splice_meta.dictionary.scores import GENE_ID, GENOMIC_POSITION, STRAND

LAYERS = {"base": "base scores", "final": "recalibrated probabilities"}
KINDS = ("acceptor_gain", "acceptor_loss", "donor_gain", "donor_loss")
RECALIBRATED = "with a meta-model"
LEFT_OUT = "the variant was left out"
ALSO = "; of several base models, from the means over them"

KEYS = (
    Column(name="variant", type="UInt32", least=0, unit="alleles",
           meaning="Number of the allele in the input, from 0."),
    Column(name="line", type="UInt32", least=0, unit="records",
           meaning="Number of the input's record, from 0."),
    Column(name="id", type="String", meaning="The record's id.", null="it has none"),
    Column(name="chrom", type="String", meaning="The chromosome, as the input names it."),
    Column(name="pos", type="Int64", least=1, unit="nucleotides",
           meaning="The input's position, from 1."),
    Column(name="ref", type="String", meaning="The reference allele, as the input has it."),
    Column(name="alt", type="String", meaning="The alternative allele, as the input has it."),
)  # fmt: skip

GENE = tuple(
    replace(column, when="", null=LEFT_OUT)
    for column in (
        GENE_ID,
        Column(name="gene_name", type="String", meaning="The gene's name in the annotation."),
        STRAND,
    )
)


def _maybe(column: Column, when: str, null: str) -> Column:
    return replace(column, when=when, null=null)


def _deltas(layer: str) -> tuple[Column, ...]:
    """The columns of one layer of the summary."""
    words, when = LAYERS[layer], RECALIBRATED if layer == "final" else ""
    found = []
    for kind in KINDS:
        site, change = kind.split("_")
        name = f"{layer}_{kind}"
        found += [
            probability(name, f"Largest {change} of an {site} ({words}).".replace(
                "an donor", "a donor")),
            Column(name=f"{name}_position", type="Int32", unit="nucleotides",
                   meaning="Where: on the genome, from `pos`."),
            probability(f"{name}_ref", "There, of the reference allele."),
            probability(f"{name}_alt", "There, of the alternative allele."),
            Column(name=f"{name}_annotated", type="Boolean",
                   meaning=f"Whether an {site} is annotated there.".replace("an donor", "a donor")),
        ]  # fmt: skip
    found += [
        probability(f"{layer}_largest", "The largest of the four."),
        probability(f"{layer}_any", "1 - the product of (1 - each of the four): probability of any "
                    f"change, were they independent{ALSO if layer == 'base' else ''}."),
    ]  # fmt: skip
    return tuple(_maybe(column, when, LEFT_OUT) for column in found)


SUMMARY = Table(
    name="Variants: summary",
    place="`summary.parquet` and `summary.tsv` of `variants`",
    rows="One row for each variant and gene, in the order of the input; one for a variant that was "
    "left out.",
    columns=(
        *KEYS, *GENE, *_deltas("base"), *_deltas("final"),
        _maybe(
            probability("effect", "1 - the product of (1 - each loss by the base model) and (1 - "
                        "each recalibrated gain); of several base models, the mean of their "
                        "losses. The number to rank variants by."),
            RECALIBRATED, LEFT_OUT,
        ),
        Column(name="reason", type="String", meaning="Why the variant was left out.",
               null="it was scored"),
    ),
)  # fmt: skip

_GONE = "the position is deleted"

SITES = Table(
    name="Variants: sites",
    place="`sites.parquet` and `sites.tsv` of `variants`",
    rows="One row for each variant, gene, position and type whose probability changes by at least "
    "`--threshold` (0.1).",
    columns=(
        KEYS[0], *KEYS[3:], *(replace(column, null="") for column in GENE),
        replace(GENOMIC_POSITION, type="Int64", when="",
                meaning="Position on the forward strand of the reference, from 1."),
        Column(name="inserted", type="Int32", least=0, unit="nucleotides",
               meaning="0, or the number of the inserted base after this position."),
        Column(name="offset", type="Int32", unit="nucleotides",
               meaning="`genomic_position` - `pos`."),
        Column(name="type", type="Enum(donor, acceptor)", meaning="Donor or acceptor."),
        _maybe(probability("base_ref", "Base score of the reference."), "", "the base is inserted"),
        _maybe(probability("base_alt", "Base score of the alternative."), "", _GONE),
        _maybe(probability("final_ref", "Recalibrated, of the reference."), RECALIBRATED,
               "the base is inserted"),
        _maybe(probability("final_alt", "Recalibrated, of the alternative."), RECALIBRATED, _GONE),
        Column(name="change", type="Float32", unit="probability", least=-1, most=1,
               meaning="Alternative less reference; what is missing counts as 0."),
        Column(name="fate", type="Enum(lost, gained, weakened, strengthened)",
               meaning="Lost or gained where the call at 0.5 changes, else weakened or "
               "strengthened."),
        Column(name="is_annotated", type="Boolean", meaning="Whether the site is annotated."),
    ),
)  # fmt: skip

VARIANTS = (SUMMARY, SITES)
