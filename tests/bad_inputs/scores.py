from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
from conftest import FIXTURES

from bad_inputs import GENE, Case, Said, real, run_of, run_on

SHORT = "ENSG00000164039"  # on -, 22,279 positions, 16 confident sites
GTF, FASTA = FIXTURES / "annotation.gtf.gz", FIXTURES / "region.fa.gz"
COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}
POSITION, PLACE, BASE = pl.col("position"), pl.col("genomic_position"), pl.col("base")
TRUTH, STRAND = pl.col("splice_type"), pl.col("strand")

Change = Callable[[pl.DataFrame], pl.DataFrame]
Make = Callable[[Path], Sequence[str | Path]]


def whole(change: Change = lambda table: table) -> pl.DataFrame:
    return change(real(30_000, gene=SHORT))


def inspect_on(change: Change, name: str = "s.parquet", rows: int = 30_000) -> Make:
    def make(folder: Path) -> list[str | Path]:
        table = change(real(rows, gene=SHORT))
        if name.endswith(".tsv"):
            table.write_csv(folder / name, separator="\t")
        else:
            table.write_parquet(folder / name)
        return ["inspect", name]

    return make


def run_beside(change: Change, *more: str | Path, rows: int = 30_000) -> Make:
    def make(folder: Path) -> list[str | Path]:
        change(real(rows, gene=SHORT)).write_parquet(folder / "s.parquet")
        return run_of("s.parquet", *more)

    return make


def two_models(first: pl.DataFrame, other: pl.DataFrame) -> Make:
    def make(folder: Path) -> list[str | Path]:
        first.write_parquet(folder / "a.parquet")
        other.write_parquet(folder / "b.parquet")
        more = ["--scores", "b=b.parquet", "--manifest", "m.csv", "-o", "f.parquet"]
        (folder / "m.csv").write_text("feature\na.donor_score\nb.donor_score\n")
        return ["features", "--scores", "a=a.parquet", *more]

    return make


def few(first: int, count: int, donor: int, strand: str = "+") -> pl.DataFrame:
    """A gene on chr1 with genomic positions from ``first`` and a donor at one of them."""
    places = list(range(first, first + count))
    places = places if strand == "+" else places[::-1]
    sure = [0.9 if place == donor else 0.0 for place in places]
    return pl.DataFrame(
        {"gene_id": "G", "chrom": "chr1", "strand": strand, "position": range(1, count + 1),
         "genomic_position": places, "donor_score": sure, "acceptor_score": 0.0}
    )  # fmt: skip


def features_of(table: pl.DataFrame, *names: str) -> Make:
    def make(folder: Path) -> list[str | Path]:
        table.write_parquet(folder / "s.parquet")
        (folder / "m.csv").write_text("\n".join(["feature", *names]) + "\n")
        return ["features", "--scores", "s.parquet", "--manifest", "m.csv", "-o", "f.parquet"]

    return make


def train_on(change: Change) -> Make:
    def make(folder: Path) -> list[str | Path]:
        table = pl.concat([change(real(3000, gene=gene)) for gene in (GENE, SHORT)])
        table.write_parquet(folder / "s.parquet")
        return ["train", "--scores", "s.parquet", "--output", "bundle"]

    return make


def train_with(*more: str) -> Make:
    def make(folder: Path) -> list[str | Path]:
        return [*train_on(lambda table: table)(folder), *more]

    return make


def with_dataset(dataset: pl.DataFrame) -> Make:
    def make(folder: Path) -> list[str | Path]:
        (folder / "seen").mkdir()
        dataset.write_csv(folder / "seen/analysis_sequences_4_chunk_1_500.tsv", separator="\t")
        real(600, gene=SHORT).write_parquet(folder / "s.parquet")
        return run_of("s.parquet", "--training-dataset", "seen")

    return make


def set_at(name: str, rows: Sequence[int], value: object) -> Change:
    """Changes some rows of a column."""

    def change(table: pl.DataFrame) -> pl.DataFrame:
        values = table[name].to_list()
        for row in rows:
            values[row] = value
        return table.with_columns(pl.Series(name, values, strict=False))

    return change


def along_the_genome(table: pl.DataFrame) -> pl.DataFrame:
    return table.reverse().with_columns(position=pl.int_range(1, pl.len() + 1))


def trained_rows(said: Said) -> list[int]:
    return said.predictions.filter("in_training")["position"].to_list()


def donors_together(said: Said) -> None:
    found = pl.read_parquet(said.folder / "f.parquet")
    where = found.filter(pl.col("a.donor_score") > 0.5)
    assert where.height == 1
    assert where["b.donor_score"][0] > 0.5


def same_as_without(change: Change) -> Callable[[Said], None]:
    """The numbers are those of the unchanged table, sequence features among them."""

    def then(said: Said) -> None:
        import splice_meta as sm

        table, manifest = real(600, gene=SHORT), sm.load_manifest("reference124")
        found, expected = (
            sm.plan_features(each, manifest).collect() for each in (change(table), table)
        )
        assert found.equals(expected)

    return then


def neither_everywhere(said: Said) -> None:
    import splice_meta as sm

    found = sm.scan_scores(str(said.folder / "s.parquet")).collect()["splice_type"]
    assert found.to_list()[:3] == ["neither", "neither", "neither"]
    assert found.null_count() == 0


def seen(positions: list[int], **more: object) -> pl.DataFrame:
    return pl.DataFrame({"gene_id": SHORT, "position": positions, **more})


def codes(order: dict[int, int]) -> Change:
    return lambda table: table.with_columns(splice_type=TRUTH.replace_strict(order))


def names_of(blank: str | None) -> Change:
    return lambda table: table.with_columns(
        splice_type=TRUTH.replace_strict({0: blank, 1: "donor", 2: "acceptor"}, default=blank,
                                         return_dtype=pl.String)
    )  # fmt: skip


def rna(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(BASE.str.replace("T", "U"))


def agentic(strand: str | int | None) -> Change:
    return lambda table: table.select(
        "gene_id", "chrom", strand=pl.lit(strand), gene_start=PLACE.min(), gene_end=PLACE.max(),
        position=PLACE, donor_prob="donor_score", acceptor_prob="acceptor_score",
        neither_prob="neither_score",
    ).sort("position")  # fmt: skip


def counted_from_the_3_prime_end(said: Said) -> None:
    found = said.predictions.sort("position")
    assert found["position"].to_list() == list(range(1, 601))
    places = found["genomic_position"].to_list()
    assert places == sorted(places, reverse=True)
    expected = real(600, gene=SHORT)["donor_score"].to_list()
    assert found["donor_score"].to_list() == expected


SINGLE_ROWS = [
    Case(
        name="a score is NaN",
        make=run_on(lambda table: table.with_columns(donor_score=pl.lit(float("nan")))),
        words=["donor_score", "600 NaN", "ENSG00000164038"],
    ),
    Case(
        name="no column position",
        make=run_on(lambda table: table.drop("position")),
        words=["no column position", "rename"],
    ),
    Case(
        name="a negative position",
        make=run_on(lambda table: table.with_columns(POSITION - 5)),
        words=["position", "not a whole number from 0 to 549,755,813,887", "4 rows"],
    ),
    Case(
        name="positions beyond 2^39",
        make=run_on(lambda table: table.with_columns(POSITION + (1 << 39))),
        words=["position", "from 0 to 549,755,813,887", "600 rows"],
    ),
    Case(
        name="positions near 2^63",
        make=run_on(lambda table: table.with_columns(POSITION + (1 << 62))),
        words=["position", "not a whole number from 0"],
    ),
    Case(
        name="positions beyond 2^63, unsigned",
        make=run_on(lambda t: t.with_columns(
            POSITION.cast(pl.UInt64) + pl.lit(1 << 63, pl.UInt64))),
        words=["position", "not a whole number from 0"],
    ),
    Case(
        name="a fraction as position",
        make=run_on(lambda table: set_at("position", [3], 4.5)(table.cast({"position": float}))),
        words=["position", "not a whole number", "1 rows"],
    ),
    Case(
        name="whole floats as positions",
        make=run_on(lambda table: table.cast({"position": pl.Float64})),
        status=0,
        then=lambda said: said.predictions["position"].to_list() == list(range(1, 601)) or fail(),
    ),
    Case(
        name="a missing position among floats",
        make=run_on(lambda t: set_at("position", [3], float("nan"))(t.cast({"position": float}))),
        words=["position", "null in 1 rows"],
    ),
    Case(
        name="positions as truth values",
        make=run_on(lambda table: table.with_columns(position=POSITION > 3)),
        words=["position", "has the type Boolean", "integer"],
    ),
    Case(
        name="positions as text",
        make=run_on(lambda table: table.cast({"position": pl.String})),
        words=["position", "has the type String"],
    ),
    Case(
        name="a fraction as genomic position",
        make=run_on(lambda table: set_at("genomic_position", [3], 1.5)(
            table.cast({"genomic_position": float}))),
        words=["genomic_position", "not a whole number", "1 rows"],
    ),
    Case(
        name="a negative genomic position",
        make=run_on(lambda table: table.with_columns(PLACE - 200_000_000)),
        words=["genomic_position", "not a whole number from 0", "600 rows"],
    ),
    Case(
        name="genomic positions missing on some rows",
        make=run_on(set_at("genomic_position", [3, 4], None)),
        words=["genomic_position is empty in 2 of 600 rows", GENE, "every row of a gene"],
    ),
]  # fmt: skip

STRAND_AND_ORDER = [
    Case(
        name="a gene on - numbered along the genome",
        make=run_on(along_the_genome),
        words=["count 5' to 3'", "along the genome", GENE, "from the highest genomic_position"],
    ),
    Case(
        name="a gene on + numbered against the genome",
        make=run_on(lambda table: table.with_columns(strand=pl.lit("+"))),
        words=["against the genome", "+ strand", "from the lowest genomic_position"],
    ),
    Case(
        name="a gene on reverse numbered along the genome",
        make=run_on(lambda t: along_the_genome(t).with_columns(strand=pl.lit("Reverse"))),
        words=["along the genome", "- strand"],
    ),
    Case(
        name="positions along the transcript, introns left out",
        make=run_on(lambda t: t.filter(~POSITION.is_between(100, 200)).with_columns(
            position=pl.int_range(1, pl.len() + 1))),
        words=["do not move together", GENE, "introns too"],
    ),
    Case(
        name="one genomic position is wrong",
        make=run_on(set_at("genomic_position", [300], 5)),
        words=["do not move together", GENE],
    ),
    Case(
        name="a strand that is none",
        make=run_on(lambda table: table.with_columns(strand=pl.lit("R"))),
        words=["strand of gene", "'R'", "+ or -"],
    ),
    *(
        Case(
            name=f"a strand written {word!r}",
            make=inspect_on(lambda t, word=word: t.with_columns(strand=pl.lit(word)), rows=600),
            status=0,
            never=["strand of"],
        )
        for word in (-1, "-1", "minus", "REVERSE", "\N{MINUS SIGN}", ".", None)
    ),
    *(
        Case(
            name=f"a strand written {word!r} on -",
            make=run_on(lambda table, word=word: table.with_columns(strand=pl.lit(word))),
            words=["against the genome"],
        )
        for word in (1, "1", "plus", "Forward")
    ),
    Case(
        name="the strand changes inside a gene",
        make=run_on(set_at("strand", range(300, 600), "+")),
        words=["strand changes inside gene", GENE],
    ),
    Case(
        name="the strand is missing on one row",
        make=run_on(set_at("strand", [17], None)),
        words=["strand changes inside gene", GENE],
    ),
    Case(
        name="the chromosome changes inside a gene",
        make=run_on(set_at("chrom", range(300), "5")),
        words=["chromosome changes inside gene", GENE],
    ),
    Case(
        name="the other strand than in the annotation",
        make=run_beside(lambda t: along_the_genome(t).with_columns(strand=pl.lit("+")),
                        "--annotation", GTF),
        words=["lie on the other strand in the annotation", SHORT, "correct strand and order"],
        never=["assembly"],
    ),
    Case(
        name="numbered along the genome, the strand only in the annotation",
        make=run_beside(lambda t: along_the_genome(t).drop("strand"), "--annotation", GTF),
        words=["counts its positions along the + strand", "on - in the annotation"],
    ),
    Case(
        name="genomic positions from 0",
        make=run_beside(lambda t: t.with_columns(PLACE - 1), "--annotation", GTF),
        words=["where the annotation puts", "counted from 0"],
    ),
    *(
        Case(
            name=f"agentic-spliceai's layout with strand {word!r}",
            make=run_beside(agentic(word), rows=600),
            status=0,
            then=counted_from_the_3_prime_end,
        )
        for word in ("-1", -1, "minus", "reverse", "\N{MINUS SIGN}")
    ),
    *(
        Case(
            name=f"agentic-spliceai's layout with strand {word!r}",
            make=run_beside(agentic(word), rows=600),
            words=["strand of gene", SHORT, said, "which end"],
        )
        for word, said in (("R", "'R'"), (".", "not known"), (None, "not known"), (0, "'0'"))
    ),
    Case(
        name="agentic-spliceai's layout without strand",
        make=run_beside(lambda table: agentic("-")(table).drop("strand"), rows=600),
        words=["strand of gene", "not known"],
    ),
]  # fmt: skip

BASES = [
    Case(
        name="bases of RNA",
        make=run_on(rna),
        status=0,
        never=["not known"],
        then=same_as_without(rna),
    ),
    Case(
        name="bases in lower case",
        make=run_on(lambda table: table.with_columns(BASE.str.to_lowercase())),
        status=0,
        then=same_as_without(lambda table: table.with_columns(BASE.str.to_lowercase())),
    ),
    Case(
        name="bases of more than one letter",
        make=run_on(set_at("base", [2, 3], "AC")),
        words=["base", "no letter of a nucleotide in 2 rows", "'AC'", GENE],
    ),
    Case(
        name="a base that is not a letter",
        make=run_on(set_at("base", [2], "-")),
        words=["no letter of a nucleotide in 1 rows", "'-'"],
    ),
    Case(
        name="an empty base",
        make=run_on(set_at("base", [2], "")),
        words=["no letter of a nucleotide in 1 rows", "''"],
    ),
    Case(
        name="a protein for bases",
        make=run_on(set_at("base", range(0, 600, 3), "L")),
        words=["no letter of a nucleotide in 200 rows", "'L'"],
    ),
    Case(
        name="a third of the bases N",
        make=run_on(set_at("base", range(0, 600, 3), "N")),
        status=0,
        words=["200 of 600 positions (33.3%)", "not known"],
    ),
    Case(
        name="ambiguous letters",
        make=run_on(set_at("base", range(0, 600, 6), "r")),
        status=0,
        words=["100 of 600 positions (16.7%)", "100 of them other letters than N"],
    ),
    Case(
        name="bases missing",
        make=run_on(set_at("base", range(0, 600, 6), None)),
        status=0,
        words=["100 of 600 positions", "not known"],
    ),
    Case(
        name="bases of the other strand",
        make=inspect_on(lambda t: t.with_columns(BASE.replace(COMPLEMENT))),
        status=0,
        words=["of 16 confident sites on the - strand only 0", SHORT, "of the other strand"],
    ),
    Case(
        name="gene and bases along the genome, no places",
        make=inspect_on(lambda t: along_the_genome(t).with_columns(BASE.replace(COMPLEMENT))
                        .drop("genomic_position")),
        status=0,
        words=["confident sites", "reverse complement"],
    ),
    Case(
        name="gene along the genome, no places",
        make=inspect_on(lambda t: along_the_genome(t).drop("genomic_position")),
        status=0,
        words=["confident sites", "counted the other way"],
    ),
    *(
        Case(
            name=f"bases off by {by}",
            make=inspect_on(lambda t, by=by: t.with_columns(BASE.shift(by, fill_value="N"))),
            status=0,
            words=[f"off by {abs(by)}", "before" if by < 0 else "behind"],
        )
        for by in (1, -1, 2)
    ),
    Case(
        name="bases of nothing in particular",
        make=inspect_on(lambda t: t.with_columns(BASE.shuffle(4))),
        status=0,
        words=["neither the other strand nor a shift"],
    ),
    Case(
        name="donor and acceptor scores changed places",
        make=inspect_on(lambda t: t.rename(
            {"donor_score": "acceptor_score", "acceptor_score": "donor_score"}
        ).drop("splice_type")),
        status=0,
        words=["donor and acceptor scores changed places"],
    ),
    Case(
        name="a FASTA that lies a base off",
        make=run_beside(lambda t: t.drop("base").with_columns(PLACE + 1), "--fasta", FASTA),
        status=0,
        words=["confident sites on the - strand", "off by 1"],
    ),
    Case(
        name="a FASTA and the other strand",
        make=run_beside(lambda t: along_the_genome(t).drop("base").with_columns(
            strand=pl.lit("+")), "--fasta", FASTA),
        status=0,
        words=["confident sites on the + strand", "other strand"],
    ),
]  # fmt: skip

GAPS = [
    Case(
        name="every other position",
        make=run_on(lambda table: table.filter(POSITION % 2 == 1)),
        status=0,
        words=["299 of 599 positions (49.9%)", GENE],
        then=lambda said: missing_is(said, 299),
    ),
    Case(
        name="a few positions missing",
        make=run_on(lambda table: table.filter(POSITION != 300)),
        status=0,
        never=["take a missing position"],
        then=lambda said: missing_is(said, 1),
    ),
]

TRUTHS = [
    *(
        Case(
            name=f"{blank!r} beside names of classes",
            make=run_beside(names_of(blank)),
            status=0,
            then=neither_everywhere,
        )
        for blank in ("", None, "NA")
    ),
    Case(
        name="nothing but missing truths",
        make=run_on(lambda table: table.with_columns(splice_type=pl.lit(None, pl.String))),
        words=["splice_type", "no value in 600 rows", "leave the column out"],
    ),
    Case(
        name="missing beside codes",
        make=run_on(set_at("splice_type", [3], None)),
        words=["splice_type", "1 rows", GENE],
    ),
    Case(
        name="missing beside codes as text",
        make=run_on(lambda t: set_at("splice_type", [3], None)(t.cast({"splice_type": pl.String}))),
        words=["splice_type", "1 rows", "the rest are codes"],
    ),
    Case(
        name="a fraction as truth",
        make=run_on(lambda t: set_at("splice_type", [3], 0.5)(t.cast({"splice_type": float}))),
        words=["splice_type", "none of its values in 1 rows"],
    ),
    Case(
        name="whole floats as truth",
        make=run_on(lambda table: table.cast({"splice_type": pl.Float32})),
        status=0,
    ),
    Case(
        name="other words as truth",
        make=run_on(lambda t: set_at("splice_type", [3, 4], "Exon")(names_of("neither")(t))),
        words=["splice_type", "2 rows", "'Exon'", "neither, 1 or donor"],
    ),
    Case(
        name="a code too many",
        make=run_on(set_at("splice_type", [3], 3)),
        words=["splice_type", "1 rows"],
    ),
    Case(
        name="the order of agentic-spliceai's codes",
        make=inspect_on(codes({0: 2, 1: 0, 2: 1})),
        status=0,
        words=["contradicts the scores", "agentic-spliceai"],
    ),
    Case(
        name="another order of the codes",
        make=inspect_on(codes({0: 1, 1: 0, 2: 2})),
        status=0,
        words=["contradicts the scores", "0 is donor, 1 is neither, 2 is acceptor"],
    ),
    Case(
        name="donor and acceptor changed places in the truth",
        make=inspect_on(codes({0: 0, 1: 2, 2: 1})),
        status=0,
        words=["contradicts the scores", "donor and acceptor have changed places"],
    ),
    Case(
        name="a truth that is off by one",
        make=inspect_on(lambda t: t.with_columns(TRUTH.shift(1, fill_value=0))),
        status=0,
        words=["score below their surroundings", "off by 1"],
    ),
    Case(
        name="a truth of other genes",
        make=inspect_on(lambda t: t.with_columns(TRUTH.shuffle(5))),
        status=0,
        words=["score below their surroundings", "other genes"],
    ),
    Case(
        name="a truth with sites everywhere",
        make=inspect_on(lambda t: t.with_columns(splice_type=(POSITION % 9 == 0).cast(pl.Int8))),
        status=0,
        words=["more than one in 20"],
    ),
    Case(
        name="training on a fraction as truth",
        make=train_on(lambda t: set_at("splice_type", [3], 0.5)(t.cast({"splice_type": float}))),
        words=["splice_type", "none of its values in 2 rows"],
    ),
    Case(
        name="chromosomes the base model saw that are not there",
        make=train_with("--base-trained-chroms", "chr7,8"),
        words=["no gene lies on a chromosome", "(7, 8)", "check the names"],
    ),
    Case(
        name="a usage above 1",
        make=train_on(lambda t: t.with_columns(usage=1.5)),
        words=["usage", "not from 0 to 1 at", "give shares"],
    ),
    Case(
        name="a usage in words",
        make=train_on(lambda t: t.with_columns(usage=pl.lit("often"))),
        words=["column usage", "type String", "give shares"],
    ),
    Case(
        name="evaluating words as truth",
        make=lambda folder: ["evaluate", *inspect_on(
            lambda t: set_at("splice_type", [3], "x")(names_of("neither")(t)))(folder)[1:]],
        words=["splice_type", "'x'"],
    ),
]  # fmt: skip

SEVERAL = [
    Case(
        name="two base models that begin at different bases",
        make=two_models(few(100, 3, 101), few(98, 5, 101)),
        status=0,
        words=["b numbers 1 genes from another base on", "genomic position"],
        then=donors_together,
    ),
    Case(
        name="two base models that begin at different bases, on -",
        make=two_models(few(100, 3, 101, "-"), few(99, 6, 101, "-")),
        status=0,
        words=["from another base on"],
        then=donors_together,
    ),
    Case(
        name="two base models on different chromosomes",
        make=two_models(few(100, 3, 101), few(100, 3, 101).with_columns(chrom=pl.lit("2"))),
        words=["gene g lies on chr1 (+) in the scores of a, on 2 (+) in those of b"],
    ),
    Case(
        name="two base models on different strands",
        make=two_models(few(100, 3, 101), few(100, 3, 101, "-")),
        words=["on chr1 (+)", "on chr1 (-)"],
    ),
    Case(
        name="one base model lacks genomic positions of the other",
        make=two_models(few(98, 5, 101), few(100, 3, 101)),
        words=["scores of b lack 2 positions of a", "genomic_position"],
    ),
    Case(
        name="the same positions at other places",
        make=two_models(few(100, 3, 101), few(5_100, 3, 5_101)),
        words=["scores of b lack 3 positions of a"],
    ),
    Case(
        name="one chromosome by two names",
        make=two_models(few(100, 3, 101), few(100, 3, 101).with_columns(chrom=pl.lit("1"))),
        status=0,
        then=donors_together,
    ),
]

COLUMNS = [
    Case(
        name="a column that the manifest names",
        make=features_of(real().with_columns(phylop_mean=POSITION * 0.5), "phylop_mean"),
        status=0,
        never=["filled"],
        then=lambda said: feature_is(said, "phylop_mean", [n * 0.5 for n in range(1, 601)]),
    ),
    Case(
        name="a column of the manifest without some values",
        make=features_of(set_at("x", [0], None)(real().with_columns(x=POSITION * 0.5)), "x"),
        status=0,
        words=["x, a column of the base scores, filled with 0 in 1 rows"],
    ),
    Case(
        name="a column of the manifest that is text",
        make=features_of(real().with_columns(phylop_mean=pl.lit("high")), "phylop_mean"),
        words=["column phylop_mean", "type String", "numbers"],
    ),
    Case(
        name="a column of the manifest that is infinite",
        make=features_of(real().with_columns(phylop_mean=float("inf")), "phylop_mean"),
        words=["phylop_mean", "infinite in 600 rows"],
    ),
    Case(
        name="a score of the manifest without some values",
        make=features_of(real().with_columns(my_score=pl.lit(None, pl.Float32)), "my_score"),
        words=["my_score", "missing in 600 rows"],
    ),
]

TRAINED = [
    Case(
        name="training positions from 0",
        make=with_dataset(seen([0, 7])),
        status=0,
        words=["training dataset", "shifted by +1"],
        then=lambda said: trained_rows(said) == [1, 8] or fail(),
    ),
    Case(
        name="training positions from 0, told by scores",
        make=with_dataset(real(600, gene=SHORT).with_columns(
            POSITION - 1, donor_score=pl.when(POSITION == 9).then(0.6).otherwise("donor_score")
        )[5:12]),
        status=0,
        words=["training dataset"],
        then=lambda said: trained_rows(said) == list(range(6, 13)) or fail(),
    ),
    Case(
        name="training positions that may count from 0 or 1",
        make=with_dataset(seen([5, 7])),
        status=0,
        words=["nothing tells whether", "from 0 or from 1"],
        then=lambda said: trained_rows(said) == [5, 7] or fail(),
    ),
    Case(
        name="training positions from 0 and from 1",
        make=with_dataset(seen([0, 7, 600])),
        words=["training dataset count in different ways"],
    ),
]  # fmt: skip


def fail() -> None:
    raise AssertionError


def missing_is(said: Said, count: int) -> None:
    import json

    genes = json.loads((said.folder / "out/gene_manifest.json").read_text())["genes"]
    assert [gene["missing"] for gene in genes] == [count]
    report = (said.folder / "out/performance_report.txt").read_text()
    assert f"{count:,} positions (" in report
    logged = (said.folder / "out/inference_workflow.log").read_text()
    assert ("take a missing position" in logged) == (count > 6)
    assert ("take a missing position" in report) == (count > 6)


def feature_is(said: Said, name: str, values: list[float]) -> None:
    assert pl.read_parquet(said.folder / "f.parquet")[name].to_list() == values


CASES = [
    *SINGLE_ROWS, *STRAND_AND_ORDER, *BASES, *GAPS, *TRUTHS, *SEVERAL, *COLUMNS, *TRAINED,
]  # fmt: skip
