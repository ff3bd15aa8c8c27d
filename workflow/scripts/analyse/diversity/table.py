"""Columns of the table that ``measure_diversity`` writes for one text."""

# seeds: versions of the text; tokens: words of each text that are compared; chrf: against the human text, in points.
MEASURED_COLUMNS = (
    *("seeds", "measure", "tokens", "value", "human", "difference", "difference_low", "difference_high", "p_value"),
    *("better", "chrf"),
)
