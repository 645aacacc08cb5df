"""Two examples for each command's help; the tests run them all."""

from __future__ import annotations

EXAMPLES = {
    "demo": ("demo", "demo --output-dir demo"),
    "run": (
        "run --scores scores.parquet --model bundled:openspliceai-mane",
        "run --scores out --model model --genes BDH2 --annotation genes.gtf.gz",
    ),
    "train": (
        "train --scores scores.parquet --output model",
        "train --scores scores.parquet --annotation genes.gtf.gz -o model2",
    ),
    "evaluate": (
        "evaluate out",
        "evaluate scores.parquet --model model --annotation genes.gtf.gz",
    ),
    "evaluate-variants": (
        "evaluate-variants validated.tsv --truth affects --results changes --score published",
        "evaluate-variants validated.tsv --truth affects --score published -o figures.csv",
    ),
    "explain": (
        "explain scores.parquet --model bundled:openspliceai-mane --at ENSG00000164039:100",
        "explain out --model model --at ENSG00000164039:100 --class all -o why.csv",
    ),
    "report": (
        "report out --overwrite",
        "report out --genes ENSG00000164039 -o gene.html",
    ),
    "compare": (
        "compare out out2",
        "compare out scores.parquet --annotation genes.gtf.gz -o changes.csv",
    ),
    "export": (
        "export out -o tracks --chrom-sizes hg38.chrom.sizes",
        "export out -o ucsc --chrom-style ucsc --least 0.001",
    ),
    "score": (
        "score --annotation genes.gtf.gz --fasta genome.fa --weights weights -o s.parquet",
        "score --annotation genes.gtf.gz --fasta genome.fa --weights weights "
        "--genes BDH2 --truth -o b.parquet",
    ),
    "variants": (
        "variants variants.vcf.gz --annotation genes.gtf.gz --fasta genome.fa --weights weights "
        "--model model -o v",
        "variants 'chr4:104003237:C>G' --annotation genes.gtf.gz --fasta genome.fa "
        "--weights weights --model bundled:openspliceai-mane --scores scores.parquet -o w",
    ),
    "sort": (
        "sort scores.tsv.gz -o sorted.parquet",
        "sort 'parts/*.parquet' -o sorted.parquet --memory 4GiB",
    ),
    "features": (
        "features --scores scores.parquet --model model -o features.parquet",
        "features --scores scores.parquet --manifest extended -o f.parquet",
    ),
    "inspect": ("inspect scores.parquet", "inspect bundled:openspliceai-mane"),
    "convert-model": (
        "convert-model model.ubj bundle --classes neither,donor,acceptor",
        "convert-model model.pkl b2 --classes neither,donor,acceptor --trust-pickle",
    ),
    "check": (
        "check --model model",
        "check --model model --scores scores.parquet --report issue.txt",
    ),
}


def examples_of(command: str) -> str:
    """What stands below the options of a command's help; a paragraph for each line."""
    return "\n\n".join(["Examples:", *(f"splice-meta {line}" for line in EXAMPLES[command])])
