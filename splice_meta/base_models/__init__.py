"""The optional scorers: sequence in, base scores out."""
