"""Makes the picture of the README from the demo: a gene, base and final probabilities, exons."""

from pathlib import Path

import splice_meta as sm

ROOT = Path(__file__).parent.parent
DATA = ROOT / "data" / "fixtures"
GENE = "BDH2"


def main() -> None:
    """Write docs/assets/gene.svg."""
    annotation = sm.open_annotation(DATA / "annotation.gtf.gz")
    scores = DATA / "scores_openspliceai.parquet"
    pred = sm.predict(scores, "bundled:openspliceai-mane", annotation=annotation)
    chart = sm.plot_gene(pred, GENE, annotation=annotation)
    file = ROOT / "docs" / "assets" / "gene.svg"
    chart.save(file)
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
