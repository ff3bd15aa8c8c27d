# Conditions: whose targets, in which order.


rule build_dataset:
    input:
        pool="<results>/corpus/pool.tsv",
        generated=lambda wildcards: expand(
            "<results>/generators/{generator}/generated.tsv",
            generator=STUDY.synthetic_origins(wildcards.recipe),
        ),
    output:
        "<results>/datasets/{recipe}.tsv",
    log:
        "<results>/logs/build_dataset/{recipe}.log",
    benchmark:
        "<results>/benchmarks/build_dataset/{recipe}.tsv"
    params:
        **runs_script("curate/build_dataset.py"),
        recipe=lambda wildcards: STUDY.recipe_settings(wildcards.recipe),
        seed=STUDY["corpus"]["seed"],
        generated=generated_arguments,
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    conda:
        "../../envs/generate.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {wildcards.recipe:q}"
        " --pool {input.pool:q} {params.generated:q} --recipe {params.recipe:q} --seed {params.seed:q} --output {output:q}"
