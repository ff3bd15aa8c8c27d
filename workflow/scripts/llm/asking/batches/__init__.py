"""Batches: half the price, within a day."""
