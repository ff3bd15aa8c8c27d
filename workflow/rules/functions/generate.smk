# Functions and constants of the rules in generate.smk.


def provider_code(wildcards):
    """Digest of what writes a generator's targets: the script and the one provider that it loads by name."""
    provider = STUDY.generators[wildcards.generator].provider
    return CODE.of("generate/generate_targets.py", f"generate/providers/{provider}.py")


def generator_gpus(wildcards):
    """GPUs that writing a generator's targets takes."""
    is_model = isinstance(STUDY.generators[wildcards.generator], FairseqGenerator)
    return min(TRAINING.gpus_used, 1) if is_model else 0
