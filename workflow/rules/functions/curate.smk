# Scores, ranks and detectors.


def rank_files(wildcards):
    """The tables of ranks that a dataset is ordered by."""
    return [path for _, path in STUDY.rank_tables(wildcards.recipe)]


def rank_arguments(wildcards):
    """``--ranks`` arguments: an origin and the table of its ranks."""
    ranks = STUDY.rank_tables(wildcards.recipe)
    return spelt_out([argument for origin, path in ranks for argument in ("--ranks", origin, path)])


def quality_code(wildcards):
    """Digest of what computes a quality score: the script and the one metric that it loads by name."""
    metric = STUDY["quality"][wildcards.quality]["metric"]
    return CODE.of("curate/score_quality.py", f"curate/quality/{metric}.py")


def agreement_code():
    """Digest of what compares quality scores: the script and every metric in use, whose directions it reads."""
    metrics = {STUDY["quality"][quality]["metric"] for quality, _ in STUDY.quality_pairs}
    return CODE.of("curate/compare_quality.py", *(f"curate/quality/{metric}.py" for metric in sorted(metrics)))


def quality_arguments(wildcards, input):
    """``--input`` arguments that name the files a metric reads."""
    names = STUDY.quality_inputs(wildcards.quality, wildcards.generator)
    return [argument for name in names for argument in ("--input", name, input[name])]


def quality_gpus(wildcards):
    """GPUs that computing a quality score takes: those with a model one, the others none."""
    with_model = {"round_trip", "learner_fit", "comet_qe", "labse"}
    return min(STUDY.gpus, 1) if STUDY["quality"][wildcards.quality]["metric"] in with_model else 0


def scored_generators():
    """The generators that some score is computed for, each once, in the order of the scores."""
    return list(dict.fromkeys(generator for _, generator in STUDY.quality_pairs))


def detector_arguments():
    """``KIND:FIRST--SECOND=FILE`` for every pair."""
    return spelt_out(
        [f"{kind}:{pair}=<results>/detector/{pair}/detector.json" for pair, (_, _, kind) in DETECTOR_PAIRS.items()]
    )


def detector_reports():
    """What each detector found, by pair."""
    return {
        f"{first}--{second}": f"<results>/detector/{first}--{second}/detector.json"
        for first, second, _ in STUDY.detector_pairs
    }
