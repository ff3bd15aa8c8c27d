"""The errors of each segment of a text: the measures by name, and the table that their rates are computed from.

sacreBLEU counts TER's edits of a segment but does not report their types. This module runs sacreBLEU's own search for
shifts and its edit distance, so the types of a segment add up to its edits. As in Tercom, an insertion adds a word that
the text lacks, a deletion removes one that the reference lacks, a substitution replaces a word, a shift moves words.

Source: Snover et al., A Study of Translation Edit Rate (AMTA 2006); sacrebleu.metrics.lib_ter.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from sacrebleu.metrics import lib_ter

from analyse.errors import ErrorLimits
from analyse.errors.norms import Norms
from analyse.errors.number_mismatch import number_mismatch
from analyse.errors.outcome_errors import outcome_errors
from analyse.errors.repetition import oscillates, repeated_targets
from llm.answers.outcomes import Standards
from stats.metrics import Scorer, count_columns
from workbench.cli import UserError
from workbench.tables import read_header, read_rows, write_rows
from workbench.words import count_words

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

    def only(self, ids: Sequence[str]) -> Self:
        """The segments ``ids``, which the table must have, in that order."""
        places = {name: place for place, name in enumerate(self.ids)}
        chosen = [places[name] for name in ids]
        return replace(self, ids=list(ids), columns={name: column[chosen] for name, column in self.columns.items()})


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
            missing, added = number_mismatch(source, target, limits.spelt_below)
            deviation = norms.band.deviation(source, target)
            found |= {
                "omission": deviation < norms.band.low,
                "addition": deviation > norms.band.high,
                "oscillation": oscillates(source, target, limits),
                "repeated_target": is_repeated,
                "detachment": norms.lexicon.is_detached(source, target, limits.detachment_words),
                "number_missing": missing,
                "number_added": added,
            }
        found |= {"source_words": count_words(source), "target_words": count_words(target)}
        for name, column in columns.items():
            column.append(int(found.get(name, 0)))
    return columns


class Edits(NamedTuple):
    """Numbers of edits that turn a text into its reference, and of the reference's words."""

    insertions: int
    deletions: int
    substitutions: int
    shifts: int
    reference_words: int


def edits_of(hypotheses: Sequence[str], references: Sequence[str], ter: Scorer) -> list[Edits]:
    """The edits of each segment, with the options of the metric ``ter``."""
    prepare = ter.corpus._preprocess_segment
    return [
        count_edits(prepare(hypothesis).split(), prepare(reference).split())
        for hypothesis, reference in zip(hypotheses, references, strict=True)
    ]


def count_edits(hypothesis: list[str], reference: list[str]) -> Edits:
    """The edits of one segment in words: the loop of :func:`sacrebleu.metrics.lib_ter.translation_edit_rate`."""
    if not reference:
        return Edits(0, len(hypothesis), 0, 0, 0)
    distance = lib_ter.BeamEditDistance(reference)
    shifts = candidates = 0
    while True:
        gain, shifted, candidates = lib_ter._shift(hypothesis, reference, distance, candidates)
        if candidates >= lib_ter._MAX_SHIFT_CANDIDATES or gain <= 0:
            break
        shifts += 1
        hypothesis = shifted
    _, trace = distance(hypothesis)
    types = (lib_ter._OP_INS, lib_ter._OP_DEL, lib_ter._OP_SUB)
    insertions, deletions, substitutions = (trace.count(kind) for kind in types)
    return Edits(insertions, deletions, substitutions, shifts, len(reference))


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
    names = list(dict.fromkeys([*SOURCE_MEASURES, *read_header(path)[1:]]))
    ids, *columns = zip(*read_rows(path, ["id", *names]), strict=True)
    try:
        arrays = [np.array(column, dtype=np.float64) for column in columns]
    except ValueError as error:
        raise UserError(f"{path}: a field that must be a number is not; delete the file and run again") from error
    return SegmentErrors(path, list(ids), dict(zip(names, arrays, strict=True)))
