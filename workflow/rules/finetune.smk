# Learners that are LLMs: fine-tuned here or behind an API, and asked to translate the test set before and after.


include: "functions/finetune.smk"


rule fetch_model:
    output:
        folder=directory("<downloads>/models/{hub_model}"),
        record="<downloads>/models/{hub_model}.json",
    log:
        "<results>/logs/fetch_model/{hub_model}.log",
    benchmark:
        "<results>/benchmarks/fetch_model/{hub_model}.tsv"
    wildcard_constraints:
        hub_model=alternatives(STUDY.hub_models),
    params:
        # No code digest here: a code change would make Snakemake delete and download the model again.
        script=script_path("finetune/fetch_model.py"),
        model=lambda wildcards: STUDY.hub_models[wildcards.hub_model].model,
        revision=lambda wildcards: STUDY.hub_models[wildcards.hub_model].revision,
    resources:
        **grown(mem_mb=2000, runtime=600),
    conda:
        "../../envs/finetune.yaml"
    # Nodes of clusters often have no network.
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} --label {wildcards.hub_model:q}"
        " --model {params.model:q} --revision {params.revision:q} --output {output.folder:q} --record {output.record:q}"


rule finetune_local:
    input:
        base_files,
        unpack(start_model),
        unpack(prompt_inputs),
        dataset=dataset_file,
        valid="<results>/corpus/valid.tsv",
    output:
        model=directory("<results>/runs/{learner}/{recipe}/{size}/{seed}/model"),
        report="<results>/runs/{learner}/{recipe}/{size}/{seed}/training.json",
    log:
        "<results>/logs/finetune_local/{learner}/{recipe}/{size}/{seed}.log",
    benchmark:
        "<results>/benchmarks/finetune_local/{learner}/{recipe}/{size}/{seed}.tsv"
    wildcard_constraints:
        learner=LOCAL_LEARNERS,
    params:
        **runs_script("finetune/finetune_local.py"),
        base=base_arguments,
        contents=base_contents,
        start=start_arguments,
        prompts=prompt_arguments,
        settings=lambda wildcards: STUDY.learners[wildcards.learner].settings(int(wildcards.seed)),
        state=state_folder,
        label="{learner}/{recipe}/{size}/{seed}",
        monitors=monitor_arguments,
    threads: TRAINING.threads
    resources:
        **LOCAL_RESOURCES,
        gpu=min(TRAINING.gpus_used, 1),
    conda:
        "../../envs/finetune.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q}"
        " --threads {threads} {params.base:q} --dataset {input.dataset:q} --size {wildcards.size:q} {params.start:q}"
        " --valid {input.valid:q} {params.prompts:q} --settings {params.settings:q} --code {params.code:q}"
        " --state {params.state:q} --model {output.model:q} --report {output.report:q} {params.monitors:q}"


# At size 0 the base model translates, zero-shot.
use rule generate_targets as translate_local with:
    input:
        base_files,
        unpack(tuned_model),
        unpack(prompt_inputs),
        split="<results>/corpus/test.tsv",
    output:
        "<results>/runs/{learner}/{recipe}/{size}/{seed}/hypotheses.tsv",
    log:
        "<results>/logs/translate_local/{learner}/{recipe}/{size}/{seed}.log",
    benchmark:
        "<results>/benchmarks/translate_local/{learner}/{recipe}/{size}/{seed}.tsv"
    wildcard_constraints:
        learner=LOCAL_LEARNERS,
    priority: 0
    params:
        **runs_script("generate/generate_targets.py", "generate/providers/local.py"),
        provider="local",
        settings=llm_settings,
        inputs=local_provider_arguments,
        contents=base_contents,
        empty="keep",
        label="{learner}/{recipe}/{size}/{seed}",
    resources:
        **LOCAL_RESOURCES,
        gpu=min(TRAINING.gpus_used, 1),
    conda:
        "../../envs/finetune.yaml"


# The adapter merged into its base model, only for a run that the user asks for by name.
rule merge_adapter:
    input:
        base_files,
        unpack(tuned_model),
    output:
        directory("<results>/runs/{learner}/{recipe}/{size}/{seed}/merged"),
    log:
        "<results>/logs/merge_adapter/{learner}/{recipe}/{size}/{seed}.log",
    benchmark:
        "<results>/benchmarks/merge_adapter/{learner}/{recipe}/{size}/{seed}.tsv"
    wildcard_constraints:
        learner=LOCAL_LEARNERS,
        size=alternatives(STUDY.runs.trained_sizes),
    params:
        **runs_script("finetune/merge_adapter.py"),
        base=base_arguments,
        contents=lambda wildcards: contents(llm_of(wildcards).files),
        model=tuned_arguments,
        label="{learner}/{recipe}/{size}/{seed}",
    resources:
        **LOCAL_RESOURCES,
    conda:
        "../../envs/finetune.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q} {params.base:q} {params.model:q} --output {output:q}"


use rule generate_targets as generate_local with:
    input:
        base_files,
        unpack(prompt_inputs),
        split="<results>/corpus/pool.tsv",
    log:
        "<results>/logs/generate_local/{generator}.log",
    benchmark:
        "<results>/benchmarks/generate_local/{generator}.tsv"
    wildcard_constraints:
        generator=alternatives(STUDY.generators.of(LocalGenerator)),
    params:
        **runs_script("generate/generate_targets.py", "generate/providers/local.py"),
        inputs=local_provider_arguments,
        contents=base_contents,
    resources:
        **LOCAL_RESOURCES,
        gpu=min(TRAINING.gpus_used, 1),
    conda:
        "../../envs/finetune.yaml"


use rule prompt_llm as prompt_learner with:
    input:
        unpack(tuned_model),
        unpack(prompt_inputs),
        pool="<results>/corpus/pool.tsv",
        test="<results>/corpus/test.tsv",
    output:
        hypotheses="<results>/runs/{learner}/{recipe}/{size}/{seed}/hypotheses.tsv",
        answers="<results>/runs/{learner}/{recipe}/{size}/{seed}/answers.tsv",
        rejects="<results>/runs/{learner}/{recipe}/{size}/{seed}/rejects.tsv",
        ledger="<results>/runs/{learner}/{recipe}/{size}/{seed}/ledger.json",
    log:
        "<results>/logs/prompt_learner/{learner}/{recipe}/{size}/{seed}.log",
    benchmark:
        "<results>/benchmarks/prompt_learner/{learner}/{recipe}/{size}/{seed}.tsv"
    wildcard_constraints:
        learner=alternatives(STUDY.hosted_learners),
    params:
        **runs_script("llm/prompt_learner.py", "llm/providers/openai.py"),
        model=tuned_arguments,
        # See prompt_llm.
        execution=lambda wildcards, input: STUDY.learners[wildcards.learner].execution,
        study=lambda wildcards, input: request_arguments(),
        about=run_arguments,
        label="{learner}/{recipe}/{size}/{seed}",
    resources:
        mem_mb=1000,
        runtime=2880,
        waiting=1,
    localrule: True


use rule prompt_learner as finetune_hosted with:
    input:
        unpack(start_model),
        unpack(prompt_inputs),
        dataset=dataset_file,
        valid="<results>/corpus/valid.tsv",
        pool="<results>/corpus/pool.tsv",
        test="<results>/corpus/test.tsv",
    output:
        model="<results>/runs/{learner}/{recipe}/{size}/{seed}/model.json",
        events="<results>/runs/{learner}/{recipe}/{size}/{seed}/events.tsv",
        losses="<results>/runs/{learner}/{recipe}/{size}/{seed}/losses.tsv",
        ledger="<results>/runs/{learner}/{recipe}/{size}/{seed}/tuning.ledger.json",
        report="<results>/runs/{learner}/{recipe}/{size}/{seed}/training.json",
    log:
        "<results>/logs/finetune_hosted/{learner}/{recipe}/{size}/{seed}.log",
    benchmark:
        "<results>/benchmarks/finetune_hosted/{learner}/{recipe}/{size}/{seed}.tsv"
    params:
        **runs_script("llm/finetune_hosted.py", "llm/providers/openai.py"),
        model=start_arguments,
        about=example_arguments,
    localrule: True
