"""Checks of folders, names, languages and the human text."""

import os
from collections.abc import Iterator
from pathlib import Path

from corpus.parallel_text import column_names
from corpus.recognition import refuse_other_format
from planning.configuration.errors import Key, Problem
from planning.corpus import Corpus
from planning.study import Study
from workbench.cli import UserError
from workbench.files import DAMAGE, open_unpacked
from workbench.generated import HUMAN

_SOURCE_FOLDERS = {"workflow", "config", "resources", "tests", "docs", "envs", "profiles", "requirements", "tools"}
_BLOCK_BYTES = 1 << 20


def folder_problems(study: Study) -> Iterator[Problem]:
    """Folders that are written to must not be the workflow's own, and must be writable."""
    for key, name in (("results", study.results), ("downloads", study.downloads)):
        folder = Path(name)
        if folder.resolve() == Path.cwd() or folder.parts[0] in _SOURCE_FOLDERS:
            yield Problem((key,), f"{name!r} holds the workflow itself; choose a separate folder")
            continue
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        if not folder.is_dir():
            yield Problem((key,), f"{name!r} cannot be written: {folder} is not a folder")
        elif not os.access(folder, os.W_OK | os.X_OK):
            yield Problem((key,), f"{name!r} cannot be written: no permission in {folder}")


def name_problems(study: Study) -> Iterator[Problem]:
    """Names become parts of paths, and ``human`` is taken."""
    for section in ("generators", "quality", "conditions", "learners"):
        seen: dict[str, str] = {}
        for name in study.config[section]:
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                yield Problem((section, name), f"differs from {other!r} in case only, which some file systems ignore")
    if HUMAN in study.generators:
        yield Problem(("generators", HUMAN), f"{HUMAN!r} is the human text's own name; choose another")


def language_problems(study: Study) -> Iterator[Problem]:
    """The two languages must differ."""
    if study.languages["source"] == study.languages["target"]:
        yield Problem(("languages", "target"), f"{study.languages['target']!r} is the source language too")


def corpus_problems(study: Study) -> Iterator[Problem]:
    """The corpus' files must be there and given in pairs."""
    corpus, given = study.corpus, study.config["corpus"]
    if corpus.kind == "catalogues":
        yield from missing_file(("corpus", "catalogues", "releases"), corpus.catalogues["releases"], is_input=False)
    elif corpus.kind not in given:
        yield Problem(("corpus",), f"the key {corpus.kind!r} is missing; corpus.kind {corpus.kind!r} needs it")
    elif corpus.kind == "files":
        for part, files in corpus.files.items():
            key = ("corpus", "files", part)
            if set(files) not in ({"tsv"}, {"source", "target"}):
                yield Problem(key, f"{', '.join(files) or 'nothing'} given; allowed: either source and target, or tsv")
            for name, path in files.items():
                yield from missing_file((*key, name), path)
                yield from other_format((*key, name), path)
    fewest, most = corpus.cleaning["min_words"], corpus.cleaning["max_words"]
    if fewest > most:
        yield Problem(("corpus", "cleaning", "min_words"), f"{fewest} is more than max_words, which is {most}")


def missing_file(key: Key, path: str, is_input: bool = True) -> Iterator[Problem]:
    """A problem if a file is not there; ``is_input``: it is the input of a rule, and may be in storage."""
    if not Path(path).is_file():
        yield Problem(key, f"{path!r} is not a file (looked for it in {Path.cwd()})", no_input=is_input)


def other_format(key: Key, path: str) -> Iterator[Problem]:
    """A problem if a file that is there does not hold lines of text."""
    if Path(path).is_file():
        try:
            refuse_other_format(Path(path))
        except UserError as error:
            yield Problem(key, str(error))
        except OSError:
            return  # the job that reads it reports the reason


def split_problems(study: Study) -> Iterator[Problem]:
    """The splits must not need more than the corpus has."""
    corpus = study.corpus
    for part in ("valid", "test"):
        if corpus.splits[part] is None and part not in corpus.given_parts:
            yield Problem(("splits", part), "a number of pairs is needed, since the corpus brings no such part")
    cut = {name: size for name, size in corpus.splits.items() if size and name not in corpus.given_parts}
    path, unit = training_text(corpus)
    lines = count_texts(path, unit) if corpus.kind == "files" and path.is_file() else None
    if lines is not None and sum(cut.values()) > lines:
        parts = " + ".join(f"{name} {size:,}" for name, size in cut.items())
        yield Problem(
            ("splits",),
            f"{parts} = {sum(cut.values()):,} pairs are more than the {lines:,} {unit} of {path}",
        )


def training_text(corpus: Corpus) -> tuple[Path, str]:
    """The file of a ``files`` corpus' training text and what its texts are called; without one, no file's path.

    They are ``lines``, or the ``rows`` of a table, whose line of column names is not a row.
    """
    train = corpus.files.get("train", {})
    return Path(train.get("source") or train.get("tsv") or ""), "lines" if "source" in train else "rows"


def alignment_problems(key: Key, path: str, corpus: Corpus) -> Iterator[Problem]:
    """A file of translations must have as many lines as the training text."""
    beside, unit = training_text(corpus)
    if Path(path).is_file() and beside.is_file():
        lines, wanted = count_texts(Path(path), "lines"), count_texts(beside, unit)
        if lines is not None and wanted is not None and lines != wanted:
            reason = f"but it is aligned with {beside}, which has {wanted:,} {unit}"
            yield Problem(key, f"{path} has {lines:,} lines, {reason}")


def count_texts(path: Path, unit: str) -> int | None:
    """Number of ``lines`` or ``rows`` of a plain or packed file.

    None for a file that cannot be read to its end: the job that reads it reports the reason.
    """
    lines, last = 0, b"\n"
    try:
        with open_unpacked(path) as file:
            first = file.readline(_BLOCK_BYTES) if unit == "rows" else b""
            if not column_names(first.decode("utf-8-sig", "replace")):
                lines, last = first.count(b"\n"), first[-1:] or last
            while block := file.read(_BLOCK_BYTES):
                lines += block.count(b"\n")
                last = block[-1:]
    except (*DAMAGE, UserError):
        return None
    return lines + (last != b"\n")
