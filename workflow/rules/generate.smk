# Vocabulary and generators: from pretrain to synthetic targets for the pool.


rule train_vocab:
    input:
        pretrain="<results>/corpus/pretrain.tsv",
    output:
        model="<results>/vocab/spm.model",
        dictionary="<results>/vocab/dict.txt",
    log:
        "<results>/logs/train_vocab/vocab.log",
    benchmark:
        "<results>/benchmarks/train_vocab/vocab.tsv"
    params:
        **runs_script("vocab/train_vocab.py"),
        **{name: value for name, value in STUDY.vocab.items() if name != "pairs"},
        pairs=["--pairs", str(STUDY.vocab["pairs"])] if STUDY.vocab["pairs"] else [],
    resources:
        **grown(mem_mb=4000, runtime=60),
    conda:
        "../../envs/vocab.yaml"
    shell:
        "python {params.script:q} --log {log:q} --pretrain {input.pretrain:q} {params.pairs:q}"
        " --model-type {params.model:q} --size {params.size:q} --character-coverage {params.character_coverage:q}"
        " --model {output.model:q} --dictionary {output.dictionary:q}"


rule sample_pretrain:
    input:
        pretrain="<results>/corpus/pretrain.tsv",
    output:
        "<results>/generators/{generator}/train.tsv",
    log:
        "<results>/logs/sample_pretrain/{generator}.log",
    benchmark:
        "<results>/benchmarks/sample_pretrain/{generator}.tsv"
    params:
        **runs_script("generate/sample_pretrain.py"),
        pairs=lambda wildcards: STUDY.generators[wildcards.generator].pairs,
    resources:
        **grown(mem_mb=1000, runtime=10),
    conda:
        "../../envs/generate.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {wildcards.generator:q}"
        " --pretrain {input.pretrain:q} --pairs {params.pairs:q} --output {output:q}"


rule generate_targets:
    input:
        unpack(lambda wildcards: STUDY.generators[wildcards.generator].inputs),
        pool="<results>/corpus/pool.tsv",
    output:
        "<results>/generators/{generator}/generated.tsv",
    log:
        "<results>/logs/generate_targets/{generator}.log",
    benchmark:
        "<results>/benchmarks/generate_targets/{generator}.tsv"
    wildcard_constraints:
        generator=alternatives([*STUDY.generators.of(FairseqGenerator), *STUDY.generators.of(FileGenerator)]),
    # Most runs wait for generated text.
    priority: 10
    params:
        script=script_path("generate/generate_targets.py"),
        code=lambda wildcards: CODE.of(
            "generate/generate_targets.py", f"generate/providers/{STUDY.generators[wildcards.generator].provider}.py"
        ),
        provider=lambda wildcards: STUDY.generators[wildcards.generator].provider,
        settings=lambda wildcards: STUDY.generators[wildcards.generator].settings,
        inputs=input_arguments,
    threads: TRAINING.threads
    resources:
        **grown(mem_mb=max(TRAINING.memory_mb, pool_memory(500, 900)), runtime=TRAINING.minutes),
        gpu=lambda wildcards: (
            min(TRAINING.gpus_used, 1) if wildcards.generator in STUDY.generators.of(FairseqGenerator) else 0
        ),
    conda:
        "../../envs/generate.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {wildcards.generator:q}"
        " --threads {threads} --provider {params.provider:q} --settings {params.settings:q} {params.inputs:q}"
        " --pool {input.pool:q} --output {output:q}"
