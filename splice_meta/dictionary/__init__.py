"""The data dictionary: what every column of every table means, with type, unit and range.

The reference in the documentation is made from it, and the tests hold the tables of real runs
against it. Nothing is computed here.
"""

from __future__ import annotations

from splice_meta.dictionary.analysis import ANALYSIS
from splice_meta.dictionary.annotation import ANNOTATION
from splice_meta.dictionary.column import Column, Table
from splice_meta.dictionary.run import RUN
from splice_meta.dictionary.scores import SCORES
from splice_meta.dictionary.variants import VARIANTS

TABLES: tuple[Table, ...] = (*SCORES, *RUN, *VARIANTS, *ANALYSIS, *ANNOTATION)
"""Every table that is read or written, in the order of the reference."""

__all__ = ["TABLES", "Column", "Table"]
