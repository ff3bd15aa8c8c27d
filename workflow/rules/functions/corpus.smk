# Functions and constants of the rules in corpus.smk.


def corpus_files():
    """The user's own text."""
    return [path for files in STUDY.corpus.file_lists.values() for path in files]


def file_arguments():
    """``--part`` arguments of the user's own text."""
    parts = STUDY.corpus.file_lists.items()
    found = repeated("--part", [(part, *map(where_found, files)) for part, files in parts])
    return SpelledOut(found, repeated("--part", [(part, *files) for part, files in parts]))


def mtdata_arguments():
    """Arguments that name the mtdata ids of each part; empty for another kind of corpus."""
    return [argument for part, ids in STUDY.corpus.mtdata.items() for argument in (f"--{part}", *ids)]


def cleaning_arguments():
    """The section ``corpus.cleaning`` as arguments of the same names, without those that are null."""
    given = [(name, value) for name, value in STUDY.corpus.cleaning.items() if value is not None]
    return [argument for name, value in given for argument in (f"--{name.replace('_', '-')}", str(value))]


def split_arguments():
    """``--split`` arguments: name, size (``all`` of a given part) and file of every split."""
    splits = STUDY.corpus.splits.items()
    return spelled_out(
        repeated("--split", [(name, str(size or "all"), f"<results>/corpus/{name}.tsv") for name, size in splits])
    )
