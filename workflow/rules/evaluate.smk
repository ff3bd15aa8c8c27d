# Evaluation: from a model to scores that can be compared.


include: "functions/evaluate.smk"


use rule generate_targets as translate_test with:
    input:
        **VOCAB,
        checkpoint="<results>/runs/{learner}/{recipe}/{size}/{seed}/model.pt",
        ctranslate2="<results>/runs/{learner}/{recipe}/{size}/{seed}/ctranslate2",
        split="<results>/corpus/test.tsv",
    output:
        "<results>/runs/{learner}/{recipe}/{size}/{seed}/hypotheses.tsv",
    log:
        "<results>/logs/translate_test/{learner}/{recipe}/{size}/{seed}.log",
    benchmark:
        "<results>/benchmarks/translate_test/{learner}/{recipe}/{size}/{seed}.tsv"
    wildcard_constraints:
        learner=alternatives(STUDY.learners.of(FairseqLearner)),
    priority: 0
    params:
        **runs_script("generate/generate_targets.py", "generate/providers/fairseq.py"),
        provider="fairseq",
        settings=STUDY.decoding,
        contents=[],
        empty="keep",
        label="{learner}/{recipe}/{size}/{seed}",
    resources:
        **grown(mem_mb=TRAINING.memory_mb, runtime=TRAINING.minutes),
        gpu=min(TRAINING.gpus_used, 1),
    conda:
        "../../envs/evaluate.yaml"


rule score_run:
    input:
        hypotheses="<results>/runs/{learner}/{recipe}/{size}/{seed}/hypotheses.tsv",
        references="<results>/corpus/test.tsv",
    output:
        segments="<results>/runs/{learner}/{recipe}/{size}/{seed}/segments.tsv",
        statistics="<results>/runs/{learner}/{recipe}/{size}/{seed}/statistics.tsv",
        scores="<results>/runs/{learner}/{recipe}/{size}/{seed}/scores.json",
    log:
        "<results>/logs/score_run/{learner}/{recipe}/{size}/{seed}.log",
    benchmark:
        "<results>/benchmarks/score_run/{learner}/{recipe}/{size}/{seed}.tsv"
    params:
        **runs_script("evaluate/score_run.py"),
        label="{learner}/{recipe}/{size}/{seed}",
        metrics=METRIC_ARGUMENTS,
        kind=[],
    resources:
        **grown(mem_mb=2000, runtime=30),
    conda:
        "../../envs/evaluate.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q}"
        " --hypotheses {input.hypotheses:q} --references {input.references:q} {params.metrics:q} {params.kind:q}"
        " --segments {output.segments:q} --statistics {output.statistics:q} --scores {output.scores:q}"


use rule score_run as score_generator with:
    input:
        hypotheses="<results>/generators/{generator}/generated.tsv",
        references="<results>/corpus/pool.tsv",
    output:
        segments="<results>/generators/{generator}/segments.tsv",
        statistics="<results>/generators/{generator}/statistics.tsv",
        scores="<results>/generators/{generator}/scores.json",
    log:
        "<results>/logs/score_generator/{generator}.log",
    benchmark:
        "<results>/benchmarks/score_generator/{generator}.tsv"
    params:
        label="generator {generator}",
        metrics=EVALUATION.metric_arguments(METRICS[:1]),
        kind=["--generated"],
    resources:
        **grown(mem_mb=pool_memory(1000, 1300), runtime=60),


rule compare_runs:
    input:
        statistics=lambda wildcards: list(compared_statistics(wildcards).values()),
    output:
        "<results>/comparisons/{learner}/{size}/{seed}.tsv",
    log:
        "<results>/logs/compare_runs/{learner}/{size}/{seed}.log",
    benchmark:
        "<results>/benchmarks/compare_runs/{learner}/{size}/{seed}.tsv"
    params:
        **runs_script("evaluate/compare_runs.py"),
        label="{learner}/{size}/{seed}",
        baseline=EVALUATION.baseline,
        statistics=lambda wildcards: named_paths(compared_statistics(wildcards)),
        metrics=METRIC_ARGUMENTS,
        test=EVALUATION.significance,
        samples=EVALUATION.samples,
        resampling_seed=RESAMPLING_SEED,
    resources:
        **grown(mem_mb=COMPARISON_MEMORY, runtime=60),
    conda:
        "../../envs/evaluate.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q}"
        " --learner {wildcards.learner:q} --size {wildcards.size:q} --seed {wildcards.seed:q}"
        " --baseline {params.baseline:q} --statistics {params.statistics:q} {params.metrics:q}"
        " --test {params.test:q} --samples {params.samples:q} --resampling-seed {params.resampling_seed:q}"
        " --threads {threads} --comparisons {output:q}"


rule write_study:
    output:
        runs="<results>/runs.tsv",
        study="<results>/study.json",
    log:
        "<results>/logs/write_study/study.log",
    benchmark:
        "<results>/benchmarks/write_study/study.tsv"
    params:
        **runs_script("planning/write_study.py"),
        study=lambda wildcards: in_file(["--study", description(STUDY)]),
    resources:
        **grown(mem_mb=1000, runtime=10),
    conda:
        "../../envs/evaluate.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} {params.study:q}" " --runs {output.runs:q} --output {output.study:q}"


rule collect_scores:
    input:
        all_runs("scores.json"),
        all_runs("training.json", trained=True),
        runs="<results>/runs.tsv",
    output:
        scores=report("<results>/scores.tsv", caption="../report/scores.rst", category="Scores"),
        timings="<results>/timings.tsv",
    log:
        "<results>/logs/collect_scores/scores.log",
    benchmark:
        "<results>/benchmarks/collect_scores/scores.tsv"
    params:
        **runs_script("evaluate/collect_scores.py"),
        folder=folder_of("runs"),
        metrics=["--metrics", *METRICS],
        outputs=lambda wildcards, output: file_options(output),
    resources:
        **grown(mem_mb=1000, runtime=30),
    conda:
        "../../envs/evaluate.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} --runs {input.runs:q} {params.folder:q} {params.metrics:q}"
        " {params.outputs:q}"


use rule collect_scores as collect_comparisons with:
    input:
        all_comparisons(),
        runs="<results>/runs.tsv",
    output:
        significance=report("<results>/significance.tsv", caption="../report/significance.rst", category="Scores"),
    log:
        "<results>/logs/collect_comparisons/significance.log",
    benchmark:
        "<results>/benchmarks/collect_comparisons/significance.tsv"
    params:
        **runs_script("evaluate/collect_comparisons.py"),
        folder=folder_of("comparisons"),
        metrics=[],


rule summarise_conditions:
    input:
        all_runs("statistics.tsv"),
        runs="<results>/runs.tsv",
    output:
        summary=report("<results>/summary.tsv", caption="../report/summary.rst", category="Scores"),
    log:
        "<results>/logs/summarise_conditions/summary.log",
    benchmark:
        "<results>/benchmarks/summarise_conditions/summary.tsv"
    params:
        **runs_script("evaluate/summarise_conditions.py"),
        folder=folder_of("runs"),
        baseline=EVALUATION.baseline,
        relations=[],
        metrics=METRIC_ARGUMENTS,
        resamples=EVALUATION.resamples,
        resampling_seed=RESAMPLING_SEED,
        outputs=lambda wildcards, output: file_options(output),
    resources:
        **grown(mem_mb=4000, runtime=60),
    conda:
        "../../envs/evaluate.yaml"
    shell:
        "python {params.script:q} --log {log:q} --runs {input.runs:q} {params.folder:q}"
        " --baseline {params.baseline:q} {params.relations:q} {params.metrics:q}"
        " --resamples {params.resamples:q} --resampling-seed {params.resampling_seed:q} {params.outputs:q}"


use rule summarise_conditions as contrast_conditions with:
    output:
        contrasts="<results>/contrasts.tsv",
        remedies="<results>/remedies.tsv",
        curves="<results>/curves.tsv",
        exchange="<results>/exchange.tsv",
    log:
        "<results>/logs/contrast_conditions/contrasts.log",
    benchmark:
        "<results>/benchmarks/contrast_conditions/contrasts.tsv"
    params:
        **runs_script("evaluate/contrast_conditions.py"),
        relations=lambda wildcards: in_file(["--relations", STUDY.relations]),
