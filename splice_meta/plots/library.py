"""Vega's library as a script, and specifications as text: pages draw without a network."""

from __future__ import annotations

import json
import logging
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec

from splice_meta.errors import OutputError
from splice_meta.reference.fasta_cache import cache_folder
from splice_meta.sink import write_text

log = logging.getLogger("splice_meta")

HOW_TO = "For the charts: pip install 'splice_meta[report]', then splice-meta report RUN."

def has_plots() -> bool:
    """Whether the converter that brings Vega's library is installed."""
    return find_spec("vl_convert") is not None


@cache
def library() -> str:
    """Vega as a script that defines ``vegaEmbed``; kept in the cache: making it takes a second."""
    try:
        kept = cache_folder() / f"vega-embed-{version('vl-convert-python')}.js"
        if kept.is_file():
            return kept.read_text(encoding="utf-8")
    except OSError as error:
        log.debug("Vega's library cannot be taken from the cache: %s", error)
        kept = None
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    script = f"(() => {{{bundle}}})();"
    # It stands in the page, where this would end it.
    script = script.replace("</script", "<\\/script").replace("<!--", "<\\!--")
    if kept is not None:
        try:
            write_text(kept, script)
        except OutputError as error:
            log.debug("Vega's library was not kept: %s", error)
    return script


def as_json(data: object) -> str:
    """JSON that may stand inside a page: no letter of it ends a script."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
