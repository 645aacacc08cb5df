"""Alleles against the sequence: checked, trimmed and aligned, so that notation is no matter.

A change is what it replaces on the reference, ``start`` to ``end`` (1-based, both included, on the
forward strand; ``end`` is ``start`` - 1 for an insertion, which lies between the two), and what it
puts there, ``put``. Bases that both alleles share are trimmed from both ends; an insertion or a
deletion is moved to the left as far as the sequence allows (Tan et al., 2015). So each way to write
a change down comes to the same. How far to the right it could be moved from there is told, too:
genes on the forward strand have it there (:mod:`.placing`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from splice_meta.reference.sequence import Genome, N

Rows = npt.NDArray[np.int64]
Letters = npt.NDArray[np.uint8]

SETTLED: dict[str, type[pl.DataType]] = {
    "variant": pl.UInt32, "record": pl.String, "start": pl.Int64, "end": pl.Int64,
    "put": pl.String, "reason": pl.String, "slack": pl.Int64,
}  # fmt: skip
"""The columns of :func:`settle_alleles`; ``slack`` is how far a change may move to the right."""

PIECE = 1 << 23
"""Positions of a chromosome that are looked at together."""

MARGIN = 100_000
"""How far a change is moved at most: no repeat is that long."""

_BLOCK = 32
"""Steps that are compared at a time."""

_SHOWN = 20
"""Bases of the sequence that a reason shows."""


def settle_alleles(
    variants: pl.DataFrame, genome: Genome, records: Mapping[str, str], max_allele: int
) -> pl.DataFrame:
    """Check alleles against the sequence and bring them into one form.

    Args:
        variants: ``variant``, ``chrom``, ``pos``, ``ref``, ``alt``, ``reason`` as read; those with
            a reason are passed on.
        genome: The sequence.
        records: Its names of the chromosomes.
        max_allele: Most bases that a change may replace, or put.

    Returns:
        The columns of :data:`SETTLED`, a row for each variant in their order; nulls where there is
        a reason.
    """
    placed = variants.select(
        "variant", "pos", "ref", "alt", "chrom",
        record=pl.col("chrom").replace_strict(records, default=None, return_dtype=pl.String),
        reason=pl.col("reason"),
    ).with_columns(
        reason=pl.when(pl.col("reason").is_null() & pl.col("record").is_null())
        .then(pl.format("the FASTA has no chromosome {}", "chrom"))
        .otherwise("reason")
    )  # fmt: skip
    good = placed.filter(pl.col("reason").is_null())
    settled = [_settle(piece, genome, max_allele) for piece in _pieces(good)]
    found = pl.concat([pl.DataFrame(schema=SETTLED), *settled])
    return (
        placed.select("variant", early="reason")
        .join(found, on="variant", how="left", maintain_order="left")
        .with_columns(reason=pl.coalesce("early", "reason"))
        .select(*SETTLED)
    )


def _pieces(good: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The variants of each piece of a chromosome."""
    cut = good.with_columns(_piece=pl.col("pos") // PIECE)
    yield from cut.partition_by("record", "_piece", maintain_order=True)


def _settle(rows: pl.DataFrame, genome: Genome, max_allele: int) -> pl.DataFrame:
    """The variants of one piece, see :func:`settle_alleles`."""
    record = rows["record"][0]
    position = rows["pos"].to_numpy().astype(np.int64)
    ref, alt = _Words(rows["ref"]), _Words(rows["alt"])
    inside = _covered(genome, record, position, ref.lengths)
    # Only where it is covered: elsewhere a position may be beyond any reason.
    first = int(position[inside].min(initial=1 << 60))
    last = int((position + ref.lengths)[inside].max(initial=0))
    low = max(first - MARGIN, 1)
    bases = genome.fetch(record, low, last + MARGIN) if inside.any() else np.empty(0, np.uint8)
    at = np.where(inside, position - low, 0)
    there = bases.take(ref.spread(at), mode="clip") if inside.any() else ref.letters
    differs = ref.any(there != ref.letters)
    is_n = ref.any(there == N)
    suffix, prefix = _shared(ref, alt)
    begin = at + prefix
    replaced, put = ref.lengths - suffix - prefix, alt.lengths - suffix - prefix
    too_long = np.maximum(replaced, put) > max_allele
    good = inside & ~differs & ~is_n & ~too_long
    own = alt.first + prefix
    good &= (replaced == 0) != (put == 0)
    shift = _shifts(bases, alt.letters, begin, replaced, own, put, good)
    # To the right it is the same from behind.
    size = np.int64(bases.size), np.int64(alt.letters.size)
    back = _shifts(
        bases[::-1], alt.letters[::-1], size[0] - begin - replaced, replaced,
        size[1] - own - put, put, good,
    )  # fmt: skip
    begin -= shift
    return (
        rows.select("variant", "record", "ref", "alt")
        .with_columns(
            start=pl.Series(begin + low),
            end=pl.Series(begin + replaced + low - 1),
            put=_turned(rows["alt"], prefix, put, shift),
            slack=pl.Series(shift + back),
            there=_shown(there, ref, at=differs & inside),
            _inside=pl.Series(inside), _n=pl.Series(is_n), _differs=pl.Series(differs),
            _long=pl.Series(too_long), _none=pl.Series((replaced == 0) & (put == 0)),
        )
        .with_columns(
            reason=pl.when(~pl.col("_inside")).then(pl.lit("beyond the sequence of the FASTA"))
            .when("_n").then(pl.lit("the FASTA has N there"))
            .when("_differs").then(pl.format("ref contradicts the FASTA, which has {}", "there"))
            .when("_none").then(pl.lit("ref and alt are the same"))
            .when("_long").then(pl.lit(f"it changes more than {max_allele:,} bases"))
        )
        .with_columns(
            pl.when(pl.col("reason").is_null()).then(pl.col("start", "end", "put", "slack"))
        )
        .select(*SETTLED)
    )  # fmt: skip


class _Words:
    """Texts of a column, end to end.

    Attributes:
        letters: All of them.
        lengths: Of each text.
        first: Where each begins.
    """

    def __init__(self, texts: pl.Series) -> None:
        self.letters = np.frombuffer("".join(texts.to_list()).encode("ascii", "replace"), np.uint8)
        self.lengths: Rows = texts.str.len_chars().to_numpy().astype(np.int64)
        self.first: Rows = np.cumsum(self.lengths) - self.lengths

    def spread(self, starts: Rows) -> Rows:
        """For each letter its text's start and its place in the text, added."""
        return np.repeat(starts - self.first, self.lengths) + np.arange(self.letters.size)

    def any(self, flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Which texts have a letter with a flag."""
        running = np.concatenate([np.zeros(1, np.int64), np.cumsum(flags)])
        return np.asarray(running[self.first + self.lengths] > running[self.first])


def _covered(genome: Genome, record: str, position: Rows, lengths: Rows) -> npt.NDArray[np.bool_]:
    """Which stretches lie in the sequence as a whole."""
    spans = np.array(genome.spans(record), np.int64).reshape(-1, 2)
    span = np.searchsorted(spans[:, 0], position, side="right") - 1
    ends = spans[np.maximum(span, 0), 1]
    return np.asarray((span >= 0) & (position + lengths - 1 <= ends))


def _shared(ref: _Words, alt: _Words) -> tuple[Rows, Rows]:
    """How many bases both alleles share at the right end; and at the left of what is left."""
    least = np.minimum(ref.lengths, alt.lengths)
    right_ref, right_alt = ref.first + ref.lengths - 1, alt.first + alt.lengths - 1
    suffix = _run(
        least, lambda n, k: ref.letters[right_ref[n] - k] == alt.letters[right_alt[n] - k]
    )
    prefix = _run(
        least - suffix, lambda n, k: ref.letters[ref.first[n] + k] == alt.letters[alt.first[n] + k]
    )
    return suffix, prefix


def _run(most: Rows, agree: object) -> Rows:
    """How long each row's run of agreement is, ``most`` at most.

    Args:
        most: The longest run of each row.
        agree: Whether row n agrees at step k (arrays).
    """
    rows = np.repeat(np.arange(most.size), most)
    steps = np.arange(rows.size) - np.repeat(np.cumsum(most) - most, most)
    stops = np.flatnonzero(~agree(rows, steps))  # type: ignore[operator]
    found = most.copy()
    # The first stop of a row is written last.
    found[rows[stops[::-1]]] = steps[stops[::-1]]
    return found


def _shifts(
    bases: Letters, letters: Letters, begin: Rows, replaced: Rows, own: Rows, put: Rows,
    good: npt.NDArray[np.bool_],
) -> Rows:  # fmt: skip
    """How far insertions and deletions may be moved to the left.

    The base that a change passes must be the one that it leaves on the other side: of a deletion
    the sequence's own, of an insertion first its own, from the right, then the sequence's.

    Args:
        bases: The sequence.
        letters: All alternative alleles, end to end.
        begin: Where each change begins in the sequence.
        replaced: How many bases it replaces.
        own: Where what it puts begins in the letters.
        put: How many bases it puts.
        good: Which changes may be moved.
    """
    shift = np.zeros(begin.size, np.int64)
    both = np.concatenate([bases, letters])
    own = own + bases.size
    active = np.flatnonzero(good)
    while active.size:
        steps = shift[active, None] + np.arange(_BLOCK)
        length = (replaced + put)[active, None]
        passed = begin[active, None] - 1 - steps
        left = begin[active, None] + replaced[active, None] - 1 - steps
        is_own = (put[active, None] > 0) & (steps < length)
        left = np.where(is_own, own[active, None] + length - 1 - steps, left)
        left = np.where((put[active, None] > 0) & ~is_own, passed + length, left)
        seen = both[np.maximum(passed, 0)]
        agree = (passed >= 0) & (seen == both[np.maximum(left, 0)]) & (seen != N)
        run = np.where(agree.all(axis=1), _BLOCK, agree.argmin(axis=1))
        shift[active] += run
        active = active[run == _BLOCK]
    return shift


def _turned(alt: pl.Series, prefix: Rows, put: Rows, shift: Rows) -> pl.Series:
    """What each change puts: without what is shared, turned by the steps it was moved."""
    turn = np.where(put > 0, shift % np.maximum(put, 1), 0)
    frame = pl.DataFrame({"alt": alt, "first": prefix, "put": put, "turn": turn})
    own = pl.col("alt").str.slice("first", "put")
    rest = pl.col("put") - pl.col("turn")
    return frame.select(put=own.str.slice(rest, "turn") + own.str.slice(0, rest)).to_series()


def _shown(there: Letters, ref: _Words, at: npt.NDArray[np.bool_]) -> pl.Series:
    """The bases of the sequence where ref contradicts it, the first few."""
    shown = [
        there[first : first + min(length, _SHOWN)].tobytes().decode()
        if wanted else ""
        for first, length, wanted in zip(ref.first, ref.lengths, at, strict=True)
    ] if at.any() else [""] * at.size  # fmt: skip
    return pl.Series("there", shown, pl.String)
