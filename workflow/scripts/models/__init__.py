"""Trained models in memory: translation, forced decoding, language models, GPUs."""
