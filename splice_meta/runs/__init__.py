"""Runs: shards of genes, each computed and written by one task, one after the other."""
