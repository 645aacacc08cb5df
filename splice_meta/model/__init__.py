"""Meta-models: bundles on disk, batched prediction, other people's model files."""
