"""Whole annotations: read, or refused in plain words, and then counted rightly."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from splice_meta.errors import InputError
from splice_meta.reference.annotation import open_annotation
from splice_meta.reference.gene_features import gene_features

IDS = b'gene_id "G"; transcript_id "T";'
SEEDS = [
    b"".join(b"c1\tx\t%s\t%d\t%d\t.\t+\t.\t%s\n" % (kind, start, end, IDS)
             for kind, start, end in spans)
    for spans in (
        ((b"gene", 1, 90), (b"transcript", 1, 60), (b"exon", 1, 9), (b"exon", 30, 90)),
        ((b"CDS", 1, 9), (b"CDS", 30, 50), (b"stop_codon", 51, 53), (b"UTR", 54, 90)),
    )
] + [
    b"##gff-version 3\nc1\tx\tgene\t1\t90\t.\t-\t.\tID=G\nc1\tx\tmRNA\t1\t90\t.\t-\t.\t"
    b"ID=T;Parent=G\nc1\tx\texon\t1\t9\t.\t-\t.\tParent=T, U\n"
    b"c1\tx\tCDS\t30\t90\t.\t-\t0\tParent=T\n"
    b"##FASTA\n>c1\nACGT\n",
    b"track name=x\nc1\tA\tgene\t1\t90\t.\t+\t.\tg1\nc1\tA\ttranscript\t1\t90\t.\t+\t.\tg1.t1\n"
    b'c1\tA\texon\t1\t90\t.\t+\t.\ttranscript_id "g1.t1"; gene_id "g1";\n',
]  # fmt: skip

logging.getLogger("splice_meta").setLevel(logging.CRITICAL)
_FOLDER = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())
_FILE = _FOLDER / f"fuzz-annotation-{os.getpid()}"


def one_input(data: bytes) -> None:
    _FILE.write_bytes(data)
    try:
        annotation = open_annotation(_FILE, cache=False)
    except InputError as error:
        if "\n" in error.message + error.hint:
            raise AssertionError("more than two lines") from error
        return
    finally:
        _FILE.unlink()
    sites = annotation.splice_sites().join(annotation.genes, on="gene_id")
    inside = sites["genomic_position"].is_between(sites["gene_start"], sites["gene_end"])
    assert inside.all()
    features = gene_features(annotation)
    assert (features["total_intron_length"].drop_nulls() >= 0).all()
    assert int(features["n_splice_sites"].sum() or 0) == sites.height
    known = set(annotation.exons["gene_id"])
    unknown = set(annotation.unknown_sites()["gene_id"])
    assert set(annotation.genes["gene_id"]) <= known | unknown
