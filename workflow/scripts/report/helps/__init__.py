"""What helps, and how much: remedies and quality metrics."""
