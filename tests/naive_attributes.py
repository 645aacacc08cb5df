"""The attributes of GTF and GFF3, sign by sign, from what the two formats say."""

from __future__ import annotations

import re

# What Unicode calls white space; Python counts four control characters more.
BLANKS = "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
ENDS = ' \t\r\n"'


def is_clear(text: str) -> bool:
    """Whether it is plain where quotes begin and end: they pair, and nothing sticks to an end."""
    if text.count('"') % 2 or "\x1e" in text or "\x1f" in text:
        return False
    # Behind a value in quotes comes a semicolon, a blank or the end.
    closing = [place.end() for place in re.finditer(r'"[^"]*"', text)]
    return all(at == len(text) or text[at] in BLANKS + ";" for at in closing)


def parts(text: str, has_quotes: bool = True) -> list[str]:
    """The text between semicolons, but for those within quotes."""
    found, within = [""], False
    for sign in text:
        within ^= has_quotes and sign == '"'
        if sign == ";" and not within:
            found.append("")
        else:
            found[-1] += sign
    return found


def gtf_value(text: str, name: str) -> str | None:
    """The first value of a name that is not empty."""
    for part in parts(text):
        part = part.lstrip(BLANKS)
        if not part.startswith(name):
            continue
        after = part[len(name) :]
        rest = after.lstrip(BLANKS)
        if rest.startswith("="):
            rest = rest[1:].lstrip(BLANKS)
        elif not rest.startswith('"') and rest == after:
            continue
        value = rest.removeprefix('"').lstrip(BLANKS).split('"')[0].rstrip(BLANKS)
        if value and value[0] != "=":
            return value
    return None


def gtf_word(text: str) -> str | None:
    """The one word that some programs write as attributes."""
    words = text.strip(BLANKS)
    words = words.removesuffix(";").rstrip(BLANKS)
    if not words or words[0] == "." or any(sign in BLANKS + '"=;' for sign in words):
        return None
    return words


def gff3_value(text: str, name: str) -> str | None:
    """The first value of a name; None where that is empty."""
    given = _gff3_given(text, name)
    return (given.strip(ENDS) or None) if given is not None else None


def gff3_parents(text: str) -> list[str] | None:
    given = _gff3_given(text, "Parent")
    listed = [each.strip(ENDS) for each in (given or "").split(",")]
    return [each for each in listed if each] or None


def _gff3_given(text: str, name: str) -> str | None:
    # A quote is but a sign in GFF3, except where it holds a semicolon together.
    has_quotes = re.search(r'="[^";]*;[^"]*"', text) is not None
    for part in parts(text, has_quotes):
        part = part.lstrip(BLANKS)
        rest = part[len(name) :].lstrip(BLANKS)
        if part.startswith(name) and rest.startswith("="):
            return rest[1:]
    return None
