"""OpenSpliceAI's own prediction files as base scores: BED and HDF5."""
