"""The reference: annotation, sequence, and the names of chromosomes."""
