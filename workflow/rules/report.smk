# The report: figures, the answer, one page.


rule plot_learning_curve:
    input:
        summary="<results>/summary.tsv",
        scores="<results>/scores.tsv",
    output:
        svg=report(
            "<results>/figures/learning_curve.svg",
            caption="../report/learning_curve.rst",
            category="Figures",
        ),
        png="<results>/figures/learning_curve.png",
    log:
        "<results>/logs/plot_learning_curve/figure.log",
    benchmark:
        "<results>/benchmarks/plot_learning_curve/figure.tsv"
    params:
        **runs_script("report/plot_learning_curve.py"),
        metric=METRICS[0],
        baseline=STUDY["evaluation"]["baseline"],
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        "../../envs/report.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} --summary {input.summary:q}"
        " --scores {input.scores:q} --metric {params.metric:q} --baseline {params.baseline:q}"
        " --svg {output.svg:q} --png {output.png:q}"


rule plot_conditions:
    input:
        summary="<results>/summary.tsv",
        scores="<results>/scores.tsv",
    output:
        svg=report(
            "<results>/figures/conditions.svg",
            caption="../report/conditions.rst",
            category="Figures",
        ),
        png="<results>/figures/conditions.png",
    log:
        "<results>/logs/plot_conditions/figure.log",
    benchmark:
        "<results>/benchmarks/plot_conditions/figure.tsv"
    params:
        **runs_script("report/plot_conditions.py"),
        metric=METRICS[0],
        baseline=STUDY["evaluation"]["baseline"],
        margin=STUDY["evaluation"]["margin"],
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    conda:
        "../../envs/report.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} --summary {input.summary:q}"
        " --scores {input.scores:q} --metric {params.metric:q} --baseline {params.baseline:q}"
        " --margin {params.margin:q} --svg {output.svg:q} --png {output.png:q}"


rule write_report:
    input:
        study="<results>/study.json",
        summary="<results>/summary.tsv",
        scores="<results>/scores.tsv",
        significance="<results>/significance.tsv",
        cleaning="<results>/corpus/cleaning.tsv",
        splits=expand("<results>/corpus/{split}.tsv", split=STUDY["splits"]),
        generators=expand("<results>/generators/{generator}/scores.json", generator=STUDY.used_generators),
        dataset=f"<results>/datasets/{BASELINE_RECIPE}.tsv",
        ledger=["<results>/ledger.tsv"] if STUDY.asked_generators else [],
        learning_curve="<results>/figures/learning_curve.svg",
        conditions="<results>/figures/conditions.svg",
    output:
        page=report(
            "<results>/report/index.html",
            caption="../report/page.rst",
            category="Report",
        ),
        answer=report(
            "<results>/answer.txt",
            caption="../report/answer.rst",
            category="Report",
        ),
    log:
        "<results>/logs/write_report/report.log",
    benchmark:
        "<results>/benchmarks/write_report/report.tsv"
    params:
        **runs_script("report/write_report.py"),
        template=os.path.relpath(TEMPLATE),
        template_digest=file_digest(TEMPLATE),
        splits=lambda wildcards, input: named_files(STUDY["splits"], input.splits),
        generators=lambda wildcards, input: named_files(STUDY.used_generators, input.generators),
        metric=METRICS[0],
        margin=STUDY["evaluation"]["margin"],
        floor=STUDY["evaluation"]["floor"],
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    conda:
        "../../envs/report.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} --study {input.study:q} --summary {input.summary:q}"
        " --scores {input.scores:q} --significance {input.significance:q} --cleaning {input.cleaning:q}"
        " --splits {params.splits:q} --generator-scores {params.generators:q} --ledger {input.ledger:q} --dataset {input.dataset:q}"
        " --learning-curve {input.learning_curve:q} --conditions-figure {input.conditions:q}"
        " --metric {params.metric:q} --margin {params.margin:q} --floor {params.floor:q} --template {params.template:q}"
        " --page {output.page:q} --answer {output.answer:q}"
