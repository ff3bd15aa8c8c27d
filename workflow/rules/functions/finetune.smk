# What the rules of finetune.smk are written with.

from planning.runs import dataset_recipe

LOCAL_LEARNERS = alternatives(STUDY.learners.of(LocalLearner))
HOSTED_LEARNERS = alternatives(STUDY.hosted_learners)


def local_llm(wildcards):
    """The local LLM of a job, a learner's or a generator's."""
    if "learner" in wildcards.keys():
        return STUDY.learners[wildcards.learner].llm
    return STUDY.generators[wildcards.generator].llm


def base_files(wildcards):
    """The files of a local LLM; the user's own are where jobs run even if all other files are in storage."""
    llm = local_llm(wildcards)
    return llm.files if llm.is_at_hub else [local(file) for file in llm.files]


def base_arguments(wildcards):
    """``--base`` of a local LLM."""
    return spelled_out(["--base", local_llm(wildcards).folder])


def local_prompt_inputs(wildcards):
    """The files that the prompts of a local LLM are written from."""
    return prompt_inputs(local_llm(wildcards).prompts)


def local_prompt_arguments(wildcards):
    """``--prompt`` arguments of a local LLM."""
    return prompt_arguments(local_llm(wildcards).prompts)


def local_provider_arguments(wildcards):
    """``--input`` arguments that name the model and the prompts of a local generator."""
    llm = local_llm(wildcards)
    return spelled_out(["--input", "base", llm.folder, *prompt_arguments(llm.prompts, "--input")])


def local_memory(wildcards, attempt):
    """Memory of a job with a local LLM, in MB."""
    return local_llm(wildcards).memory_mb * attempt


def local_minutes(wildcards, attempt):
    """Wall time of a job with a local LLM."""
    return local_llm(wildcards).minutes * attempt


def hosted_prompt_inputs(wildcards):
    """The files that the requests and training examples of a hosted learner are written from."""
    return prompt_inputs(STUDY.learners[wildcards.learner].llm.prompts)


def hosted_prompt_arguments(wildcards):
    """``--prompt`` arguments of a hosted learner."""
    return prompt_arguments(STUDY.learners[wildcards.learner].llm.prompts)


def hosted_execution(wildcards, input):
    """How a hosted learner is asked; Snakemake does not compare what is derived from a job's input."""
    return STUDY.learners[wildcards.learner].execution


def tuned_model(wildcards):
    """The model of a run of an LLM; none at size 0, at which its base model translates."""
    return {"model": model_path(*wildcards)} if int(wildcards.size) else {}


def tuned_arguments(wildcards):
    """Arguments that name the model of a run of an LLM; empty at size 0."""
    return spelled_out(["--model", model_path(*wildcards)]) if int(wildcards.size) else []
