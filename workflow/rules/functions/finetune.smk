# Functions and constants of the rules in finetune.smk.

LOCAL_LEARNERS = alternatives(STUDY.learners.of(LocalLearner))
LOCAL_RESOURCES = {
    "mem_mb": lambda wildcards, attempt: llm_of(wildcards).memory_mb * attempt,
    "runtime": lambda wildcards, attempt: llm_of(wildcards).minutes * attempt,
}


def base_files(wildcards):
    """The files of a local LLM; the user's own are where jobs run even if all other files are in storage."""
    llm = llm_of(wildcards)
    return llm.files if llm.is_at_hub else [ancient(local(file)) for file in llm.files]


def base_contents(wildcards):
    """Digests of the files of a local LLM and of its prompts, as far as they are the user's own."""
    return contents([*llm_of(wildcards).files, *llm_of(wildcards).prompts.values()])


def base_arguments(wildcards):
    """``--base`` of a local LLM."""
    return spelled_out(["--base", llm_of(wildcards).folder])


def local_provider_arguments(wildcards):
    """``--input`` arguments that name the models and the prompts of a local generator or learner."""
    llm = llm_of(wildcards)
    tuned = tuned_model(wildcards) if "learner" in wildcards.keys() else {}
    files = {"base": llm.folder, **tuned, **llm.prompts}
    return spelled_out(repeated("--input", files.items()))


def run_arguments(wildcards, input):
    """Arguments of a run of a hosted learner and of what it translates."""
    run = f"{wildcards.learner}/{wildcards.recipe}/{wildcards.size}/{wildcards.seed}"
    return ["--run", run, "--test", input.test]


def example_arguments(wildcards, input):
    """Arguments of a run of a hosted learner, of what it is fine-tuned on, and of its seed."""
    examples = ["--dataset", input.dataset, "--size", wildcards.size, "--valid", input.valid]
    return [*run_arguments(wildcards, input), *examples, "--seed", wildcards.seed]


def tuned_model(wildcards):
    """The model of a run of an LLM; none at size 0, at which its base model translates."""
    return {"model": model_path(*wildcards)} if int(wildcards.size) else {}


def tuned_arguments(wildcards):
    """Arguments that name the model of a run of an LLM; empty at size 0."""
    return spelled_out(["--model", model_path(*wildcards)]) if int(wildcards.size) else []
