# Quality: a score for every synthetic target, and which scores agree with the oracle.


include: "functions/quality.smk"


rule score_quality:
    input:
        unpack(quality_inputs),
        pool="<results>/corpus/pool.tsv",
        generated="<results>/generators/{generator}/generated.tsv",
    output:
        "<results>/quality/{quality}/{generator}.tsv",
    log:
        "<results>/logs/score_quality/{quality}/{generator}.log",
    benchmark:
        "<results>/benchmarks/score_quality/{quality}/{generator}.tsv"
    params:
        script=script_path("curate/score_quality.py"),
        code=quality_code,
        metric=lambda wildcards: STUDY.quality[wildcards.quality].metric,
        settings=lambda wildcards: STUDY.quality[wildcards.quality].settings,
        inputs=quality_arguments,
        seed=STUDY.corpus.seed,
        label=lambda wildcards: f"{wildcards.quality} of {wildcards.generator}",
    # Trainings on an order wait for it.
    priority: 10
    threads: TRAINING.threads
    resources:
        mem_mb=grown(max(TRAINING.memory_mb, pool_memory(500, 1300))),
        runtime=grown(TRAINING.minutes),
        gpu=quality_gpus,
    conda:
        "../../envs/quality.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q}"
        " --threads {threads} --metric {params.metric:q} --settings {params.settings:q} {params.inputs:q}"
        " --pool {input.pool:q} --generated {input.generated:q} --seed {params.seed:q} --output {output:q}"


rule compare_quality:
    input:
        oracle=[f"<results>/quality/{STUDY.quality.oracle}/{generator}.tsv" for generator in STUDY.quality.scored],
        scores=[f"<results>/quality/{quality}/{generator}.tsv" for quality, generator in STUDY.quality.pairs],
    output:
        report("<results>/quality/agreement.tsv", caption="../report/agreement.rst", category="Quality"),
    log:
        "<results>/logs/compare_quality/agreement.log",
    benchmark:
        "<results>/benchmarks/compare_quality/agreement.tsv"
    params:
        script=script_path("curate/compare_quality.py"),
        code=agreement_code(),
        oracle=lambda wildcards, input: named_files(STUDY.quality.scored, input.oracle),
        scores=lambda wildcards, input: named_files(
            (f"{generator}:{quality}" for quality, generator in STUDY.quality.pairs), input.scores
        ),
        about=STUDY.quality.about,
        targets=["--targets", str(STUDY.agreement_targets)] if STUDY.agreement_targets else [],
        samples=EVALUATION.samples,
        seed=RESAMPLING_SEED,
    resources:
        mem_mb=grown(4000),
        runtime=grown(30),
    conda:
        "../../envs/quality.yaml"
    shell:
        "python {params.script:q} --log {log:q}"
        " --oracle {params.oracle:q} --scores {params.scores:q} --about {params.about:q}"
        " {params.targets:q} --samples {params.samples:q} --seed {params.seed:q} --output {output:q}"
