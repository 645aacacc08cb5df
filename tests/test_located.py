"""What annotation and FASTA add to a score table."""

from __future__ import annotations

import gzip
import logging
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from conftest import FIXTURES
from polars.testing import assert_frame_equal

import splice_meta as sm
from splice_meta.catalogue import GENOMIC
from splice_meta.contracts import chrom_code_expr
from splice_meta.errors import InputError
from splice_meta.reference.gene_features import gene_features
from splice_meta.reference.reference import open_reference
from splice_meta.sources.base_scores import open_scores
from splice_meta.sources.openspliceai.from_reference import spans_of
from splice_meta.training.subject import open_training

GTF = FIXTURES / "annotation.gtf.gz"
FASTA = FIXTURES / "region.fa.gz"
GENES = ["ENSG00000145354", "ENSG00000164039"]  # one on +, one on -


@pytest.fixture(scope="module")
def two_genes(demo_scores: pl.DataFrame) -> pl.DataFrame:
    kept = demo_scores.filter(pl.col("gene_id").is_in(GENES))
    assert set(kept["strand"]) == {"+", "-"}
    return kept


def gtf_with(tmp_path: Path, old: str, new: str) -> Path:
    text = gzip.decompress(GTF.read_bytes()).decode()
    assert old in text
    path = tmp_path / "changed.gtf"
    path.write_text(text.replace(old, new))
    return path


def test_bases_come_from_the_fasta_where_the_table_has_none(demo_scores: pl.DataFrame) -> None:
    found = sm.scan_scores(demo_scores.drop("base"), fasta=FASTA).collect()
    assert found["base"].to_list() == demo_scores["base"].to_list()


def test_bases_of_the_table_are_kept(two_genes: pl.DataFrame) -> None:
    other = two_genes.with_columns(base=pl.lit("N"))
    found = sm.scan_scores(other, fasta=FASTA).collect()
    assert set(found["base"]) == {"N"}


@pytest.mark.parametrize(
    "missing",
    [
        ("chrom",),
        ("strand",),
        ("genomic_position",),
        ("chrom", "strand", "genomic_position"),
        ("chrom", "strand", "genomic_position", "base"),
    ],
)
def test_places_come_from_the_annotation_where_the_table_has_none(
    two_genes: pl.DataFrame, missing: tuple[str, ...]
) -> None:
    found = sm.scan_scores(two_genes.drop(missing), annotation=GTF, fasta=FASTA).collect()
    for name in ("strand", "genomic_position", "base"):
        assert found[name].to_list() == two_genes[name].to_list(), name
    assert set(found.columns) == set(two_genes.columns) | set(GENOMIC)
    named = "chr4" if "chrom" in missing else "4"
    assert set(found["chrom"]) == {named}


def test_rows_in_pieces_get_the_same(two_genes: pl.DataFrame) -> None:
    bare = two_genes.drop("chrom", "strand", "genomic_position", "base")
    opened = open_scores(bare, None, open_reference(GTF, FASTA))
    whole = opened.all_rows().collect()
    parts = pl.concat([opened.batch(0, 1).collect(), opened.batch(1, 2).collect()])
    assert_frame_equal(parts, whole)
    same = [name for name in two_genes.columns if name not in ("chrom", "splice_type")]
    assert_frame_equal(whole.select(same), two_genes.select(same), check_dtypes=False)


def test_features_of_genes_are_those_of_the_annotation(two_genes: pl.DataFrame) -> None:
    scores = sm.scan_scores(two_genes, annotation=GTF)
    manifest = sm.FeatureManifest(tuple(GENOMIC))
    found = sm.plan_features(scores, manifest).collect()
    expected = gene_features(sm.open_annotation(GTF)).cast(
        {name: dtype for name, dtype in found.schema.items() if name in GENOMIC}
    )
    wanted = two_genes.select("gene_id", "position").join(
        expected, on="gene_id", how="left", maintain_order="left"
    )
    assert_frame_equal(found, wanted, check_dtypes=False)
    assert found["num_exons"].min() > 1
    assert set(found["chrom"]) == {4.0}


def test_the_annotation_wins_over_columns_of_the_scores(two_genes: pl.DataFrame) -> None:
    carried = two_genes.with_columns(num_exons=pl.lit(999.0))
    manifest = sm.FeatureManifest(("num_exons",))
    with_it = sm.plan_features(sm.scan_scores(carried, annotation=GTF), manifest).collect()
    without = sm.plan_features(sm.scan_scores(carried), manifest).collect()
    assert 999.0 not in set(with_it["num_exons"])
    assert set(without["num_exons"]) == {999.0}


@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_opened_scores_and_columns_give_the_same_features(
    two_genes: pl.DataFrame, engine: str
) -> None:
    opened = open_scores(two_genes.drop("base"), None, open_reference(GTF, FASTA))
    frame = sm.scan_scores(two_genes.drop("base"), annotation=GTF, fasta=FASTA)
    chosen = sm.Selection()
    one = sm.plan_features(opened, "reference124", selection=chosen).collect(engine=engine)
    other = sm.plan_features(frame, "reference124", selection=chosen).collect(engine=engine)
    assert_frame_equal(one, other, check_exact=True)
    assert one.null_count().sum_horizontal()[0] == 0


def test_truth_is_the_annotations(two_genes: pl.DataFrame) -> None:
    shuffled = two_genes.with_columns(splice_type=pl.lit(0, pl.Int8))
    opened = open_scores(shuffled, None, open_reference(GTF), truth=True)
    found = opened.all_rows().filter(pl.col("splice_type") != "neither").collect()
    sites = sm.open_annotation(GTF).splice_sites().filter(pl.col("gene_id").is_in(GENES))
    key = ["gene_id", "genomic_position", "splice_type"]
    assert_frame_equal(found.select(key).sort(key), sites.select(key).sort(key), check_dtypes=False)
    # Its transcripts are a part of those behind the table's own truth.
    named = {"donor": 1, "acceptor": 2}
    own = two_genes.filter(pl.col("splice_type") != 0).select(key).rows()
    mine = [(g, p, named[t]) for g, p, t in found.select(key).rows()]
    assert set(mine) < set(own)


def test_genes_without_truth_are_left_out(
    demo_scores: pl.DataFrame, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gtf = gtf_with(tmp_path, f'"{GENES[0]}"', '"ENSG00000000001"')
    with caplog.at_level(logging.WARNING, "splice_meta"):
        opened = open_scores(demo_scores, None, open_reference(gtf), truth=True)
    left = set(demo_scores["gene_id"]) - set(opened.table.genes["gene_id"])
    assert left == {GENES[0]}
    assert f"1 genes are not in the annotation and are left out, first {GENES[0]}" in caplog.text


def test_genes_that_the_annotation_lacks_are_filled_and_counted(
    two_genes: pl.DataFrame, tmp_path: Path
) -> None:
    gtf = gtf_with(tmp_path, f'"{GENES[0]}"', '"ENSG00000000001"')
    model = sm.train(two_genes, "reference124", annotation=GTF, annotation_features=True,
                     settings=QUICK)  # fmt: skip
    result = sm.run(two_genes, model, tmp_path / "out", annotation=gtf)
    assert "1 of 2 genes" in result.report
    assert f"first {GENES[0]}" in result.report
    whole = sm.run(two_genes, model, tmp_path / "whole", annotation=GTF)
    assert "124, all computed\n" in whole.report
    assert "Filled features\n  none" in whole.report


QUICK = sm.TrainSettings(
    rounds=8, folds=2, repeats=1, calibration="none", colsample=1.0, threads=1, parallel_trees=1
)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("chr4\t", "scaffold_9\t", "'4'.*none is in both"),
        ('gene_id "', 'gene_id "X', "has none of the 2 genes of the scores, first ENSG"),
        ("\t-\t.\t", "\t+\t.\t", None),
        ("chr4\t", "4\t", None),
        ("chr4\t", "NC_000004.11\t", None),
    ],
)
def test_names_of_genes_and_chromosomes(
    two_genes: pl.DataFrame, tmp_path: Path, old: str, new: str, words: str | None
) -> None:
    reference = open_reference(gtf_with(tmp_path, old, new))
    if words:
        with pytest.raises(InputError, match=words):
            open_scores(two_genes, None, reference)
    else:
        located = open_scores(two_genes, None, reference).located
        assert located is not None
        # The gene on the other strand than the scores say is not that gene.
        assert located.unknown == ([] if "+" not in new else [GENES[1]])


def test_another_assembly_is_refused(two_genes: pl.DataFrame) -> None:
    moved = two_genes.with_columns(pl.col("genomic_position") + 5_000_000)
    with pytest.raises(
        InputError, match="2 of 2 genes do not lie where the annotation puts"
    ) as caught:
        open_scores(moved, None, open_reference(GTF))
    assert "assembly" in caught.value.hint


def test_positions_beyond_the_annotated_gene_are_refused(two_genes: pl.DataFrame) -> None:
    bare = two_genes.drop("chrom", "strand", "genomic_position").with_columns(
        pl.col("position") + 50_000
    )
    with pytest.raises(InputError, match="has positions 50,001 to"):
        open_scores(bare, None, open_reference(GTF))


def test_a_fasta_without_the_genes_is_refused(two_genes: pl.DataFrame, tmp_path: Path) -> None:
    fasta = tmp_path / "other.fa"
    fasta.write_text(">chr4:1-8\nACGTACGT\n")
    with pytest.raises(InputError, match="covers none of the 2 genes"):
        open_scores(two_genes.drop("base"), None, open_reference(None, fasta))
    fasta.write_text(">seq\nACGTACGT\n")
    with pytest.raises(InputError, match=r"'seq'.*'4'"):
        open_scores(two_genes.drop("base"), None, open_reference(None, fasta))


def test_a_fasta_alone_needs_places(two_genes: pl.DataFrame) -> None:
    bare = two_genes.drop("genomic_position", "base")
    with pytest.raises(InputError, match="no column genomic_position") as caught:
        open_scores(bare, None, open_reference(None, FASTA))
    assert "annotation" in caught.value.hint


def test_a_gene_that_the_fasta_lacks_counts_as_n(
    two_genes: pl.DataFrame, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = gzip.decompress(FASTA.read_bytes()).decode()
    sequence = "".join(text.splitlines()[1:])
    fasta = tmp_path / "part.fa"
    fasta.write_text(f">chr4:103713540-103913539\n{sequence[:200_000]}\n")
    with caplog.at_level(logging.WARNING, "splice_meta"):
        found = sm.scan_scores(two_genes.drop("base"), fasta=fasta).collect()
    assert f"1 genes do not lie in the FASTA with all their bases, first {GENES[1]}" in caplog.text
    bases = dict(found.group_by("gene_id").agg(pl.col("base").unique()).iter_rows())
    assert bases[GENES[1]] == ["N"]
    first = found.filter(gene_id=GENES[0])["base"].to_list()
    assert first == two_genes.filter(gene_id=GENES[0])["base"].to_list()


def test_training_on_the_annotations_truth_is_training_on_those_labels(
    two_genes: pl.DataFrame,
) -> None:
    labels = open_scores(two_genes, None, open_reference(GTF), truth=True).all_rows().collect()
    one = sm.train(labels, "reference124", settings=QUICK)
    bare = two_genes.drop("splice_type", "base")
    other = sm.train(bare, "reference124", annotation=GTF, fasta=FASTA, settings=QUICK)
    assert one.manifest.names == other.manifest.names
    assert "3mer_AAA" in other.manifest.names
    frame = sm.plan_features(two_genes, one.manifest).collect()
    scores = two_genes.select("donor_score", "acceptor_score", "neither_score")
    frame = frame.hstack([s for s in scores if s.name not in frame.columns])
    assert_frame_equal(one.predict_proba(frame), other.predict_proba(frame), check_exact=True)


def test_annotation_features_are_made_where_asked_for(two_genes: pl.DataFrame) -> None:
    model = sm.train(
        two_genes, "reference124", annotation=GTF, annotation_features=True, settings=QUICK
    )
    assert set(GENOMIC) <= set(model.manifest.names)
    plain = sm.train(two_genes, "reference124", annotation=GTF, settings=QUICK)
    assert not set(GENOMIC) & set(plain.manifest.names)


def test_evaluating_against_the_annotations_truth(two_genes: pl.DataFrame, tmp_path: Path) -> None:
    labels = open_scores(two_genes, None, open_reference(GTF), truth=True).all_rows().collect()
    expected = sm.evaluate(labels, resamples=20)
    bare = two_genes.drop("splice_type")
    assert_frame_equal(sm.evaluate(bare, resamples=20, annotation=GTF), expected)
    # The annotation's truth counts where the scores have one too: it was asked for.
    assert_frame_equal(sm.evaluate(two_genes, resamples=20, annotation=GTF), expected)
    run = sm.run(bare, None, tmp_path, settings=sm.RunSettings(mode="base_only", columns="lean"))
    found = sm.evaluate(tmp_path, resamples=20, annotation=GTF)
    base = [name for name in found.columns if name == "base" or name.startswith("base_")]
    same = ~pl.col("metric").is_in(["rescued", "lost"])
    assert_frame_equal(found.filter(same).select(base), expected.filter(same).select(base))
    frame = sm.evaluate(run.predictions().collect(), resamples=20, annotation=GTF)
    assert_frame_equal(frame, found)


def test_versions_of_gene_ids_do_not_hide_seen_genes(
    two_genes: pl.DataFrame, tmp_path: Path
) -> None:
    model = sm.train(two_genes, "reference124", settings=QUICK)
    versioned = two_genes.with_columns(pl.col("gene_id") + ".7")
    result = sm.run(versioned, model, tmp_path)
    assert result.genes["scenario"].to_list() == ["1", "1"]
    groups = sm.evaluate(versioned, model, modes=["base_only"], resamples=0)["group"].unique()
    assert "seen" in groups
    assert "unseen" not in groups


@pytest.mark.parametrize("shift", [-300, 1, 300])
def test_an_assembly_a_short_way_off_is_refused(two_genes: pl.DataFrame, shift: int) -> None:
    # The spans overlap, but no position is where it is annotated.
    moved = two_genes.with_columns(pl.col("genomic_position") + shift)
    with pytest.raises(InputError, match="2 of 2 genes do not lie where"):
        open_scores(moved, None, open_reference(GTF))


def test_a_part_of_a_gene_is_at_its_place(two_genes: pl.DataFrame) -> None:
    part = two_genes.filter(pl.col("position").is_between(1000, 2000))
    located = open_scores(part, None, open_reference(GTF)).located
    assert located is not None
    assert located.unknown == []


def test_most_genes_must_lie_where_they_are_annotated(
    demo_scores: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    def moved(genes: list[str]) -> pl.DataFrame:
        away = pl.when(pl.col("gene_id").is_in(genes)).then(5_000_000).otherwise(0)
        return demo_scores.with_columns(pl.col("genomic_position") + away)

    genes = demo_scores["gene_id"].unique(maintain_order=True).to_list()
    with caplog.at_level(logging.WARNING, "splice_meta"):
        located = open_scores(moved(genes[:2]), None, open_reference(GTF)).located
    assert located is not None
    assert located.unknown == genes[:2]
    assert f"2 genes lie elsewhere in the annotation than in the scores, first {genes[0]}" in (
        caplog.text
    )
    with pytest.raises(InputError, match="3 of 5 genes do not lie where"):
        open_scores(moved(genes[:3]), None, open_reference(GTF))


def test_genes_shorter_than_annotated_are_told(
    two_genes: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    bare = two_genes.drop("genomic_position")
    with caplog.at_level(logging.WARNING, "splice_meta"):
        open_scores(bare, None, open_reference(GTF))
        assert not caplog.text
        short = bare.filter((pl.col("gene_id") != GENES[1]) | (pl.col("position") < 2000))
        open_scores(short, None, open_reference(GTF))
    assert f"1 genes have fewer positions than the annotation gives them, first {GENES[1]}" in (
        caplog.text
    )


@pytest.mark.parametrize("suffix", ["", ".3"])
def test_genes_are_asked_for_by_any_name_that_the_annotation_knows(
    two_genes: pl.DataFrame, suffix: str
) -> None:
    table = two_genes.with_columns(pl.col("gene_id") + suffix)
    reference = open_reference(GTF)
    assert reference is not None
    assert reference.annotation is not None
    names = dict(reference.annotation.genes.select("gene_id", "gene_name").iter_rows())
    asked = [names[GENES[1]], GENES[1] + ".9", "GHOST"]
    opened = open_scores(table, asked, reference)
    assert opened.table.genes["gene_id"].to_list() == [GENES[1] + suffix]
    assert opened.absent == ["GHOST"]
    several = open_scores({"one": table, "two": table}, asked, reference)
    assert several.all_rows().collect()["gene_id"].unique().to_list() == [GENES[1] + suffix]


def test_a_truth_that_is_not_taken_is_not_checked(two_genes: pl.DataFrame) -> None:
    holes = two_genes.with_columns(splice_type=pl.lit(None, pl.Int8))
    found = open_scores(holes, None, open_reference(GTF), truth=True).all_rows().collect()
    expected = open_scores(two_genes, None, open_reference(GTF), truth=True).all_rows().collect()
    assert_frame_equal(found, expected)


def test_genes_without_scores_are_told_beside_those_without_truth(
    demo_scores: pl.DataFrame, tmp_path: Path
) -> None:
    gtf = gtf_with(tmp_path, f'"{GENES[0]}"', '"ENSG00000000001"')
    opened = open_scores(demo_scores, [*GENES, "GHOST"], open_reference(gtf), truth=True)
    assert opened.table.genes["gene_id"].to_list() == [GENES[1]]
    assert opened.absent == ["GHOST"]


@pytest.mark.parametrize(
    ("name", "code"),
    [("NC_000003.12", 3), ("NC_000023.11", 23), ("nc_000024", 24), ("NC_012920.1", 25),
     ("NC_000067.7", 0), ("NC_000000.1", 0), ("NT_000003.1", 0), ("23", 0), ("chr3", 3)],
)  # fmt: skip
def test_accessions_count_as_their_chromosomes(name: str, code: int) -> None:
    found = pl.select(chrom=pl.lit(name)).select(chrom_code_expr())
    assert found["chrom"].to_list() == [float(code)]


def test_genes_to_leave_out_may_have_any_name(
    demo_scores: pl.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    names = dict(sm.open_annotation(GTF).genes.select("gene_id", "gene_name").iter_rows())
    left = [names[GENES[0]], GENES[1] + ".3", "GHOST"]
    with caplog.at_level(logging.WARNING, "splice_meta"):
        subject = open_training(demo_scores, leave_out=left, reference=open_reference(GTF))
    kept = set(subject.scores.table.genes["gene_id"])
    assert kept == set(demo_scores["gene_id"]) - set(GENES)
    assert "Gene GHOST, to be left out, has no base scores." in caplog.text


def test_places_that_cannot_be_read_are_refused_in_plain_words(
    two_genes: pl.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "bad.csv"
    place = pl.col("genomic_position").cast(pl.String)
    last = pl.int_range(pl.len()) == two_genes.height - 1
    bad = two_genes.with_columns(genomic_position=pl.when(last).then(pl.lit("x")).otherwise(place))
    bad.write_csv(path)
    says = rf"Line {two_genes.height + 1} of .*bad\.csv: column genomic_position has 'x'"
    with pytest.raises(InputError, match=says) as caught:
        open_scores(path, None, open_reference(GTF))
    assert "\n" not in caught.value.message
    with pytest.raises(InputError, match=says):
        open_training(path)


def test_a_gene_on_another_chromosome_is_not_that_gene(
    two_genes: pl.DataFrame, tmp_path: Path
) -> None:
    text = gzip.decompress(GTF.read_bytes()).decode().splitlines(keepends=True)
    moved = [line.replace("chr4\t", "chr5\t") if f'"{GENES[0]}"' in line else line for line in text]
    path = tmp_path / "moved.gtf"
    path.write_text("".join(moved))
    located = open_scores(two_genes, None, open_reference(path)).located
    assert located is not None
    assert located.unknown == [GENES[0]]
    # What the annotation says of that gene is not taken.
    found = sm.scan_scores(two_genes.drop("strand"), annotation=path).collect()
    strands = dict(found.select("gene_id", "strand").unique().iter_rows())
    assert strands == {GENES[0]: None, GENES[1]: "-"}


def test_positions_count_from_1(two_genes: pl.DataFrame) -> None:
    bare = two_genes.drop("chrom", "strand", "genomic_position")
    from_0 = bare.with_columns(pl.col("position") - 1)
    with pytest.raises(InputError, match="has positions 0 to"):
        open_scores(from_0, None, open_reference(GTF))


def test_bases_are_those_of_the_scores_own_span(two_genes: pl.DataFrame) -> None:
    reference = open_reference(GTF, FASTA)
    assert reference is not None
    assert reference.annotation is not None
    genes = reference.annotation.genes.with_columns(
        pl.col("gene_start") + 500, pl.col("gene_end") - 700
    )
    shorter = replace(reference, annotation=replace(reference.annotation, genes=genes))
    found = open_scores(two_genes.drop("base"), None, shorter).all_rows().collect()
    assert found["base"].to_list() == two_genes["base"].to_list()


def test_a_fasta_alone_adds_no_places(two_genes: pl.DataFrame) -> None:
    bare = two_genes.drop("chrom", "strand", "genomic_position")
    found = sm.scan_scores(bare, fasta=FASTA).collect_schema().names()
    assert not {"chrom", "strand", "genomic_position"} & set(found)


def test_a_gene_on_a_chromosome_that_the_fasta_lacks_counts_as_n(two_genes: pl.DataFrame) -> None:
    away = pl.when(gene_id=GENES[0]).then(pl.lit("9")).otherwise("chrom")
    table = two_genes.drop("base").with_columns(chrom=away)
    found = sm.scan_scores(table, fasta=FASTA).collect()
    assert set(found.filter(gene_id=GENES[0])["base"]) == {"N"}
    assert "N" not in set(found.filter(gene_id=GENES[1])["base"])


def test_the_annotation_wins_over_columns_of_opened_scores(two_genes: pl.DataFrame) -> None:
    carried = two_genes.with_columns(num_exons=pl.lit(999.0))
    opened = open_scores(carried, None, open_reference(GTF))
    found = sm.plan_features(opened, sm.FeatureManifest(("num_exons",))).collect()
    assert 999.0 not in set(found["num_exons"])


# --- Genes that the annotation does not tell all of ------------------------------------------


def exon_lines(gene: str, *spans: tuple[int, int], more: str = "") -> str:
    ids = f'gene_id "{gene}"; transcript_id "{gene}t{more}";'
    return "".join(f"1\tx\texon\t{a}\t{b}\t.\t+\t.\t{ids}\n" for a, b in spans)


def flat(gene: str, length: int, first: int | None = None) -> pl.DataFrame:
    numbers = pl.int_range(1, length + 1, eager=True)
    table = pl.DataFrame({"position": numbers}).with_columns(
        gene_id=pl.lit(gene), chrom=pl.lit("1"), strand=pl.lit("+"),
        donor_score=pl.lit(0.01), acceptor_score=pl.lit(0.01), neither_score=pl.lit(0.98),
    )  # fmt: skip
    return table if first is None else table.with_columns(genomic_position=numbers + first - 1)


def test_genes_without_known_sites_have_no_truth(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.gtf"
    path.write_text(
        exon_lines("A", (101, 120), (150, 200))
        + '1\tx\tgene\t101\t200\t.\t+\t.\tgene_id "B";\n'
        + exon_lines("C", (101, 120), (150, 200))
        + exon_lines("C", (101, 200), more="2").replace("\t+\t", "\t.\t")
        + exon_lines("D", (101, 200)).replace("\t+\t", "\t.\t")
    )
    table = pl.concat(flat(gene, 100, 101) for gene in "ABCD")
    reference = open_reference(path)
    opened = open_scores(table, None, reference, truth=True)
    assert opened.table.genes["gene_id"].to_list() == ["A"]
    sites = opened.all_rows().filter(pl.col("splice_type") != "neither").collect()
    assert sites["genomic_position"].to_list() == [120, 150]
    assert "1 genes are not in the annotation and are left out, first D" in caplog.text
    assert "2 genes are left out, since the annotation does not give all" in caplog.text
    assert "first B: it has neither exons nor coding sequence" in caplog.text
    # Where no truth is asked for, nothing is lost.
    assert open_scores(table, None, reference).table.genes.height == 4
    for genes in (["B"], ["B", "C"], ["B", "D"]):
        with pytest.raises(InputError, match=r"sites of none .* first B"):
            open_scores(table, genes, reference, truth=True)
    with pytest.raises(InputError, match="it has D, but left it out because its strand"):
        open_scores(table, ["D"], reference, truth=True)


@pytest.mark.parametrize(("length", "first"), [(100, 101), (60, None), (80, None)])
def test_position_1_of_a_widened_gene_is_not_guessed(
    tmp_path: Path, length: int, first: int | None
) -> None:
    path = tmp_path / "a.gtf"
    path.write_text(
        '1\tx\tgene\t141\t200\t.\t+\t.\tgene_id "A";\n'
        + exon_lines("A", (101, 120), (150, 200)) + exon_lines("B", (101, 120), (150, 200))
    )  # fmt: skip
    # 100 positions are the widened span; 60 are those of the line, which begins elsewhere.
    table = pl.concat([flat("A", length), flat("B", 100)])
    rows = open_scores(table, None, open_reference(path)).all_rows().collect()
    found = rows.filter(gene_id="A")["genomic_position"]
    assert found[0] == first
    assert rows.filter(gene_id="B")["genomic_position"][0] == 101


def test_openspliceai_took_the_line_of_a_gene(tmp_path: Path) -> None:
    path = tmp_path / "a.gtf"
    line = '1\tx\tgene\t141\t200\t.\t+\t.\tgene_id "A";\n'
    path.write_text(line + exon_lines("A", (101, 120), (150, 200)))
    annotation = sm.open_annotation(path)
    assert annotation.genes.select("gene_start", "gene_end").rows() == [(101, 200)]
    assert annotation.own_spans().rows() == [("A", 141, 200)]
    assert spans_of(annotation).select("start", "end").rows() == [(141, 200)]
