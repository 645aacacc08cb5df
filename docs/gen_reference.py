"""Builds the reference from the code when the site is built: a hook of MkDocs, nothing by hand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from gen_commands import command_pages
from gen_markdown import rows

import splice_meta
from splice_meta.catalogue import CATALOGUE, SCORE_KINDS, Kind, default_fill
from splice_meta.dictionary import TABLES, Column
from splice_meta.dictionary.features import feature_meanings
from splice_meta.manifest import DTYPES, extended, reference124
from splice_meta.model.bundle import BUNDLE

# --- Tables ----------------------------------------------------------------------------------


def column_line(column: Column) -> list[object]:
    """The row of a column."""
    notes = [column.meaning]
    if column.when:
        is_whole = column.when.startswith(("optional", "unless"))
        words = column.when if is_whole else f"only {column.when}"
        notes.append(f"{words[0].upper()}{words[1:]}.")
    if column.null:
        notes.append(f"Missing where {column.null}.")
    return [f"`{column.name}`", column.type, column.unit, column.range, " ".join(notes)]


def table_pages() -> str:
    """Every table and column, from the data dictionary."""
    made = [
        "# Tables and columns",
        "",
        "Made from `splice_meta.dictionary`; the tests hold the tables of real runs against it. "
        "Where a unit is empty, a column has none. Tables are Parquet, unless their name says "
        "otherwise; a table that does not fit the memory budget is a folder of part files under "
        "the same name.",
    ]
    for table in TABLES:
        made += [f"\n## {table.name}\n", f"In {table.place}.\n", table.rows, ""]
        lines = [column_line(column) for column in table.columns]
        made.append(rows(["column", "type", "unit", "range", "meaning"], lines))
    return "\n".join(made) + "\n"


# --- Features --------------------------------------------------------------------------------

OF_KIND: dict[str, str] = {
    "base": "The three scores.",
    "probability": "Ratios, differences, log-odds and entropy of the three scores.",
    "context": "Scores of the positions up to two away.",
    "signal": "The shape of a peak, per type.",
    "comparative": "Donor against acceptor.",
    "surroundings": "Splice sites of the base model up- and downstream, per type. Of a donor, the "
    "acceptors upstream describe the exon that it would end; of an acceptor it is the other way "
    "round. Windows end at the gene's ends and never hold the row itself.",
    "place": "Where the position lies in the gene.",
    "genomic": "One value for each gene, from an annotation or from columns of these names. The "
    "representative transcript is MANE Select, else Ensembl canonical, else the one with most "
    "bases in exons. `n_splice_sites` and the exon figures count what is to be predicted, so "
    "`train` leaves this kind out unless `--annotation-features` is given.",
    "sequence": "The sequence window: positions -250 ... +250, unless the manifest says otherwise.",
    "motif": "Agreement with the consensus of Shapiro and Senapathy (1987), Nucleic Acids Research "
    "15:7155. A donor row is the last base of its exon, an acceptor row the first.",
}


def filled(kind: Kind, name: str) -> str:
    """What stands in where a feature cannot be computed."""
    return f"{default_fill(name):g}" if kind in ("genomic", "sequence", "kmer") else ""


def feature_pages() -> str:
    """Every feature of the catalogue with its formula."""
    meanings = feature_meanings()
    listed = {"reference124": set(reference124().names), "extended": set(extended().names)}
    made = [
        "# Features",
        "",
        "Made from `splice_meta.catalogue`. `D`, `A`, `N` are the donor, acceptor and neither "
        "score of the row, `s` is the score of the feature's own type, `x[k]` the value of `x` at "
        "position + k of the same gene (5' to 3'; negative is upstream), `c[k]` the larger of "
        "`D[k]` and `A[k]`. A missing neighbour counts as 0. Logarithms are natural. Features are "
        "computed in Float64 and stored as Float32, and tested against a row-by-row reference.",
        "",
        "With several base models the features of scores come once for each, named "
        "`NAME.feature`. The truth (`splice_type`) is dropped before features are planned; a "
        "custom family or a manifest that reads it is refused. Features of scores are never "
        "filled; the others are filled with the value given where they cannot be computed, and "
        "the run says so.",
        "",
        "`extended` is the default for training, `reference124` the older systems' list. "
        "Features that did not improve on `extended` in cross-validation are left out of it "
        "([what did not help](../developer/what-did-not-help.md)); name them in a manifest of your "
        "own, a CSV with a column `feature`, to use them.",
    ]
    for kind, names in CATALOGUE.items():
        made += [f"\n## {kind}\n", OF_KIND.get(kind, ""), ""]
        if kind in SCORE_KINDS:
            made += ["Once for each base model.", ""]
        heads = ["feature", "formula", "filled with", "in"]
        lines: list[list[object]] = [
            [f"`{name}`", meanings[name], filled(kind, name),
             ", ".join(each for each, has in listed.items() if name in has)]
            for name in names
        ]  # fmt: skip
        made.append(rows(heads, lines))
    made += [
        "\n## k-mer\n",
        "`3mer_ACG` counts the overlapping occurrences of the word in the sequence window, 5' to "
        "3'. Words have 1 to 9 letters of A, C, G, T; all words of one length by "
        "`splice_meta.catalogue.kmer_words`. Filled with 0. `reference124` has the 64 3-mers.",
    ]
    return "\n".join(made) + "\n"


# --- Formats and API -------------------------------------------------------------------------


def format_pages() -> str:
    """The manifest and the bundle."""
    lines: list[list[object]] = [[f"`{name}`"] for name in BUNDLE.files]
    return f"""# Manifest and bundle

## Feature manifest

A manifest names the columns that a model reads, in the model's order. `--manifest` takes
`reference124`, `extended`, a CSV file with a column `feature`, or JSON as
`FeatureManifest.to_json` writes it. Types of features: {", ".join(f"`{t}`" for t in DTYPES)};
Float32 without one. Unknown names are columns of the score table.

In Python: [FeatureManifest](api.md#splice_meta.manifest.FeatureManifest).

## Model bundle

A bundle is a folder. It may hold:

{rows(["file"], lines)}

::: splice_meta.model.bundle_files
    options:
      heading_level: 3
      show_root_heading: false
      show_root_toc_entry: false
      members: false

In Python: [MetaModel](api.md#splice_meta.model.bundle.MetaModel).
"""


def bundled_pages() -> str:
    """What ``inspect`` says of each bundled model."""
    from splice_meta.bundled import bundled_models
    from splice_meta.model.load import load_model
    from splice_meta.report.describe_model import describe_model

    made = [
        "# The bundled models\n\nAs `splice-meta inspect` shows them: figures of the base models, "
        "then of the meta-model, with 95% intervals over genes. "
        "[Limits](../explanation/limits.md) says what they do not say.\n"
    ]
    for name in bundled_models():
        lines: list[list[object]] = [
            [key.strip(), value] for key, value in describe_model(load_model(f"bundled:{name}"))
        ]
        made.append(f"\n## `bundled:{name}`\n\n{rows(['what', 'value'], lines)}\n")
    return "".join(made)


def api_pages() -> str:
    """Every public name of the package."""
    made = [
        "# Python API",
        "",
        "Every public name of `splice_meta`. `import splice_meta as sm` loads nothing heavy: names "
        "are imported when they are first used.",
    ]
    names = [name for name in splice_meta.__all__ if not name.startswith("_")]
    groups = {True: "Functions", False: "Classes"}
    ordered = sorted(names, key=lambda name: (name[0].isupper(), name))
    for is_function, each in groupby(ordered, key=lambda name: name[0].islower()):
        made.append(f"\n## {groups[is_function]}\n")
        for name in each:
            home = splice_meta._HOME[name]
            made.append(f"::: splice_meta.{home}.{name}\n    options:\n      heading_level: 3\n")
    return "\n".join(made) + "\n"


PAGES = {
    "reference/commands.md": command_pages,
    "reference/tables.md": table_pages,
    "reference/features.md": feature_pages,
    "reference/formats.md": format_pages,
    "reference/bundled-model.md": bundled_pages,
    "reference/api.md": api_pages,
}


def pages() -> Iterator[tuple[str, str]]:
    """The path of every generated page in the site, and its text."""
    for path, make in PAGES.items():
        yield path, make()


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages to the site; MkDocs calls this."""
    from mkdocs.structure.files import File

    for path, text in pages():
        files.append(File.generated(config, path, content=text))
    return files
