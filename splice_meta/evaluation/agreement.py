"""Counting where two systems agree, batch by batch."""

from __future__ import annotations

import numpy as np
import polars as pl

from splice_meta.evaluation.tally import CANDIDATE, SITES

COUNTS = ("first", "second", "both", "gained", "lost", "gained_annotated", "lost_annotated")
_PLACE = ("gene_id", "chrom", "strand", "genomic_position", "position")


class Agreement:
    """The counts while batches come in; the calls that differ are kept.

    Args:
        threshold: Probability from which a site counts as called.
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._counts = {site: np.zeros(len(COUNTS), np.int64) for site in SITES}
        # n, sums of x, y, xx, yy, xy
        self._sums = {site: np.zeros(6) for site in SITES}
        self._largest = dict.fromkeys(SITES, 0.0)
        self._changes: list[pl.DataFrame] = []
        self._has_truth = True
        self.sites = 0
        """Annotated sites so far."""

    def add(self, batch: pl.DataFrame) -> None:
        """Add rows of both, see :func:`splice_meta.evaluation.compare.compare`."""
        self._has_truth &= "truth" in batch.columns
        if self._has_truth:
            self.sites += batch.filter(pl.col("truth").is_in(SITES)).height
        for site in SITES:
            self._count(batch, site)

    def _count(self, batch: pl.DataFrame, site: str) -> None:
        one, other = pl.col(f"{site}_first"), pl.col(f"{site}_second")
        was, is_called = one >= self._threshold, other >= self._threshold
        truth = pl.col("truth").cast(pl.String) == site if self._has_truth else pl.lit(False)
        sums = (was, is_called, was & is_called, ~was & is_called, was & ~is_called,
                ~was & is_called & truth, was & ~is_called & truth)  # fmt: skip
        counted = batch.select(
            **{name: each.sum() for name, each in zip(COUNTS, sums, strict=True)}
        )
        self._counts[site] += np.array(counted.row(0), np.int64)
        near = batch.filter((one >= CANDIDATE) | (other >= CANDIDATE))
        x, y = (near[f"{site}_{name}"].cast(pl.Float64).to_numpy() for name in ("first", "second"))
        self._sums[site] += [x.size, x.sum(), y.sum(), x @ x, y @ y, x @ y]
        gap = batch.select((one.cast(pl.Float64) - other).abs().max()).item()
        self._largest[site] = max(self._largest[site], float(gap or 0.0))
        kept = [name for name in _PLACE if name in batch.columns]
        self._changes.append(
            batch.filter(was != is_called).select(
                *kept,
                pl.lit(site).alias("class"),
                pl.when(is_called).then(pl.lit("gained")).otherwise(pl.lit("lost")).alias("change"),
                one.cast(pl.Float32).alias("first"),
                other.cast(pl.Float32).alias("second"),
                (truth if self._has_truth else pl.lit(None, pl.Boolean)).alias("annotated"),
            )
        )

    def calls(self) -> pl.DataFrame:
        """One row per class, see :class:`splice_meta.evaluation.compare.Comparison`."""
        rows = []
        for site in SITES:
            counts = dict(zip(COUNTS, self._counts[site].tolist(), strict=True))
            either = counts["both"] + counts["gained"] + counts["lost"]
            known = COUNTS if self._has_truth else COUNTS[:5]
            rows.append(
                {
                    "class": site,
                    **{name: counts[name] if name in known else None for name in COUNTS},
                    "agreement": counts["both"] / either if either else None,
                    "correlation": self._correlation(site),
                    "largest_difference": self._largest[site],
                }
            )
        kinds = {name: pl.Int64 for name in COUNTS} | {"agreement": pl.Float64}
        order = ["class", *COUNTS[:5], "agreement", *COUNTS[5:], "correlation"]
        found = pl.DataFrame(rows, schema_overrides={**kinds, "correlation": pl.Float64})
        return found.select(*order, "largest_difference")

    def changes(self) -> pl.DataFrame:
        """The calls gained and lost, by gene in the first source's order, then by position."""
        found = pl.concat(self._changes, how="diagonal_relaxed")
        order = found["gene_id"].unique(maintain_order=True)
        ranked = found.with_columns(
            _rank=pl.col("gene_id").replace_strict(order, range(order.len()), return_dtype=pl.Int64)
        )
        return ranked.sort("_rank", "position", "class", descending=[False, False, True]).drop(
            "_rank"
        )

    def _correlation(self, site: str) -> float | None:
        count, x, y, xx, yy, xy = self._sums[site]
        spread = (count * xx - x * x) * (count * yy - y * y)
        # Less than rounding leaves of sums: one of them does not vary.
        if count < 2 or spread <= 1e-12 * max(count * xx * count * yy, 1e-300):
            return None
        return float(np.clip((count * xy - x * y) / np.sqrt(spread), -1.0, 1.0))
