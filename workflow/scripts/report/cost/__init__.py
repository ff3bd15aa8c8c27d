"""What training on machine text costs."""
