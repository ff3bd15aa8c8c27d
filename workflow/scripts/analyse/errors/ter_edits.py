"""TER's edits by type.

sacreBLEU counts the edits of a segment but does not report their types. This module runs sacreBLEU's own search for
shifts and its edit distance, so the types of a segment add up to its edits. As in Tercom, an insertion adds a word that
the text lacks, a deletion removes one that the reference lacks, a substitution replaces a word, a shift moves words.

Source: Snover et al., A Study of Translation Edit Rate (AMTA 2006); sacrebleu.metrics.lib_ter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sacrebleu.metrics import lib_ter

from stats.metrics import Scorer


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
