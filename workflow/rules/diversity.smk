# Analysis of lexical diversity: of every generator's text and of what the learners write, compared with human text.


include: "functions/diversity.smk"


rule measure_diversity:
    input:
        text="<results>/generators/{generator}/generated.tsv",
        references="<results>/corpus/pool.tsv",
    output:
        "<results>/diversity/origins/{generator}.tsv",
    log:
        "<results>/logs/measure_diversity/{generator}.log",
    benchmark:
        "<results>/benchmarks/measure_diversity/{generator}.tsv"
    params:
        **runs_script("analyse/diversity/measure_diversity.py"),
        label="generator {generator}",
        language=LANGUAGES[1],
        settings=STUDY.diversity,
        seed=RESAMPLING_SEED,
    resources:
        mem_mb=grown(pool_memory(2000, 800)),
        runtime=grown(60),
    conda:
        "../../envs/analyse.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q}"
        " --text {input.text:q} --references {input.references:q} --target-language {params.language:q}"
        " --settings {params.settings:q} --seed {params.seed:q} --output {output:q}"


use rule measure_diversity as measure_run_diversity with:
    input:
        text=hypotheses_of_seeds,
        references="<results>/corpus/test.tsv",
    output:
        "<results>/runs/{learner}/{recipe}/{size}/diversity.tsv",
    log:
        "<results>/logs/measure_run_diversity/{learner}/{recipe}/{size}.log",
    benchmark:
        "<results>/benchmarks/measure_run_diversity/{learner}/{recipe}/{size}.tsv"
    # The function of its input needs a recipe of the study.
    wildcard_constraints:
        recipe=alternatives({run.recipe: None for run in STUDY.runs.table}),
    params:
        label="{learner}/{recipe}/{size}",


rule collect_diversity:
    input:
        [table for *_, table in MEASURED_ORIGINS],
    output:
        "<results>/diversity/pool.tsv",
    log:
        "<results>/logs/collect_diversity/pool.log",
    benchmark:
        "<results>/benchmarks/collect_diversity/pool.tsv"
    params:
        **runs_script("analyse/diversity/collect_diversity.py"),
        texts=spelled_out(repeated("--origin", MEASURED_ORIGINS)),
    resources:
        mem_mb=1000,
        runtime=10,
    conda:
        "../../envs/analyse.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} {params.texts:q} --output {output:q}"


use rule collect_diversity as collect_run_diversity with:
    input:
        [table for *_, table in analysed_recipes("diversity.tsv")],
    output:
        "<results>/diversity/test.tsv",
    log:
        "<results>/logs/collect_run_diversity/test.log",
    benchmark:
        "<results>/benchmarks/collect_run_diversity/test.tsv"
    params:
        texts=spelled_out(repeated("--run", analysed_recipes("diversity.tsv"))),
