# Quality scores of synthetic targets, and datasets: whose targets, in which order.


rule score_quality:
    input:
        unpack(lambda wildcards: STUDY.quality[wildcards.quality].inputs(wildcards.generator)),
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
        code=lambda wildcards: CODE.of(
            "curate/score_quality.py", f"curate/quality/{STUDY.quality[wildcards.quality].metric}.py"
        ),
        metric=lambda wildcards: STUDY.quality[wildcards.quality].metric,
        settings=lambda wildcards: STUDY.quality[wildcards.quality].settings,
        inputs=input_arguments,
        seed=STUDY.corpus.seed,
        label=lambda wildcards: f"{wildcards.quality} of {wildcards.generator}",
    # Trainings on an order wait for it.
    priority: 10
    threads: TRAINING.threads
    resources:
        **grown(mem_mb=max(TRAINING.memory_mb, pool_memory(500, 1300)), runtime=TRAINING.minutes),
        gpu=lambda wildcards: min(TRAINING.gpus_used, 1) if STUDY.quality[wildcards.quality].uses_gpu else 0,
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
        # It reads which scores of a metric are better.
        **runs_script("curate/compare_quality.py", *(f"curate/quality/{metric}.py" for metric in STUDY.quality.metrics)),
        oracle=lambda wildcards, input: named_files(STUDY.quality.scored, input.oracle),
        scores=lambda wildcards, input: named_files(
            (f"{generator}:{quality}" for quality, generator in STUDY.quality.pairs), input.scores
        ),
        about=STUDY.quality.about,
        targets=["--targets", str(STUDY.agreement_targets)] if STUDY.agreement_targets else [],
        samples=EVALUATION.samples,
        seed=RESAMPLING_SEED,
    resources:
        **grown(mem_mb=4000, runtime=30),
    conda:
        "../../envs/quality.yaml"
    shell:
        "python {params.script:q} --log {log:q}"
        " --oracle {params.oracle:q} --scores {params.scores:q} --about {params.about:q}"
        " {params.targets:q} --samples {params.samples:q} --seed {params.seed:q} --output {output:q}"


rule build_dataset:
    input:
        pool="<results>/corpus/pool.tsv",
        generated=lambda wildcards: generated_text(STUDY.generators.origins_of(STUDY.runs.recipes[wildcards.recipe])),
        # A source for which one generator has no target leaves every condition.
        gapped=generated_text(STUDY.generators.gapped),
        ranks=lambda wildcards: [path for _, path in STUDY.runs.recipes[wildcards.recipe].rank_tables],
    output:
        "<results>/datasets/{recipe}.tsv",
    log:
        "<results>/logs/build_dataset/{recipe}.log",
    benchmark:
        "<results>/benchmarks/build_dataset/{recipe}.tsv"
    wildcard_constraints:
        recipe=alternatives(STUDY.runs.recipes),
    params:
        **runs_script("curate/build_dataset.py"),
        recipe=lambda wildcards: STUDY.runs.recipes[wildcards.recipe].settings,
        seed=STUDY.corpus.seed,
        generated=lambda wildcards, input: repeated(
            "--generated",
            zip(STUDY.generators.origins_of(STUDY.runs.recipes[wildcards.recipe]), input.generated, strict=True),
        ),
        fallbacks=lambda wildcards: repeated(
            "--fallback", STUDY.generators.fallbacks(STUDY.runs.recipes[wildcards.recipe]).items()
        ),
        gapped=lambda wildcards, input: repeated("--gapped", zip(STUDY.generators.gapped, input.gapped, strict=True)),
        ranks=lambda wildcards: spelled_out(repeated("--ranks", STUDY.runs.recipes[wildcards.recipe].rank_tables)),
    resources:
        **grown(mem_mb=pool_memory(500, 1900), runtime=30),
    conda:
        "../../envs/generate.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {wildcards.recipe:q}"
        " --pool {input.pool:q} {params.generated:q} {params.fallbacks:q} {params.gapped:q} {params.ranks:q}"
        " --recipe {params.recipe:q} --seed {params.seed:q} --output {output:q}"
