# The human text: fetched or read, cleaned, split.


include: "functions/corpus.smk"


rule fetch_release:
    output:
        "<downloads>/releases/{release}.archive",
    log:
        "<results>/logs/fetch_release/{release}.log",
    benchmark:
        "<results>/benchmarks/fetch_release/{release}.tsv"
    params:
        **runs_script("corpus/fetch_release.py"),
        requirement=lambda wildcards: "{0.name}=={0.version}".format(RELEASES[wildcards.release]),
        hashes=lambda wildcards: repeated("--sha256", zip(RELEASES[wildcards.release].sha256)),
    resources:
        mem_mb=1000,
        runtime=30,
    conda:
        "../../envs/corpus.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} --requirement {params.requirement:q}"
        " {params.hashes:q} --output {output:q}"


rule extract_catalogues:
    input:
        archives=expand("<downloads>/releases/{release}.archive", release=sorted(RELEASES)),
    output:
        "<results>/corpus/catalogues.tsv.gz",
    log:
        "<results>/logs/extract_catalogues/catalogues.log",
    benchmark:
        "<results>/benchmarks/extract_catalogues/catalogues.tsv"
    params:
        **runs_script("corpus/extract_catalogues.py"),
        languages=LANGUAGES,
        exclude=STUDY.corpus.catalogues["exclude"],
    resources:
        **grown(mem_mb=2000, runtime=30),
    conda:
        "../../envs/corpus.yaml"
    shell:
        "python {params.script:q} --log {log:q} --archives {input.archives:q}"
        " --languages {params.languages:q} --exclude {params.exclude:q} --output {output:q}"


rule fetch_mtdata:
    output:
        "<results>/corpus/mtdata.tsv.gz",
    log:
        "<results>/logs/fetch_mtdata/mtdata.log",
    benchmark:
        "<results>/benchmarks/fetch_mtdata/mtdata.tsv"
    params:
        **runs_script("corpus/fetch_mtdata.py"),
        languages=LANGUAGES,
        datasets=part_arguments(STUDY.corpus.mtdata_parts),
        pins=repeated("--sha256", STUDY.corpus.mtdata.get("sha256", {}).items()),
        cache=f"{STUDY.downloads}/mtdata",
    resources:
        mem_mb=2000,
        runtime=240,
    conda:
        "../../envs/corpus.yaml"
    localrule: True
    shell:
        "python {params.script:q} --log {log:q} --languages {params.languages:q}"
        " {params.datasets:q} {params.pins:q} --cache {params.cache:q} --output {output:q}"


rule read_files:
    input:
        [path for files in STUDY.corpus.file_lists.values() for path in files],
    output:
        "<results>/corpus/files.tsv.gz",
    log:
        "<results>/logs/read_files/files.log",
    benchmark:
        "<results>/benchmarks/read_files/files.tsv"
    params:
        **runs_script("corpus/read_files.py"),
        parts=file_arguments(),
        max_line_bytes=STUDY.corpus.max_line_bytes,
        alignment=STUDY.corpus.alignment,
    resources:
        **grown(mem_mb=1000, runtime=60),
    conda:
        "../../envs/corpus.yaml"
    shell:
        "python {params.script:q} --log {log:q} {params.parts:q}"
        " --max-line-bytes {params.max_line_bytes:q} --alignment {params.alignment:q} --output {output:q}"


rule clean_corpus:
    input:
        raw=f"<results>/corpus/{STUDY.corpus.kind}.tsv.gz",
    output:
        clean="<results>/corpus/clean.tsv",
        counts="<results>/corpus/cleaning.tsv",
    log:
        "<results>/logs/clean_corpus/clean.log",
    benchmark:
        "<results>/benchmarks/clean_corpus/clean.tsv"
    params:
        **runs_script("corpus/clean_corpus.py"),
        languages=LANGUAGES,
        rules=STUDY.corpus.cleaning_rules,
    resources:
        **grown(mem_mb=4000, runtime=240),
    conda:
        "../../envs/corpus.yaml"
    shell:
        "python {params.script:q} --log {log:q} --raw {input.raw:q} --languages {params.languages:q}"
        " --rules {params.rules:q} --output {output.clean:q} --table {output.counts:q}"


rule split_corpus:
    input:
        clean="<results>/corpus/clean.tsv",
        counts="<results>/corpus/cleaning.tsv",
    output:
        pretrain="<results>/corpus/pretrain.tsv",
        pool="<results>/corpus/pool.tsv",
        valid="<results>/corpus/valid.tsv",
        test="<results>/corpus/test.tsv",
    log:
        "<results>/logs/split_corpus/split.log",
    benchmark:
        "<results>/benchmarks/split_corpus/split.tsv"
    params:
        **runs_script("corpus/split_corpus.py"),
        splits=split_arguments(),
        given=sorted(STUDY.corpus.given_parts),
        seed=STUDY.corpus.seed,
    resources:
        **grown(mem_mb=4000, runtime=60),
    conda:
        "../../envs/corpus.yaml"
    shell:
        "python {params.script:q} --log {log:q} --clean {input.clean:q} --table {input.counts:q}"
        " --given {params.given:q} --seed {params.seed:q} {params.splits:q}"
