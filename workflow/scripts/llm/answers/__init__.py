"""Classify answers: translations, scores, and the ways in which an answer is neither."""
