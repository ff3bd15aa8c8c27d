# Functions and constants of the rules in corpus.smk.


def part_arguments(parts):
    """Arguments that name the files or the mtdata ids of each part of the corpus."""
    return [argument for part, values in parts.items() for argument in (f"--{part}", *values)]


def file_arguments():
    """Arguments that name the user's own files of each part."""
    parts = STUDY.corpus.file_lists
    return SpelledOut(part_arguments({part: map(where_found, parts[part]) for part in parts}), part_arguments(parts))


def split_arguments():
    """``--split`` arguments: name, size (``all`` of a given part) and file of every split."""
    splits = STUDY.corpus.splits.items()
    return spelled_out(
        repeated("--split", [(name, str(size or "all"), f"<results>/corpus/{name}.tsv") for name, size in splits])
    )
