# Functions and constants of the rules in generate.smk.


def provider_module(wildcards):
    """The provider that writes a generator's targets."""
    return [f"generate/providers/{STUDY.generators[wildcards.generator].provider}.py"]


def generator_gpus(wildcards):
    """GPUs that writing a generator's targets takes."""
    is_model = isinstance(STUDY.generators[wildcards.generator], FairseqGenerator)
    return min(TRAINING.gpus_used, 1) if is_model else 0
