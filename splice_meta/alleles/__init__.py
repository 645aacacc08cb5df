"""What a change of the sequence does to splicing: reading variants, scoring both alleles."""
