"""The texts that the tables of errors and of lexical diversity have rows for, as a command line names them."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.cli import add_repeatable

TEXT_COLUMNS = ("scope", "text", "learner", "size")


@dataclass(frozen=True)
class AnalysedText:
    """An origin's text of the pool, or what a condition's models wrote for the test set."""

    # Its cells of ``TEXT_COLUMNS``: scope (``pool`` or ``test``), name of the origin or condition, and the learner and
    # size of the runs (empty in the pool)
    cells: tuple[str, str, str, str]
    paths: tuple[Path, ...]  # the tables measured from it, of one or several seeds


def add_text_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that :func:`analysed_texts` reads."""
    texts = parser.add_mutually_exclusive_group()
    add_repeatable(texts, "--origin", ("ORIGIN", "TABLE"), "table of an origin's text: gives rows of scope `pool`")
    names = ("LEARNER", "CONDITION", "SIZE", "TABLE")
    add_repeatable(texts, "--run", names, "table of what models wrote: gives rows of scope `test`")


def analysed_texts(origins: Sequence[Sequence[str]], runs: Sequence[Sequence[str]]) -> list[AnalysedText]:
    """The texts of ``--origin`` and ``--run`` arguments; runs of one learner, condition and size are one text."""
    groups = {("pool", name, "", ""): [Path(path)] for name, path in origins}
    for learner, condition, size, path in runs:
        groups.setdefault(("test", condition, learner, size), []).append(Path(path))
    return [AnalysedText(cells, tuple(paths)) for cells, paths in groups.items()]
