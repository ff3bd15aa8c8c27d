"""Scores of the runs, and how sure one can be of the differences between them."""
