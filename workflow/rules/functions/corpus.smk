# Arguments of what makes the corpus, and memory by its size.


def corpus_file_arguments():
    """``--part`` arguments of the user's own text."""
    parts = STUDY.corpus_files.items()
    found = [argument for part, files in parts for argument in ("--part", part, *map(where_found, files))]
    return SpeltOut(found, [argument for part, files in parts for argument in ("--part", part, *files)])


def release_hashes(wildcards):
    """``--sha256`` arguments of a pinned release."""
    return [argument for digest in RELEASES[wildcards.release].sha256 for argument in ("--sha256", digest)]


def release_requirement(wildcards):
    """What pip calls a pinned release."""
    release = RELEASES[wildcards.release]
    return f"{release.name}=={release.version}"


def mtdata_arguments():
    """Arguments that name the mtdata ids of each part; empty for another kind of corpus."""
    parts = STUDY["corpus"].get("mtdata", {})
    return [argument for part, ids in parts.items() for argument in (f"--{part}", *ids)]


def cleaning_arguments():
    """The cleaning section as arguments of the same names; what is null is left out."""
    return [
        argument
        for name, value in STUDY["corpus"]["cleaning"].items()
        if value is not None
        for argument in (f"--{name.replace('_', '-')}", str(value))
    ]


def split_arguments():
    """``--split`` arguments: name, size (``all`` of a given part) and file of every split."""
    sizes = STUDY["splits"].items()
    return spelt_out(
        [
            argument
            for name, size in sizes
            for argument in ("--split", name, str(size or "all"), f"<results>/corpus/{name}.tsv")
        ]
    )


def pool_memory(amount, per_source):
    """An amount of memory in MB and some bytes for each source of the pool."""
    return amount + STUDY["splits"]["pool"] * per_source // 10**6
