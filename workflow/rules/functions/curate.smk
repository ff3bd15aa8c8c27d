# Functions and constants of the rules in curate.smk.


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


def recipe_origins(recipe):
    """Whose generated text a dataset is built from, including what fills the gaps of others."""
    what = STUDY.runs.recipes[recipe]
    return sorted({*what.generators, *STUDY.generators.fallbacks(what).values()} - {HUMAN})


def generated_arguments(wildcards, input):
    """``--generated`` arguments that name the generated text of each origin in a recipe."""
    return repeated("--generated", zip(recipe_origins(wildcards.recipe), input.generated, strict=True))


def fallback_arguments(wildcards):
    """``--fallback`` arguments of a recipe: a generator and the origin that fills its gaps."""
    return repeated("--fallback", STUDY.generators.fallbacks(STUDY.runs.recipes[wildcards.recipe]).items())
