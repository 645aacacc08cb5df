"""The tables of a run."""

from __future__ import annotations

from dataclasses import replace

from splice_meta.dictionary.column import Column, Table, count, probability
from splice_meta.dictionary.scores import (
    BASE_SCORES,
    CHROM,
    CLASS,
    GENE_ID,
    GENOMIC_POSITION,
    IN_PLACE,
    POSITION,
    STRAND,
    TRUTH,
)
from splice_meta.sites import FATES

FULL = "unless `--columns lean`"
FAILED = "the gene failed"

FINAL = tuple(
    probability(f"{kind}_meta", "Final probability: the meta-model's where it ran, else the base "
                f"model's ({kind}).") for kind in ("donor", "acceptor", "neither")
)  # fmt: skip

MEASURES = (
    probability("max_score", "The larger of `donor_score` and `acceptor_score`.", when=FULL),
    probability("max_confidence", "The largest of the three base scores.", when=FULL),
    Column(name="score_entropy", type="Float32", least=0, most=1, unit="share of ln 3", when=FULL,
           meaning="Entropy of the three base scores, divided by ln 3."),
    probability("score_spread", "The largest minus the second largest base score.", when=FULL),
    Column(name="score_variance", type="Float32", least=0, most=0.2223, when=FULL,
           meaning="Population variance of the three base scores.", unit="probability squared"),
    Column(name="is_low_confidence", type="Boolean", when=FULL,
           meaning="Whether `max_score` lies in the uncertain range."),
    Column(name="is_high_entropy", type="Boolean", when=FULL,
           meaning="Whether `score_entropy` is above its threshold."),
    Column(name="is_low_discriminability", type="Boolean", when=FULL,
           meaning="Whether `score_spread` is below its threshold."),
    Column(name="confidence_category", type="Enum(non_splice, uncertain, splice)", when=FULL,
           meaning="Whether `max_score` is below, in or above the uncertain range."),
    Column(name="predicted_type_base", type=CLASS, when=FULL,
           meaning="The class with the largest base score."),
)  # fmt: skip

COMPLETE = Table(
    name="Complete predictions",
    place="`complete_coverage_predictions.parquet`; the output of `sm.predict`",
    rows="One row for each nucleotide, in the order of the input. Where the meta-model did not "
    "run, base and final probabilities are equal.",
    columns=(
        *IN_PLACE, *BASE_SCORES, *FINAL,
        Column(name="predicted_type", type=CLASS,
               meaning="The class with the largest final probability; ties go to neither, then "
               "donor."),
        Column(name="prediction_source", type="Enum(base_model, meta_model)",
               meaning="Whose probabilities the final ones are."),
        Column(name="is_uncertain", type="Boolean",
               meaning="Whether the position was selected for the meta-model."),
        Column(name="is_adjusted", type="Boolean",
               meaning="Whether the meta-model ran here: the position is recalibrated."),
        *MEASURES, TRUTH,
        Column(name="in_training", type="Boolean", when="with `--training-dataset`",
               meaning="Whether the model was trained on this position."),
    ),
)  # fmt: skip

META = replace(
    COMPLETE,
    name="Recalibrated positions",
    place="`meta_model_predictions.parquet`",
    rows="The rows of the complete predictions with `is_adjusted`.",
)

BASE = Table(
    name="Base scores as read",
    place="`base_model_predictions.parquet`",
    rows="The input in the contract's columns and types, with every further column it had.",
    columns=(
        *IN_PLACE, *BASE_SCORES,
        Column(name="base", type="String", when="where it is known",
               meaning="The nucleotide on the transcript strand."),
        TRUTH,
    ),
)  # fmt: skip

_UNKNOWN = "the gene's annotated sites are not known"

SITES = Table(
    name="Sites",
    place="`sites.parquet` and `sites.tsv`",
    rows="One row for each splice site that base or final probabilities call (`--site-threshold`, "
    "0.5) or that changed by at least 0.1; by gene and position, donor before acceptor.",
    columns=(
        GENE_ID,
        Column(name="gene_name", type="String", meaning="The gene's name in the annotation.",
               null="no annotation is given"),
        CHROM, STRAND, replace(GENOMIC_POSITION, type="Int64"), POSITION,
        Column(name="type", type=CLASS, meaning="Donor or acceptor."),
        Column(name="sequence", type="String", null="bases are not known",
               meaning="Three bases of the exon and six of the intron, `|` between them, 5' to 3'; "
               "N where a base is not known."),
        probability("base", "Base model's probability of this type."),
        probability("final", "Final probability of this type."),
        Column(name="change", type="Float64", unit="probability", least=-1, most=1,
               meaning="`final` - `base`."),
        Column(name="fate", type=f"Enum({', '.join(FATES)})",
               meaning="Called by both; by the final probabilities alone; by the base model's "
               "alone; by neither."),
        Column(name="is_annotated", type="Boolean", null=_UNKNOWN,
               meaning="Whether the site is annotated."),
        Column(name="distance", type="Int64", unit="nucleotides",
               null=f"{_UNKNOWN}, or there is none of the type",
               meaning="To the nearest annotated site of the type in the gene; positive where it "
               "lies downstream."),
    ),
)  # fmt: skip

_SITES_OF = {
    "base_sites": "Sites called by base scores",
    "final_sites": "Sites called by final probabilities",
    "gained": "Sites called by final probabilities alone",
    "lost": "Sites called by base scores alone",
}
_ANNOTATED_OF = {
    "base_annotated": "base_sites", "final_annotated": "final_sites",
    "gained_annotated": "gained", "lost_annotated": "lost",
}  # fmt: skip

GENES = Table(
    name="Gene manifest",
    place="`gene_manifest.json`, `selective_inference_manifest.csv`",
    rows="One row for each gene asked for, in the order of the input; genes without scores last.",
    columns=(
        GENE_ID,
        Column(name="scenario", type="String", meaning="`1`: the model was trained on the gene; "
               "`2A`: it was not; `2B`: the gene had no base scores at first."),
        Column(name="status", type="String", meaning="`done` or `failed`."),
        Column(name="reason", type="String", meaning="Why it failed; empty where it did not."),
        count("missing", "Positions between the gene's first and last that have no row.",
              "positions"),
        count("positions", "Rows of the gene.", "positions"),
        count("uncertain", "Positions selected for the meta-model.", "positions"),
        count("recalibrated", "Positions where it ran.", "positions"),
        count("with_criteria", "Selected positions that meet a criterion of uncertainty.",
              "positions", null=FAILED),
        count("lowest_criteria", "Fewest criteria met by a selected position.", "criteria",
              null=f"{FAILED}, or nothing was tuned"),
        Column(name="lowest_entropy", type="Float64", least=0, most=1, unit="share of ln 3",
               null=f"{FAILED}, or nothing was tuned",
               meaning="Lowest entropy of the selected positions with fewest criteria."),
        Column(name="achieved_rate", type="Float64", least=0, most=1, unit="share", null=FAILED,
               meaning="`recalibrated` / `positions`."),
        count("moved", "Positions whose donor or acceptor probability moved by more than 0.05.",
              "positions", null=FAILED),
        count("annotated", "Annotated sites among the gene's positions.", "sites",
              null=f"{FAILED}, or they are not known"),
        Column(name="seconds", type="Float64", least=0, unit="seconds", null=FAILED,
               meaning="The shard's time, shared out among its genes by positions."),
        *(count(name, f"{what}.", "sites", null=FAILED) for name, what in _SITES_OF.items()),
        *(count(name, f"Those of `{of}` that are annotated.", "sites", null=FAILED)
          for name, of in _ANNOTATED_OF.items()),
    ),
)  # fmt: skip

FEATURES = Table(
    name="Features",
    place="the output of `features` and `sm.plan_features`; of a run "
    "`features/uncertain_positions_features.parquet` in `--keep-artifacts-dir`",
    rows="One row for each position asked for.",
    columns=(
        GENE_ID, POSITION,
        Column(name="FEATURE", type="Float32, or what the manifest says",
               meaning="A column for each feature of the manifest, in its order."),
    ),
)  # fmt: skip

RUN = (COMPLETE, META, BASE, SITES, GENES, FEATURES)
