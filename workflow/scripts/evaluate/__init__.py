"""The evaluation stage: scores of the runs, and the significance of the differences between them."""
