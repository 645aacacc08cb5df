"""Coverage-guided fuzzing of readers, with atheris; ``scripts/fuzz`` runs it.

A target is a module ``fuzz_NAME.py`` with a function ``one_input(data)``, which may raise nothing
but errors of this package, and ``SEEDS``, inputs to begin with.
"""
