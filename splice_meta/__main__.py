"""``python -m splice_meta`` is ``splice-meta``."""

from splice_meta.cli.app import program

program()
