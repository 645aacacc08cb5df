"""A small genome with genes, a base model whose scores are sparse, and variants by brute force.

The brute force shares nothing with the package's way but the base model and the plan of features:
it writes the altered chromosome down, scores the whole gene again, predicts every position again,
and looks up what became of each position of the reference in a list that was carried along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import xgboost
from numpy.typing import NDArray
from tiny_network import PRIME, TABLE, TinyNetwork

from splice_meta.contracts import with_axis
from splice_meta.manifest import FeatureManifest
from splice_meta.model.bundle import MetaModel
from splice_meta.model.margin import Margin
from splice_meta.model.predict import predict_proba
from splice_meta.pipeline.matrix import harmonize_plan
from splice_meta.reference.annotation import open_annotation
from splice_meta.reference.gene_features import gene_features
from splice_meta.settings import FeatureSettings

CONTEXT = 20
LETTERS = str.maketrans("ACGTN", "TGCAN")
TYPES = ("donor", "acceptor")
CANDIDATE = np.float32(0.001)


class SparseNetwork(TinyNetwork):
    """As the tiny network, but about one position in thirty has a score of 0.001 or more.

    Args:
        seed: Networks of other seeds give other scores.
        options: Of the tiny network.
    """

    def __init__(self, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.seed = seed

    def predict(self, sequences: NDArray[np.float32]) -> NDArray[np.float32]:
        length = sequences.shape[1] - self.context
        trim = (self.context - CONTEXT) // 2
        sums = np.zeros((len(sequences), length, 3), dtype=np.int64)
        for place in range(CONTEXT + 1):
            seen = sequences[:, trim + place : trim + place + length].astype(np.int64)
            sums += (seen[:, :, None, :] * TABLE[:, (place + self.seed) % 21]).sum(axis=3)
        parts = (1 + sums % PRIME) / PRIME
        donor, acceptor = 0.5 * parts[:, :, 0] ** 300, 0.5 * parts[:, :, 1] ** 300
        made = np.stack([donor, acceptor, 1 - donor - acceptor], axis=2)
        return made.astype(np.float32)

    def __reduce__(self) -> Any:
        return SparseNetwork, (self.seed,)


@dataclass(frozen=True)
class Gene:
    """A gene: 1-based, both ends included; exons along the genome."""

    name: str
    strand: str
    start: int
    end: int
    exons: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class World:
    """A chromosome and its genes, in memory and as files."""

    sequence: str
    genes: tuple[Gene, ...]
    folder: Path

    @property
    def fasta(self) -> Path:
        return self.folder / "genome.fa"

    @property
    def gtf(self) -> Path:
        return self.folder / "genes.gtf"


def make_world(folder: Path, seed: int = 1) -> World:
    """A chromosome of 1,400 bases with stretches of N and three genes, two of which overlap."""
    rng = np.random.default_rng(seed)
    letters = rng.choice(list("ACGT"), 1400)
    letters[395:403] = "N"  # before the first gene's end
    letters[700:712] = list("CACACACACACA")
    letters[720:730] = "A"
    letters[1395:] = "N"
    genes = (
        Gene("GP", "+", 101, 405, ((101, 160), (200, 250), (300, 405))),
        Gene("GM", "-", 351, 900, ((351, 420), (600, 705), (800, 900))),
        Gene("GE", "+", 1201, 1400, ((1201, 1300), (1350, 1400))),
    )
    world = World("".join(letters), genes, folder)
    folder.mkdir(parents=True, exist_ok=True)
    world.fasta.write_text(">c1\n" + world.sequence + "\n")
    lines = []
    for gene in genes:
        front = f"c1\tx\t{{}}\t{{}}\t{{}}\t.\t{gene.strand}\t.\t"
        ids = f'gene_id "{gene.name}"; gene_name "{gene.name}n"; gene_type "protein_coding";'
        tx = ids + f' transcript_id "{gene.name}.t";'
        lines.append(front.format("gene", gene.start, gene.end) + ids)
        lines.append(front.format("transcript", gene.start, gene.end) + tx)
        lines += [front.format("exon", low, high) + tx for low, high in gene.exons]
    world.gtf.write_text("\n".join(lines) + "\n")
    return world


def make_model(names: Sequence[str], base_models: Sequence[str] = (), seed: int = 0) -> MetaModel:
    """A meta-model of random trees over some features."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(400, len(names))).astype(np.float32)
    # Splits where features of small genes lie, so that they all matter.
    rows[:, :] *= rng.choice([0.003, 0.05, 1.0, 30.0, 400.0], size=(400, 1))
    rows = np.abs(rows)
    labels = rng.integers(0, 3, 400)
    booster = xgboost.train(
        {"objective": "multi:softprob", "num_class": 3, "max_depth": 6, "eta": 0.5,
         "colsample_bytree": 0.4, "seed": seed, "min_child_weight": 0, "base_score": 0.5},
        xgboost.DMatrix(rows, labels), 20,
    )  # fmt: skip
    booster.feature_names = None
    return MetaModel(
        manifest=FeatureManifest(tuple(names)), boosters=(booster,), margin=Margin(floor=1e-6),
        base_models=tuple(base_models),
    )  # fmt: skip


@dataclass(frozen=True)
class Brute:
    """The alleles of a variant in a gene, by brute force.

    Attributes:
        reference: Rows by reference position: genomic_position, base and final probabilities.
        alternative: The same of the alternative gene; ``genomic_position`` of the reference it
            stands for, ``inserted`` 0, or which inserted base from the left.
    """

    reference: dict[int, dict[str, float]]
    alternative: dict[tuple[int, int], dict[str, float]]


def brute_force(
    world: World, gene: Gene, start: int, end: int, put: str, networks: dict[str, Any],
    model: MetaModel | None,
) -> Brute:  # fmt: skip
    """Score and predict both alleles of a whole gene.

    Args:
        world: The genome.
        gene: The gene.
        start: First base that is replaced, 1-based.
        end: The last; start - 1 for an insertion.
        put: What is put there.
        networks: By base model.
        model: The meta-model.
    """
    # Each base of the chromosome with its place, and whether the gene has it.
    chromosome = [
        (base, (at, 0), gene.start <= at <= gene.end)
        for at, base in enumerate(world.sequence, start=1)
    ]
    replaced = chromosome[start - 1 : end]
    # Which bases belong to the gene is decided from its 5' end: those in the place of one of it,
    # and any more of them between two of it.
    is_reverse = gene.strand == "-"
    marks = [mine for _, _, mine in replaced][:: -1 if is_reverse else 1][: len(put)]
    left, right = (start - 1, start) if is_reverse else (end, end + 1)
    inner = gene.start <= left and right <= gene.end
    marks = (marks + [inner] * (len(put) - len(marks)))[:: -1 if is_reverse else 1]
    # Which of the reference they stand for, from the left; further ones stand behind the last.
    middle = []
    for n, base in enumerate(put):
        anchor = start - 1 + len(replaced)
        place = replaced[n][1] if n < len(replaced) else (anchor, n - len(replaced) + 1)
        middle.append((base, place, marks[n]))
    altered = chromosome[: start - 1] + middle + chromosome[end:]
    made = []
    for text in (chromosome, altered):
        at = [n for n, (_, _, mine) in enumerate(text) if mine]
        made.append(_predicted(text, at, gene, networks, model, world))
    return Brute({place: row for (place, _), row in made[0].items()}, made[1])


def _predicted(
    text: list[tuple[str, tuple[int, int], bool]], at: list[int], gene: Gene,
    networks: dict[str, Any], model: MetaModel | None, world: World,
) -> dict[tuple[int, int], dict[str, float]]:  # fmt: skip
    """The probabilities of every position of a gene, by its place."""
    half = CONTEXT // 2
    padded = "N" * half + "".join(base for base, _, _ in text) + "N" * half
    span = padded[at[0] : at[-1] + 2 * half + 1] if at else ""
    places = [text[n][1] for n in at]
    bases = span[half : len(span) - half]
    if gene.strand == "-":
        span, bases = span[::-1].translate(LETTERS), bases[::-1].translate(LETTERS)
        places = places[::-1]
    if not at:
        return {}
    one_hot = np.array([[[base == each for each in "ACGT"] for base in span]], np.float32)
    columns: dict[str, Any] = {}
    for name, network in networks.items():
        scores = network.predict(one_hot)[0]
        front = f"{name}." if name else ""
        for i, kind in enumerate((*TYPES, "neither")):
            columns[f"{front}{kind}_score"] = scores[:, i]
    first = next(iter(networks))
    if first:
        for kind in (*TYPES, "neither"):
            columns[f"{kind}_score"] = columns[f"{first}.{kind}_score"]
    table = pl.DataFrame(
        {"gene_id": gene.name, "position": np.arange(1, len(places) + 1), **columns,
         "base": list(bases)}
    )  # fmt: skip
    rows = [
        {f"{kind}_base": float(table[f"{kind}_score"][n]) for kind in TYPES}
        | {
            f"{kind}_base{number}": float(table[f"{name}.{kind}_score"][n])
            for number, name in enumerate(networks, start=1)
            for kind in TYPES
            if number > 1
        }
        | {"highest": max(float(columns[c][n]) for c in columns if "neither" not in c)}
        for n in range(len(places))
    ]
    if model is not None:
        values = gene_features(open_annotation(world.gtf))
        matrix = harmonize_plan(
            with_axis(table.lazy()), model.manifest, FeatureSettings(), None, model.columns,
            gene_values=values,
        ).collect()  # fmt: skip
        found = predict_proba(model, matrix)
        for n, row in enumerate(rows):
            row |= {f"{kind}_final": float(found[kind][n]) for kind in TYPES}
    return dict(zip(places, rows, strict=True))


def expected_rows(brute: Brute, has_model: bool) -> dict[tuple[int, int], dict[str, Any]]:
    """Both alleles' values at each position, as the tables have them."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for key in {*((place, 0) for place in brute.reference), *brute.alternative}:
        ref = brute.reference.get(key[0]) if key[1] == 0 else None
        alt = brute.alternative.get(key)
        if ref is None and key[1] == 0:
            continue
        is_candidate = any(np.float32(row["highest"]) >= CANDIDATE for row in (ref, alt) if row)
        row: dict[str, Any] = {}
        for kind in TYPES:
            for side, values in (("ref", ref), ("alt", alt)):
                for name in {name for each in (ref, alt) for name in each or ()}:
                    if name.startswith(f"{kind}_base"):
                        row[f"{name}_{side}"] = values and values[name]
                if has_model:
                    layer = "final" if is_candidate else "base"
                    row[f"{kind}_final_{side}"] = values and values[f"{kind}_{layer}"]
        found[key] = row
    return found
