# Conditions: whose targets, in which order.


rule build_dataset:
    input:
        pool="<results>/corpus/pool.tsv",
        generated=lambda wildcards: generated_text(recipe_origins(wildcards.recipe)),
        # A source that one generator has no target for leaves every condition.
        gapped=generated_text(STUDY.gapped_generators),
        ranks=rank_files,
    output:
        "<results>/datasets/{recipe}.tsv",
    log:
        "<results>/logs/build_dataset/{recipe}.log",
    benchmark:
        "<results>/benchmarks/build_dataset/{recipe}.tsv"
    wildcard_constraints:
        recipe=alternatives(STUDY.recipes),
    params:
        **runs_script("curate/build_dataset.py"),
        recipe=lambda wildcards: STUDY.recipe_settings(wildcards.recipe),
        seed=STUDY["corpus"]["seed"],
        generated=generated_arguments,
        fallbacks=fallback_arguments,
        gapped=gapped_arguments,
        ranks=rank_arguments,
    threads: 1
    resources:
        mem_mb=grown(pool_memory(500, 1900)),
        runtime=grown(30),
    conda:
        "../../envs/generate.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {wildcards.recipe:q}"
        " --pool {input.pool:q} {params.generated:q} {params.fallbacks:q} {params.gapped:q} {params.ranks:q}"
        " --recipe {params.recipe:q} --seed {params.seed:q} --output {output:q}"
