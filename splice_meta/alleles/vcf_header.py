"""The header of an annotated VCF file: that of the input, completed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

FIXED = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
FINAL, BASE, LEFT_OUT = "SpliceMeta", "SpliceMeta_base", "SpliceMeta_left_out"
COMBINED = "SpliceMeta_effect"
"""The fields of INFO that are added."""

_FORMAT = "ALLELE|SYMBOL|DS_AG|DS_AL|DS_DG|DS_DL|DP_AG|DP_AL|DP_DG|DP_DL"
_MEANING = (
    "These include delta scores (DS) and delta positions (DP) for acceptor gain (AG), acceptor "
    "loss (AL), donor gain (DG), and donor loss (DL)."
)
_WORDS = {
    FINAL: f"splice_meta {{}}, recalibrated probabilities. {_MEANING} Format: {_FORMAT}",
    BASE: f"splice_meta {{}}, probabilities of {{}}. {_MEANING} Format: {_FORMAT}",
    COMBINED: "splice_meta {}, 1 - the product of (1 - each loss by the base model) and (1 - each "
    "recalibrated gain). Format: ALLELE|SYMBOL|EFFECT",
    LEFT_OUT: "splice_meta {}, alleles that were not scored, and why. Format: ALLELE|REASON",
}
_OURS = re.compile(rf"##INFO=<ID={FINAL}(?:_base|_effect|_left_out)?,")
_CONTIG = re.compile(r"##contig=<(?:[^>]*,)?ID=([^,>]+)")


def complete(
    lines: Sequence[str],
    *,
    columns: int,
    fields: Iterable[str],
    chroms: Iterable[str],
    lengths: Mapping[str, int],
    base_model: str,
    version: str,
) -> str:
    """The header of the output.

    Args:
        lines: The input's header without line ends; none for other input than VCF.
        columns: How many columns the records have, where the header has no line for them.
        fields: Which of :data:`FINAL`, :data:`BASE`, :data:`COMBINED` and :data:`LEFT_OUT` the
            records get.
        chroms: The chromosomes of the records.
        lengths: Those that are known, in bases.
        base_model: Its name.
        version: Of this package.

    Returns:
        The text of the header, with ``##fileformat`` first, a line for each contig and each field
        that is added, and the names of the columns last.
    """
    meta = [line for line in lines if line.startswith("##") and not _OURS.match(line)]
    names = next((line for line in lines if line.startswith("#CHROM\t")), _names(columns))
    if names.count("\t") < FIXED.count("\t"):
        names = FIXED
    if not (meta and meta[0].startswith("##fileformat=")):
        meta = ["##fileformat=VCFv4.2", *(m for m in meta if not m.startswith("##fileformat="))]
    known = {found[1] for line in meta if (found := _CONTIG.match(line))}
    contigs = [
        f"##contig=<ID={name},length={lengths[name]}>"
        if name in lengths
        else f"##contig=<ID={name}>"
        for name in dict.fromkeys(chroms)
        if name not in known
    ]
    added = [
        f'##INFO=<ID={field},Number=.,Type=String,Description="'
        f'{_WORDS[field].format(version, _quotable(base_model))}">'
        for field in fields
    ]
    return "".join(f"{line}\n" for line in [*meta, *contigs, *added, names])


def _names(columns: int) -> str:
    """The names of the columns, where the input does not tell: samples get numbers."""
    samples = columns - FIXED.count("\t") - 2
    return "\t".join([FIXED, "FORMAT", *map(str, range(1, samples + 1))]) if samples > 0 else FIXED


def _quotable(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
