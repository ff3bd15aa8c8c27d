# Functions and constants of the rules in detect.smk.

# The n-grams that models learn from take about 50 kB for a pair of targets of 20 words, more for longer texts; in MB.
DETECTOR_MEMORY = 500 + min(STUDY.detector.pairs or STUDY.corpus.pool, STUDY.corpus.pool) // 16


def detector_arguments():
    """``KIND:FIRST--SECOND=FILE`` for every pair."""
    reports, pairs = detector_reports(), STUDY.generators.detector_pairs
    return named_paths({f"{pairs[pair][2]}:{pair}": report for pair, report in reports.items()})
