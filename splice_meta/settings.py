"""Settings: small frozen dataclasses that are passed in, never global.

Each checks itself on construction, so a wrong setting is refused before any data is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from splice_meta.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

Mode = Literal["hybrid", "base_only", "meta_only"]
Strategy = Literal["confidence_only", "entropy_only", "hybrid_entropy"]
Output = Literal["complete", "meta", "base"]
Columns = Literal["full", "lean"]
Split = Literal["gene", "chromosome"]
EngineName = Literal["auto", "openvino", "torch"]
Precision = Literal["float32", "bfloat16"]
MultiStrategy = Literal["multi_output_tree", "one_output_per_tree"]
CalibrationChoice = Literal["none", "temperature", "platt", "isotonic"]
MANY_GENES = 100
"""Genes from which on one cross-validation tells how many rounds to use."""
FamilyFunction = Callable[[], Mapping[str, "pl.Expr"]]

MODES: tuple[Mode, ...] = get_args(Mode)
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
OUTPUTS: tuple[Output, ...] = get_args(Output)
COLUMNS: tuple[Columns, ...] = get_args(Columns)
KINDS = ("multiclass", "three_binary")
MULTI_STRATEGIES: tuple[MultiStrategy, ...] = get_args(MultiStrategy)
SPLITS: tuple[Split, ...] = get_args(Split)
CALIBRATIONS: tuple[CalibrationChoice, ...] = get_args(CalibrationChoice)


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a value that is not one of those allowed.

    Args:
        name: The setting, as the user knows it.
        value: What was given.
        allowed: What may be given.

    Raises:
        UsageError: If ``value`` is not in ``allowed``.
    """
    if value not in allowed:
        raise UsageError(f"{name} is {value!r}.", f"Give one of: {', '.join(allowed)}.")


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which positions count as uncertain.

    Args:
        low: Lower bound (inclusive) of the uncertain range of max(donor, acceptor).
        high: Upper bound (exclusive) of that range.
        strategy: ``confidence_only``, ``entropy_only`` or ``hybrid_entropy``.
        target_rate: Share of each gene's positions that adaptive tuning picks, in (0, 1].
        adaptive: Whether the two entropy strategies pick exactly ceil(target_rate x positions).
        entropy: Normalised entropy (0..1) above which a position is ambiguous.
        spread: Largest minus second largest probability below which it is ambiguous.
        variance: Variance of the three probabilities below which it is ambiguous.

    Raises:
        UsageError: If the settings contradict each other.
    """

    low: float = 0.02
    high: float = 0.80
    strategy: Strategy = "hybrid_entropy"
    target_rate: float = 0.10
    adaptive: bool = True
    entropy: float = 0.6
    spread: float = 0.2
    variance: float = 0.08

    def __post_init__(self) -> None:
        one_of("The uncertainty strategy", self.strategy, STRATEGIES)
        for name in ("low", "high", "entropy", "spread", "variance"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise UsageError(
                    f"The {name} threshold of the selection is {value}.",
                    "Thresholds are finite and not negative.",
                )
        if not self.low < self.high:
            raise UsageError(
                f"The uncertainty range [{self.low}, {self.high}) is empty.",
                "Give a lower bound that is below the upper one.",
            )
        if not 0 < self.target_rate <= 1:
            raise UsageError(
                f"The target rate is {self.target_rate}.", "Give a share above 0 and at most 1."
            )

    @property
    def is_tuned(self) -> bool:
        """Whether each gene gets exactly ceil(target_rate x positions) uncertain positions."""
        return self.adaptive and self.strategy != "confidence_only"


@dataclass(frozen=True, kw_only=True)
class FeatureSettings:
    """Which feature families are made.

    Args:
        probability: Probability ratios, differences, log-odds and entropy.
        context: Rolling and neighbouring scores.
        signal: Peak and signal shape of donor and acceptor.
        comparative: Donor against acceptor.
        surroundings: Splice sites of the base model up- and downstream, and place in the gene.
        genomic: One value per gene, from an annotation.
        sequence: Length, GC content and complexity of the sequence window.
        motif: Agreement with the consensus of donors and acceptors.
        kmer: k-mer counts of the sequence window.
        custom: The user's own families by name. A family is a function without arguments that
            returns expressions by feature name; they are evaluated gene by gene over the gene's
            full position axis (``.over("gene_id")``), before any position is picked out, and may
            read every column of the base scores.
    """

    probability: bool = True
    context: bool = True
    signal: bool = True
    comparative: bool = True
    surroundings: bool = True
    genomic: bool = True
    sequence: bool = True
    motif: bool = True
    kmer: bool = True
    custom: Mapping[str, FamilyFunction] = field(default_factory=dict)

    def has(self, family: str) -> bool:
        """Whether a family of the catalogue is switched on."""
        return bool(getattr(self, family, True))


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How a run goes and what it writes.

    Args:
        mode: ``hybrid`` (the meta-model sees uncertain positions), ``meta_only`` or ``base_only``.
        selection: What counts as uncertain.
        features: Which feature families are made.
        outputs: Which of the tables ``complete``, ``meta`` and ``base`` are written.
        columns: ``full`` keeps the uncertainty measures in the complete table, ``lean`` does not.
        memory: Budget in bytes: of the shards of a run that are in flight in one process, or of
            one gene batch where there is one at a time.
        predict_rows: Rows per call of the model; no result depends on it.
        site_threshold: Probability from which a site counts as called.
    """

    mode: Mode = "hybrid"
    selection: Selection = field(default_factory=Selection)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    outputs: tuple[Output, ...] = OUTPUTS
    columns: Columns = "full"
    memory: int = 1 << 30
    predict_rows: int = 1 << 16
    site_threshold: float = 0.5

    def __post_init__(self) -> None:
        one_of("The inference mode", self.mode, MODES)
        one_of("The choice of columns", self.columns, COLUMNS)
        for output in self.outputs:
            one_of("An output", output, OUTPUTS)
        if not self.outputs:
            raise UsageError("No output was asked for.", f"Name some of: {', '.join(OUTPUTS)}.")
        if self.memory < 1 << 20:
            raise UsageError(
                f"The memory budget is {self.memory} bytes.", "Give at least 1MiB, such as 1GiB."
            )
        if self.predict_rows < 1:
            raise UsageError(f"predict_rows is {self.predict_rows}.", "Give at least 1.")
        if not 0 < self.site_threshold <= 1:
            raise UsageError(
                f"The site threshold is {self.site_threshold}.",
                "Give a probability above 0 and at most 1.",
            )


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """How a meta-model is trained. The defaults were chosen by cross-validation.

    Args:
        kind: ``multiclass``, or ``three_binary`` models that are renormalised.
        residual: Whether the trees add to the base model's log-probabilities; if not, they start
            from nothing.
        multi_strategy: Of a ``multiclass`` model: one tree per round whose leaves hold a value for
            each class (``multi_output_tree``), or one tree for each class.
        rounds: Most boosting rounds; held-out genes decide how many are used.
        patience: Rounds without improvement on held-out genes after which the search ends.
        learning_rate: Step size of a round.
        parallel_trees: Trees per round (and class), each on rows and features of its own, of which
            the mean is taken. More make the model depend less on the draw.
        depth: Largest depth of a tree.
        min_child_weight: Smallest sum of second derivatives in a leaf.
        reg_lambda: L2 penalty of the leaves.
        subsample: Share of the rows that each round sees.
        colsample: Share of the features that each tree sees.
        folds: Folds of the cross-validation.
        repeats: How often it is done, with other folds each time: the number of rounds that it
            decides on is noisy where genes are few. 0 for three times below 100 genes, else once.
        split: What is never on both sides of a fold: ``gene`` (with the genes that overlap it) or
            ``chromosome``.
        calibration: ``none``, ``temperature``, ``platt`` or ``isotonic``, fitted on out-of-fold
            predictions.
        candidate: All positions with at least this base score go in.
        near_rate: Share of the positions from a tenth of that on that goes in.
        edge_rate: Share of the other positions at a gene's edges (500 positions at either end)
            that goes in. With ``far_rate`` there, one row of weight 250 was 0.02 of the log-loss
            per site of 104 genes.
        far_rate: Share of the other positions that goes in.
        base_trained_weight: What a gene on a chromosome that the base models were trained on
            counts, where there are genes on others: scores are better there than elsewhere. With
            500 genes, leaving chromosomes out that the base models never saw, less than 1 made
            predictions worse.
        seed: Of everything that is drawn.
        threads: Folds that are boosted at a time, each on one thread; 0 for as many as there are
            cores. No bit depends on it.
        memory: Budget of one gene batch in bytes.

    Raises:
        UsageError: If a setting is out of its range.
    """

    kind: Literal["multiclass", "three_binary"] = "multiclass"
    residual: bool = True
    multi_strategy: MultiStrategy = "multi_output_tree"
    rounds: int = 600
    patience: int = 30
    learning_rate: float = 0.1
    parallel_trees: int = 1
    depth: int = 4
    min_child_weight: float = 1.0
    reg_lambda: float = 10.0
    subsample: float = 0.7
    colsample: float = 0.15
    folds: int = 5
    repeats: int = 0
    split: Split = "gene"
    calibration: CalibrationChoice = "temperature"
    candidate: float = 0.001
    near_rate: float = 0.25
    edge_rate: float = 0.04
    far_rate: float = 0.004
    base_trained_weight: float = 1.0
    seed: int = 1
    threads: int = 0
    memory: int = 1 << 30

    def __post_init__(self) -> None:
        one_of("The kind of model", self.kind, KINDS)
        one_of("The multi_strategy", self.multi_strategy, MULTI_STRATEGIES)
        one_of("The split", self.split, SPLITS)
        one_of("The calibration", self.calibration, CALIBRATIONS)
        for name, low in (
            ("rounds", 1), ("patience", 1), ("depth", 1), ("parallel_trees", 1),
            ("folds", 2), ("repeats", 0), ("seed", 0),
            ("threads", 0), ("min_child_weight", 0), ("reg_lambda", 0),
        ):  # fmt: skip
            value = getattr(self, name)
            if not low <= value < float("inf"):
                raise UsageError(f"{name} is {value}.", f"Give at least {low}.")
        for name in (
            "learning_rate", "subsample", "colsample", "near_rate", "edge_rate",
            "far_rate",
            "base_trained_weight",
        ):  # fmt: skip
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise UsageError(f"{name} is {value}.", "Give a number above 0 and at most 1.")
        if not 0 < self.candidate < 1:
            raise UsageError(f"candidate is {self.candidate}.", "Give a score between 0 and 1.")

    def repeats_for(self, genes: int) -> int:
        """How often the cross-validation is done with so many genes."""
        return self.repeats or (3 if genes < MANY_GENES else 1)


def parse_memory(text: str) -> int:
    """Read an amount of memory such as ``1GiB``, ``512MB`` or ``2000000``.

    Args:
        text: A number with an optional unit: B, KB, MB, GB (powers of 1000), KiB, MiB, GiB.

    Returns:
        The amount in bytes.

    Raises:
        UsageError: If the text is not an amount of memory.
    """
    units = {"": 1, "b": 1}
    for power, letter in enumerate("kmgt", start=1):
        units |= {letter: 1024**power, f"{letter}b": 1000**power, f"{letter}ib": 1024**power}
    number = text.strip().rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    unit = text.strip()[len(number) :].strip().lower()
    try:
        return int(float(number) * units[unit])
    except (KeyError, ValueError, OverflowError):
        raise UsageError(
            f"{text!r} is not an amount of memory.", "Write for example 1GiB or 512MiB."
        ) from None
