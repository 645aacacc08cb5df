"""How good base and final probabilities are, side by side, at complete coverage.

``evaluate`` recognises what it is given and hands tables of truth and probabilities, batch by
batch, to ``tally``, which keeps sums by gene; ``metrics`` makes figures of the sums, ``intervals``
makes them again for resampled genes. ``explain`` splits single predictions by feature.
"""
