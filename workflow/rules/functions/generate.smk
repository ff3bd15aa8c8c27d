# Generated text: who writes it, from what, and what LLMs are asked.


def get_provider_inputs(wildcards):
    """The files that a generator's provider reads."""
    return STUDY.provider_inputs(wildcards.generator)


def provider_code(wildcards):
    """Digest of what writes a generator's targets: the script and the one provider it loads by name."""
    provider = STUDY["generators"][wildcards.generator]["provider"]
    return CODE.of("generate/generate_targets.py", f"generate/providers/{provider}.py")


def provider_arguments(wildcards, input):
    """``--input`` arguments that name the provider's files."""
    names = STUDY.provider_inputs(wildcards.generator)
    return [argument for name in names for argument in ("--input", name, input[name])]


def recipe_origins(recipe):
    """Whose generated text a recipe's dataset is built from, those included that stand in for others."""
    return sorted({*STUDY.synthetic_origins(recipe), *STUDY.fallbacks(recipe).values()} - {HUMAN})


def generated_text(generators):
    """The generated text of some generators."""
    return [f"<results>/generators/{generator}/generated.tsv" for generator in generators]


def generated_arguments(wildcards, input):
    """``--generated`` arguments that name the generated text of each origin in a recipe."""
    pairs = zip(recipe_origins(wildcards.recipe), input.generated, strict=True)
    return [argument for origin, path in pairs for argument in ("--generated", origin, path)]


def gapped_arguments(wildcards, input):
    """``--gapped`` arguments that name the generated text that may leave sources out."""
    pairs = zip(STUDY.gapped_generators, input.gapped, strict=True)
    return [argument for name, path in pairs for argument in ("--gapped", name, path)]


def fallback_arguments(wildcards):
    """``--fallback`` arguments of a recipe: a generator and the origin that stands in for it."""
    return [argument for pair in STUDY.fallbacks(wildcards.recipe).items() for argument in ("--fallback", *pair)]


def generator_gpus(wildcards):
    """GPUs that writing a generator's targets takes."""
    local = STUDY["generators"][wildcards.generator]["provider"] == "fairseq"
    return min(STUDY.gpus, 1) if local else 0


def author_text(name):
    """The table that holds an author's targets for the pool's sources."""
    return "<results>/corpus/pool.tsv" if name == HUMAN else f"<results>/generators/{name}/generated.tsv"


def api_code(wildcards):
    """Digest of what asks for a generator's text: the script and the one provider that it loads by name."""
    provider = STUDY["generators"][wildcards.generator]["provider"]
    return CODE.of("llm/prompt_llm.py", f"llm/providers/{provider}.py")


def judge_code(wildcards):
    """Digest of what asks for a judge's scores: the script and the one provider that it loads by name."""
    provider = STUDY["quality"][wildcards.quality]["provider"]
    return CODE.of("llm/prompt_judge.py", f"llm/providers/{provider}.py")


def prompt_inputs(files):
    """The files of an LLM's requests, which lie where Snakemake runs even if all else lies in storage."""
    return {role: local(path) for role, path in files.items()}


def prompt_arguments(files):
    """``--prompt`` arguments: what each file of an LLM's requests is, and its path."""
    return [argument for role, path in files.items() for argument in ("--prompt", role, path)]


def asked_study(wildcards, input):
    """What the whole study asks of LLMs, so that its budget is looked at before the first request.

    What hosted learners translate lies beside the pool. It is no input of what generators write: their text does not
    depend on who learns from it. Where files lie in storage, where nothing lies beside, learners are looked at later.
    """
    if workflow.storage_settings.default_storage_provider is not None:
        return STUDY.asking_arguments(learners=False)
    return [*STUDY.asking_arguments(), "--test", str(Path(input.pool).with_name("test.tsv"))]


def ledgers():
    """Name and ledger of every generator and judge behind an API, and of every run of a hosted learner."""
    generators = [(name, f"<results>/generators/{name}/ledger.json") for name in STUDY.asked_generators]
    judges = [
        (f"judge {quality} of {generator}", f"<results>/quality/{quality}/judgements/{generator}.ledger.json")
        for quality, generator in STUDY.judges
    ]
    hosted = STUDY.runs[STUDY.runs.learner.isin(STUDY.hosted_learners)]
    runs = [
        (f"{run.learner}/{run.recipe}/{run.size}/{run.seed}{part}", f"{run_path(run)}/{file}")
        for run in hosted.drop_duplicates(["learner", "recipe", "size", "seed"]).itertuples()
        for part, file in ((" tuning", "tuning.ledger.json"), ("", "ledger.json"))
        if run.size > 0 or not part
    ]
    return generators + judges + runs
