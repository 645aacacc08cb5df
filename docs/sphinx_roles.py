"""Shows the Sphinx roles of docstrings (``:func:`name```) as code; an extension of griffe."""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:func|class|meth|attr|mod|data):`~?([^`]+)`")


class SphinxRoles(griffe.Extension):
    """Rewrites docstrings when they are loaded."""

    def on_object(self, *, obj: Any, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring is not None:
            obj.docstring.value = ROLE.sub(r"`\1`", obj.docstring.value)
