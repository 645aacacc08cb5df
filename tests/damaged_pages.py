"""Parquet files of which one bit is not what it was, so that Polars panics when it reads a page."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pyarrow.parquet as pq
import pytest
from conftest import make_scores

GENES = ("A", "B", "C", "D", "E")
ROWS = 400

_SEARCH = """
import sys
from pathlib import Path
import polars as pl

path, first, stop = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
whole = path.read_bytes()
for place in range(first, stop):
    for bit in range(8):
        changed = bytearray(whole)
        changed[place] ^= 1 << bit
        path.write_bytes(changed)
        print(place, bit, flush=True)
        try:
            pl.scan_parquet(path).collect()
        except Exception:
            pass
        except BaseException:
            print("panicked", flush=True)
            sys.exit()
"""


def write_scores(path: Path) -> pl.DataFrame:
    """Scores of five genes, each in a row group of its own."""
    scores = make_scores({gene: list(range(1, ROWS + 1)) for gene in GENES})
    scores.write_parquet(path, compression="uncompressed", row_group_size=ROWS)
    return scores


def damage(path: Path) -> None:
    """Flip a bit of a file of :func:`write_scores`, so that gene C's donor scores panic."""
    whole = bytearray(path.read_bytes())
    place, bit = _panicking_bit()
    whole[place] ^= 1 << bit
    path.write_bytes(whole)


@cache
def _panicking_bit() -> tuple[int, int]:
    """Which bit it is; looked for in other processes, as some changes end the one that reads."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scores.parquet"
        write_scores(path)
        whole = path.read_bytes()
        group = pq.ParquetFile(path).metadata.row_group(GENES.index("C"))
        columns = [group.column(number) for number in range(group.num_columns)]
        (donor,) = (column for column in columns if column.path_in_schema == "donor_score")
        first, stop = donor.data_page_offset, donor.data_page_offset + donor.total_compressed_size
        while first < stop:
            path.write_bytes(whole)
            found = subprocess.run(
                [sys.executable, "-c", _SEARCH, path, str(first), str(stop)],
                capture_output=True, text=True, check=False,
            ).stdout.splitlines()  # fmt: skip
            if found[-1] == "panicked":
                place, bit = map(int, found[-2].split())
                return place, bit
            first = int(found[-1].split()[0]) + 1
    pytest.skip("this version of Polars panics at no change of a page")
