# Functions and constants of the rules in detect.smk.

DETECTOR_PAIRS = STUDY.generators.detector_pairs
# The n-grams that models learn from take about 50 kB for a pair of targets of 20 words, more for longer texts; in MB.
DETECTOR_MEMORY = 500 + min(STUDY.detector.pairs or STUDY.corpus.pool, STUDY.corpus.pool) // 16


def detector_reports():
    """What each detector found, by pair."""
    return {pair: f"<results>/detector/{pair}/detector.json" for pair in DETECTOR_PAIRS}


def detector_arguments():
    """``KIND:FIRST--SECOND=FILE`` for every pair."""
    return named_paths({f"{DETECTOR_PAIRS[pair][2]}:{pair}": report for pair, report in detector_reports().items()})
