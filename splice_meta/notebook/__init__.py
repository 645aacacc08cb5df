"""Charts for notebooks, made with Altair from predictions; needs the extra ``report``."""
