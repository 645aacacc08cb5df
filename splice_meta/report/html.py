"""The HTML report: the figures of a run, with pictures drawn as inline SVG.

One self-contained page, light and dark, no script and nothing fetched.
"""

from __future__ import annotations

import html

import polars as pl

from splice_meta.plain import plain
from splice_meta.report.summary import TRACK_GENES, Drawn, RunSummary
from splice_meta.runs.figures import SITE_COUNTS

WIDTH, TRACK = 900, 110
COLOURS = {"donor": "#1f77b4", "acceptor": "#d9662b"}

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; }
dt { opacity: .7; } dd { margin: 0; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; display: block; } svg text { fill: currentColor; font-size: 12px; }
.note { opacity: .75; } .scroll { overflow-x: auto; } .failed { color: #c0392b; }
"""


def escape(text: str) -> str:
    """Text from outside as one harmless line of HTML."""
    return html.escape(plain(text))


def html_report(summary: RunSummary, drawn: Drawn) -> str:
    """One self-contained HTML page.

    Args:
        summary: The figures of the run.
        drawn: What is drawn.
    """
    figures = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in summary.lines()
    )
    notes = [*summary.fills, *([summary.skew()] if summary.skew() else [])]
    parts = [f"<h1>Splice-site recalibration</h1><dl>{figures}</dl>"]
    for title, listed in (("Warnings", summary.warnings), ("Filled features", notes)):
        if listed:
            items = "".join(f"<li>{escape(note)}</li>" for note in listed)
            parts.append(f"<h2>{title}</h2><ul>{items}</ul>")
    parts.append(_changes(drawn.changes))
    if drawn.sites is not None:
        parts.append(_tracks(summary.genes, drawn.sites))
    parts.append(_gene_rows(summary.genes))
    body = "\n".join(parts)
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>splice_meta run</title><style>{STYLE}</style><body>{body}</body></html>\n"
    )


def _changes(changes: pl.DataFrame) -> str:
    """Histogram of the change of the splice probability, counts on a logarithmic scale."""
    if changes.is_empty():
        return ""
    rows = changes.with_columns(height=(pl.col("positions") + 1).log(10))
    top = max(float(rows["height"].max() or 1.0), 1.0)  # type: ignore[arg-type]
    left, base, high = 56, 200, 170
    step = (WIDTH - left - 16) / 41
    bars = "".join(
        f'<rect x="{left + (change * 20 + 20) * step + 1:.1f}" y="{base - h / top * high:.1f}" '
        f'width="{step - 2:.1f}" height="{h / top * high:.1f}" fill="{COLOURS["donor"]}">'
        f"<title>{change:+.2f}: {n:,} positions</title></rect>"
        for change, n, h in rows.rows()
    )
    marks = "".join(
        f'<text x="{left + (value * 20 + 20.5) * step:.1f}" y="{base + 18}" '
        f'text-anchor="middle">{f"{value:+.1f}" if value else "0"}</text>'
        for value in (-1, -0.5, 0, 0.5, 1)
    )
    scale = "".join(
        f'<line x1="{left}" x2="{WIDTH - 16}" y1="{base - power / top * high:.1f}" '
        f'y2="{base - power / top * high:.1f}" stroke="currentColor" opacity=".15"/>'
        f'<text x="{left - 6}" y="{base + 4 - power / top * high:.1f}" '
        f'text-anchor="end">{10**power:,}</text>'
        for power in range(int(top) + 1)
    )
    return (
        "<h2>How much the splice probability changed</h2>"
        '<p class="note">Donor + acceptor probability, final minus base, over the positions where '
        "the meta-model ran; number of positions on a logarithmic scale.</p>"
        f'<svg viewBox="0 0 {WIDTH} {base + 28}" role="img" '
        f'aria-label="Histogram of probability changes">{scale}{bars}{marks}</svg>'
    )


def _tracks(genes: pl.DataFrame, sites: pl.DataFrame) -> str:
    """Per gene: base scores above the axis, final probabilities below it."""
    if sites.is_empty():
        return ""
    lengths = dict(genes.select("gene_id", "positions").rows())
    drawn = "".join(
        _track(str(gene), int(lengths[gene]), rows)
        for (gene,), rows in sites.group_by("gene_id", maintain_order=True)
    )
    legend = " ".join(
        f'<span style="color:{colour}">&#9632;</span> {name}' for name, colour in COLOURS.items()
    )
    return (
        "<h2>Splice sites along the genes</h2>"
        f'<p class="note">{legend}. Base model above the line, final below; sites with a '
        "probability of at least 0.1 in either, drawn 5' to 3' on the transcript strand. Of many "
        f"genes the {TRACK_GENES} with the most recalibrated positions are drawn.</p>{drawn}"
    )


def _track(gene: str, length: int, rows: pl.DataFrame) -> str:
    middle, half, left = 58, 40, 8
    first = int(rows["position"].min() or 0)  # type: ignore[arg-type]
    last = max(int(rows["position"].max() or 1), first + 1, length)  # type: ignore[arg-type]
    shapes = []
    for name, colour in COLOURS.items():
        for place, base, final in rows.select(
            "position", f"{name}_score", f"{name}_meta"
        ).iter_rows():
            x = left + (place / last) * (WIDTH - 2 * left)
            shapes.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{middle - base * half:.1f}" '
                f'y2="{middle + final * half:.1f}" stroke="{colour}" stroke-width="1.6">'
                f"<title>{name} at {place:,}: base {base:.3f}, final {final:.3f}</title></line>"
            )
    return (
        f'<svg viewBox="0 0 {WIDTH} {TRACK}" role="img" '
        f'aria-label="Splice sites of {escape(gene)}">'
        f'<text x="{left}" y="13">{escape(gene)}, {length:,} positions</text>'
        f'<line x1="{left}" x2="{WIDTH - left}" y1="{middle}" y2="{middle}" '
        f'stroke="currentColor" opacity=".4"/>{"".join(shapes)}</svg>'
    )


def _gene_rows(genes: pl.DataFrame) -> str:
    head = (
        "<tr><th>gene</th><th>case</th><th>positions</th><th>recalibrated</th>"
        "<th>donors base</th><th>acceptors base</th><th>donors final</th>"
        "<th>acceptors final</th></tr>"
    )
    body = ""
    for row in genes.head(500).iter_rows(named=True):
        if row["status"] == "failed":
            body += (
                f'<tr class="failed"><td>{escape(row["gene_id"])}</td><td>{row["scenario"]}</td>'
                f'<td colspan="6">{escape(row["reason"])}</td></tr>'
            )
            continue
        counts = "".join(f"<td>{row[name]:,}</td>" for name in SITE_COUNTS)
        body += (
            f"<tr><td>{escape(row['gene_id'])}</td><td>{row['scenario']}</td>"
            f"<td>{row['positions']:,}</td><td>{row['recalibrated']:,}</td>{counts}</tr>"
        )
    return (
        "<h2>Genes</h2><p class='note'>Sites counted from a probability of 0.5. Case 1: the model "
        "was trained on the gene; 2A: it was not; 2B: no base scores.</p>"
        f'<div class="scroll"><table>{head}{body}</table></div>'
    )
