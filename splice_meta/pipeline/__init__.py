"""The way from base scores to predictions: only here are the stages put together.

``base scores -> contract -> selection -> features -> harmonize -> predict -> combine``, as lazy
plans over a batch of whole genes. The plans are the same for one gene and for many, and nothing
is collected before the predict batch.
"""
