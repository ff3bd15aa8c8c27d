# Analysis of generated text and of what the learners write: detectors, errors and lexical diversity.


include: "functions/analyse.smk"


rule detect_text:
    input:
        pool="<results>/corpus/pool.tsv",
        first=lambda wildcards: author_text(authors(wildcards)[0]),
        second=lambda wildcards: author_text(authors(wildcards)[1]),
    output:
        scores="<results>/detector/{pair}/scores.tsv",
        rank="<results>/detector/{pair}/rank.tsv",
        report="<results>/detector/{pair}/detector.json",
    log:
        "<results>/logs/detect_text/{pair}.log",
    benchmark:
        "<results>/benchmarks/detect_text/{pair}.tsv"
    params:
        **runs_script("analyse/detectors/detect_text.py", f"analyse/detectors/{STUDY.detector.kind}.py"),
        label="detector {pair}",
        first=lambda wildcards: authors(wildcards)[0],
        second=lambda wildcards: authors(wildcards)[1],
        settings=STUDY.detector.settings,
        seed=STUDY.corpus.seed,
    resources:
        **grown(mem_mb=pool_memory(DETECTOR_MEMORY, 1200), runtime=60),
    conda:
        "../../envs/analyse.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q}"
        " --first {params.first:q} --second {params.second:q} --first-text {input.first:q} --second-text {input.second:q}"
        " --pool {input.pool:q} --settings {params.settings:q} --seed {params.seed:q} --threads {threads}"
        " --scores {output.scores:q} --rank {output.rank:q} --report {output.report:q}"


rule collect_detectors:
    input:
        all_detectors,
        generated_text(STUDY.generators.machines),
        pool="<results>/corpus/pool.tsv",
    output:
        pairs="<results>/detector/pairs.tsv",
        post_editing="<results>/detector/post_editing.tsv",
    log:
        "<results>/logs/collect_detectors/detectors.log",
    benchmark:
        "<results>/benchmarks/collect_detectors/detectors.tsv"
    params:
        **runs_script("analyse/detectors/collect_detectors.py"),
        detectors=lambda wildcards: detector_arguments(),
        generated=lambda wildcards: named_paths({name: author_text(name) for name in STUDY.generators.machines}),
        trained=[name for name in STUDY.generators.machines if name in STUDY.generators.of(FairseqGenerator)],
        metrics=EVALUATION.metric_arguments(["bleu"]),
        margin=STUDY.detector.post_editing_margin,
    resources:
        **grown(mem_mb=pool_memory(1000, 800), runtime=30),
    conda:
        "../../envs/analyse.yaml"
    shell:
        "python {params.script:q} --log {log:q} --detectors {params.detectors:q} --generated {params.generated:q}"
        " --trained {params.trained:q} --pool {input.pool:q} {params.metrics:q} --margin {params.margin:q}"
        " --pairs {output.pairs:q} --post-editing {output.post_editing:q}"


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
        **grown(mem_mb=4000, runtime=30),
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
        **grown(mem_mb=4000, runtime=60),
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


use rule find_human_errors as find_test_errors with:
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
        texts=lambda wildcards: in_file(spelled_out(repeated("--origin", ERROR_ORIGINS))),
        floors=error_floors,
        settings=[*METRIC_ARGUMENTS, *RESAMPLING],
    resources:
        **grown(mem_mb=4000, runtime=60),
    conda:
        "../../envs/analyse.yaml"
    shell:
        "python {params.script:q} --log {log:q} {params.texts:q} {params.floors:q} {params.settings:q} --output {output:q}"


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
        texts=lambda wildcards: in_file(spelled_out(repeated("--run", analysed_runs("errors.tsv")))),


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
        **grown(mem_mb=pool_memory(2000, 800), runtime=60),
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


use rule collect_errors as collect_diversity with:
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
        texts=lambda wildcards: in_file(spelled_out(repeated("--origin", MEASURED_ORIGINS))),
        floors=[],
        settings=[],
    resources:
        **grown(mem_mb=1000, runtime=10),
    localrule: True


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
        texts=lambda wildcards: in_file(spelled_out(repeated("--run", analysed_recipes("diversity.tsv")))),
