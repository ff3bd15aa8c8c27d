# Analysis of errors: of every generator's text and of what the learners write, compared with human text.


include: "functions/analyse.smk"


rule learn_norms:
    input:
        "<results>/corpus/pretrain.tsv",
    output:
        "<results>/errors/norms.json",
    log:
        "<results>/logs/learn_norms/norms.log",
    benchmark:
        "<results>/benchmarks/learn_norms/norms.tsv"
    params:
        **runs_script("analyse/errors/learn_norms.py"),
        settings=STUDY.errors.norms,
        seed=STUDY.corpus.seed,
    resources:
        mem_mb=grown(4000),
        runtime=grown(30),
    conda:
        "../../envs/analyse.yaml"
    shell:
        "python {params.script:q} --log {log:q} --pairs {input:q} --settings {params.settings:q}"
        " --seed {params.seed:q} --output {output:q}"


rule find_errors:
    input:
        pairs="<results>/corpus/pool.tsv",
        text="<results>/generators/{generator}/generated.tsv",
        norms="<results>/errors/norms.json",
    output:
        "<results>/errors/origins/{generator}.tsv",
    log:
        "<results>/logs/find_errors/{generator}.log",
    benchmark:
        "<results>/benchmarks/find_errors/{generator}.tsv"
    params:
        **runs_script("analyse/errors/find_errors.py"),
        label="errors of {generator}",
        text=lambda wildcards, input: ["--text", input.text, "--generated"],
        source_language=LANGUAGES[0],
        metrics=METRIC_ARGUMENTS,
        settings=STUDY.errors.limits,
        draw=ERROR_DRAW,
    resources:
        mem_mb=grown(4000),
        runtime=grown(60),
    conda:
        "../../envs/analyse.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q} --pairs {input.pairs:q} {params.text:q}"
        " --norms {input.norms:q} --source-language {params.source_language:q} {params.metrics:q}"
        " --settings {params.settings:q} {params.draw:q} --output {output:q}"


use rule find_errors as find_human_errors with:
    input:
        pairs="<results>/corpus/pool.tsv",
        norms="<results>/errors/norms.json",
    output:
        f"<results>/errors/origins/{HUMAN}.tsv",
    log:
        "<results>/logs/find_human_errors/pool.log",
    benchmark:
        "<results>/benchmarks/find_human_errors/pool.tsv"
    params:
        label="errors of human targets",
        text=[],


use rule find_errors as find_test_errors with:
    input:
        pairs="<results>/corpus/test.tsv",
        norms="<results>/errors/norms.json",
    output:
        "<results>/errors/test_human.tsv",
    log:
        "<results>/logs/find_test_errors/test.log",
    benchmark:
        "<results>/benchmarks/find_test_errors/test.tsv"
    params:
        label="errors of the test set",
        text=[],
        draw=[],


use rule find_errors as find_run_errors with:
    input:
        pairs="<results>/corpus/test.tsv",
        text="<results>/runs/{learner}/{recipe}/{size}/{seed}/hypotheses.tsv",
        norms="<results>/errors/norms.json",
    output:
        "<results>/runs/{learner}/{recipe}/{size}/{seed}/errors.tsv",
    log:
        "<results>/logs/find_run_errors/{learner}/{recipe}/{size}/{seed}.log",
    benchmark:
        "<results>/benchmarks/find_run_errors/{learner}/{recipe}/{size}/{seed}.tsv"
    params:
        label="{learner}/{recipe}/{size}/{seed}",
        text=lambda wildcards, input: ["--text", input.text],
        draw=[],


rule collect_errors:
    input:
        [table for _, table in ERROR_ORIGINS],
        floor=f"<results>/errors/origins/{HUMAN}.tsv",
        second=SECOND_REFERENCE,
    output:
        "<results>/errors/pool.tsv",
    log:
        "<results>/logs/collect_errors/pool.log",
    benchmark:
        "<results>/benchmarks/collect_errors/pool.tsv"
    params:
        **runs_script("analyse/errors/collect_errors.py"),
        texts=spelled_out(repeated("--origin", ERROR_ORIGINS)),
        second=lambda wildcards, input: ["--reference-floor", *input.second] if input.second else [],
        metrics=METRIC_ARGUMENTS,
        samples=STUDY.errors.samples,
        resampling_seed=RESAMPLING_SEED,
    resources:
        mem_mb=grown(4000),
        runtime=grown(60),
    conda:
        "../../envs/analyse.yaml"
    shell:
        "python {params.script:q} --log {log:q} {params.texts:q} --floor {input.floor:q} {params.second:q}"
        " {params.metrics:q} --samples {params.samples:q} --resampling-seed {params.resampling_seed:q}"
        " --output {output:q}"


use rule collect_errors as collect_run_errors with:
    input:
        [table for *_, table in analysed_runs("errors.tsv")],
        floor="<results>/errors/test_human.tsv",
    output:
        "<results>/errors/test.tsv",
    log:
        "<results>/logs/collect_run_errors/test.log",
    benchmark:
        "<results>/benchmarks/collect_run_errors/test.tsv"
    params:
        texts=spelled_out(repeated("--run", analysed_runs("errors.tsv"))),
        second=[],
