# The report: figures, the answers, one page for the study and one for the analysis, which trains nothing.


include: "functions/report.smk"


# The base of every figure's rule. Its command takes each named input as an option of that name.
rule plot_learning_curve:
    input:
        summary="<results>/summary.tsv",
        scores="<results>/scores.tsv",
    output:
        svg=report("<results>/figures/learning_curve.svg", caption="../report/learning_curve.rst", category="Figures"),
        png="<results>/figures/learning_curve.png",
    log:
        "<results>/logs/plot_learning_curve/figure.log",
    benchmark:
        "<results>/benchmarks/plot_learning_curve/figure.tsv"
    params:
        **runs_script("report/plot_learning_curve.py"),
        tables=lambda wildcards, input: file_options(input),
        settings=["--metric", METRICS[0], "--baseline", EVALUATION.baseline],
    resources:
        **grown(mem_mb=2000, runtime=10),
    conda:
        "../../envs/report.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} {params.tables:q} {params.settings:q}"
        " --svg {output.svg:q} --png {output.png:q}"


use rule plot_learning_curve as plot_conditions with:
    output:
        svg=report("<results>/figures/conditions.svg", caption="../report/conditions.rst", category="Figures"),
        png="<results>/figures/conditions.png",
    log:
        "<results>/logs/plot_conditions/figure.log",
    benchmark:
        "<results>/benchmarks/plot_conditions/figure.tsv"
    params:
        **runs_script("report/plot_conditions.py"),
        settings=["--metric", METRICS[0], "--baseline", EVALUATION.baseline, "--margin", str(EVALUATION.margin)],


use rule plot_learning_curve as plot_remedies with:
    input:
        summary="<results>/summary.tsv",
        remedies="<results>/remedies.tsv",
        contrasts="<results>/contrasts.tsv",
        study="<results>/study.json",
    output:
        svg=report("<results>/figures/remedies.svg", caption="../report/remedies.rst", category="Figures"),
        png="<results>/figures/remedies.png",
    log:
        "<results>/logs/plot_remedies/figure.log",
    benchmark:
        "<results>/benchmarks/plot_remedies/figure.tsv"
    params:
        **runs_script("report/plot_remedies.py"),
        settings=["--metric", METRICS[0]],


use rule plot_learning_curve as plot_errors with:
    input:
        table="<results>/errors/{scope}.tsv",
    output:
        svg=report("<results>/figures/errors_{scope}.svg", caption="../report/errors.rst", category="Figures"),
        png="<results>/figures/errors_{scope}.png",
    log:
        "<results>/logs/plot_errors/{scope}.log",
    benchmark:
        "<results>/benchmarks/plot_errors/{scope}.tsv"
    wildcard_constraints:
        scope="pool|test",
    params:
        **runs_script("report/plot_measures.py"),
        settings=["--kind", "errors", "--label", "errors, {scope}", "--baseline", EVALUATION.baseline],


use rule plot_errors as plot_diversity with:
    input:
        table="<results>/diversity/{scope}.tsv",
    output:
        svg=report("<results>/figures/diversity_{scope}.svg", caption="../report/diversity.rst", category="Figures"),
        png="<results>/figures/diversity_{scope}.png",
    log:
        "<results>/logs/plot_diversity/{scope}.log",
    benchmark:
        "<results>/benchmarks/plot_diversity/{scope}.tsv"
    params:
        settings=["--kind", "diversity", "--label", "diversity, {scope}", "--baseline", EVALUATION.baseline],


use rule plot_learning_curve as plot_detector with:
    input:
        all_detectors,
        pairs="<results>/detector/pairs.tsv",
    output:
        svg=report("<results>/figures/detector.svg", caption="../report/detector.rst", category="Figures"),
        png="<results>/figures/detector.png",
    log:
        "<results>/logs/plot_detector/figure.log",
    benchmark:
        "<results>/benchmarks/plot_detector/figure.tsv"
    params:
        **runs_script("report/plot_detector.py"),
        settings=lambda wildcards: in_file(
            spelled_out(["--detectors", *(f"{pair}={file}" for pair, file in detector_reports().items())])
        ),


use rule plot_learning_curve as plot_agreement with:
    input:
        agreement="<results>/quality/agreement.tsv",
    output:
        svg=report("<results>/figures/agreement.svg", caption="../report/agreement.rst", category="Figures"),
        png="<results>/figures/agreement.png",
    log:
        "<results>/logs/plot_agreement/figure.log",
    benchmark:
        "<results>/benchmarks/plot_agreement/figure.tsv"
    params:
        **runs_script("report/plot_agreement.py"),
        settings=[],


rule write_report:
    input:
        list(report_tables().values()),
        list(report_figures().values()),
        all_detectors,
        study="<results>/study.json",
        summary="<results>/summary.tsv",
        scores="<results>/scores.tsv",
        significance="<results>/significance.tsv",
        cleaning="<results>/corpus/cleaning.tsv",
        splits=expand("<results>/corpus/{split}.tsv", split=STUDY.corpus.splits),
        generators=expand("<results>/generators/{generator}/scores.json", generator=STUDY.generators.used),
        dataset=f"<results>/datasets/{BASELINE_RECIPE}.tsv",
        ledger=["<results>/ledger.tsv"] if ledgers() else [],
    output:
        page=report("<results>/report/index.html", caption="../report/page.rst", category="Report"),
        answer=report("<results>/answer.txt", caption="../report/answer.rst", category="Report"),
    log:
        "<results>/logs/write_report/report.log",
    benchmark:
        "<results>/benchmarks/write_report/report.tsv"
    params:
        **runs_script("report/write_report.py"),
        **page_template("report.html.j2"),
        tables=lambda wildcards: named_paths(report_tables()),
        figures=lambda wildcards: named_paths(report_figures()),
        detectors=lambda wildcards: named_paths(detector_reports()),
        files=report_files,
        settings=["--metric", METRICS[0], "--margin", str(EVALUATION.margin), "--floor", str(EVALUATION.floor)],
        outputs=lambda wildcards, output: file_options(output),
    resources:
        **grown(mem_mb=1000, runtime=10),
    conda:
        "../../envs/report.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} --study {input.study:q} {params.files:q}"
        " --tables {params.tables:q} --figures {params.figures:q} --detectors {params.detectors:q}"
        " {params.settings:q} --template {params.template:q} {params.outputs:q}"


use rule write_report as write_analysis with:
    input:
        list(analysis_tables().values()),
        list(analysis_figures().values()),
        all_detectors,
        study="<results>/study.json",
    output:
        page=report("<results>/analysis/index.html", caption="../report/analysis.rst", category="Report"),
        text=report("<results>/analysis.txt", caption="../report/analysis_text.rst", category="Report"),
    log:
        "<results>/logs/write_analysis/analysis.log",
    benchmark:
        "<results>/benchmarks/write_analysis/analysis.tsv"
    params:
        **runs_script("report/write_analysis.py"),
        **page_template("analysis.html.j2"),
        tables=lambda wildcards: named_paths(analysis_tables()),
        figures=lambda wildcards: named_paths(analysis_figures()),
        files=[],
        settings=[],
    localrule: True
