# Training with fairseq: the models of runs and, with the same script, those of generators and quality scores.


include: "functions/train.smk"


rule train_model:
    input:
        unpack(start_model),
        **VOCAB,
        dataset=dataset_file,
        valid="<results>/corpus/valid.tsv",
    output:
        model="<results>/runs/{learner}/{recipe}/{size}/{seed}/model.pt",
        ctranslate2=directory("<results>/runs/{learner}/{recipe}/{size}/{seed}/ctranslate2"),
        report="<results>/runs/{learner}/{recipe}/{size}/{seed}/training.json",
    log:
        "<results>/logs/train_model/{learner}/{recipe}/{size}/{seed}.log",
    benchmark:
        "<results>/benchmarks/train_model/{learner}/{recipe}/{size}/{seed}.tsv"
    wildcard_constraints:
        learner=alternatives(STUDY.learners.of(FairseqLearner)),
    params:
        **runs_script("train/train_model.py", *FAIRSEQ_MODULE),
        size=["--size", "{size}"],
        start=start_arguments,
        settings=learner_settings,
        state=state_folder,
        label="{learner}/{recipe}/{size}/{seed}",
        monitors=monitor_arguments,
    threads: TRAINING.threads
    resources:
        **grown(mem_mb=TRAINING.memory_mb, runtime=TRAINING.minutes),
        gpu=TRAINING.gpus_used,
    conda:
        "../../envs/train.yaml"
    shell:
        "python {params.script:q} --log {log:q} --label {params.label:q}"
        " --threads {threads} --dataset {input.dataset:q} {params.size:q} {params.start:q} --valid {input.valid:q}"
        " --spm {input.spm:q} --dictionary {input.dictionary:q}"
        " --settings {params.settings:q} --code {params.code:q} --state {params.state:q}"
        " --model {output.model:q} --ctranslate2 {output.ctranslate2:q} --report {output.report:q} {params.monitors:q}"


use rule train_model as train_generator with:
    input:
        **VOCAB,
        dataset="<results>/corpus/pretrain.tsv",
        valid="<results>/corpus/valid.tsv",
    output:
        model="<results>/generators/{generator}/model.pt",
        ctranslate2=directory("<results>/generators/{generator}/ctranslate2"),
        report="<results>/generators/{generator}/training.json",
    log:
        "<results>/logs/train_generator/{generator}.log",
    benchmark:
        "<results>/benchmarks/train_generator/{generator}.tsv"
    # Most runs wait for generated text.
    priority: 10
    params:
        size=lambda wildcards: ["--size", str(STUDY.generators[wildcards.generator].pairs)],
        start=[],
        settings=lambda wildcards: STUDY.generators[wildcards.generator].training_settings,
        label="generator {generator}",


# The model behind a quality score, trained on human pairs that no condition uses.
use rule train_model as train_scorer with:
    input:
        **VOCAB,
        dataset="<results>/corpus/pretrain.tsv",
        valid="<results>/corpus/valid.tsv",
    output:
        model="<results>/quality/{quality}/model.pt",
        ctranslate2=directory("<results>/quality/{quality}/ctranslate2"),
        report="<results>/quality/{quality}/training.json",
    log:
        "<results>/logs/train_scorer/{quality}.log",
    benchmark:
        "<results>/benchmarks/train_scorer/{quality}.tsv"
    priority: 10
    params:
        size=scorer_size,
        start=scorer_direction,
        settings=lambda wildcards: STUDY.quality[wildcards.quality].training_settings,
        label="score {quality}",
