"""Figures and the page that say what the numbers mean."""
