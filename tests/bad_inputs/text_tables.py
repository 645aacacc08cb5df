"""Text tables: what readers of CSV take silently, and the causes of what they refuse."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from fasta_files import BGZIP_END, bgzip_block

from bad_inputs import GENE, Case, Said, real, run_of, run_text

HEADER = (
    "gene_id\tchrom\tstrand\tposition\tgenomic_position\tdonor_score\tacceptor_score\t"
    "neither_score\tbase\tsplice_type"
)
Change = Callable[[list[str]], list[str]]


def lines() -> list[str]:
    """Header and 600 rows of real scores as TSV, without line ends."""
    return real().write_csv(separator="\t").splitlines()


def tsv(change: Change, name: str = "s.tsv") -> Callable[[Path], list[str | Path]]:
    """A run of a changed TSV."""
    return lambda folder: run_text("\n".join(change(lines())) + "\n", name)(folder)


def csv(change: Change, name: str = "s.csv") -> Callable[[Path], list[str | Path]]:
    """A run of a changed CSV."""
    return tsv(lambda rows: change([row.replace("\t", ",") for row in rows]), name)


def at(line: int, change: Callable[[str], str]) -> Change:
    """A change of one line, numbered from 1."""
    return lambda rows: [*rows[: line - 1], change(rows[line - 1]), *rows[line:]]


def cell(column: str, line: int, text: str) -> Change:
    """Another text in one cell of a TSV."""

    def changed(row: str) -> str:
        cells = row.split("\t")
        cells[HEADER.split("\t").index(column)] = text
        return "\t".join(cells)

    return at(line, changed)


def every(change: Callable[[str], str]) -> Change:
    """A change of all lines but the header."""
    return lambda rows: [rows[0], *map(change, rows[1:])]


def raw(
    change: Callable[[bytes], bytes], name: str = "s.tsv"
) -> Callable[[Path], list[str | Path]]:
    """A run of a TSV whose bytes are changed."""
    return lambda folder: run_text(change(("\n".join(lines()) + "\n").encode()), name)(folder)


def zstd(text: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(text)
    return bytes(sink.getvalue())


def members(pack: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Packs two halves of a text by themselves, one behind the other."""

    def packed(text: bytes) -> bytes:
        cut = text.index(b"\n", len(text) // 2) + 1
        return pack(text[:cut]) + pack(text[cut:])

    return packed


def bgzip(text: bytes) -> bytes:
    return b"".join(bgzip_block(text[n : n + 4000]) for n in range(0, len(text), 4000)) + BGZIP_END


def folder_of(
    write: Callable[[Path], None], table: str | Path = "in"
) -> Callable[[Path], list[str | Path]]:
    """A run of a folder with one good table (the first 300 rows) and what is written beside it."""

    def make(folder: Path) -> list[str | Path]:
        inner = folder / "in"
        inner.mkdir()
        real(300).write_csv(inner / "a.tsv", separator="\t")
        write(inner)
        return run_of(table)

    return make


def rows(count: int) -> Callable[[Said], None]:
    """Checks that so many positions came out, each once, of the same scores as from Parquet."""

    def check(said: Said) -> None:
        found = said.predictions
        assert found.height == count
        assert found["position"].to_list() == real(count)["position"].to_list()
        expected = real(count)["donor_score"].cast(pl.Float32)
        assert (found["donor_score"] - expected).abs().max() < 1e-9  # type: ignore[operator]

    return check


def workbook(folder: Path) -> Sequence[str | Path]:
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return run_text(buffer.getvalue(), "s.csv")(folder)


def parquet_called_csv(folder: Path) -> Sequence[str | Path]:
    real().write_parquet(folder / "s.csv")
    return run_of("s.csv")


def training(content: bytes, name: str) -> Callable[[Path], list[str | Path]]:
    """A run of good scores with a training dataset of one file."""

    def make(folder: Path) -> list[str | Path]:
        real().write_parquet(folder / "s.parquet")
        (folder / "data").mkdir()
        (folder / "data" / name).write_bytes(content)
        return run_of("s.parquet", "--training-dataset", "data")

    return make


def listed(content: bytes) -> Callable[[Path], list[str | Path]]:
    """A run of good scores with a gene list."""

    def make(folder: Path) -> list[str | Path]:
        real().write_parquet(folder / "s.parquet")
        (folder / "genes.txt").write_bytes(content)
        return run_of("s.parquet", "--genes-file", "genes.txt")

    return make


def quoted(text: str, separator: str) -> str:
    return separator.join(f'"{cell}"' for cell in text.split(separator))


def named_note(rows: list[str]) -> list[str]:
    return [f"{rows[0]}\tnote", *(f"{row}\tx" for row in rows[1:])]


def lone_quotes(mark: str) -> Change:
    def change(table: list[str]) -> list[str]:
        noted = named_note(table)
        for line in (10, 70):
            noted[line] = noted[line][:-1] + mark
        return noted

    return change


FIELDS = [
    Case(
        name="a row with a field too many, in its middle",
        make=tsv(at(300, lambda row: row.replace("\t-\t", "\t-\tx\t"))),
        words=["line 300 of s.tsv", "11 fields", "the header has 10"],
    ),
    Case(
        name="a row with a field too many, at its end",
        make=tsv(at(300, lambda row: row + "\tx")),
        words=["line 300 of s.tsv", "11 fields", "the header has 10"],
    ),
    Case(
        name="a row with a field too few, of an optional column",
        make=tsv(at(300, lambda row: row.rpartition("\t")[0])),
        words=["line 300 of s.tsv", "9 fields", "the header has 10"],
    ),
    Case(
        name="one row too long and one too short",
        make=tsv(
            lambda table: at(300, lambda row: row + "\tx")(
                at(301, lambda row: row.rpartition("\t")[0])(table)
            )
        ),
        words=["line 300 of s.tsv", "11 fields"],
    ),
    Case(
        name="row names of R",
        make=tsv(lambda table: [table[0], *(f"{n}\t{row}" for n, row in enumerate(table[1:], 1))]),
        words=["line 2 of s.tsv", "one more, as where R has written row names", "row.names"],
        never=["could not parse"],
    ),
    Case(
        name="quoted row names of R",
        make=tsv(
            lambda table: [
                quoted(table[0], "\t"),
                *(f'"{n}"\t{row}' for n, row in enumerate(table[1:], 1)),
            ]
        ),
        words=["row names"],
    ),
    Case(
        name="separators at the ends of all rows",
        make=tsv(every(lambda row: row + "\t")),
        words=["line 2 of s.tsv", "ends in a separator"],
    ),
    Case(
        name="decimal commas in CSV",
        make=csv(every(lambda row: row.replace("e-", "@").replace(".", ",").replace("@", "e-"))),
        words=["line 2 of s.csv", "fields, the header has 10", "decimal point"],
    ),
    Case(
        name="a name with a comma in CSV",
        make=csv(at(5, lambda row: row.replace(GENE, f"{GENE}, x"))),
        words=["line 5 of s.csv", "11 fields", "quotes"],
    ),
    Case(
        name="a blank line in the middle",
        make=tsv(at(300, lambda row: f"{row}\n")),
        words=["line 301 of s.tsv is blank", "remove"],
    ),
    Case(
        name="a blank line at the end",
        make=tsv(lambda table: [*table, ""]),
        words=["line 602 of s.tsv is blank"],
    ),
    Case(
        name="a comment in the middle",
        make=tsv(at(300, lambda row: f"# half\n{row}")),
        words=["line 300 of s.tsv is a comment", "remove"],
    ),
    Case(
        name="a comment before the header",
        make=tsv(lambda table: ["# scores", *table]),
        words=["s.tsv begins with a comment", "remove"],
    ),
    Case(
        name="cut off in its last line",
        make=raw(lambda text: text[:-40]),
        words=["line 601 of s.tsv", "no line end", "cut off"],
    ),
    Case(
        name="the header again, in the middle",
        make=tsv(lambda table: [*table[:300], table[0], *table[300:]]),
        words=["line 301 of s.tsv", "header is repeated"],
    ),
    Case(
        name="carriage returns alone",
        make=raw(lambda text: text.replace(b"\n", b"\r")),
        words=["s.tsv has carriage returns in place of line ends", "unix line ends"],
    ),
    Case(
        name="a carriage return within a line",
        make=tsv(at(300, lambda row: row.replace("\t-\t", "\t-\r\t"))),
        words=["line 300 of s.tsv", "carriage return"],
    ),
    Case(
        name="NUL bytes",
        make=tsv(at(300, lambda row: "\0" * len(row))),
        words=["line 300 of s.tsv holds a nul byte"],
    ),
    Case(
        name="no line end after the last row",
        make=raw(lambda text: text[:-1]),
        words=["the last line of s.tsv has no line end", "cut off"],
        status=0,
        then=rows(600),
    ),
    Case(
        name="line ends of Windows",
        make=raw(lambda text: text.replace(b"\n", b"\r\n")),
        status=0,
        then=rows(600),
    ),
    Case(name="a byte order mark", make=raw(lambda text: b"\xef\xbb\xbf" + text), status=0,
         then=rows(600)),
    Case(name="blank lines before the header", make=raw(lambda text: b"\n\r\n" + text), status=0,
         then=rows(600)),
]  # fmt: skip

QUOTES = [
    Case(
        name="two lone quotes in TSV, at the start of a field",
        make=tsv(lone_quotes('"')),
        status=0,
        then=rows(600),
    ),
    Case(
        name="two lone quotes in TSV, within a field",
        make=tsv(lone_quotes('5" end')),
        status=0,
        then=rows(600),
    ),
    Case(
        name="a lone quote in CSV",
        make=csv(lambda table: [row.replace("\t", ",") for row in lone_quotes('"')(
            [row.replace(",", "\t") for row in table])]),
        words=["line 11 of s.csv", "quote that is not closed"],
    ),
    Case(
        name="a quote within a field of CSV",
        make=csv(lambda table: [row.replace("\t", ",") for row in lone_quotes('5" x')(
            [row.replace(",", "\t") for row in table])]),
        words=["line 11 of s.csv", "quote within a field"],
    ),
    Case(
        name="a line break within quotes in CSV",
        make=csv(at(300, lambda row: row.replace(GENE, f'"{GENE}\n"'))),
        words=["line 300 of s.csv", "not closed"],
    ),
    Case(
        name="a lone quote in quoted TSV",
        make=tsv(lambda table: at(300, lambda row: row.replace('"C"', '"C'))(
            [quoted(row, "\t") for row in cell("base", 300, "C")(table)])),
        words=["line 300 of s.tsv", "quote"],
    ),
    Case(
        name="quotes around values but not in the header of TSV",
        make=tsv(every(lambda row: row.replace(GENE, f'"{GENE}"'))),
        words=["line 2 of s.tsv", "column gene_id", "quotes"],
    ),
    Case(
        name="a quote in the header that is not closed",
        make=tsv(at(1, lambda row: row.replace("chrom", '"chrom'))),
        words=["line 1 of s.tsv", "not closed"],
    ),
    Case(
        name="all fields of a TSV in quotes",
        make=tsv(lambda table: [quoted(row, "\t") for row in table]),
        status=0,
        then=rows(600),
    ),
    Case(
        name="all fields of a CSV in quotes, with doubled ones and commas",
        make=csv(lambda table: [
            quoted(table[0], ",") + ',"note"',
            *(quoted(row, ",") + ',"a ""b"", c"' for row in table[1:])
        ]),
        status=0,
        then=rows(600),
    ),
]  # fmt: skip

HEADERS = [
    Case(
        name="a column named twice in TSV",
        make=tsv(lambda table: [f"{table[0]}\tdonor_score", *(f"{row}\t0" for row in table[1:])]),
        words=["s.tsv has 2 columns called donor_score", "name of its own"],
    ),
    Case(
        name="an unused column named twice in CSV",
        make=csv(lambda table: [f"{table[0]},n,n", *(f"{row},0,0" for row in table[1:])]),
        words=["s.csv has 2 columns called n"],
    ),
    Case(
        name="a blank before a name",
        make=tsv(at(1, lambda row: f" {row}")),
        words=["s.tsv has blanks around", "gene_id"],
    ),
    Case(
        name="a blank after an optional name",
        make=tsv(at(1, lambda row: row.replace("base", "base "))),
        words=["s.tsv has blanks around", "base"],
    ),
    Case(
        name="names in capitals",
        make=tsv(at(1, lambda row: row.replace("gene_id", "Gene_ID").replace("pos", "Pos", 1))),
        words=["s.tsv has no column gene_id, position", "'Gene_ID' in place of gene_id"],
    ),
    Case(
        name="no header",
        make=tsv(lambda table: table[1:]),
        words=["s.tsv has no header", "first line holds numbers"],
    ),
    Case(name="a header and no rows", make=tsv(lambda table: table[:1]), words=["no rows"]),
    Case(
        name="commas in .tsv",
        make=csv(lambda table: table, "s.tsv"),
        words=["s.tsv has commas between its columns, not tabs", ".csv"],
    ),
    Case(
        name="semicolons in .csv",
        make=csv(lambda table: [row.replace(",", ";") for row in table]),
        words=["s.csv has semicolons between its columns, not commas"],
    ),
    Case(
        name="blanks in .txt",
        make=tsv(lambda table: [row.replace("\t", " ") for row in table], "s.txt"),
        words=["s.txt has blanks between its columns, not tabs"],
    ),
    Case(
        name="3,000 further columns",
        make=tsv(lambda table: [
            table[0] + "".join(f"\tx{n}" for n in range(3000)),
            *(row + "\t0" * 3000 for row in table[1:40]),
        ]),
        status=0,
        then=rows(39),
    ),
    Case(
        name="no column neither_score",
        make=tsv(lambda table: ["\t".join(c for n, c in enumerate(row.split("\t")) if n != 7)
                                for row in table]),
        words=["neither_score", "1 - donor_score - acceptor_score"],
        status=0,
        then=rows(600),
    ),
    Case(
        name="no column neither_score, and donor and acceptor above 1",
        make=tsv(lambda table: cell("acceptor_score", 9, "0.9")(cell("donor_score", 9, "0.9")(
            ["\t".join(c for n, c in enumerate(row.split("\t")) if n != 7) for row in table]))),
        words=["neither_score", "1 - donor_score - acceptor_score", GENE],
    ),
]  # fmt: skip

CELLS = [
    Case(
        name="a decimal comma",
        make=tsv(cell("donor_score", 50, "0,5")),
        words=["line 50 of s.tsv", "donor_score", "'0,5'", "decimal comma"],
        never=["check that the file is whole"],
    ),
    Case(
        name="commas between thousands",
        make=tsv(cell("genomic_position", 50, "104,019,027")),
        words=["line 50 of s.tsv", "genomic_position", "'104,019,027'", "thousands"],
    ),
    Case(
        name="a genomic position with a fraction",
        make=tsv(cell("genomic_position", 50, "104019027.5")),
        words=["line 50 of s.tsv", "genomic_position", "not a whole number"],
    ),
    Case(
        name="a position with a fraction",
        make=tsv(cell("position", 50, "49.5")),
        words=["line 50 of s.tsv", "position", "not a whole number"],
    ),
    Case(
        name="a position above what any number holds",
        make=tsv(cell("position", 50, "9" * 30)),
        words=["line 50 of s.tsv", "position"],
    ),
    *(
        Case(
            name=f"{word} in genomic_position",
            make=tsv(cell("genomic_position", 50, word)),
            words=["line 50 of s.tsv", f"'{word}'", "stands for a missing value", "'NA'"],
        )
        for word in (".", "NaN", "nan", "NULL", "None", "n/a", "<NA>")
    ),
    *(
        Case(
            name=f"{word} in a score",
            make=tsv(cell("donor_score", 50, word)),
            words=["line 50 of s.tsv", "donor_score", "stands for a missing value"],
        )
        for word in (".", "NULL", "None", "-")
    ),
    Case(
        name="NaN in a score",
        make=tsv(cell("donor_score", 50, "NaN")),
        words=["donor_score", "1 NaN"],
    ),
    Case(
        name="NA in a score",
        make=tsv(cell("donor_score", 50, "NA")),
        words=["donor_score", "1 null"],
    ),
    Case(
        name="a word in a score",
        make=tsv(cell("donor_score", 50, "high")),
        words=["line 50 of s.tsv", "donor_score", "'high'", "not a number"],
    ),
    Case(
        name="a word in a genomic feature",
        make=tsv(lambda table: [f"{table[0]}\tgene_length", *(f"{r}\t9" for r in table[1:-1]),
                                f"{table[-1]}\tlong"]),
        words=["line 601 of s.tsv", "gene_length", "'long'"],
    ),
    Case(
        name="a blank after a number",
        make=tsv(cell("donor_score", 50, "0.5 ")),
        words=["line 50 of s.tsv", "donor_score", "blanks around it"],
    ),
    Case(
        name="a blank before a chromosome",
        make=tsv(every(lambda row: row.replace("\t4\t", "\t 4\t"))),
        words=["line 2 of s.tsv", "chrom", "blanks around it"],
    ),
    Case(
        name="a blank after every comma",
        make=csv(lambda table: [table[0], *(row.replace(",", ", ") for row in table[1:])]),
        words=["line 2 of s.csv", "blanks around it"],
    ),
    Case(
        name="a blank in one gene id",
        make=tsv(at(300, lambda row: row.replace(GENE, f"{GENE} "))),
        words=["line 300 of s.tsv", "gene_id", "blanks around it"],
    ),
    Case(
        name="whole numbers written as floats",
        make=tsv(every(lambda row: "\t".join(
            f"{text}.0" if n in (3, 4) else text for n, text in enumerate(row.split("\t"))))),
        status=0,
        then=rows(600),
    ),
    Case(
        name="100000 as R writes it",
        make=tsv(lambda table: [table[0], *(
            "\t".join(
                ("1e+05" if line == 50 else str(100050 - line)) if n == 4 else text
                for n, text in enumerate(row.split("\t"))
            )
            for line, row in enumerate(table[1:], 1)
        )]),
        status=0,
        then=lambda said: said.predictions["genomic_position"].to_list()[48:51]
        == [100001, 100000, 99999] or pytest.fail("other positions"),
    ),
    Case(
        name="a derived column nobody uses, numbers first and words later",
        make=tsv(lambda table: [f"{table[0]}\tx", *(f"{r}\t9" for r in table[1:-1]),
                                f"{table[-1]}\tlong"]),
        status=0,
        then=rows(600),
    ),
]  # fmt: skip

ENCODINGS = [
    Case(
        name="UTF-16 with its mark",
        make=raw(lambda text: text.decode().encode("utf-16")),
        words=["s.tsv is text in utf-16", "utf-8"],
    ),
    Case(
        name="UTF-16 without its mark",
        make=raw(lambda text: text.decode().encode("utf-16-be")),
        words=["s.tsv is text in utf-16"],
    ),
    Case(
        name="a letter of Latin-1",
        make=raw(lambda text: text.replace(b"\tC\t0\n", b"\tC\t\xe9\n", 1)),
        words=["of s.tsv is not utf-8", "0xe9", "line"],
    ),
    Case(
        name="a letter of Latin-1 in the header",
        make=raw(lambda text: text.replace(b"base", b"bas\xe9", 1)),
        words=["line 1 of s.tsv is not utf-8"],
    ),
    Case(
        name="an Excel workbook called .csv",
        make=workbook,
        words=["s.csv is a zip archive, as excel workbooks"],
    ),
    Case(
        name="Parquet called .csv",
        make=parquet_called_csv,
        words=["s.csv is a parquet file", "let its name end in .parquet"],
    ),
    Case(
        name="an HTML page called .tsv",
        make=run_text("<!DOCTYPE html>\n<html><body>Please log in</body></html>\n"),
        words=["s.tsv is an html", "login"],
    ),
    Case(
        name="a pointer of Git LFS",
        make=run_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        words=["s.tsv is a pointer of git lfs"],
    ),
    Case(name="noise called .csv", make=run_text(bytes(range(256)) * 20, "s.csv"),
         words=["s.csv is binary"]),
    Case(name="bzip2", make=run_text(b"BZh91AY&SY" + bytes(90), "s.csv"),
         words=["s.csv is a bzip2 file", "gzip or zstd"]),
    Case(name="an empty file", make=run_text(b""), words=["s.tsv is an empty file"]),
    Case(name="nothing but line ends", make=run_text(b"\n\n\n"), words=["without any text"]),
]  # fmt: skip

PACKED = [
    *(
        Case(name=f"{name} is read whole", make=raw(pack, file), status=0, then=rows(600))
        for name, file, pack in (
            ("gzip", "s.tsv.gz", gzip.compress),
            ("gzip without .gz", "s.tsv", gzip.compress),
            ("gzip of several members", "s.tsv.gz", members(gzip.compress)),
            ("bgzip", "s.tsv.gz", bgzip),
            ("zstd", "s.tsv.zst", zstd),
            ("zstd of several frames", "s.tsv.zst", members(zstd)),
            ("plain text called .gz", "s.tsv.gz", bytes),
        )
    ),
    Case(
        name="gzip cut off",
        make=raw(lambda text: gzip.compress(text)[:-500], "s.tsv.gz"),
        words=["gzip file s.tsv.gz is damaged or cut off", "again"],
    ),
    Case(
        name="gzip whose sum is wrong",
        make=raw(lambda text: gzip.compress(text)[:-8] + b"12345678", "s.tsv.gz"),
        words=["gzip file s.tsv.gz is damaged"],
    ),
    Case(
        name="gzip with something behind it",
        make=raw(lambda text: gzip.compress(text) + b"more", "s.tsv.gz"),
        words=["gzip file s.tsv.gz is damaged"],
    ),
    Case(
        name="zstd cut off",
        make=raw(lambda text: zstd(text)[:-50], "s.tsv.zst"),
        words=["zstd file s.tsv.zst is damaged or cut off"],
    ),
    Case(
        name="bgzip cut between two blocks",
        make=raw(lambda text: b"".join(map(bgzip_block, (text[:20000],))), "s.tsv.gz"),
        words=["bgzip file s.tsv.gz has no end mark", "cut off"],
    ),
    Case(
        name="gzip of several members cut within a row, between two members",
        make=raw(lambda text: gzip.compress(text[:20000]), "s.tsv.gz"),
        words=["s.tsv.gz", "no line end"],
    ),
    Case(
        name="zstd that begins with a skipped frame",
        make=raw(lambda text: b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + zstd(text), "s.tsv.zst"),
        words=["s.tsv.zst is a zstd file that begins with a skipped frame"],
    ),
]

FOLDERS = [
    Case(
        name="one table of a folder is cut",
        make=folder_of(lambda place: (place / "b.tsv").write_text(f"{HEADER}\nG\t4") and None),
        words=["in/b.tsv", "line 2"],
    ),
    Case(
        name="one table of a folder lacks a column",
        make=folder_of(lambda place: real(9).drop("donor_score").write_csv(
            place / "b.tsv", separator="\t")),
        words=["in/b.tsv has no column donor_score"],
    ),
    Case(
        name="one table of a folder has a score above 1",
        make=folder_of(lambda place: real(9, gene="ENSG00000138778").with_columns(
            donor_score=pl.lit(2.0)).write_csv(place / "b.tsv", separator="\t")),
        words=["in/b.tsv", "donor_score", "ENSG00000138778"],
    ),
    Case(
        name="one table of a glob has a word for a number",
        make=folder_of(lambda place: (place / "b.tsv").write_text(
            "\n".join(cell("position", 5, "x")(lines()[:9])) + "\n") and None, "in/*.tsv"),
        words=["line 5 of in/b.tsv", "position", "'x'"],
    ),
    Case(
        name="README.txt beside the scores",
        make=folder_of(lambda place: (place / "README.txt").write_text(
            "Scores, by position and base,\nof one gene.\n") and None),
        words=["in/README.txt is not a score table, and is not read"],
        status=0,
        then=rows(300),
    ),
    Case(
        name="what other programs leave in a folder",
        make=folder_of(lambda place: [
            (place / name).write_bytes(b"\0\1")
            for name in ("._a.parquet", "~$a.csv", ".~lock.a.csv#", ".DS_Store", "a.csv.swp~")
        ] and None),
        status=0,
        then=rows(300),
    ),
    Case(
        name="files of macOS in a pattern",
        make=folder_of(lambda place: (place / "._a.tsv").write_bytes(b"\0\1") and None, "in/*.tsv"),
        status=0,
        then=rows(300),
    ),
    Case(
        name="a folder called .parquet beside the scores",
        make=folder_of(lambda place: (place / "b.parquet").mkdir()),
        words=["in/b.parquet is not a plain file; it is not read"],
        status=0,
        then=rows(300),
    ),
    Case(
        name="a table beside the scores that is packed in another way",
        make=folder_of(lambda place: (place / "b.tsv.bz2").write_bytes(b"BZh9") and None),
        words=["in/b.tsv.bz2 is of an unknown kind, and is not read"],
        status=0,
        then=rows(300),
    ),
]  # fmt: skip

TRAINING = [
    Case(
        name="a training table with a position that is not a number",
        make=training(b"gene_id\tposition\nA\tone\n", "t.tsv"),
        words=["line 2 of data/t.tsv", "position", "'one'"],
    ),
    Case(
        name="a training table with a short row",
        make=training(b"gene_id\tposition\tx\nA\t1\t2\nA\t2\n", "t.tsv"),
        words=["line 3 of data/t.tsv", "2 fields"],
    ),
    Case(
        name="a training table in packed text, cut off",
        make=training(gzip.compress(b"gene_id\tposition\nA\t1\n" * 9)[:-9], "t.tsv.gz"),
        words=["gzip file data/t.tsv.gz is damaged or cut off"],
    ),
    Case(
        name="a training table with a position of 1.5",
        make=training(b"gene_id,position\nA,1.5\n", "t.csv"),
        words=["line 2 of data/t.csv", "not a whole number"],
    ),
    Case(
        name="a training folder with notes in it",
        make=training(b"What these are,\n and why\n", "README.txt"),
        words=["no table with gene_id and position"],
    ),
]

LISTS = [
    Case(
        name="a gene list in gzip of two members, with line ends of Windows and a mark",
        make=listed(
            gzip.compress(b"\xef\xbb\xbf# mine\r\n") + gzip.compress(f"{GENE}\r\n".encode())
        ),
        status=0,
        then=rows(600),
    ),
    Case(
        name="a gene list in UTF-16",
        make=listed(GENE.encode("utf-16")),
        words=["gene list genes.txt is text in utf-16", "utf-8"],
    ),
    Case(
        name="a gene list that is not UTF-8",
        make=listed(f"{GENE}\n".encode() + b"G\xe9\n"),
        words=["line 2 of the gene list genes.txt is not utf-8"],
    ),
    Case(
        name="a gene list that is a workbook",
        make=listed(b"PK\x03\x04" + bytes(40)),
        words=["gene list genes.txt is a zip archive"],
    ),
    Case(
        name="a gene list in gzip, cut off",
        make=listed(gzip.compress(f"{GENE}\n".encode() * 99)[:-9]),
        words=["gzip file genes.txt is damaged or cut off"],
    ),
    Case(name="an empty gene list", make=listed(b""), words=["names no gene"]),
]

CASES = [*FIELDS, *QUOTES, *HEADERS, *CELLS, *ENCODINGS, *PACKED, *FOLDERS, *TRAINING, *LISTS]
