"""The reference: genome and annotation."""
