# Datasets: whose targets, in which order.


include: "functions/curate.smk"


rule build_dataset:
    input:
        pool="<results>/corpus/pool.tsv",
        generated=lambda wildcards: generated_text(recipe_origins(wildcards.recipe)),
        # A source for which one generator has no target leaves every condition.
        gapped=generated_text(STUDY.generators.gapped),
        ranks=rank_files,
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
        generated=generated_arguments,
        fallbacks=fallback_arguments,
        gapped=gapped_arguments,
        ranks=rank_arguments,
    resources:
        mem_mb=grown(pool_memory(500, 1900)),
        runtime=grown(30),
    conda:
        "../../envs/generate.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {wildcards.recipe:q}"
        " --pool {input.pool:q} {params.generated:q} {params.fallbacks:q} {params.gapped:q} {params.ranks:q}"
        " --recipe {params.recipe:q} --seed {params.seed:q} --output {output:q}"
