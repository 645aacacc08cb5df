"""What every feature of the catalogue means.

``D``, ``A``, ``N`` are the donor, acceptor and neither score of the row, ``s`` the score of the
feature's own type, ``x[k]`` the value of ``x`` at position + k of the same gene, ``c[k]`` the
larger of ``D[k]`` and ``A[k]``. A missing neighbour counts as 0. Logarithms are natural.
"""

from __future__ import annotations

from splice_meta.catalogue import (
    CATALOGUE,
    LOGODDS_OFFSETS,
    RANGES,
    REACHES,
    SIDES,
    TYPES,
    offset_suffix,
)

_PLAIN = {
    "donor_score": "D",
    "acceptor_score": "A",
    "neither_score": "N",
    "relative_donor_probability": "D / (D + A + 1e-8)",
    "splice_probability": "D + A",
    "donor_acceptor_diff": "D - A",
    "splice_neither_diff": "D + A - N",
    "donor_acceptor_logodds": "ln((D + 1e-8) / (A + 1e-8))",
    "splice_neither_logodds": "ln((D + A + 1e-8) / (N + 1e-8))",
    "probability_entropy": "-sum of p ln(p + 1e-8), p = D, A, N over (D + A + N + 1e-8)",
    "context_score_m2": "c[-2]",
    "context_score_m1": "c[-1]",
    "context_score_p1": "c[1]",
    "context_score_p2": "c[2]",
    "context_neighbor_mean": "(c[-2] + c[-1] + c[1] + c[2]) / 4",
    "context_asymmetry": "(c[-1] + c[-2]) - (c[1] + c[2])",
    "context_max": "largest of c[-2], c[-1], c[1], c[2]",
    "donor_acceptor_peak_ratio": "donor_peak_height_ratio / (acceptor_peak_height_ratio + 1e-10)",
    "type_signal_difference": "donor_signal_strength - acceptor_signal_strength",
    "score_difference_ratio": "(D - A) / (D + A + 1e-10)",
    "signal_strength_ratio": "donor_signal_strength / (|acceptor_signal_strength| + 1e-10)",
    "positions_from_start": "positions from the gene's first one in the table",
    "positions_to_end": "positions to the gene's last one in the table",
    "relative_position": "positions_from_start / (positions_from_start + positions_to_end); "
    "0 in a gene of one position",
    "gene_start": "first base of the gene, from 1",
    "gene_end": "last base of the gene, inclusive",
    "gene_length": "gene_end - gene_start + 1",
    "tx_start": "first base of the representative transcript, from 1",
    "tx_end": "last base of the representative transcript, inclusive",
    "transcript_length": "tx_end - tx_start + 1, introns included",
    "num_exons": "exons of the representative transcript",
    "avg_exon_length": "mean length of its exons",
    "median_exon_length": "median length of its exons; of an even number the mean of the middle "
    "two",
    "total_exon_length": "sum of the lengths of its exons",
    "total_intron_length": "transcript_length - total_exon_length",
    "n_splice_sites": "distinct donors plus distinct acceptors over all transcripts of the gene",
    "num_overlaps": "other genes whose span shares a base with the gene's, on either strand",
    "chrom": "1 to 22, X 23, Y 24, M or MT 25, any other 0",
    "sequence_length": "positions of the sequence window that are in the gene",
    "gc_content": "(G + C) / sequence_length",
    "sequence_complexity": "entropy of A, C, G, T in the window (base 2) / 2; 0 without any",
    "donor_consensus": "how many of the positions -2 ... +6 agree with MAG|GTRAGT, 0 to 9",
    "acceptor_consensus": "how many of the positions -3 ... 0 agree with YAG|G, 0 to 4",
    "polypyrimidine": "share of C and T among the positions -20 ... -5",
}

_BY_TYPE = {
    "{t}_context_mean": "mean of those of s[-2] ... s[2] that are there",
    "{t}_context_asymmetry": "s[-2] - s[2]",
    "{t}_is_local_peak": "1 if s > s[-1] and s > s[1] and both are there, else 0",
    "{t}_diff_m1": "s - c[-1]",
    "{t}_diff_m2": "s - c[-2]",
    "{t}_diff_p1": "s - c[1]",
    "{t}_diff_p2": "s - c[2]",
    "{t}_surge_ratio": "s / (c[-1] + c[1] + 1e-10)",
    "{t}_weighted_context": "0.1 c[-2] + 0.2 c[-1] + 0.4 s + 0.2 c[1] + 0.1 c[2]",
    "{t}_peak_height_ratio": "s / (context_neighbor_mean + 1e-10)",
    "{t}_second_derivative": "(s - c[-1]) - (c[1] - s)",
    "{t}_signal_strength": "s - context_neighbor_mean",
    "{t}_context_diff_ratio": "s / (context_max + 1e-10)",
    "{t}_logodds": "ln((s + 1e-6) / (N + 1e-6))",
    "gene_{t}_max": "largest s of the gene",
    "gene_{t}_count": "positions of the gene with s of at least 0.1",
    "gene_{t}_density": "gene_{t}_count per 10,000 positions",
    "gene_{t}_strength": "mean s of the positions with s of at least 0.1; 0 without any",
}

_BY_SIDE = {
    "nearest_{t}_{side}_distance": "positions to the nearest one {side} with s of at least 0.1; "
    "1,000,000 without any",
    "nearest_{t}_{side}_score": "its s; 0 without any",
    "{t}_sum_{side}": "sum of s of at least 0.01, {side} to the gene's end",
}


def feature_meanings() -> dict[str, str]:
    """The formula of every feature of the catalogue, by name, in its order.

    k-mers (``3mer_ACG``) are counted: overlapping occurrences of the word in the sequence window.
    """
    found = dict(_PLAIN)
    for t in TYPES:
        found |= {name.format(t=t): text.format(t=t) for name, text in _BY_TYPE.items()}
        for k in LOGODDS_OFFSETS:
            found[f"{t}_logodds_{offset_suffix(k)}"] = (
                f"{t}_logodds of position {k:+d}; of a missing one s = 0, N = 1"
            )
        for side in SIDES:
            found |= {
                name.format(t=t, side=side): text.format(side=side)
                for name, text in _BY_SIDE.items()
            }
            for near, far in RANGES:
                found[f"{t}_max_{side}_{near}_{far}"] = (
                    f"largest s from {near} to {far - 1} positions {side}; below 0.001 it is 0"
                )
            for reach in REACHES:
                found[f"{t}_sum_{side}_{reach}"] = (
                    f"sum of s of at least 0.01, up to {reach} positions {side}"
                )
    order = [name for names in CATALOGUE.values() for name in names]
    return {name: found[name] for name in order if name in found}
