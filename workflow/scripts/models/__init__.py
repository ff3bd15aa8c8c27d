"""Trained models in memory: translation, scoring, devices."""
