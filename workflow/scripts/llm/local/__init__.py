"""Language models that run on this machine, prompted in the same way as those behind an API."""
