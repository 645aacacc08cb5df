"""Runs: shards of genes, each computed and written by one task, here or by workers."""
