"""Language models that run on this machine, prompted in the same words as those behind an API."""
