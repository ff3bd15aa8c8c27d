# LLMs behind an API, as generators and as judges: what they will cost, their targets and scores.


include: "functions/llm.smk"


rule prompt_llm:
    input:
        unpack(prompt_inputs),
        pool="<results>/corpus/pool.tsv",
    output:
        generated="<results>/generators/{generator}/generated.tsv",
        answers="<results>/generators/{generator}/answers.tsv",
        rejects="<results>/generators/{generator}/rejects.tsv",
        ledger="<results>/generators/{generator}/ledger.json",
    log:
        "<results>/logs/prompt_llm/{generator}.log",
    benchmark:
        "<results>/benchmarks/prompt_llm/{generator}.tsv"
    wildcard_constraints:
        generator=alternatives(STUDY.generators.of(HostedGenerator)),
    priority: 10
    params:
        **runs_script("llm/prompt_llm.py", loads=api_module),
        settings=llm_settings,
        # How it is asked does not make the text stale: Snakemake does not compare what is derived from a job's input.
        execution=lambda wildcards, input: STUDY.generators[wildcards.generator].execution,
        study=study_requests,
        prompts=prompt_arguments,
        contents=prompt_contents,
        about=[],
        model=[],
        outputs=lambda wildcards, output: file_options(output),
        label="{generator}",
    # It waits for answers while trainings run.
    threads: 0
    resources:
        **grown(mem_mb=1000, runtime=2880),
    conda:
        "../../envs/llm.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q} --settings {params.settings:q}"
        " --execution {params.execution:q} {params.prompts:q} {params.study:q} --pool {input.pool:q} {params.about:q}"
        " {params.model:q} {params.outputs:q}"


use rule prompt_llm as prompt_judge with:
    input:
        unpack(prompt_inputs),
        pool="<results>/corpus/pool.tsv",
        generated="<results>/generators/{generator}/generated.tsv",
    output:
        scores="<results>/quality/{quality}/judgements/{generator}.tsv",
        answers="<results>/quality/{quality}/judgements/{generator}.answers.tsv",
        rejects="<results>/quality/{quality}/judgements/{generator}.rejects.tsv",
        ledger="<results>/quality/{quality}/judgements/{generator}.ledger.json",
    log:
        "<results>/logs/prompt_judge/{quality}/{generator}.log",
    benchmark:
        "<results>/benchmarks/prompt_judge/{quality}/{generator}.tsv"
    wildcard_constraints:
        generator=alternatives(STUDY.generators),
        quality=alternatives(JUDGES),
    params:
        **runs_script("llm/prompt_judge.py", loads=api_module),
        # See prompt_llm.
        execution=lambda wildcards, input: STUDY.quality[wildcards.quality].execution(wildcards.generator),
        about=lambda wildcards, input: ["--generated", input.generated],
        label="{quality} of {generator}",
    localrule: True


rule estimate:
    input:
        prompts=[local(path) for path in sorted({path for llm in STUDY.hosted_llms for path in llm.prompts.values()})],
        pool="<results>/corpus/pool.tsv",
        test="<results>/corpus/test.tsv",
    log:
        "<results>/logs/estimate/estimate.log",
    # It has no output, so every call estimates again.
    params:
        **runs_script("llm/accounts/estimate_cost.py"),
        generators=lambda wildcards: request_arguments(),
    resources:
        **grown(mem_mb=1000, runtime=60),
    conda:
        "../../envs/llm.yaml"
    localrule: True
    shell:
        "python {params.script:q} {params.generators:q} --pool {input.pool:q} --test {input.test:q} 2> {log:q}"


rule collect_ledgers:
    input:
        [ledger for _, ledger in ledgers()],
    output:
        report("<results>/ledger.tsv", caption="../report/ledger.rst", category="Generators"),
    log:
        "<results>/logs/collect_ledgers/ledger.log",
    benchmark:
        "<results>/benchmarks/collect_ledgers/ledger.tsv"
    params:
        **runs_script("llm/accounts/collect_ledgers.py"),
        ledgers=lambda wildcards, input: named_files([name for name, _ in ledgers()], input),
    resources:
        **grown(mem_mb=1000, runtime=10),
    conda:
        "../../envs/llm.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} --ledgers {params.ledgers:q} --output {output:q}"
