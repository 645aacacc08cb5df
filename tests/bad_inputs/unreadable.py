"""Binary tables that are damaged, cut off, or not what their names say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from bad_inputs import Case, real, run_of


def file(content: Callable[[Path], Any], name: str) -> Callable[[Path], list[str | Path]]:
    """A run of a file that is written in one way or another."""

    def make(folder: Path) -> list[str | Path]:
        content(folder / name)
        return run_of(name)

    return make


def cut(name: str, keep: float) -> Callable[[Path], list[str | Path]]:
    """A run of the first part of a file."""

    def content(path: Path) -> None:
        if name.endswith(".parquet"):
            real().write_parquet(path)
        else:
            real().write_ipc(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * keep)])

    return file(content, name)


def damaged(column: str) -> Callable[[Path], list[str | Path]]:
    """A run of a Parquet file in which the pages of one column are noise."""

    def content(path: Path) -> None:
        parquet.write_table(real().to_arrow(), path, compression="zstd")
        group = parquet.ParquetFile(path).metadata.row_group(0)
        places = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
        start = places[column].dictionary_page_offset or places[column].data_page_offset
        data = bytearray(path.read_bytes())
        for place in range(start, start + places[column].total_compressed_size):
            data[place] ^= 0x5A
        path.write_bytes(bytes(data))

    return file(content, "s.parquet")


def twice(path: Path) -> None:
    table = pa.table(real().to_arrow())
    table = table.append_column("donor_score", table["acceptor_score"])
    if path.suffix == ".parquet":
        parquet.write_table(table, path)
    else:
        with pa.ipc.new_file(path, table.schema) as writer:
            writer.write_table(table)


def beside(name: str, content: bytes) -> Callable[[Path], list[str | Path]]:
    """A run of a folder with a good Parquet file, and another file beside it."""

    def make(folder: Path) -> list[str | Path]:
        (folder / "in").mkdir()
        real(300).write_parquet(folder / "in/a.parquet")
        (folder / "in" / name).write_bytes(content)
        return run_of("in")

    return make


def stream(path: Path) -> None:
    table = real().to_arrow()
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


def fifo(folder: Path) -> list[str | Path]:
    import os

    os.mkfifo(folder / "s.parquet")
    (folder / "s.parquet").rename(folder / "p.parquet")
    return run_of("p.parquet")


CASES = [
    Case(name="an empty file called .parquet", make=file(lambda path: path.touch(), "s.parquet"),
         words=["s.parquet is an empty file"]),
    Case(name="an empty file called .arrow", make=file(lambda path: path.touch(), "s.arrow"),
         words=["s.arrow is an empty file"]),
    Case(name="CSV called .parquet", make=file(lambda path: real().write_csv(path), "s.parquet"),
         words=["s.parquet is text, not a parquet file"]),
    Case(name="Arrow IPC called .parquet",
         make=file(lambda path: real().write_ipc(path), "s.parquet"),
         words=["s.parquet is an arrow ipc file, not a parquet file", ".arrow"]),
    Case(name="Parquet called .arrow",
         make=file(lambda path: real().write_parquet(path), "s.arrow"),
         words=["s.arrow is a parquet file, not an arrow ipc file", ".parquet"]),
    Case(name="an Arrow IPC stream called .arrow", make=file(stream, "s.arrow"),
         words=["s.arrow is an arrow ipc stream"]),
    Case(name="half a Parquet file", make=cut("s.parquet", 0.5),
         words=["parquet file s.parquet is cut off"]),
    Case(name="a Parquet file without its last bytes", make=cut("s.parquet", 0.999),
         words=["parquet file s.parquet is cut off"]),
    Case(name="half an Arrow IPC file", make=cut("s.arrow", 0.5),
         words=["s.arrow"]),
    Case(name="a Parquet file of nothing but its signs",
         make=file(lambda path: path.write_bytes(b"PAR1PAR1"), "s.parquet"),
         words=["s.parquet cannot be read"]),
    Case(name="a Parquet file whose end is noise",
         make=file(lambda path: path.write_bytes(b"PAR1" + bytes(200) + b"\xb0\0\0\0PAR1"),
                   "s.parquet"),
         words=["s.parquet cannot be read"]),
    *(
        Case(name=f"damaged pages of the column {column}", make=damaged(column),
             words=["s.parquet", "cannot be read"])
        for column in ("gene_id", "position", "donor_score", "chrom", "strand", "genomic_position",
                       "base", "splice_type")
    ),
    Case(name="a column named twice in Parquet", make=file(twice, "s.parquet"),
         words=["s.parquet has two columns of one name", "donor_score"]),
    Case(name="a column named twice in Arrow IPC", make=file(twice, "s.arrow"),
         words=["s.arrow has 2 columns called donor_score"]),
    Case(name="an unknown kind", make=file(lambda path: path.write_bytes(b"x"), "s.xlsx"),
         words=["s.xlsx is of an unknown kind"]),
    Case(name="one damaged file of a folder", make=beside("b.parquet", b"PAR1" + bytes(50)),
         words=["in/b.parquet is cut off"]),
    Case(name="one file of a folder that is text", make=beside("b.parquet", b"gene_id,position\n"),
         words=["in/b.parquet is text"]),
    Case(name="a named pipe", make=fifo, words=["p.parquet"]),
]  # fmt: skip
