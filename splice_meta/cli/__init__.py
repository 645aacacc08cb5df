"""The command line: one thin module per command; ``console`` is the only place that draws."""
