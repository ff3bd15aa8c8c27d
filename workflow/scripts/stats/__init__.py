"""Statistics that several stages share: sufficient statistics, resampling, significance tests and their correction."""
