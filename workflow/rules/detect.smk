# Detectors: how well the targets of two authors can be distinguished, and which are most like the first author's.


include: "functions/detect.smk"


rule detect_text:
    input:
        pool="<results>/corpus/pool.tsv",
        first=lambda wildcards: author_text(STUDY.generators.detector_pairs[wildcards.pair][0]),
        second=lambda wildcards: author_text(STUDY.generators.detector_pairs[wildcards.pair][1]),
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
        first=lambda wildcards: STUDY.generators.detector_pairs[wildcards.pair][0],
        second=lambda wildcards: STUDY.generators.detector_pairs[wildcards.pair][1],
        settings=STUDY.detector.settings,
        seed=STUDY.corpus.seed,
    resources:
        mem_mb=grown(pool_memory(DETECTOR_MEMORY, 1200)),
        runtime=grown(60),
    conda:
        "../../envs/analyse.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q}"
        " --first {params.first:q} --second {params.second:q} --first-text {input.first:q} --second-text {input.second:q}"
        " --pool {input.pool:q} --settings {params.settings:q} --seed {params.seed:q} --threads {threads}"
        " --scores {output.scores:q} --rank {output.rank:q} --report {output.report:q}"


rule collect_detectors:
    input:
        list(detector_reports().values()),
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
        detectors=detector_arguments(),
        generated=named_paths({name: author_text(name) for name in STUDY.generators.machines}),
        trained=[name for name in STUDY.generators.machines if name in STUDY.generators.of(FairseqGenerator)],
        metrics=EVALUATION.metric_arguments(["bleu"]),
        margin=STUDY.detector.post_editing_margin,
    resources:
        mem_mb=grown(pool_memory(1000, 800)),
        runtime=grown(30),
    conda:
        "../../envs/analyse.yaml"
    shell:
        "python {params.script:q} --log {log:q} --detectors {params.detectors:q} --generated {params.generated:q}"
        " --trained {params.trained:q} --pool {input.pool:q} {params.metrics:q} --margin {params.margin:q}"
        " --pairs {output.pairs:q} --post-editing {output.post_editing:q}"
