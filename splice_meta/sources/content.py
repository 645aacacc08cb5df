"""What a file holds, by its first bytes: said where its name promises something else."""

from __future__ import annotations

from splice_meta.errors import InputError

_SIGNS: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow IPC file"),
    (b"FEA1", "a Feather file of the old kind"),
    (b"\xff\xff\xff\xff", "an Arrow IPC stream"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"PK\x03\x04", "a zip archive, as Excel workbooks (.xlsx) are"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind (.xls)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"\x2a\x4d\x18", "a zstd file that begins with a skipped frame, as pzstd writes it"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x04\x22\x4d\x18", "an lz4 file"),
    (b"\x89PNG", "a PNG image"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
)
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<body", b"<?xml")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_LOOKED_AT = 4096
# What plain text has below the blank: tab, line feed, form feed, carriage return.
_CONTROL = bytes(set(range(32)) - {9, 10, 12, 13})
# A byte here and there is a fault of a text, of which the line is said.
_MOST_CONTROL = 0.02


def kind_of_content(head: bytes) -> str:
    """What a file that begins with some bytes is, as words; empty for text that may be a table."""
    if not head.strip():
        return "an empty file" if not head else "a file without any text"
    for sign, words in _SIGNS:
        at = 1 if sign == b"\x2a\x4d\x18" else 0  # the first byte of that one varies
        if head[at:].startswith(sign):
            return words
    if head.startswith(_UTF16) or _looks_like_utf16(head[:_LOOKED_AT]):
        return "text in UTF-16"
    if head.removeprefix(_UTF8_MARK).lstrip().lower().startswith(_MARKUP):
        return "an HTML or XML page"
    looked_at = head[:_LOOKED_AT]
    if len(looked_at) - len(looked_at.translate(None, _CONTROL)) > len(looked_at) * _MOST_CONTROL:
        return "binary"
    return ""


def _looks_like_utf16(head: bytes) -> bool:
    """Whether every other byte is 0, as in UTF-16 text of plain letters without a mark."""
    return len(head) > 3 and any(head[0::2]) != any(head[1::2])


def wrong_content(file: str, promised: str, found: str) -> InputError:
    """The error for a file that is not what its name says.

    Args:
        file: The file.
        promised: What its name says, such as ``a text table``.
        found: What it is, from :func:`kind_of_content`.
    """
    hints = {
        "an empty file": "Check whether it was written or copied to its end.",
        "text in UTF-16": "Save it as UTF-8, for example by: iconv -f UTF-16 -t UTF-8.",
        "an HTML or XML page": "Open it: it may be a login or an error page; download it again.",
        "a pointer of Git LFS, not the file itself": "Fetch the file: git lfs pull.",
        "a Parquet file": "Let its name end in .parquet.",
        "an Arrow IPC file": "Let its name end in .arrow.",
    }
    if "Excel" in found:
        hint = "Save the sheet as tab-separated text (.tsv), or as CSV."
    elif "zstd" in found or "bzip2" in found or "xz" in found or "7z" in found or "lz4" in found:
        hint = "Unpack it, or pack it again with gzip or zstd."
    else:
        hint = hints.get(found, "Give scores as Parquet, Arrow IPC, CSV or TSV.")
    return InputError(f"{file} is {found}, not {promised}.", hint)
