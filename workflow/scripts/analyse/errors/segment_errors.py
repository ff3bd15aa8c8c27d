"""The errors of each segment of a text: the measures by name, and the table that their rates are computed from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analyse.errors.norms import Norms
from analyse.errors.number_mismatch import number_mismatch
from analyse.errors.outcome_errors import outcome_errors
from analyse.errors.repetition import oscillates, repeated_targets
from analyse.errors.settings import ErrorLimits
from analyse.errors.ter_edits import Edits, edits_of
from llm.answers.outcomes import Standards
from stats.counts import count_columns
from stats.metrics import Scorer
from workbench.cli import UserError
from workbench.tables import read_rows, write_rows
from workbench.text import count_words

# Without a reference: a segment has the error or not. The table of segments counts numbers.
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
# With a reference: edits per word of it.
EDIT_MEASURES = ("ter_insertions", "ter_deletions", "ter_substitutions", "ter_shifts")
REFERENCE_WORDS = "reference_words"
_WORDS = ("source_words", "target_words")


@dataclass(frozen=True)
class SegmentErrors:
    """The table of a text's segments: an array of shape (segments,) for each column."""

    path: Path
    ids: list[str]
    columns: dict[str, np.ndarray]

    @property
    def has_reference(self) -> bool:
        """Whether the table has measures with a reference."""
        return REFERENCE_WORDS in self.columns

    def only(self, ids: Sequence[str]) -> SegmentErrors:
        """The segments ``ids``, which the table must have, in that order."""
        places = {name: place for place, name in enumerate(self.ids)}
        chosen = [places[name] for name in ids]
        return SegmentErrors(self.path, list(ids), {name: column[chosen] for name, column in self.columns.items()})


def source_errors(
    sources: Sequence[str], targets: Sequence[str], norms: Norms, standards: Standards, limits: ErrorLimits
) -> dict[str, list[int]]:
    """The measures without a reference and the words of both sides: a column of one number per segment for each.

    An empty target has no other error.
    """
    repeated = repeated_targets(sources, targets, limits)
    columns: dict[str, list[int]] = {name: [] for name in (*_WORDS, *SOURCE_MEASURES)}
    for source, target, is_repeated in zip(sources, targets, repeated, strict=True):
        found: dict[str, int] = dict(outcome_errors(source, target, standards, limits))
        if not found["empty"]:
            numbers = number_mismatch(source, target, limits.spelt_below)
            found |= {
                "omission": norms.band.is_short(source, target),
                "addition": norms.band.is_long(source, target),
                "oscillation": oscillates(source, target, limits),
                "repeated_target": is_repeated,
                "detachment": norms.lexicon.is_detached(source, target, limits.detachment_words),
                "number_missing": numbers.missing,
                "number_added": numbers.added,
            }
        found |= {"source_words": count_words(source), "target_words": count_words(target)}
        for name, column in columns.items():
            column.append(int(found.get(name, 0)))
    return columns


def reference_errors(
    targets: Sequence[str], references: Sequence[str], scorers: Iterable[Scorer]
) -> dict[str, Sequence[int]]:
    """TER's edits by type, and the counts behind each metric's score: a column of one number per segment for each."""
    columns: dict[str, Sequence[int]] = {}
    for scorer in scorers:
        if scorer.name == "ter":
            names = (*(f"ter_{name}" for name in Edits._fields[:-1]), REFERENCE_WORDS)
            columns |= zip(names, zip(*edits_of(targets, references, scorer), strict=True), strict=True)
        else:
            counts = scorer.statistics(targets, references)
            columns |= zip(count_columns(scorer.name, counts), counts.T.astype(np.int64).tolist(), strict=True)
    return columns


def write_segment_errors(path: Path, ids: Sequence[str], columns: Mapping[str, Sequence[int]]) -> None:
    """Write ``id`` and the columns."""
    write_rows(path, ["id", *columns], zip(ids, *columns.values(), strict=True))


def read_segment_errors(path: Path) -> SegmentErrors:
    """Read what :func:`write_segment_errors` wrote.

    Raises:
        UserError: a measure is missing, or a field is not a number.
    """
    with path.open(encoding="utf-8") as file:
        header = file.readline().rstrip("\n").split("\t")
    names = [*SOURCE_MEASURES, *(name for name in header[1:] if name not in SOURCE_MEASURES)]
    ids, *columns = zip(*read_rows(path, ["id", *names]), strict=True)
    try:
        arrays = [np.array(column, dtype=np.float64) for column in columns]
    except ValueError as error:
        raise UserError(f"{path}: a field that must be a number is not; delete the file and run again") from error
    return SegmentErrors(path, list(ids), dict(zip(names, arrays, strict=True)))
