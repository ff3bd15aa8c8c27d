"""Hosted fine-tuning: one job per model, paid once."""
