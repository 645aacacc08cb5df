"""Score tables: what kind each file is, and each kind scanned lazily."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from splice_meta.contracts import OPTIONAL, TRUTH_WORD, canonical
from splice_meta.errors import ContractError, InputError
from splice_meta.files.stores import Place, object_at
from splice_meta.runtime.panics import plain_panics
from splice_meta.sources.content import kind_of_content, wrong_content
from splice_meta.sources.files import reads_by_gene
from splice_meta.sources.kinds import (
    BED,
    HDF5,
    IPC,
    KNOWN_SUFFIXES,
    PARQUET,
    TEXT,
    suffix_of,
)  # fmt: skip
from splice_meta.sources.layouts import to_contract_names
from splice_meta.sources.openspliceai.bed import scan_bed
from splice_meta.sources.openspliceai.hdf5 import scan_h5
from splice_meta.sources.openspliceai.motif_check import SequenceOf
from splice_meta.sources.predictions import check_layouts
from splice_meta.sources.text import TextTable, Types, look_at, place_of, scan_text
from splice_meta.sources.unreadable import FAULTS, reason_of, unreadable

_FRAMES = {"parquet": "a Parquet file", "ipc": "an Arrow IPC file"}
_SIGNS = {"parquet": b"PAR1", "ipc": b"ARROW1"}


@dataclass
class Table:
    """One file with a score table.

    Attributes:
        file: Path or address.
        text: What was seen of it, if it is a text table.
        kind: ``parquet`` or ``ipc``; else what text tables that are scanned together share.
        types: The types of some columns, where the usual ones do not fit.
    """

    file: str
    text: TextTable | None
    kind: str
    types: Types = field(default_factory=dict)

    def scan(self) -> pl.LazyFrame:
        """Its rows and columns as they are."""
        return _scan([self])

    @property
    def lacks_neither(self) -> bool:
        """Whether ``neither_score`` is not among its columns, and is taken as the rest."""
        return {"neither_score", "neither_prob"}.isdisjoint(self.scan().collect_schema())


def open_tables(files: Sequence[str], *, has_sign: bool = False) -> list[Table]:
    """Look at files with tables: what kind each is, and whether text can be read at all.

    Args:
        files: Paths or addresses.
        has_sign: Whether headers of text may begin with ``#``, as in ``#CHROM``.

    Raises:
        InputError: If one is of an unknown kind, or not what its name says.
    """
    return [_open(file, has_sign) for file in files]


def _open(file: str, has_sign: bool = False) -> Table:
    suffix = suffix_of(file)
    if suffix in TEXT:
        text = look_at(file, TEXT[suffix], has_sign=has_sign)
        return Table(file, text, f"{text.separator!r}{' quoted' if text.quoted else ''}")
    if suffix in PARQUET or ("://" in file and suffix == ""):
        kind = "parquet"
    elif suffix in IPC:
        kind = "ipc"
    else:
        raise InputError(
            f"{file} is of an unknown kind.",
            "Score files end in .parquet, .arrow, .csv or .tsv (also .gz or .zst), .bed or .h5.",
        )
    if "://" not in file:
        _refuse_content(file, kind)
    return Table(file, None, kind)


def _refuse_content(file: str, kind: str) -> None:
    """Refuse a local file that does not begin, or a Parquet file that does not end, as its kind."""
    try:
        with open(file, "rb") as stream:
            head = stream.read(4096)
            stream.seek(max(stream.seek(0, 2) - 4, 0))
            tail = stream.read()
    except OSError as error:
        raise InputError(
            f"{file} cannot be read: {error.strerror}.", "Check the path and the permissions."
        ) from None
    if not head.startswith(_SIGNS[kind]):
        raise wrong_content(file, _FRAMES[kind], kind_of_content(head) or "text")
    if kind == "parquet" and tail != _SIGNS[kind]:
        raise InputError(
            f"The Parquet file {file} is cut off: its end is missing.",
            "Copy or download it again.",
        )
    if kind == "ipc":
        _refuse_ipc(file)


def _refuse_ipc(file: str) -> None:
    """Refuse an Arrow IPC file without its end, or with a name twice, at which Polars panics."""
    import pyarrow as pa

    try:
        with pa.OSFile(file) as stream:
            names = pa.ipc.open_file(stream).schema.names
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"The Arrow IPC file {file} is damaged or cut off: {reason_of(error)}.",
            "Copy or write it again.",
        ) from None
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ContractError(
            f"{file} has {names.count(twice[0])} columns called {twice[0]}.",
            "Give each column a name of its own.",
        )


def scan_files(
    files: Sequence[str],
    spans: pl.DataFrame | None = None,
    sequence: SequenceOf | None = None,
    tables: Sequence[Table] | None = None,
) -> pl.LazyFrame:
    """Canonical scores of all files: one scan where their schemas agree, else one per file.

    Args:
        files: Paths or addresses, from :func:`splice_meta.sources.files.files_of`.
        spans: Where genes lie, for OpenSpliceAI's own files; see
            :func:`splice_meta.sources.openspliceai.names.place_pieces`.
        sequence: The reference, for OpenSpliceAI's BED files; see
            :func:`splice_meta.sources.openspliceai.bed.scan_bed`.
        tables: What :func:`open_tables` made of the files, if it was called before.
    """
    if reads_by_gene(files):
        if all(suffix_of(file) in BED for file in files):
            return canonical(scan_bed([place_of(file) for file in files], spans, sequence))
        if all(suffix_of(file) in HDF5 for file in files):
            return canonical(scan_h5([place_of(file) for file in files], spans))
        raise InputError(
            "OpenSpliceAI's files are given together with others.", "Give files of one kind."
        )
    tables = open_tables(files) if tables is None else tables
    if _agree(tables):
        return _canonical(tables)
    check_layouts([table.scan() for table in tables], files)
    parts = [_canonical([table]) for table in tables]
    names = [part.collect_schema().names() for part in parts]
    for name in OPTIONAL:
        with_it = [file for file, listed in zip(files, names, strict=True) if name in listed]
        if 0 < len(with_it) < len(files):
            without = next(file for file in files if file not in with_it)
            raise ContractError(
                f"{without} has no column {name}, {with_it[0]} has one.",
                "Give tables with the same columns.",
            )
    return pl.concat(parts, how="diagonal_relaxed")


def scan_frame(source: Any) -> pl.LazyFrame:
    """Canonical scores of a frame.

    Raises:
        InputError: If it is none.
    """
    if hasattr(source, "__arrow_c_stream__") and not isinstance(source, pl.DataFrame):
        source = pl.DataFrame(source)
    if not isinstance(source, (pl.LazyFrame, pl.DataFrame)):
        raise InputError(
            f"Base scores cannot be read from {type(source).__name__}.",
            "Give a path, a list of paths, a Polars or Arrow frame, or a mapping of base model "
            "names to those.",
        )
    named = to_contract_names(source.lazy())
    return canonical(named)


def _canonical(tables: Sequence[Table]) -> pl.LazyFrame:
    """Canonical scores of tables with one schema."""
    return canonical(to_contract_names(_scan(tables)), tables[0].file)


def _agree(tables: Sequence[Table]) -> bool:
    """Whether one scan can read all tables: one kind, the same columns and types."""
    first, *others = (table.scan().collect_schema() for table in tables)
    return len({table.kind for table in tables}) == 1 and all(first == other for other in others)


def refuse_by_gene(files: Sequence[str]) -> None:
    """Refuse OpenSpliceAI's own files, which are read gene by gene in any case.

    Raises:
        InputError: If there are any.
    """
    if reads_by_gene(files):
        raise InputError(
            "OpenSpliceAI's BED and HDF5 files need no sorting.", "Give them to run as they are."
        )


def scan_unchanged(tables: Sequence[Table]) -> pl.LazyFrame:
    """The rows of all tables with all columns as they are; canonical where the tables differ.

    Args:
        tables: From :func:`open_tables`.
    """
    if _agree(tables):
        return _scan(tables)
    rows = scan_files([table.file for table in tables], tables=tables)
    if TRUTH_WORD not in rows.collect_schema():
        return rows
    word = pl.coalesce(pl.col("splice_type").cast(pl.String), TRUTH_WORD)
    return rows.with_columns(splice_type=word).drop(TRUTH_WORD)


def open_file(path: Place) -> Table | None:
    """A table file of a kind that scores may have; None for any other file.

    Raises:
        InputError: If it cannot be read.
    """
    is_table = suffix_of(path.name) in KNOWN_SUFFIXES and path.is_file()
    return _open(str(path)) if is_table else None


def _scan(tables: Sequence[Table]) -> pl.LazyFrame:
    """Scan tables of one kind."""
    files = [table.file for table in tables]
    texts = [table.text for table in tables if table.text is not None]
    places = [place_of(file) for file in files]
    types = {name: kind for table in tables for name, kind in table.types.items()}
    try:
        if texts:
            frame = scan_text(texts, types)
        elif tables[0].kind == "parquet":
            # Other addresses than an object's may hold patterns or folders that Polars can list.
            unlisted = any("://" in file and object_at(file) is None for file in files)
            frame = pl.scan_parquet(places, glob=unlisted)
        else:
            frame = pl.scan_ipc(places, glob=False)
        with plain_panics():
            frame.collect_schema()
    except FAULTS as error:
        raise unreadable(files[0], error) from None
    return frame
