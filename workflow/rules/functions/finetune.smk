# Learners that are LLMs: their base models, what they were fine-tuned to, what they are asked.


def local_settings(wildcards):
    """The settings of the local LLM that a job is about, a learner or a generator."""
    section, name = ("learners", "learner") if "learner" in wildcards.keys() else ("generators", "generator")
    return STUDY[section][wildcards[name]]


def base_files(wildcards):
    """The files of a local LLM's base model; the user's own lie where jobs run even if all else lies in storage."""
    settings = local_settings(wildcards)
    files = STUDY.base_files(settings)
    return files if is_at_hub(settings) else [local(file) for file in files]


def base_folder(wildcards):
    """``--base`` of a local LLM."""
    return base_arguments(local_settings(wildcards), ["--base"])


def base_arguments(settings, arguments):
    """``arguments`` followed by the folder of a local LLM's base model."""
    return spelt_out([*arguments, STUDY.base_folder(settings)])


def local_prompt_inputs(wildcards):
    """The files that the prompts of a local LLM are written from."""
    return prompt_inputs(STUDY.local_prompts(local_settings(wildcards)))


def local_prompt_arguments(wildcards, option="--prompt"):
    """An ``option`` for each file that the prompts of a local LLM are written from."""
    files = STUDY.local_prompts(local_settings(wildcards)).items()
    return [argument for role, path in files for argument in (option, role, path)]


def local_memory(wildcards, attempt):
    """Memory of a job with a local LLM, in MB."""
    return (local_settings(wildcards)["memory_mb"] or TRAINING["memory_mb"]) * attempt


def local_minutes(wildcards, attempt):
    """Wall time of a job with a local LLM."""
    return (local_settings(wildcards)["minutes"] or TRAINING["minutes"]) * attempt


def local_training_settings(wildcards):
    """What shapes the fine-tuning of a local LLM besides its data."""
    return STUDY.local_training_settings(wildcards.learner, int(wildcards.seed))


def hosted_execution(wildcards, input):
    """How a hosted learner is asked; Snakemake does not compare what is derived from a job's input."""
    return STUDY.hosted_execution(wildcards.learner)


def local_provider_arguments(wildcards):
    """``--input`` arguments that name what the prompts of a local generator are written from."""
    return local_prompt_arguments(wildcards, "--input")


def local_provider_base(wildcards):
    """``--input`` arguments that name the base model of a local generator."""
    return base_arguments(local_settings(wildcards), ["--input", "base"])


def hosted_prompt_inputs(wildcards):
    """The files that the requests and training examples of a hosted learner are written from."""
    return prompt_inputs(STUDY.hosted_prompts(wildcards.learner))
