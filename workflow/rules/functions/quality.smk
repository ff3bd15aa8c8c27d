# Functions and constants of the rules in quality.smk.


def quality_inputs(wildcards):
    """The files that a metric reads."""
    return STUDY.quality[wildcards.quality].inputs(wildcards.generator)


def quality_arguments(wildcards, input):
    """``--input`` arguments that name the files a metric reads."""
    return repeated("--input", [(name, input[name]) for name in quality_inputs(wildcards)])


def quality_code(wildcards):
    """Digest of what computes a quality score: the script and the one metric that it loads by name."""
    return CODE.of("curate/score_quality.py", f"curate/quality/{STUDY.quality[wildcards.quality].metric}.py")


def agreement_code():
    """Digest of what compares quality scores: the script and every metric in use, whose directions it reads."""
    metrics = {STUDY.quality[name].metric for name, _ in STUDY.quality.pairs}
    return CODE.of("curate/compare_quality.py", *(f"curate/quality/{metric}.py" for metric in sorted(metrics)))


def quality_gpus(wildcards):
    """GPUs that computing a quality score takes."""
    return min(TRAINING.gpus_used, 1) if STUDY.quality[wildcards.quality].uses_gpu else 0
