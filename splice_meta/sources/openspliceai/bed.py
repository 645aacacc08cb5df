"""OpenSpliceAI's ``donor_predictions.bed`` and ``acceptor_predictions.bed`` as base scores.

Only scores above OpenSpliceAI's threshold are listed; every other position of a listed sequence is
0 (its neither 1). A gene without any listed position does not appear at all and cannot be told
from one that was never scored: it has no scores here, whatever genes are asked for. Neither are
positions behind the end of a sequence, which are listed because its last block is padded.

What a line's interval means is said in :data:`splice_meta.sources.openspliceai.lines.SHIFTS` and
nowhere else.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from splice_meta.errors import InputError
from splice_meta.reference.sequence import reverse_complement
from splice_meta.sources.openspliceai.by_gene import Piece, scan_pieces
from splice_meta.sources.openspliceai.lines import COLUMNS, LABELS, index_lines
from splice_meta.sources.openspliceai.motif_check import (
    OFFSETS,
    SequenceOf,
    count_fits,
    find_shift,
)
from splice_meta.sources.openspliceai.names import BLOCK, parse_names, place_pieces

log = logging.getLogger("splice_meta")

CLEAR = 0.5
"""Sites with at least this score are held against the sequence."""

ENOUGH = 2000
"""Sites of each kind after which the rest of a pair of files is not looked at."""


def scan_bed(
    files: Sequence[str], spans: pl.DataFrame | None = None, sequence: SequenceOf | None = None
) -> pl.LazyFrame:
    """Base scores from pairs of OpenSpliceAI's BED files.

    The files are indexed in one streaming pass; a gene's lines are read when its rows are.

    Args:
        files: A donor and an acceptor file, or one pair in each of several folders.
        spans: Where genes lie, see
            :func:`splice_meta.sources.openspliceai.names.place_pieces`; needed for sequences
            whose name has no coordinates.
        sequence: Gives the bases of the reference's forward strand from chromosome, start and end
            (1-based, inclusive). With it donors and acceptors are held against GT and AG, and
            read one or more bases further where nearly all fit there.

    Returns:
        See :func:`splice_meta.sources.openspliceai.by_gene.scan_pieces`; one row per nucleotide.

    Raises:
        InputError: If a file is none of OpenSpliceAI's or its partner is missing, a gene's span is
            not known, or the listed sites fit the sequence nowhere.
    """
    indexed = [(file, *index_lines(file)) for file in files]
    tables = {file: table for file, _, table in indexed}
    pieces = []
    for donors, acceptors in _pairs([(file, label) for file, label, _ in indexed]):
        names = parse_names(_join(tables[donors], tables[acceptors]))
        placed = place_pieces(names, spans, donors)
        _refuse_outside(placed, donors)
        placed = placed.with_columns(donor_file=pl.lit(donors), acceptor_file=pl.lit(acceptors))
        pieces.append(placed if sequence is None else _shifted(placed, sequence))
    return scan_pieces(pl.concat(pieces), _read, has_base=False)


def _pairs(files: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Donor and acceptor files that go together: the two given, or one of each in a folder."""
    folders: dict[Path, list[tuple[str, str]]] = {}
    for file, label in files:
        folders.setdefault(Path(file).parent, []).append((file, label))
    groups = [list(files)] if len(files) == 2 else list(folders.values())
    pairs = []
    for group in groups:
        found = {label: file for file, label in group}
        for label, other in zip(LABELS, reversed(LABELS), strict=True):
            if label not in found:
                raise InputError(
                    f"{found[other]} lists {other}s only; the file of the {label}s is missing.",
                    f"Give {label}_predictions.bed too, or the directory that holds both.",
                )
        if len(group) > 2:
            raise InputError(
                f"{len(group)} BED files are given from {Path(group[0][0]).parent}.",
                "Give one donor and one acceptor file from each folder.",
            )
        pairs.append((found["donor"], found["acceptor"]))
    return pairs


def _join(donors: pl.DataFrame, acceptors: pl.DataFrame) -> pl.DataFrame:
    """One row per sequence of either file; columns of each have the label in front."""
    keys = ("name", "columns")
    tables = [
        table.rename({c: f"{label}_{c}" for c in table.columns if c not in keys})
        for label, table in zip(LABELS, (donors, acceptors), strict=True)
    ]
    # Sequences that only the acceptors' file lists come last.
    return tables[0].join(
        tables[1], on=keys, how="full", coalesce=True, maintain_order="left_right"
    )


def _refuse_outside(pieces: pl.DataFrame, source: str) -> None:
    """Refuse intervals that cannot be of the sequence that the name or the annotation says."""
    padded = (pl.col("length") + BLOCK - 1) // BLOCK * BLOCK
    on_chromosome = pl.col("columns") == 6
    low = pl.when(on_chromosome).then(pl.col("piece_start") - 1 - BLOCK).otherwise(-3)
    high = pl.when(on_chromosome).then(pl.col("piece_end") + BLOCK).otherwise(padded)
    outside = [
        (pl.col(f"{label}_least") < low) | (pl.col(f"{label}_most") > high) for label in LABELS
    ]
    no_place = on_chromosome & pl.col("piece_start").is_null()
    bad = pieces.filter(pl.any_horizontal(no_place, *(o.fill_null(False) for o in outside)))
    if bad.height:
        raise InputError(
            f"{source} or its partner has scores of {bad['gene_id'][0]} outside of its "
            f"{bad['length'][0]:,} bases ({bad.height:,} such sequences).",
            "Give the annotation that holds the span of each scored sequence.",
        )


def _read(piece: Piece) -> dict[str, Any]:
    """The scores of a piece: what is listed, else 0."""
    donor, acceptor = (_listed(piece, label) for label in LABELS)
    # Six decimals each, so the sum may exceed 1 by a rounding.
    rest = np.clip(1.0 - donor.astype(np.float64) - acceptor, 0.0, None)
    neither = rest.astype(np.float32)
    return {"donor_score": donor, "acceptor_score": acceptor, "neither_score": neither}


def _listed(piece: Piece, label: str) -> NDArray[np.float32]:
    """The scores of one file for the bases ``first`` to ``stop`` of a piece."""
    scores = np.zeros(piece["stop"] - piece["first"], np.float32)
    if piece[f"{label}_bytes"] is None:
        return scores
    with open(piece[f"{label}_file"], "rb") as file:
        file.seek(piece[f"{label}_byte"])
        text = file.read(piece[f"{label}_bytes"])
    numbers = {"start": pl.Int64, "end": pl.Int64, "score": pl.Float32}
    schema = {c: numbers.get(c, pl.String) for c in COLUMNS[: piece["columns"]]}
    scan = pl.scan_csv(text, has_header=False, separator="\t", quote_char=None, schema=schema)
    lines = scan.select(numbers.keys()).collect()
    start, end, score = (lines[column].to_numpy() for column in numbers)
    if piece["columns"] == 7:
        base = start
    elif piece["strand"] == "+":
        base = start - (piece["piece_start"] - 1)
    else:
        base = piece["piece_end"] - end
    index = base + piece[f"{label}_shift"] - piece["first"]
    inside = (index >= 0) & (index < len(scores))
    scores[index[inside]] = score[inside]
    return scores


def _shifted(pieces: pl.DataFrame, sequence: SequenceOf) -> pl.DataFrame:
    """Hold one pair's sites against the sequence; shift them where that is evident."""
    counts = {label: np.zeros(len(OFFSETS), np.int64) for label in LABELS}
    sites = dict.fromkeys(LABELS, 0)
    for piece in pieces.filter(pl.col("chrom").is_not_null()).iter_rows(named=True):
        bases = sequence(piece["chrom"], piece["gene_start"], piece["gene_end"])
        if piece["strand"] == "-":
            bases = reverse_complement(bases)
        for label in LABELS:
            found = np.flatnonzero(_listed(piece, label) >= CLEAR) + piece["position"] - 1
            counts[label] += count_fits(bases, found, label)
            sites[label] += len(found)
        if min(sites.values()) >= ENOUGH:
            break
    for label in LABELS:
        file = pieces[f"{label}_file"][0]
        shift = find_shift(counts[label], sites[label], label, file)
        if shift:
            log.warning(
                "The %ss of %s lie %+d bases from where their motifs put them; they are shifted.",
                label, file, -shift,
            )  # fmt: skip
            pieces = pieces.with_columns(pl.col(f"{label}_shift") + shift)
    return pieces
