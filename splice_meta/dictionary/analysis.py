"""The tables of ``evaluate``, ``compare`` and ``explain``."""

from __future__ import annotations

from splice_meta.dictionary.column import Column, Table, count, probability
from splice_meta.dictionary.scores import CHROM, GENE_ID, GENOMIC_POSITION, POSITION, STRAND

UNDEFINED = "the figure is not defined"


def _figures(system: str, reference: str) -> tuple[Column, ...]:
    """The columns of one system and of its change against the first."""
    parts = ((system, "The figure"), (f"{system}_change", f"The figure less that of `{reference}`"))
    ends = (("", "."), ("_low", ", lower end of the 95% interval."),
            ("_high", ", upper end of the 95% interval."))  # fmt: skip
    return tuple(
        Column(name=f"{name}{end}", type="Float64", meaning=f"{what}{words}", null=UNDEFINED)
        for name, what in (parts if system != reference else parts[:1])
        for end, words in ends
    )


KEYS = (
    Column(name="group", type="String", meaning="`all` genes; `seen` and `unseen` by the model in "
           "training, where that is known."),
    Column(name="metric", type="String", meaning="The figure's name; its unit is that of the "
           "figure, see `splice_meta.evaluate`."),
    Column(name="class", type="String", meaning="`donor`, `acceptor` or `all`."),
)  # fmt: skip

EVALUATION = Table(
    name="Evaluation",
    place="`evaluate --output`; the output of `sm.evaluate`",
    rows="One row for each group, metric and class. NAME is `final`, or a mode.",
    columns=(*KEYS, *_figures("base", "base"), *_figures("NAME", "base")),
)

FIGURES = Table(
    name="Comparison: figures",
    place="`figures` of `sm.compare`",
    rows="One row for each group, metric and class, where the truth is known.",
    columns=(*KEYS, *_figures("first", "first"), *_figures("second", "first")),
)

CALLS = Table(
    name="Comparison: calls",
    place="`calls` of `sm.compare`",
    rows="One row for each class, over the positions that both sources have.",
    columns=(
        Column(name="class", type="String", meaning="`donor` or `acceptor`."),
        count("first", "Sites that the first source calls.", "sites"),
        count("second", "Sites that the second source calls.", "sites"),
        count("both", "Sites that both call.", "sites"),
        count("gained", "Sites that the second alone calls.", "sites"),
        count("lost", "Sites that the first alone calls.", "sites"),
        Column(name="agreement", type="Float64", unit="share", least=0, most=1,
               meaning="`both` over the sites that either calls.", null="neither calls any"),
        count("gained_annotated", "Gained sites that are annotated.", "sites",
              null="the truth is not known"),
        count("lost_annotated", "Lost sites that are annotated.", "sites",
              null="the truth is not known"),
        Column(name="correlation", type="Float64", least=-1, most=1, null="it is not defined",
               meaning="Pearson correlation of the two probabilities over all positions."),
        Column(name="largest_difference", type="Float64", unit="probability", least=0, most=1,
               meaning="The largest difference of the two probabilities."),
    ),
)  # fmt: skip

CHANGES = Table(
    name="Comparison: changes",
    place="`compare --output`; `changes` of `sm.compare`",
    rows="One row for each site that only one of the two sources calls.",
    columns=(
        GENE_ID, CHROM, STRAND, GENOMIC_POSITION, POSITION,
        Column(name="class", type="String", meaning="`donor` or `acceptor`."),
        Column(name="change", type="String", meaning="`gained` or `lost`."),
        probability("first", "Probability in the first source."),
        probability("second", "Probability in the second source."),
        Column(name="annotated", type="Boolean", meaning="Whether the site is annotated.",
               null="the truth is not known"),
    ),
)  # fmt: skip

EXPLANATION = Table(
    name="Explanation",
    place="`explain --output`; the output of `sm.explain`",
    rows="One row for each position, class and feature; the largest contributions first.",
    columns=(
        GENE_ID, POSITION,
        Column(name="class", type="String", meaning="`donor`, `acceptor` or `neither`."),
        Column(name="base", type="Float64", unit="probability", least=0, most=1,
               meaning="Base model's probability of the class."),
        Column(name="meta", type="Float64", unit="probability", least=0, most=1,
               meaning="Meta-model's probability of the class."),
        Column(name="feature", type="String", meaning="The feature; the base model and the model's "
               "constant have entries of their own."),
        Column(name="value", type="Float64", meaning="The feature's value here.",
               null="the entry is no feature"),
        Column(name="contribution", type="Float64", unit="natural logarithm",
               meaning="SHAP value: what the entry adds to the class's score before the softmax."),
    ),
)  # fmt: skip

ANALYSIS = (EVALUATION, CALLS, CHANGES, FIGURES, EXPLANATION)
