"""What the plotting scripts share."""
