# Functions and constants of the rules in curate.smk.


def recipe_origins(recipe):
    """Whose generated text a dataset is built from, including what fills the gaps of others."""
    what = STUDY.runs.recipes[recipe]
    return sorted({*what.generators, *STUDY.generators.fallbacks(what).values()} - {HUMAN})


def generated_arguments(wildcards, input):
    """``--generated`` arguments that name the generated text of each origin in a recipe."""
    return repeated("--generated", zip(recipe_origins(wildcards.recipe), input.generated, strict=True))


def gapped_arguments(wildcards, input):
    """``--gapped`` arguments that name the generated text that may leave sources out."""
    return repeated("--gapped", zip(STUDY.generators.gapped, input.gapped, strict=True))


def fallback_arguments(wildcards):
    """``--fallback`` arguments of a recipe: a generator and the origin that fills its gaps."""
    return repeated("--fallback", STUDY.generators.fallbacks(STUDY.runs.recipes[wildcards.recipe]).items())


def rank_files(wildcards):
    """The tables of ranks that a dataset is ordered by."""
    return [path for _, path in STUDY.runs.recipes[wildcards.recipe].rank_tables]


def rank_arguments(wildcards):
    """``--ranks`` arguments: an origin and the table of its ranks."""
    return spelled_out(repeated("--ranks", STUDY.runs.recipes[wildcards.recipe].rank_tables))
