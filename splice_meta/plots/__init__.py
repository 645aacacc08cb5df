"""Charts of the reports, made with Altair from frames; needs the extra ``report``."""
