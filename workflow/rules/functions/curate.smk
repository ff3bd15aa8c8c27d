# Functions and constants of the rules in curate.smk.


def metric_module(wildcards):
    """The metric that computes a quality score."""
    return [f"curate/quality/{STUDY.quality[wildcards.quality].metric}.py"]


def compared_metrics():
    """Every metric in use, whose directions a comparison of quality scores reads."""
    return sorted({f"curate/quality/{STUDY.quality[name].metric}.py" for name, _ in STUDY.quality.pairs})


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
