"""The measures of errors by name, and the table of a text's segments that they are taken from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from analyse.errors.edits import Edits, edits_of
from analyse.errors.forms import form_errors
from analyse.errors.norms import Norms
from analyse.errors.number_mismatch import number_mismatch
from analyse.errors.repetition import oscillates, repeated_targets
from llm.answers.outcomes import Standards
from stats.metrics import Scorer
from workbench.cli import UserError
from workbench.tables import read_rows, write_rows
from workbench.words import count_words

# Without a reference: a segment has such an error or has it not. Numbers are counted in the table of segments.
SOURCE_MEASURES = (
    "empty",
    "copy",
    "wrong_language",
    "commentary",
    "omission",
    "addition",
    "oscillation",
    "repeated_target",
    "detachment",
    "number_missing",
    "number_added",
)
ANY = "any"  # at least one of them
# Against a reference, by its words.
EDIT_MEASURES = ("ter_insertions", "ter_deletions", "ter_substitutions", "ter_shifts")
REFERENCE_WORDS = "reference_words"
_WORDS = ("source_words", "target_words")


@dataclass(frozen=True)
class Segments:
    """The table of a text's segments: for each column a number a segment."""

    path: Path
    ids: list[str]
    columns: dict[str, np.ndarray]

    @property
    def has_reference(self) -> bool:
        """Whether there are measures against a reference."""
        return REFERENCE_WORDS in self.columns

    def only(self, ids: Sequence[str]) -> Segments:
        """The segments ``ids``, which it must hold, in that order."""
        places = {name: place for place, name in enumerate(self.ids)}
        chosen = [places[name] for name in ids]
        return Segments(self.path, list(ids), {name: column[chosen] for name, column in self.columns.items()})


def source_errors(
    sources: Sequence[str], targets: Sequence[str], norms: Norms, standards: Standards, limits: dict[str, Any]
) -> dict[str, list[int]]:
    """The measures without a reference and the words of both sides: for each a number a segment.

    A target that is empty has no other error.

    Args:
        limits: ``analysis.errors.limits`` of the configuration.
    """
    repeated = repeated_targets(sources, targets, limits["repeated_words"], limits["repeated_sources"])
    columns: dict[str, list[int]] = {name: [] for name in (*_WORDS, *SOURCE_MEASURES)}
    for source, target, is_repeated in zip(sources, targets, repeated, strict=True):
        found: dict[str, int] = dict(
            form_errors(source, target, standards, limits["copied_words"], limits["copied_small_words"])
        )
        if not found["empty"]:
            numbers = number_mismatch(source, target, limits["spelt_below"])
            found |= {
                "omission": norms.band.is_short(source, target),
                "addition": norms.band.is_long(source, target),
                "oscillation": oscillates(
                    source,
                    target,
                    ngram=limits["oscillation_ngram"],
                    excess=limits["oscillation_excess"],
                    stutters=limits["stutters"],
                    stutter_words=limits["stutter_words"],
                ),
                "repeated_target": is_repeated,
                "detachment": norms.lexicon.is_detached(source, target, limits["detachment_words"]),
                "number_missing": numbers.missing,
                "number_added": numbers.added,
            }
        found |= {"source_words": count_words(source), "target_words": count_words(target)}
        for name, column in columns.items():
            column.append(int(found.get(name, 0)))
    return columns


def reference_errors(
    targets: Sequence[str], references: Sequence[str], scorers: Iterable[Scorer]
) -> dict[str, list[Any]]:
    """TER's edits by type, and the counts that each metric's score is computed from: for each a number a segment."""
    columns: dict[str, list[Any]] = {}
    for scorer in scorers:
        if scorer.name == "ter":
            edits = edits_of(targets, references, scorer)
            names = (f"ter_{name}" for name in Edits._fields[:-1])
            columns |= dict(zip((*names, REFERENCE_WORDS), map(list, zip(*edits, strict=True)), strict=True))
        else:
            counts = scorer.statistics(targets, references)
            columns |= {
                f"{scorer.name}_{k}": [f"{v:.15g}" for v in counts.T[k - 1]] for k in range(1, counts.shape[1] + 1)
            }
    return columns


def write_segments(path: Path, ids: Sequence[str], columns: dict[str, list[Any]]) -> None:
    """Write ``id`` and the columns."""
    write_rows(path, ["id", *columns], zip(ids, *columns.values(), strict=True))


def read_segments(path: Path) -> Segments:
    """Read what :func:`write_segments` wrote.

    Raises:
        UserError: a measure is missing or a field is no number.
    """
    with path.open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split("\t")
    names = [*SOURCE_MEASURES, *(name for name in header[1:] if name not in SOURCE_MEASURES)]
    ids, *columns = zip(*read_rows(path, ["id", *names]), strict=True)
    try:
        arrays = [np.array(column, dtype=np.float64) for column in columns]
    except ValueError as error:
        raise UserError(f"{path}: a field that must be a number is none; delete the file and run again") from error
    return Segments(path, list(ids), dict(zip(names, arrays, strict=True)))
