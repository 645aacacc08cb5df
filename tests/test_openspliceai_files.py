from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import openspliceai_writer as writer
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import splice_meta as sm
from splice_meta.errors import InputError
from splice_meta.reference.sequence import Bases
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.openspliceai import bed, hdf5
from splice_meta.sources.openspliceai.names import parse_names
from splice_meta.sources.tables import scan_files

FOLDER = Path(__file__).parent / "openspliceai"
PLACED, PLAIN = FOLDER / "placed", FOLDER / "plain"
NAMES = ("donor_predictions.bed", "acceptor_predictions.bed")
GENOME = writer.read_fasta(FOLDER / "genome.fa")
# As genes.gff has them, and as OpenSpliceAI wrote them with 40 bases on either side.
SPANS = {
    "PLUS": ("chr1", "+", 101, 300),
    "MINUS": ("chr1", "-", 361, 600),
    "EDGE": ("chr2", "+", 1, 150),
    "LAST": ("chr2", "-", 300, 480),
}
FLANKED = {
    "PLUS": ("chr1", "+", 61, 340),
    "MINUS": ("chr1", "-", 321, 640),
    "EDGE": ("chr2", "+", 1, 190),
    "LAST": ("chr2", "-", 260, 500),
}
Places = dict[str, tuple[str, str, int, int]]
Scored = list[tuple[float, float, float]]


def spans_of(places: Places) -> pl.DataFrame:
    rows = [(gene, *place) for gene, place in places.items()]
    return pl.DataFrame(rows, ["gene_id", "chrom", "strand", "start", "end"], orient="row")


def bases_of(place: tuple[str, str, int, int]) -> str:
    chrom, strand, start, end = place
    return writer.transcript(GENOME[chrom][start - 1 : end], strand)


def naive(scored: Places, wanted: Places | None = None, base: bool = False) -> pl.DataFrame:
    """Each gene's rows, from its bases, one after the other."""
    rows = []
    for gene, (chrom, strand, start, end) in scored.items():
        low, high = wanted[gene][2:] if wanted else (start, end)
        bases = bases_of(scored[gene])
        scores = writer.naive_scores(bases)
        for i, letter in enumerate(bases):
            place = start + i if strand == "+" else end - i
            if low <= place <= high:
                position = place - low + 1 if strand == "+" else high - place + 1
                rows.append((gene, position, *scores[i], chrom, strand, place, letter))
    table = pl.DataFrame(
        rows,
        schema={
            "gene_id": pl.String, "position": pl.Int64, "donor_score": pl.Float32,
            "acceptor_score": pl.Float32, "neither_score": pl.Float32, "chrom": pl.String,
            "strand": pl.String, "genomic_position": pl.Int64, "base": pl.String,
        },
        orient="row",
    )  # fmt: skip
    return table if base else table.drop("base")


def expect(found: pl.LazyFrame | pl.DataFrame, expected: pl.DataFrame) -> None:
    assert_frame_equal(found.lazy().collect(), expected, abs_tol=2e-6, rel_tol=0)


def beds(folder: Path) -> list[str]:
    return [str(folder / name) for name in NAMES]


def reference(chrom: str, start: int, end: int) -> Bases:
    return np.frombuffer(GENOME[chrom][start - 1 : end].upper().encode(), np.uint8)


def lines_of(scored: Scored, write: Callable[[int, float], str], channel: int) -> str:
    return "".join(write(i, s[channel]) for i, s in enumerate(scored) if s[channel] > 1e-6)


# --- BED


@pytest.mark.parametrize("source", [beds(PLACED), beds(PLACED)[::-1], PLACED, [PLACED]])
def test_bed_files_of_named_places_give_every_position(source: Any) -> None:
    expect(sm.scan_scores(source), naive(FLANKED))


def test_an_output_directory_is_looked_into(tmp_path: Path) -> None:
    shutil.copytree(PLACED, tmp_path / "OUT" / "SpliceAI_5000_80")

    expect(sm.scan_scores(tmp_path / "OUT"), naive(FLANKED))


def test_genes_are_cut_to_the_spans_of_the_annotation() -> None:
    found = scan_files(beds(PLACED), spans_of(SPANS))

    expect(found, naive(FLANKED, SPANS))
    # Genes that the annotation does not have stay whole; chr may be missing in its names.
    some = spans_of(SPANS).filter(pl.col("gene_id") != "MINUS")
    mixed = SPANS | {"MINUS": FLANKED["MINUS"]}
    without_chr = some.with_columns(pl.col("chrom").str.strip_prefix("chr"))
    expect(scan_files(beds(PLACED), without_chr), naive(FLANKED, mixed))


@pytest.mark.parametrize(("folder", "genes"), [(PLACED, list(SPANS)), (PLAIN, ["PLUS", "MINUS"])])
def test_annotation_and_fasta_give_what_bed_files_lack(folder: Path, genes: list[str]) -> None:
    found = sm.scan_scores(
        folder, annotation=FOLDER / "genes.gff", fasta=FOLDER / "genome.fa"
    ).collect()

    wanted = {gene: SPANS[gene] for gene in genes}
    scored = FLANKED if folder == PLACED else wanted
    expected = naive(scored, wanted, base=True)
    expect(found.select(expected.columns), expected)
    assert found["gene_length"].null_count() == 0


def test_sites_off_their_motifs_are_moved_where_a_fasta_is_given(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(PLACED, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "donor_predictions.bed"
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    for line in lines:
        along = 1 if line[5] == "+" else -1
        line[1], line[2] = str(int(line[1]) + along), str(int(line[2]) + along)
    path.write_text("\n".join("\t".join(line) for line in lines) + "\n")

    sm.scan_scores(PLACED, fasta=FOLDER / "genome.fa")
    assert "they are shifted" not in caplog.text
    sm.scan_scores(tmp_path, fasta=FOLDER / "genome.fa")
    assert "they are shifted" in caplog.text


def test_bed_files_without_places_need_the_spans() -> None:
    genes = {gene: SPANS[gene] for gene in ("PLUS", "MINUS")}

    expect(scan_files(beds(PLAIN), spans_of(SPANS)), naive(genes))
    with pytest.raises(InputError, match="2 sequences lie, first PLUS") as caught:
        open_scores(PLAIN)
    assert "annotation" in caught.value.hint
    with pytest.raises(InputError, match="1 sequences lie, first MINUS"):
        scan_files(beds(PLAIN), spans_of({"PLUS": SPANS["PLUS"]}))


def test_unplaced_contigs_of_other_names_are_read_from_the_name(tmp_path: Path) -> None:
    # Only chr... makes six columns; the place is in the name all the same.
    for name in NAMES:
        text = (PLAIN / name).read_text()
        for gene, (_, strand, start, end) in SPANS.items():
            old = {"PLUS": "PLUS a gene without coordinates:+"}.get(gene, f"{gene}:+")
            text = text.replace(f"\t{old}_", f"\t{gene} 7:{start}-{end}({strand}):+_")
        (tmp_path / name).write_text(text)

    genes = {gene: ("chr1", *SPANS[gene][1:]) for gene in ("PLUS", "MINUS")}
    expect(sm.scan_scores(tmp_path), naive(genes).with_columns(chrom=pl.lit("7")))


@pytest.mark.parametrize("columns", [6, 7])
def test_the_intervals_of_versions_up_to_0_0_4_mean_the_same_sites(
    tmp_path: Path, columns: int
) -> None:
    donors, acceptors = "", ""
    for gene, (chrom, strand, start, end) in SPANS.items():
        name = f"{gene} {chrom}:{start}-{end}({strand})" if columns == 6 else f"{gene}:+"

        def line(a: int, b: int, label: str, p: float, name: str = name) -> str:
            if columns == 7:
                return f"{name}\t{a}\t{b}\t{name}_{label}\t{p:.6f}\t+\tabsolute_coordinates\n"
            chrom, strand = name.split(" ")[1].split(":")[0], name[-2]
            return f"{chrom}\t{a}\t{b}\t{name}_{label}\t{p:.6f}\t{strand}\n"

        for i, (donor, acceptor, _) in enumerate(writer.naive_scores(bases_of(SPANS[gene]))):
            if columns == 7:
                d, a = (i, i - 2), (i - 3, i - 1)
            elif strand == "+":
                d, a = (start + i, start + i + 2), (start + i - 3, start + i - 1)
            else:
                d, a = (end - i - 3, end - i - 1), (end - i, end - i + 2)
            donors += line(*d, "Donor", donor) if donor else ""
            acceptors += line(*a, "Acceptor", acceptor) if acceptor else ""
    (tmp_path / NAMES[0]).write_text(donors)
    (tmp_path / NAMES[1]).write_text(acceptors)

    for sequence in (None, reference):
        expect(scan_files(beds(tmp_path), spans_of(SPANS), sequence), naive(SPANS))


@pytest.mark.parametrize("empty", NAMES)
def test_one_file_without_any_line_and_genes_that_one_file_lacks(
    tmp_path: Path, empty: str
) -> None:
    shutil.copytree(PLACED, tmp_path, dirs_exist_ok=True)
    (tmp_path / empty).write_text("")
    other = next(name for name in NAMES if name != empty)
    label = empty.split("_")[0]
    # Without its last line feed.
    (tmp_path / other).write_text((PLACED / other).read_text().rstrip("\n"))

    zero = naive(FLANKED).with_columns(pl.lit(0, pl.Float32).alias(f"{label}_score"))
    listed = "acceptor_score" if label == "donor" else "donor_score"
    expect(sm.scan_scores(tmp_path), zero.with_columns(neither_score=1 - pl.col(listed)))

    kept = [line for line in (PLACED / empty).read_text().splitlines() if "EDGE" not in line]
    (tmp_path / empty).write_text("\n".join(kept[::-1]) + "\n")
    genes = sm.scan_scores(tmp_path).select(pl.col("gene_id").unique()).collect()["gene_id"]
    assert sorted(genes) == sorted(FLANKED)
    found = sm.scan_scores(tmp_path).collect()
    edge, others = naive(FLANKED).filter(gene_id="EDGE"), pl.col("gene_id") != "EDGE"
    assert_frame_equal(
        found.filter(others).sort("gene_id", "position"),
        naive(FLANKED).filter(others).sort("gene_id", "position"),
        abs_tol=2e-6,
        rel_tol=0,
    )
    assert found.filter(gene_id="EDGE").height == edge.height
    assert found.filter(gene_id="EDGE")[f"{label}_score"].sum() == 0


def test_a_gene_that_no_file_lists_has_no_scores(tmp_path: Path) -> None:
    for name in NAMES:
        lines = (PLACED / name).read_text().splitlines(keepends=True)
        (tmp_path / name).write_text("".join(line for line in lines if "MINUS" not in line))

    opened = open_scores(tmp_path, ["MINUS", "LAST"])

    assert opened.absent == ["MINUS"]
    expect(opened.all_rows(), naive({"LAST": FLANKED["LAST"]}))


def test_pairs_of_several_folders_follow_each_other(tmp_path: Path) -> None:
    halves = (("PLUS", "EDGE"), ("MINUS", "LAST"))
    for folder, genes in zip("ab", halves, strict=True):
        (tmp_path / folder).mkdir()
        for name in NAMES:
            lines = (PLACED / name).read_text().splitlines(keepends=True)
            kept = "".join(line for line in lines if line.split("\t")[3].split(" ")[0] in genes)
            (tmp_path / folder / name).write_text(kept)

    expected = naive({gene: FLANKED[gene] for half in halves for gene in half})
    expect(sm.scan_scores([tmp_path / "a", tmp_path / "b"]), expected)
    expect(sm.scan_scores(str(tmp_path / "*" / "*.bed")), expected)
    (tmp_path / "a" / NAMES[0]).rename(tmp_path / NAMES[0])
    half = naive({gene: FLANKED[gene] for gene in halves[0]})
    expect(sm.scan_scores([tmp_path / "a" / NAMES[1], tmp_path / NAMES[0]]), half)


def test_predictions_are_those_of_the_same_scores_in_a_frame(model: sm.MetaModel) -> None:
    scores = sm.scan_scores(PLACED).collect()

    predicted = sm.predict(PLACED, model)

    assert_frame_equal(predicted, sm.predict(scores, model))
    assert predicted.height == sum(end - start + 1 for _, _, start, end in FLANKED.values())


# --- the sequence


@pytest.mark.parametrize("moved", [("donor", 1), ("donor", -1), ("acceptor", 2), ("acceptor", -3)])
def test_sites_that_all_lie_off_their_motifs_are_moved(
    tmp_path: Path, moved: tuple[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    # A gene's first and last sites may leave it: the inner ones are compared.
    shutil.copytree(PLACED, tmp_path, dirs_exist_ok=True)
    label, by = moved
    path = tmp_path / f"{label}_predictions.bed"
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    for line in lines:
        along = by if line[5] == "+" else -by
        line[1], line[2] = str(int(line[1]) + along), str(int(line[2]) + along)
    path.write_text("\n".join("\t".join(line) for line in lines) + "\n")

    found = scan_files(beds(tmp_path), None, reference).collect()

    assert f"The {label}s of {path} lie {by:+d} bases" in caplog.text
    inner = pl.col("position").is_between(10, pl.len().over("gene_id") - 10)
    expect(found.filter(inner), naive(FLANKED).filter(inner))


def test_sites_in_place_are_left_alone_and_sites_of_another_genome_refused(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = []

    def noted(chrom: str, start: int, end: int) -> Bases:
        asked.append((chrom, start, end))
        return reference(chrom, start, end)

    expect(scan_files(beds(PLACED), None, noted), naive(FLANKED))
    assert asked == [(chrom, start, end) for chrom, _, start, end in FLANKED.values()]
    assert not caplog.text

    rng = np.random.default_rng(1)

    def other(chrom: str, start: int, end: int) -> Bases:
        return rng.choice(np.frombuffer(b"ACGT", np.uint8), end - start + 1)

    def few(chrom: str, start: int, end: int) -> Bases:
        return np.full(end - start + 1, ord("N"), np.uint8)

    short = tmp_path / NAMES[0]
    short.write_text("".join((PLACED / NAMES[0]).read_text().splitlines(keepends=True)[:9]))
    (tmp_path / NAMES[1]).write_text("")
    assert scan_files(beds(tmp_path), None, few).collect()["donor_score"].sum() > 1
    with pytest.raises(InputError, match=r"Of \d+ donors in .*donor_predictions.bed only \d+"):
        scan_files(beds(PLACED), None, other)


# --- HDF5


def write_h5(folder: Path, names: list[str], sequences: list[str]) -> Path:
    h5py = pytest.importorskip("h5py")
    folder.mkdir(exist_ok=True, parents=True)
    blocks = []
    for bases in sequences:
        d, a, n = np.array(writer.naive_scores(bases), np.float32).reshape(-1, 3).T
        along = np.stack([n, a, d])
        padding = -len(bases) % writer.BLOCK
        along = np.pad(along, ((0, 0), (0, padding)), constant_values=0.123)
        blocks.append(along.reshape(3, -1, writer.BLOCK).transpose(1, 0, 2))
    text = h5py.string_dtype("utf-8")
    with h5py.File(folder / "predict.h5", "w") as file:
        file["predictions"] = np.concatenate(blocks)
    with h5py.File(folder / "datafile.h5", "w") as file:
        file.create_dataset("NAME", data=np.array(names, object), dtype=text)
        file.create_dataset("SEQ", data=np.array(sequences, object), dtype=text)
    return folder / "predict.h5"


def write_placed(folder: Path, places: Places = FLANKED) -> Path:
    names = [f"{gene} {c}:{s}-{e}({t}):+" for gene, (c, t, s, e) in places.items()]
    return write_h5(folder, names, [bases_of(place) for place in places.values()])


def test_hdf5_gives_scores_and_bases(tmp_path: Path) -> None:
    path = write_placed(tmp_path)

    expected = naive(FLANKED, base=True)
    for source in (path, tmp_path, [path, tmp_path / "datafile.h5"], tmp_path / "predict.*"):
        expect(sm.scan_scores(source), expected)
    expect(scan_files([str(path)], spans_of(SPANS)), naive(FLANKED, SPANS, base=True))
    # Scores of every position go before the BED files of the same run.
    shutil.copytree(PLACED, tmp_path, dirs_exist_ok=True)
    expect(sm.scan_scores(tmp_path), expected)


def test_hdf5_of_sequences_longer_than_a_block_and_as_long_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    lengths = {"A": 12_345, "B": 5000, "C": 1, "D": 10_000, "E": 5001}
    letters = list("ACGTN")
    sequences = {gene: "".join(rng.choice(letters, n)) for gene, n in lengths.items()}
    sequences["C"] = "r"
    path = write_h5(tmp_path, [f"{gene}:+" for gene in lengths], list(sequences.values()))

    reads = CountedReads(monkeypatch, hdf5)
    found = sm.scan_scores(path).collect()
    reads.genes.clear()
    assert sm.scan_scores(path, ["D"]).collect().equals(found.filter(gene_id="D"))

    assert set(reads.genes) == {"D"}
    assert found.columns == [
        "gene_id", "position", "donor_score", "acceptor_score", "neither_score", "base",
    ]  # fmt: skip
    for gene, bases in sequences.items():
        rows = found.filter(gene_id=gene)
        assert "".join(rows["base"]) == bases.replace("r", "N")
        assert rows["position"].to_list() == list(range(1, len(bases) + 1))
        scores = np.array(writer.naive_scores(bases), np.float32)
        columns = rows.select("donor_score", "acceptor_score", "neither_score")
        np.testing.assert_array_equal(columns.to_numpy(), scores)
    spans = {gene: ("chr1", "-", 11, 10 + n) for gene, n in lengths.items()}
    placed = scan_files([str(path)], spans_of(spans)).collect()
    assert placed.filter(gene_id="E")["genomic_position"].to_list() == list(range(5011, 10, -1))
    assert placed["strand"].unique().to_list() == ["-"]


class CountedReads:
    """Counts the blocks that are read, by wrapping the reader of a piece."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
        self.genes: list[str] = []
        read = vars(module)["_read"]

        def counted(piece: Any) -> Any:
            self.genes.append(piece["gene_id"])
            return read(piece)

        monkeypatch.setattr(module, "_read", counted)


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("kind", ["bed", "h5"])
def test_only_the_genes_asked_for_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Any, kind: str
) -> None:
    source = PLACED if kind == "bed" else write_placed(tmp_path)
    module = bed if kind == "bed" else hdf5
    reads = CountedReads(monkeypatch, module)
    opened = open_scores(source)
    expected = naive(FLANKED, base=kind == "h5")
    reads.genes.clear()

    batch = opened.batch(1, 3).collect(engine=engine)

    expect(batch, expected.filter(pl.col("gene_id").is_in(["MINUS", "EDGE"])))
    assert reads.genes == ["MINUS", "EDGE"]
    reads.genes.clear()
    some = opened.frame.filter(pl.col("gene_id") == "EDGE", pl.col("donor_score") > 0.5)
    want = expected.filter(pl.col("gene_id") == "EDGE", pl.col("donor_score") > 0.5)
    expect(some.select("position", "donor_score"), want.select("position", "donor_score"))
    reads.genes.clear()
    expect(opened.frame.head(290).collect(engine=engine), expected.head(290))
    assert reads.genes == ["PLUS", "MINUS"]
    expect(opened.frame.slice(275, 10).collect(engine=engine), expected.slice(275, 10))
    assert opened.frame.filter(pl.col("gene_id") == "NONE").collect(engine=engine).is_empty()


# --- names and pieces


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("G chr1:5-9(+)", ("G", "chr1", "+", 5, 9, None, 5)),
        ("G chr1:5-9(-):+", ("G", "chr1", "-", 5, 9, None, 5)),
        ("G::chrUn_X1:5-9(-):+", ("G", "chrUn_X1", "-", 5, 9, None, 5)),
        ("gene:G 7:5-9(+):+", ("gene:G", "7", "+", 5, 9, None, 5)),
        ("chr1:5-9(+) and words:+", ("chr1:5-9(+)", "chr1", "+", 5, 9, None, 5)),
        ("G:3-6(.):+", ("G", None, None, None, None, 2, 4)),
        ("G and words:-", ("G", None, None, None, None, None, None)),
    ],
)
def test_names_say_gene_and_place(name: str, expected: tuple[Any, ...]) -> None:
    row = parse_names(pl.DataFrame({"name": [name]})).row(0, named=True)

    keys = ("gene_id", "chrom", "strand", "start", "end", "part", "length")
    assert tuple(row[key] for key in keys) == expected


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize("spans", [None, SPANS])
def test_pieces_of_a_long_gene_are_put_together(
    tmp_path: Path, spans: Places | None, mirrored: bool
) -> None:
    # As the splitting writes them: names count along the sequence, on the - strand, too; or as
    # they would be right.
    names, sequences = [], []
    for gene, (chrom, strand, start, end) in FLANKED.items():
        bases = bases_of(FLANKED[gene])
        for first in range(0, len(bases), 100):
            low, high = max(first - 20, 0), min(first + 120, len(bases))
            place = (start + low, start + high - 1)
            if strand == "-" and not mirrored:
                place = (end - high + 1, end - low)
            names.append(f"{gene} {chrom}:{place[0]}-{place[1]}({strand}):+")
            sequences.append(bases[low:high])
    path = write_h5(tmp_path, names, sequences)

    found = scan_files([str(path)], spans_of(spans) if spans else None)

    expect(found, naive(FLANKED, spans, base=True))
    order = [4, 3, *range(5, len(names)), 0, 1, 2]
    shuffled = ([names[i] for i in order], [sequences[i] for i in order], "MINUS")
    renamed = ([name.replace("MINUS", "PLUS") for name in names], sequences, "PLUS")
    for wrong_names, wrong_sequences, gene in (shuffled, renamed):
        write_h5(tmp_path, wrong_names, wrong_sequences)
        with pytest.raises(InputError, match=f"sequences named {gene}"):
            sm.scan_scores(path)


def test_a_first_piece_that_the_donors_file_lacks_comes_first(tmp_path: Path) -> None:
    bases = bases_of(FLANKED["PLUS"])
    texts = {"Donor": "", "Acceptor": ""}
    for low, high in ((0, 150), (130, 280)):
        name = f"PLUS chr1:{61 + low}-{60 + high}(+)"
        for i, (donor, acceptor, _) in enumerate(writer.naive_scores(bases[low:high])):
            at = 60 + low + i
            if donor and low:
                texts["Donor"] += f"chr1\t{at}\t{at + 1}\t{name}_Donor\t{donor:.6f}\t+\n"
            if acceptor:
                line = f"chr1\t{at - 1}\t{at}\t{name}_Acceptor\t{acceptor:.6f}\t+\n"
                texts["Acceptor"] += line
    for name, text in zip(NAMES, texts.values(), strict=True):
        (tmp_path / name).write_text(text)

    # The overlap is cut in its middle: index 140, position 141.
    listed = pl.col("position") > 140
    expected = naive({"PLUS": FLANKED["PLUS"]}).with_columns(
        donor_score=pl.when(listed).then("donor_score").otherwise(0.0).cast(pl.Float32),
        neither_score=pl.when(listed).then("neither_score").otherwise(1 - pl.col("acceptor_score")),
    )
    expect(sm.scan_scores(tmp_path), expected)


def test_pieces_without_place_need_no_spans(tmp_path: Path) -> None:
    bases = bases_of(FLANKED["PLUS"])
    cuts = [(0, 120), (80, 220), (180, len(bases))]
    names = [f"PLUS:{low + 1}-{high}(.):+" for low, high in cuts]
    path = write_h5(tmp_path, names, [bases[low:high] for low, high in cuts])

    columns = ["gene_id", "position", "donor_score", "acceptor_score", "neither_score", "base"]
    expect(sm.scan_scores(path), naive({"PLUS": FLANKED["PLUS"]}, base=True).select(columns))
    write_h5(tmp_path, [names[0], names[2]], [bases[:120], bases[180:]])
    with pytest.raises(InputError, match="adjacent pieces"):
        sm.scan_scores(path)


# --- wrong files


def change(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / NAMES[0]).write_text(text) and None


OTHER_BED = "chr1\t5\t6\tpeak1\t0.5\t+\n"
LINE = "chr1\t66\t67\tG chr1:61-340(+)_Donor\t0.28\t+"
WRONG: dict[str, tuple[Callable[[Path], None], str]] = {
    "another BED": (change(OTHER_BED), "is not a BED file of OpenSpliceAI: its names"),
    "three columns": (change("chr1\t5\t6\n"), "is not a BED file of OpenSpliceAI"),
    "a header": (change("track name=x\n" + LINE + "\n"), "is not a BED file of OpenSpliceAI"),
    "wide intervals": (change(LINE.replace("67", "70") + "\n"), "first in sequence G chr1"),
    "no probability": (change(LINE.replace("0.28", "x") + "\n"), "first in sequence G chr1"),
    "above 1": (change(LINE.replace("0.28", "28") + "\n"), "first in sequence G chr1"),
    "no strand": (change(LINE[:-1] + ".\n"), "first in sequence G chr1"),
    "one odd width": (change(LINE + "\n" + LINE.replace("67", "68")), "first in sequence G chr1"),
    "eight columns": (change(LINE + "\tabsolute_coordinates\t1\n"), "first in sequence G chr1"),
    "in two places": (
        change(f"{LINE}\n{LINE.replace('G ', 'H ')}\n{LINE}\n"), "stands in two places",
    ),
    "Windows": (change(LINE + "\r\n"), "is not a BED file|line ends"),
    "no place": (
        change(LINE.replace("G chr1:61-340(+)", "chr1:1-340(.):+") + "\n"), "outside of its 340",
    ),
    "outside": (change(LINE.replace("66\t67", "9066\t9067") + "\n"), "outside of its 280 bases"),
    "two donors": (change((PLACED / NAMES[1]).read_text()), "donors is missing"),
    "missing": (lambda folder: (folder / NAMES[0]).unlink(), "donors is missing"),
    "truncated": (
        lambda folder: (folder / NAMES[0]).write_text((PLACED / NAMES[0]).read_text()[:-20])
        and None,
        "is not a BED file of OpenSpliceAI",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_bed_files_are_refused_in_two_plain_lines(tmp_path: Path, case: str) -> None:
    shutil.copytree(PLACED, tmp_path, dirs_exist_ok=True)
    spoil, message = WRONG[case]
    spoil(tmp_path)

    with pytest.raises(InputError, match=message) as caught:
        open_scores(tmp_path)
    assert_two_lines(caught.value)


def assert_two_lines(error: InputError) -> None:
    assert error.hint
    assert len(str(error).splitlines()) == 2
    assert error.message.endswith(".")


def test_wrong_sets_of_files_are_refused(tmp_path: Path) -> None:
    for source, message in (
        ([PLACED / NAMES[0]], "the file of the acceptors is missing"),
        ([PLACED, PLACED / NAMES[0]], "3 BED files"),
        ([PLACED, tmp_path / "x.csv"], "together with others"),
        ([tmp_path / "x.csv", PLACED], "together with others"),
        ([tmp_path / "empty.bed"], "empty.bed is empty"),
        ([tmp_path / "donor_predictions.bed.gz"], "is compressed"),
    ):
        (tmp_path / "x.csv").write_text("gene_id\nA\n")
        (tmp_path / "empty.bed").write_text("")
        (tmp_path / "donor_predictions.bed.gz").write_bytes(b"\x1f\x8b")
        with pytest.raises(InputError, match=message) as caught:
            open_scores(source)
        assert_two_lines(caught.value)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("chr2", "+", 101, 300), "lies on chr1"),
        (("chr1", "-", 101, 300), r"lies on chr1 \(\+\)"),
        (("chr1", "+", 60, 300), "do not cover its span 60-300"),
        (("chr1", "+", 101, 341), "do not cover its span 101-341"),
    ],
)
def test_another_annotation_is_refused(place: tuple[str, str, int, int], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        scan_files(beds(PLACED), spans_of(SPANS | {"PLUS": place}))
    assert_two_lines(caught.value)
    twice = pl.concat([spans_of(SPANS), spans_of({"PLUS": place})])
    with pytest.raises(InputError, match="Gene PLUS lies in several places"):
        scan_files(beds(PLACED), twice)


def test_a_span_shorter_than_its_listed_scores_is_refused(tmp_path: Path) -> None:
    for name, label in zip(NAMES, ("Donor", "Acceptor"), strict=True):
        lines = f"G:+\t5000\t5001\tG:+_{label}\t0.5\t+\tabsolute_coordinates\n"
        (tmp_path / name).write_text(lines)

    with pytest.raises(InputError, match="of G outside of its 5,000 bases"):
        scan_files(beds(tmp_path), spans_of({"G": ("chr1", "+", 1, 5000)}))
    found = scan_files(beds(tmp_path), spans_of({"G": ("chr1", "+", 1, 5002)})).collect()
    assert found.filter(pl.col("donor_score") > 0)["position"].to_list() == [5001]
    assert found.filter(pl.col("acceptor_score") > 0)["position"].to_list() == [5002]


def test_wrong_hdf5_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_placed(tmp_path / "good")
    whole = path.read_bytes()

    def refused(message: str, source: Any = path, spans: Places | None = None) -> None:
        with pytest.raises(InputError, match=message) as caught:
            scan_files([str(source)], spans_of(spans) if spans else None)
        assert_two_lines(caught.value)

    refused("holds sequences and no scores", path.parent / "datafile.h5")
    path.write_bytes(whole[: len(whole) // 2])
    refused("predict.h5 cannot be read")
    path.write_bytes(b"no HDF5")
    refused("predict.h5 cannot be read")
    fewer = write_placed(tmp_path / "fewer", {"PLUS": FLANKED["PLUS"]})
    path.write_bytes(fewer.read_bytes())
    refused("has 1 blocks of scores, the sequences of .* need 4")
    (path.parent / "datafile.h5").unlink()
    refused("no datafile.h5 next to")
    write_h5(path.parent, ["G chr1:1-11(+):+"], ["ACGTACGTAC"])
    refused("has 10 bases, its name says 11")
    write_h5(path.parent, ["G:+"], ["ACGTACGTAC"])
    refused("do not cover its span 1-11", spans={"G": ("chr1", "+", 1, 11)})
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file["X0"] = np.zeros(3)
    refused("no dataset predictions")
    monkeypatch.setitem(sys.modules, "h5py", None)
    refused("h5py is needed")


# --- what the installed package writes


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    # A module of it: its name alone is that of a folder here.
    for name in ("torch", "h5py", "pyfaidx", "openspliceai.train_base"):
        pytest.importorskip(name)
    return writer.load_package(monkeypatch)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("predict_all", [True, False])
def test_the_installed_package_writes_the_committed_files(
    tmp_path: Path, package: ModuleType, predict_all: bool
) -> None:
    for name in ("genome.fa", "plain.fa"):
        shutil.copy(FOLDER / name, tmp_path)
    placed = writer.run_package(
        package, tmp_path / "a", tmp_path / "genome.fa", FOLDER / "genes.gff",
        predict_all=predict_all,
    )  # fmt: skip
    plain = writer.run_package(
        package, tmp_path / "b", tmp_path / "plain.fa", None, predict_all=predict_all
    )

    for made, committed in ((placed, PLACED), (plain, PLAIN)):
        for name in NAMES:
            assert (made / name).read_text() == (committed / name).read_text()
    if predict_all:
        expect(sm.scan_scores(tmp_path / "a"), naive(FLANKED, base=True))
        genes = {gene: SPANS[gene] for gene in ("PLUS", "MINUS")}
        made_h5 = scan_files([str(plain / "predict.h5")], spans_of(SPANS))
        expect(made_h5, naive(genes, base=True))


@pytest.mark.filterwarnings("ignore")
def test_the_installed_package_splits_long_genes_as_is_read_here(
    tmp_path: Path, package: ModuleType
) -> None:
    rng = np.random.default_rng(5)
    bases = "".join(rng.choice(list("ACGT"), 14_000))
    GENOME["chr9"] = bases
    (tmp_path / "long.fa").write_text(f">chr9\n{bases}\n")
    places: Places = {"L": ("chr9", "+", 101, 13_000), "M": ("chr9", "-", 61, 13_900)}
    (tmp_path / "long.gff").write_text(
        "".join(
            f"{c}\tx\tgene\t{s}\t{e}\t.\t{t}\t.\tID={gene}\n"
            for gene, (c, t, s, e) in places.items()
        )
    )

    made = writer.run_package(
        package, tmp_path / "out", tmp_path / "long.fa", tmp_path / "long.gff",
        split=6000, flank=0,
    )  # fmt: skip

    expect(sm.scan_scores(made / "predict.h5"), naive(places, base=True))
    expect(sm.scan_scores(beds(made)), naive(places))
