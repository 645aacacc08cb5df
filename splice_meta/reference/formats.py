"""Which format an annotation is in: GTF or GFF3, or what it is if it is neither."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Literal

from splice_meta.errors import InputError
from splice_meta.files.packed import unpacked
from splice_meta.reference.lines import NO_DATA, no_genes, not_utf8, unreadable

Format = Literal["gtf", "gff3"]

_LOOKED_AT = 10_000
_LONGEST_LINE = 1 << 20
_IS_NO_DATA = re.compile(NO_DATA)
# ID and Parent make GFF3; a name and a value after a blank or quote make GTF, also where its ids
# are written with an equals sign.
_GFF3 = re.compile(r"(?:^|;)\s*(?:ID|Parent)\s*=")
_GTF = re.compile(
    r'^\s*[^\s=;"]+(?:\s*"|\s+[^\s=;]+\s*(?:;|$))|(?:^|;)\s*(?:gene|transcript)_id\s*=\s*"?'
)
_EITHER = re.compile(r"^\s*[^\s=;]+=")
_BLANKS = re.compile(r"\S+ +\S+ +\S+ +\d+ +\d+ +\S+ +[-+.?] +\S+ +\S")
_HINT = 'Give a tab-separated annotation with attributes such as gene_id "G1"; or ID=gene-G1;.'


def recognise(path: Path) -> Format:
    """Tell GTF from GFF3 by the attributes of the first lines that show it, not by the name.

    Comments, directives and the lines ``track`` and ``browser`` of genome browsers are passed
    over, as are lines that fit both or neither.

    Args:
        path: A plain, gzip, bgzip or zstd file.

    Raises:
        InputError: If it cannot be read or is neither; a format it looks like is named.
    """
    says_gff3, first, weak = False, "", False
    try:
        with unpacked(path) as text:
            for line in _lines(text):
                says_gff3 |= bool(re.match(r"##gff-version\s+3", line))
                if _IS_NO_DATA.search(line):
                    # The sequence behind the annotation: what is before it has decided nothing.
                    if line.startswith("##FASTA"):
                        break
                    continue
                if "\x00" in line or "\r" in line:
                    raise _neither(path, line)
                first = first or line
                columns = line.split("\t", 8)
                if len(columns) != 9 or not {"+", "-"}.isdisjoint(columns[2:4]):  # a genePred
                    continue
                if _GFF3.search(columns[-1]):
                    return "gff3"
                if _GTF.search(columns[-1]):
                    return "gtf"
                weak |= bool(_EITHER.search(columns[-1]))
    except OSError as error:
        raise unreadable(path, error) from None
    if weak or (says_gff3 and first.count("\t") == 8):
        return "gff3"
    if not first:
        raise no_genes(path)
    raise _neither(path, first)


def _lines(text: IO[bytes]) -> Iterator[str]:
    """The first lines of a file, without their ends."""
    raw = iter(lambda: text.readline(_LONGEST_LINE), b"")
    for line in islice(raw, _LOOKED_AT):
        yield line.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").rstrip("\r\n")


def _neither(path: Path, line: str) -> InputError:
    """The error for a file that is neither, from its first line of data."""
    found, hint = _other_format(line.split("\t"), line)
    if not found:
        undecoded = not_utf8(path) if "\t" in line else None
        return undecoded or InputError(f"{path} is neither GTF nor GFF3.", _HINT)
    return InputError(f"{path} is neither GTF nor GFF3: {found}.", hint or _HINT)


def _other_format(columns: list[str], line: str) -> tuple[str, str]:
    """What a line of another format shows, and what to do; empty where it shows nothing."""

    def number(place: int) -> bool:
        return place < len(columns) and columns[place].strip().isdigit()

    def strand(place: int) -> bool:
        return place < len(columns) and columns[place] in ("+", "-")

    convert = "Convert it to GTF, for example by 'bedToGenePred' and 'genePredToGtf file'."
    if line.startswith(("\x00", "\ufffd\ufffd")) or "\x00" in line:
        return "it holds zero bytes, as UTF-16 text or a binary file does", (
            "Write it as UTF-8 text, for example by 'iconv -f UTF-16 -t UTF-8'."
        )
    if "\r" in line:
        return "its lines end with CR alone", "Write it with the line ends of Unix: 'tr \\r \\n'."
    if len(columns) == 1 and _BLANKS.match(line):
        return "its columns are separated by blanks", "Separate the nine columns by tabs."
    if (number(3) and number(4) and strand(2)) or (number(4) and number(5) and strand(3)):
        return "it looks like a genePred table of UCSC", (
            "Convert it to GTF, for example by 'genePredToGtf file'."
        )
    if number(1) and number(2) and (len(columns) < 6 or strand(5) or columns[5] == "."):
        return "it looks like BED", convert
    return "", ""
