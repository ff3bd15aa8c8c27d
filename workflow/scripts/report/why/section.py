"""The part of a page that answers "Why?": errors, lexical diversity, detector and post-editing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from report.analysis_tables import DiversityRow, ErrorRow, PairRow, PostEditingRow
from report.judged import per_cent
from report.text.findings import Said, paragraph
from report.text.measures import SCORES, capital, measure_name, unit
from report.text.numbers import p_value, points, span
from report.topics import Cell, Figure, Table, Topic, figure
from report.why.detector import detector_said, warnings
from report.why.diversity import diversity_said
from report.why.errors import errors_said
from workbench.generated import HUMAN
from workbench.records import read_records

_NO_GENERATOR = (
    "Nothing to show: no condition draws on a generator. Name one under generators, and draw on it in a mixture."
)
_FEATURES = 10
_MANY = 4  # more sentences than these are folded


@dataclass(frozen=True)
class Part:
    """Topics of one question, and its answer in a line."""

    line: str
    topics: list[Topic]


def why_part(
    tables: Mapping[str, Path],
    figures: Mapping[str, Path],
    detectors: Mapping[str, Path],
    people: Sequence[str],
    baseline: str,
) -> Part:
    """Why training on machine text may cost what it does.

    Args:
        tables: the analysis' tables by name: ``errors_pool``, ``errors_test``, ``diversity_pool``, ``diversity_test``,
            ``detector_pairs``, ``post_editing``; those that a study does not have are left out.
        figures: SVG files by name: ``errors_pool`` and so on, and ``detector``.
        detectors: each pair's report, JSON, by ``FIRST--SECOND``.
        people: generators that are second human references.
        baseline: condition that trains on human text.
    """
    errors = {scope: _read(tables, f"errors_{scope}", ErrorRow) for scope in ("pool", "test")}
    diversity = {scope: _read(tables, f"diversity_{scope}", DiversityRow) for scope in ("pool", "test")}
    pairs = _read(tables, "detector_pairs", PairRow)
    editing = _read(tables, "post_editing", PostEditingRow)
    named = {"pool": "", "test": baseline}  # an origin may have the baseline's name
    error_words = {scope: errors_said(rows, people, named[scope]) for scope, rows in errors.items()}
    diversity_words = {scope: diversity_said(rows, people, named[scope]) for scope, rows in diversity.items()}
    detector_words = detector_said(pairs)
    line = paragraph([_either(error_words), _either(diversity_words), detector_words])
    topics = [
        _errors_topic(errors, error_words, figures),
        _diversity_topic(diversity, diversity_words, figures),
        _detector_topic(pairs, editing, detector_words, figures, detectors),
    ]
    return Part(line or _NO_GENERATOR, topics)


def _read(tables: Mapping[str, Path], name: str, kind: type[Any]) -> list[Any]:
    return read_records(tables[name], kind) if name in tables else []


def _either(said: Mapping[str, Said]) -> Said:
    """What is said of the pool, or of the test set where the pool has nothing."""
    return said["pool"] if said["pool"].short else said["test"]


def _sentences(said: Mapping[str, Said]) -> list[str]:
    """The sentences of both scopes; of one with many texts only what sums them up."""
    return [
        sentence
        for words in said.values()
        for sentence in (words.sentences if len(words.sentences) <= _MANY else [paragraph([words])])
        if sentence
    ]


def _more(said: Mapping[str, Said]) -> list[str]:
    """The sentences of a scope with many texts."""
    return [sentence for words in said.values() if len(words.sentences) > _MANY for sentence in words.sentences]


def _where(row: ErrorRow | DiversityRow) -> Cell:
    """The text that a row is about."""
    return Cell(row.text, f"{row.learner}, {row.size:,.0f} instances" if row.size else "")


def _errors_topic(
    errors: Mapping[str, Sequence[ErrorRow]], said: Mapping[str, Said], figures: Mapping[str, Path]
) -> Topic:
    drawn: list[Figure] = []
    found: list[Table] = []
    captions = {
        "pool": "Errors of each origin’s text of the pool, beside the human floor",
        "test": "Errors in what learners write of the test set at their largest size, beside the human floor",
    }
    for scope, rows in errors.items():
        if rows:
            drawn += figure(figures.get(f"errors_{scope}"), f"errors-{scope}", "Dot plots", captions[scope])
            found.append(_errors_table(rows, f"{captions[scope].split(',')[0]}: every measure and size."))
    return Topic(
        key="errors",
        title="Errors",
        sentences=_sentences(said),
        more=_more(said),
        notes=[
            "In brackets: the rate per 1,000 segments, the floor, and the 95 % interval of the difference.",
            "The human floor is the same measure on human targets: people translate freely, omit and add as well. Only "
            "what stands above it counts as more errors; p-values are Holm’s, over the measures of a text.",
        ]
        if found
        else [],
        figures=drawn,
        tables=found,
        nothing="" if found else _NO_GENERATOR,
    )


def _errors_table(rows: Sequence[ErrorRow], caption: str) -> Table:
    head = [
        Cell("Text"),
        Cell("Measure"),
        Cell("Counted"),
        Cell("Rate", "95 % interval"),
        Cell("Human floor", "95 % interval"),
        Cell("Difference", "95 % interval"),
        Cell("p", "Holm"),
    ]
    body = [
        [
            _where(row),
            Cell(capital(measure_name(row.measure))),
            Cell("points, a score" if row.measure in SCORES else unit(row.measure)),
            _value(row.rate, row.rate_low, row.rate_high),
            _value(row.floor, row.floor_low, row.floor_high),
            _value(row.difference, row.difference_low, row.difference_high, signed=True),
            _p(row.p_holm),
        ]
        for row in rows
    ]
    return Table(caption, head, 3, body, folded=True)


def _value(value: float | None, low: float | None, high: float | None, signed: bool = False) -> Cell:
    if value is None:
        return Cell("–")
    return Cell(points(value, signed), "" if low is None or high is None else span(low, high, signed))


def _p(value: float | None) -> Cell:
    return Cell("–" if value is None else p_value(value))


def _diversity_topic(
    diversity: Mapping[str, Sequence[DiversityRow]], said: Mapping[str, Said], figures: Mapping[str, Path]
) -> Topic:
    drawn: list[Figure] = []
    found: list[Table] = []
    captions = {
        "pool": "Lexical diversity of each origin’s text of the pool beside human text, and its adequacy",
        "test": "Lexical diversity of what learners write of the test set beside human text, and its adequacy",
    }
    for scope, rows in diversity.items():
        if rows:
            drawn += figure(figures.get(f"diversity_{scope}"), f"diversity-{scope}", "Dot plots", captions[scope])
            found.append(_diversity_table(rows, f"{captions[scope].split(' beside')[0]}: every measure and size."))
    return Topic(
        key="diversity",
        title="Lexical diversity",
        sentences=_sentences(said),
        more=_more(said),
        notes=[
            "In brackets: the difference in per cent of the human value, + for more diverse, with its 95 % interval.",
            "Errors can make a text more diverse, so adequacy (chrF to the human targets) stands beside diversity. "
            "Intervals and p-values come from swapping segments between the two texts.",
        ]
        if found
        else [],
        figures=drawn,
        tables=found,
        nothing="" if found else _NO_GENERATOR,
    )


def _diversity_table(rows: Sequence[DiversityRow], caption: str) -> Table:
    head = [
        Cell("Text"),
        Cell("Measure"),
        Cell("More diverse"),
        Cell("Tokens"),
        Cell("Value"),
        Cell("Human"),
        Cell("Difference, %", "95 % interval; + is more diverse"),
        Cell("p", "Holm"),
        Cell("chrF"),
    ]
    body = [
        [
            _where(row),
            Cell(capital(measure_name(row.measure))),
            Cell(f"{row.better} values"),
            Cell(f"{row.tokens:,}"),
            Cell("–" if row.value is None else f"{row.value:.4g}"),
            Cell("–" if row.human is None else f"{row.human:.4g}"),
            _value(*(per_cent(row) or (None, None, None)), signed=True),
            _p(row.p_holm),
            Cell("–" if row.chrf is None else points(row.chrf)),
        ]
        for row in rows
    ]
    return Table(caption, head, 3, body, folded=True)


def _detector_topic(
    pairs: Sequence[PairRow],
    editing: Sequence[PostEditingRow],
    said: Said,
    figures: Mapping[str, Path],
    detectors: Mapping[str, Path],
) -> Topic:
    if not pairs:
        return Topic(key="detector", title="Told apart by a detector", nothing=_NO_GENERATOR)
    caption = "How well a detector tells origins apart: AUC of every pair, ROC curves and calibration"
    found = [_pairs_table(pairs), *_features_tables(pairs, detectors)]
    if editing:
        found.append(_editing_table(editing))
    return Topic(
        key="detector",
        title="Told apart by a detector",
        sentences=said.sentences,
        notes=[
            "No target is scored by a model that has seen it or its source. A second human reference, a generator with "
            "human: true, is the control that tells machine style from one person’s."
        ],
        warnings=warnings(editing),
        figures=figure(figures.get("detector"), "detector", "Dot plot and curves", caption),
        tables=found,
    )


def _pairs_table(pairs: Sequence[PairRow]) -> Table:
    head = [Cell("Pair"), Cell("Kind"), Cell("Targets"), Cell("AUC", "95 % interval"), Cell("Brier score")]
    body = [
        [
            Cell(f"{row.first} – {row.second}"),
            Cell(row.kind.replace("-", " and ")),
            Cell(f"{row.targets:,}"),
            Cell(f"{row.auc:.3f}", f"{row.auc_low:.3f} to {row.auc_high:.3f}"),
            Cell(f"{row.brier:.3f}"),
        ]
        for row in pairs
    ]
    return Table("How well origins are told apart, on targets that the detector has not seen.", head, 2, body)


def _features_tables(pairs: Sequence[PairRow], detectors: Mapping[str, Path]) -> list[Table]:
    """For each pair of a human and a machine text, what speaks most for either."""
    tables = []
    for row in pairs:
        if row.name not in detectors or HUMAN not in (row.first, row.second):
            continue
        features = json.loads(detectors[row.name].read_text(encoding="utf-8"))["features"]
        sides = [features["first"][:_FEATURES], features["second"][:_FEATURES]]
        body = [
            [Cell(str(place + 1)), *(_feature(side, place) for side in sides)]
            for place in range(max(map(len, sides), default=0))
        ]
        head = [Cell("Rank"), Cell(f"For {row.first}"), Cell(f"For {row.second}")]
        tables.append(Table(f"Most telling features, {row.first} and {row.second}.", head, 3, body, folded=True))
    return tables


def _feature(side: Sequence[Sequence[Any]], place: int) -> Cell:
    return Cell(str(side[place][0]), f"{abs(float(side[place][1])):.2f}") if place < len(side) else Cell("")


def _editing_table(rows: Sequence[PostEditingRow]) -> Table:
    head = [Cell("Generator"), Cell("Warning"), Cell("BLEU", "to the human targets"), Cell("Highest of the others")]
    body = [
        [
            Cell(row.generator),
            Cell(row.warning or "none"),
            Cell(points(row.bleu)),
            Cell("–" if row.others is None else points(row.others)),
        ]
        for row in rows
    ]
    return Table("Were human targets edited from a generator’s output?", head, 2, body)
