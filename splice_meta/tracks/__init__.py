"""Genome tracks of predictions: bigWig, bedGraph and BED."""
