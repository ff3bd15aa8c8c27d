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
        **{name: value for name, value in STUDY.vocab.items() if name not in ("pairs", "byte_fallback")},
        pairs=["--pairs", str(STUDY.vocab["pairs"])] if STUDY.vocab["pairs"] else [],
        byte_fallback=["--byte-fallback"] if STUDY.vocab["byte_fallback"] else [],
    resources:
        **grown(mem_mb=4000, runtime=60),
    conda:
        "../../envs/vocab.yaml"
    shell:
        "python {params.script:q} --log {log:q} --pretrain {input.pretrain:q} {params.pairs:q}"
        " --model-type {params.model:q} --size {params.size:q} --character-coverage {params.character_coverage:q}"
        " --normalization {params.normalization:q} {params.byte_fallback:q}"
        " --model {output.model:q} --dictionary {output.dictionary:q}"


rule check_vocab:
    input:
        model="<results>/vocab/spm.model",
        valid="<results>/corpus/valid.tsv",
        test="<results>/corpus/test.tsv",
    output:
        "<results>/vocab/rewritten.tsv",
    log:
        "<results>/logs/check_vocab/vocab.log",
    benchmark:
        "<results>/benchmarks/check_vocab/vocab.tsv"
    params:
        **runs_script("vocab/check_vocab.py"),
        metrics=EVALUATION.metric_arguments(["bleu"]),
    resources:
        **grown(mem_mb=2000, runtime=30),
    conda:
        "../../envs/vocab.yaml"
    shell:
        "python {params.script:q} --log {log:q} --model {input.model:q} --valid {input.valid:q} --test {input.test:q}"
        " {params.metrics:q} --rewritten {output:q}"


rule generate_targets:
    input:
        unpack(lambda wildcards: given_inputs(STUDY.generators[wildcards.generator].inputs)),
        split="<results>/corpus/pool.tsv",
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
        **runs_script(
            "generate/generate_targets.py",
            loads=lambda wildcards: [f"generate/providers/{STUDY.generators[wildcards.generator].provider}.py"],
        ),
        provider=lambda wildcards: STUDY.generators[wildcards.generator].provider,
        settings=lambda wildcards: STUDY.generators[wildcards.generator].settings,
        inputs=input_arguments,
        contents=lambda wildcards: contents(STUDY.generators[wildcards.generator].inputs.values()),
        empty="refuse",
        label="{generator}",
    threads: TRAINING.threads
    resources:
        **grown(mem_mb=max(TRAINING.memory_mb, pool_memory(500, 900)), runtime=TRAINING.minutes),
        gpu=lambda wildcards: (
            min(TRAINING.gpus_used, 1) if wildcards.generator in STUDY.generators.of(FairseqGenerator) else 0
        ),
    conda:
        "../../envs/generate.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q}"
        " --threads {threads} --provider {params.provider:q} --settings {params.settings:q} {params.inputs:q}"
        " --split {input.split:q} --empty {params.empty:q} --output {output:q}"
