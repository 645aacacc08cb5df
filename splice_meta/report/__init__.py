"""Reports of a run: plain text, HTML with pictures, and a machine-readable record."""
