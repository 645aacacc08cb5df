"""The lines of OpenSpliceAI's BED files: what an interval means, where a gene's lines stand."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from splice_meta.errors import InputError

LABELS = ("donor", "acceptor")

COLUMNS = ("chrom", "start", "end", "name", "score", "strand", "absolute_coordinates")

SHIFTS = {
    ("donor", 6, 1): 0,
    ("acceptor", 6, 1): 1,
    ("donor", 7, 1): 0,
    ("acceptor", 7, 1): 1,
    ("donor", 6, 2): -1,
    ("acceptor", 6, 2): 2,
    ("donor", 7, -2): 0,
    ("acceptor", 7, 2): 3,
}
"""From the first base of an interval (5' on the transcript strand) to the scored base.

Keys are the label, the number of columns and the interval's width (end - start); a donor is the
last base of an exon, an acceptor the first of the next. Intervals of width 1 are those of
OpenSpliceAI 0.0.5 to 0.0.7: the donor itself, but the base before the acceptor, the intron's last.
(A later version may write the intron's first base for donors, too, which the lines do not show;
the check against the sequence does.) Width 2 is written up to 0.0.4: the intron's first or last
two bases; with 7 columns its acceptors lie one base too far upstream and its donors' ends lie
before their starts. Columns are 6 where the name holds ``chr...:s-e(+)`` and the interval counts
on the chromosome; 7 where it counts along the sequence."""

NAME = r"^(.*)_(?:Donor|Acceptor)$"
NOT_BED = (
    "It must be donor_predictions.bed or acceptor_predictions.bed as OpenSpliceAI writes them."
)


def index_lines(file: str) -> tuple[str, pl.DataFrame]:
    """Which kind of site a file lists, and where in it each sequence's lines stand.

    Returns:
        ``donor`` or ``acceptor``; one row per sequence with ``name``, ``columns``, ``shift``,
        ``byte`` and ``bytes`` (its lines' place in the file), ``least`` and ``most`` (bounds of
        its intervals).
    """
    path = Path(file)
    if path.suffix.lower() != ".bed":
        raise InputError(f"{file} is compressed.", "Unpack it; single genes are read from it.")
    fields = [pl.col("fields").struct.field(f"field_{number}") for number in range(8)]
    whole = fields[7].is_null() & (fields[6].is_null() | (fields[6] == "absolute_coordinates"))
    start, end = (field.cast(pl.Int64, strict=False) for field in fields[1:3])
    score = fields[4].cast(pl.Float32, strict=False).is_between(0, 1)
    name = fields[3].str.extract(NAME)
    shape = pl.struct(
        is_donor=fields[3].str.ends_with("_Donor"),
        columns=pl.when(fields[6].is_null()).then(6).otherwise(7).cast(pl.Int64),
        width=end - start,
    )
    good = whole & score & fields[5].is_in(["+", "-"]) & start.is_not_null() & end.is_not_null()
    runs = (
        pl.scan_lines(file, glob=False)
        .select(
            size=pl.col("line").str.len_bytes().cast(pl.Int64) + 1,
            fields=pl.col("line").str.split_exact("\t", 7),
        )
        .select("size", name=name, start=start, end=end, shape=shape, good=good.fill_null(False))
        .with_columns(run=pl.col("name").rle_id())
        .group_by("run")
        .agg(
            pl.col("name", "shape").first(),
            good=(pl.col("good") & pl.col("name").is_not_null()).all(),
            shapes=pl.col("shape").n_unique(),
            least=pl.min_horizontal(pl.col("start").min(), pl.col("end").min()),
            most=pl.max_horizontal(pl.col("start").max(), pl.col("end").max()),
            bytes=pl.col("size").sum(),
        )
        .sort("run")
        .collect(engine="streaming")
        .unnest("shape")
        .join(_shifts(), on=["is_donor", "columns", "width"], how="left", maintain_order="left")
        .with_columns(byte=pl.col("bytes").cum_sum() - pl.col("bytes"))
    )
    label = _label_of(path, runs)
    return label, runs.select("name", "columns", "shift", "byte", "bytes", "least", "most")


def _shifts() -> pl.DataFrame:
    """:data:`SHIFTS` as a table."""
    rows = [(label == "donor", *shape, shift) for (label, *shape), shift in SHIFTS.items()]
    return pl.DataFrame(rows, ["is_donor", "columns", "width", "shift"], orient="row")


def _label_of(path: Path, runs: pl.DataFrame) -> str:
    """``donor`` or ``acceptor``; refuses files that OpenSpliceAI did not write."""
    if runs.is_empty():
        # Nothing above the threshold: only the file's name can tell.
        labels = [label for label in LABELS if label in path.name.lower()]
        if len(labels) != 1:
            raise InputError(f"{path} is empty.", NOT_BED)
        return labels[0]
    is_donor = bool(runs["is_donor"][0])
    fits = pl.col("good") & (pl.col("is_donor") == is_donor) & (pl.col("shapes") == 1)
    bad = runs.filter(~(fits & pl.col("shift").is_not_null()))
    if bad.height:
        name = bad["name"][0]
        ending = "its names do not end in _Donor or _Acceptor"
        where = f"first in sequence {name}" if name else ending
        raise InputError(f"{path} is not a BED file of OpenSpliceAI: {where}.", NOT_BED)
    twice = runs.filter(pl.col("name").is_duplicated())["name"]
    if len(twice):
        raise InputError(
            f"Sequence {twice[0]} stands in two places of {path}.", "Keep one run's lines per file."
        )
    # A missing last line feed is counted; anything else would spoil the places of the lines.
    if not 0 <= int(runs["bytes"].sum()) - path.stat().st_size <= 1:
        raise InputError(f"{path} has other line ends than \\n.", "Write it with Unix line ends.")
    return "donor" if is_donor else "acceptor"
