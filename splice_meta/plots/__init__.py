"""Charts with Altair, from the extra ``report``.

``plot_gene``, ``plot_calibration`` and ``plot_changes`` are for notebooks; ``run_charts`` and
``gene_chart`` are those of the report, for which ``library`` brings Vega.
"""
