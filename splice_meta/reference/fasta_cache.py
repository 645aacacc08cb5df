"""FASTA files made ready for random access: unpacked and indexed once, in a cache folder.

Files whose lines are not of one length, or hold blanks, are written there with even lines.

Nothing is ever written beside the FASTA. The cache is ``$XDG_CACHE_HOME/splice_meta``, or
``~/.cache/splice_meta``; a file's place in it is named after its path, size and time of change.
Files are made under a temporary name and renamed, so several processes may do so at once.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from splice_meta.errors import InputError, OutputError
from splice_meta.files.packed import packing_of, unpacked
from splice_meta.files.stores import refuse_pipe
from splice_meta.reference.fasta_text import check_letters, write_even

if TYPE_CHECKING:
    from pyfaidx import Faidx

log = logging.getLogger("splice_meta")

_PACKED_ENDINGS = (".gz", ".bgz", ".bz2", ".zip")
_CHUNK_BYTES = 1 << 20
_FORMAT = 2
"""Raised whenever other texts are made or other files refused, so that older ones are not read."""


def open_fasta(path: Path) -> Faidx:
    """Open a FASTA file for random access.

    The first time, a compressed file is unpacked into the cache, and the text is indexed.
    Without a cache that can be written, both happen in a temporary folder, for this process alone.

    Args:
        path: Plain text, gzip, bgzip or zstd; told apart by content.

    Returns:
        The index (``index``) and the open text, whose ``fetch`` returns text as it is in the file.

    Raises:
        InputError: If the file is missing or unreadable, compressed and damaged, or no FASTA file
            of nucleotides with a name for each record.
        OutputError: If neither the cache nor a temporary folder can be written.
    """
    refuse_pipe(path)
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputError(
            f"The FASTA file {path} cannot be read: {error.strerror}.",
            "Check the path and the permissions.",
        ) from error
    try:
        return _open_in(cache_folder(), path)
    except OSError as error:
        log.warning(
            "No cache (%s): %s is made ready for this process alone. Point "
            "XDG_CACHE_HOME to a folder that can be written, to keep it.", error, path,
        )  # fmt: skip
    try:
        with tempfile.TemporaryDirectory(prefix="splice_meta.", ignore_cleanup_errors=True) as own:
            # What is open stays readable after the folder is gone.
            return _open_in(Path(own), path)
    except OSError as error:
        raise OutputError(
            f"There is no room to unpack and index {path}: {error.strerror or error}.",
            "Point XDG_CACHE_HOME to a folder with space for the unpacked FASTA.",
        ) from error


def cache_folder() -> Path:
    """The folder of the cache, which may not exist yet."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(named):
        return Path(named, "splice_meta")
    try:
        return Path.home() / ".cache" / "splice_meta"
    except RuntimeError as error:
        raise OSError(str(error)) from error


def _open_in(folder: Path, path: Path) -> Faidx:
    """Open a FASTA file with what is in a cache folder, or is put there now."""
    facts = path.stat()
    packed = packing_of(path) != "plain"
    facts_of_text = f"{path.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}\0{_FORMAT}"
    key = facts_of_text.encode(errors="surrogateescape")
    name = f"{path.name[:40]}-{hashlib.sha256(key).hexdigest()[:24]}"
    # The index library goes by the ending of the name, so plain text called .gz is copied, too.
    copied = packed or path.name.lower().endswith(_PACKED_ENDINGS)
    # A plain file is read where it is, but for its uneven lines.
    own = (folder / f"{name}.fa", folder / f"{name}.fa.fai")
    places = [own] if copied else [(path, folder / f"{name}.fai"), own]
    if not any(text.is_file() and index.is_file() for text, index in places):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".", dir=folder) as temporary:
            new_text, new_index = _make(Path(temporary), path, copied)
            text, index = places[0] if new_text == path else own
            if new_text != path:
                new_text.replace(text)
            new_index.replace(index)
    text, index = next(each for each in places if each[0].is_file() and each[1].is_file())
    return _faidx(path, text, index, build=False)


def _make(folder: Path, path: Path, copied: bool) -> tuple[Path, Path]:
    """Unpack and index a file in a folder, with even lines; returns the text and its index."""
    text, index = folder / "unpacked.fa" if copied else path, folder / "unpacked.fa.fai"
    if copied:
        _unpack(path, text)
    is_uneven = check_letters(path, text)
    if not is_uneven:
        try:
            _build_index(path, text, index)
        except _UnevenError:
            is_uneven = True
    if is_uneven:
        log.info("%s: the lines are uneven, so it is written again in the cache.", path)
        even = folder / "even.fa"
        write_even(text, even, index)
        text = even
    # Names that are there twice and the like are refused here.
    _faidx(path, text, index, build=False).close()
    return text, index


class _UnevenError(Exception):
    """Lines of a record that are not of one length."""


def _unpack(path: Path, target: Path) -> None:
    """Write the text of a file, compressed or plain, and flush it to disk."""
    with unpacked(path) as source, target.open("wb") as out:
        shutil.copyfileobj(source, out, _CHUNK_BYTES)
        out.flush()
        os.fsync(out.fileno())


def _build_index(path: Path, text: Path, index: Path) -> None:
    """Write the index of a text, check it, and flush it to disk."""
    faidx = _faidx(path, text, index, build=True)
    try:
        _check_lines(path, text, faidx)
    finally:
        faidx.close()
    with index.open("rb+") as file:
        os.fsync(file.fileno())


def _faidx(path: Path, text: Path, index: Path, build: bool) -> Faidx:
    """Call the library; ``path`` is what the user gave and what errors name."""
    from pyfaidx import Faidx, FastaIndexingError

    try:
        return Faidx(str(text), indexname=str(index), as_raw=True, build_index=build)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not a FASTA file in plain text: it has bytes that are not UTF-8.",
            "Give FASTA as plain text, gzip, bgzip or zstd.",
        ) from error
    except RuntimeError as error:  # what the library says of some blank lines
        raise _UnevenError("The lines are uneven.") from error
    except (FastaIndexingError, ValueError) as error:
        if not build and "Duplicate key" not in str(error):
            raise InputError(
                f"The index {index} of {path} is damaged.", "Remove it; it is made again."
            ) from error
        if "not consistent" in str(error):
            raise _UnevenError("The lines are uneven.") from error
        reason = str(error).replace(str(text), str(path)).rstrip(".")
        raise InputError(
            f"{path} cannot be used as FASTA: {reason}.",
            "Each record needs a name of its own after '>', and its sequence below.",
        ) from error


def _check_lines(path: Path, text: Path, faidx: Faidx) -> None:
    """Check that each record ends where its index says.

    The library takes a last line that is longer than the others, and would then read wrong bases.
    """
    records = sorted(faidx.index.items(), key=lambda item: item[1].offset)
    stops = [record.offset for _, record in records[1:]]
    next_header = rb"\s*>[^\n]*\n?"
    with text.open("rb") as file:
        ends = [(stop, next_header) for stop in stops] + [(text.stat().st_size, rb"\s*")]
        for (name, record), (stop, following) in zip(records, ends, strict=True):
            last = record.offset
            if record.rlen:
                breaks = (record.rlen - 1) // record.lenc
                last += record.rlen - 1 + breaks * (record.lenb - record.lenc)
                following = rb"\S(?=\s|$)" + following
            file.seek(last)
            if not re.fullmatch(following, file.read(max(stop - last, 0))):
                raise _UnevenError(f"The lines of the record {name} of {path} are uneven.")
