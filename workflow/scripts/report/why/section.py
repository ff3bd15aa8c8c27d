"""The section of a page that answers "Why?": errors, lexical diversity, detector and post-editing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic

from report.page import Figure, Section, Topic, figure
from report.rows import SCORES, DiversityRow, ErrorRow, PairRow, PostEditingRow, RewrittenRow, Row
from report.study import Files
from report.tables import INTERVAL, Cell, Column, Table
from report.text.findings import Findings, paragraph
from report.text.formatting import capital, p_value, points, signed_points, thousands
from report.text.names import measure_name
from report.why.detector import detector_findings
from report.why.diversity import diversity_findings
from report.why.errors import error_findings
from workbench.files import read_json
from workbench.generated import HUMAN

_NO_GENERATOR = (
    "Nothing to show: no condition draws on a generator. Name one under generators, and draw on it in a mixture."
)
_FEATURES = 10
_MANY = 4  # more sentences than these are folded
_DETECTOR = "Distinguished by a detector"


@dataclass(frozen=True)
class _Measures(Generic[Row]):
    """A topic about measures of texts: its key and heading, and how it is read."""

    key: str
    title: str
    row: type[Row]
    captions: Mapping[str, str]  # of the figure, by scope; that of the table ends at the first comma
    notes: Sequence[str]  # how to read the sentences
    # Writes what was found about the rows of one scope
    findings: Callable[[Sequence[Row], Sequence[str], str], Findings]
    columns: Sequence[Column]  # of the table


_TEXT = Column("Text", lambda row: Cell(row.text, f"{row.learner}, {row.size:,.0f} instances" if row.size else ""))
_MEASURE = Column("Measure", lambda row: capital(measure_name(row.measure)))
_P_HOLM = Column("p", "p_holm", p_value, note="Holm")

_ERRORS = _Measures(
    key="errors",
    title="Errors",
    row=ErrorRow,
    captions={
        "pool": "Errors of each origin’s text of the pool, compared with the human floor",
        "test": "Errors in learners’ output for the test set, at each learner’s largest size, and the human floor",
    },
    notes=[
        "In brackets: the rate per 1,000 segments, the floor, and the 95 % interval of the difference.",
        "The human floor is the same measure on human targets: people, too, translate freely, omit and add. Only what "
        "exceeds it counts as more errors; p-values are corrected (Holm) over the measures of a text.",
    ],
    findings=error_findings,
    columns=[
        _TEXT,
        _MEASURE,
        Column("Unit", lambda row: "points, a score" if row.measure in SCORES else row.unit),
        Column("Rate", "rate", points, INTERVAL),
        Column("Human floor", "floor", points, INTERVAL),
        Column("Difference", "difference", signed_points, INTERVAL),
        _P_HOLM,
    ],
)

_DIVERSITY = _Measures(
    key="diversity",
    title="Lexical diversity",
    row=DiversityRow,
    captions={
        "pool": "Lexical diversity of each origin’s text of the pool, compared with human text, and its adequacy",
        "test": "Lexical diversity of learners’ output for the test set, compared with human text, and its adequacy",
    },
    notes=[
        "In brackets: the difference in per cent of the human value, + for more diverse, with its 95 % interval.",
        "Errors can make a text more diverse; adequacy (chrF to the human targets) is therefore given as well. "
        "Intervals and p-values come from swapping segments between the two texts.",
    ],
    findings=diversity_findings,
    columns=[
        _TEXT,
        _MEASURE,
        Column("More diverse", lambda row: f"{row.better} values"),
        Column("Tokens", "tokens", thousands),
        Column("Value", "value", "{:.4g}".format),
        Column("Human", "human", "{:.4g}".format),
        Column("Difference, %", "per_cent", signed_points, f"{INTERVAL}; + is more diverse"),
        _P_HOLM,
        Column("chrF", "chrf", points),
    ],
)


def why_section(files: Files, people: Sequence[str], baseline: str) -> Section:
    """Why training on machine text may cost what it does.

    Args:
        files: the analysis's tables ``errors_pool``, ``errors_test``, ``diversity_pool``, ``diversity_test``,
            ``detector_pairs``, ``post_editing`` and ``rewritten``, and the figures ``errors_pool`` and so on, and
            ``detector``.
        people: generators that are second human references.
        baseline: condition that trains on human text.
    """
    errors, errors_topic = _measures_topic(_ERRORS, files, people, baseline)
    diversity, diversity_topic = _measures_topic(_DIVERSITY, files, people, baseline)
    rewritten = files.rows("rewritten", RewrittenRow)
    errors_topic = replace(errors_topic, warnings=[row.warning for row in rewritten if row.warning])
    pairs = files.rows("detector_pairs", PairRow)
    detector = detector_findings(pairs)
    return Section(
        paragraph([errors, diversity, detector]) or _NO_GENERATOR,
        [errors_topic, diversity_topic, _detector_topic(pairs, detector, files)],
    )


def _measures_topic(
    measures: _Measures[Any], files: Files, people: Sequence[str], baseline: str
) -> tuple[Findings, Topic]:
    """The findings for the answer, which are about the pool if there are any, and the topic."""
    answer = Findings()
    sentences, more, drawn, found = [], [], list[Figure](), list[Table]()
    for scope, caption in measures.captions.items():
        name = f"{measures.key}_{scope}"
        rows = files.rows(name, measures.row)
        # An origin may have the baseline's name.
        findings = measures.findings(rows, people, baseline if scope == "test" else "")
        answer = answer if answer.short else findings
        if len(findings.sentences) <= _MANY:
            sentences += findings.sentences
        else:
            sentences += [line for line in [paragraph([findings])] if line]
            more += findings.sentences
        if rows:
            drawn += figure(files.figures.get(name), name.replace("_", "-"), "Dot plots", caption)
            found.append(
                Table(f"{caption.split(',')[0]}: every measure and size.", measures.columns, rows, folded=True)
            )
    return answer, Topic(
        key=measures.key,
        title=measures.title,
        sentences=sentences,
        more=more,
        notes=measures.notes if found else [],
        figures=drawn,
        tables=found,
        nothing="" if found else _NO_GENERATOR,
    )


def _detector_topic(pairs: Sequence[PairRow], findings: Findings, files: Files) -> Topic:
    if not pairs:
        return Topic(key="detector", title=_DETECTOR, nothing=_NO_GENERATOR)
    editing = files.rows("post_editing", PostEditingRow)
    caption = "How well a detector distinguishes origins: AUC of every pair, ROC curves and calibration"
    return Topic(
        key="detector",
        title=_DETECTOR,
        sentences=findings.sentences,
        notes=[
            "No target is scored by a model that has seen it or its source. A second human reference, a generator with "
            "human: true, is the control that separates machine style from one person’s."
        ],
        warnings=warnings(editing),
        figures=figure(files.figures.get("detector"), "detector", "Dot plot and curves", caption),
        tables=[_pairs_table(pairs), *_feature_tables(pairs, files.detectors), *_editing_tables(editing)],
    )


def warnings(rows: Sequence[PostEditingRow]) -> list[str]:
    """Warnings that human targets look like edited output of a generator."""
    return [row.warning for row in rows if row.warning]


def _pairs_table(pairs: Sequence[PairRow]) -> Table:
    columns = [
        Column("Pair", "label"),
        Column("Kind", lambda row: row.kind.replace("-", " and ")),
        Column("Targets", "targets", thousands),
        Column("AUC", "auc", "{:.3f}".format, INTERVAL),
        Column("Brier score", "brier", "{:.3f}".format),
    ]
    return Table("How well origins are distinguished, on targets that the detector has not seen.", columns, pairs)


def _feature_tables(pairs: Sequence[PairRow], detectors: Mapping[str, Path]) -> list[Table]:
    """For each pair of a human and a machine text, the features with the largest weights for either."""
    found = []
    for row in pairs:
        if row.name not in detectors or HUMAN not in (row.first, row.second):
            continue
        features = read_json(detectors[row.name], "features")["features"]
        sides = {row.first: features["first"][:_FEATURES], row.second: features["second"][:_FEATURES]}
        columns = [Column("Rank", lambda place: place + 1)]
        columns += [Column(f"For {name}", partial(_feature, side)) for name, side in sides.items()]
        places = range(max(map(len, sides.values())))
        found.append(Table(f"Features with the largest weights, {row.first} and {row.second}.", columns, places, True))
    return found


def _feature(side: Sequence[Sequence[Any]], place: int) -> Cell:
    return Cell(str(side[place][0]), f"{abs(float(side[place][1])):.2f}") if place < len(side) else Cell("")


def _editing_tables(rows: Sequence[PostEditingRow]) -> list[Table]:
    columns = [
        Column("Generator", "generator"),
        Column("Warning", lambda row: row.warning or "none"),
        Column("BLEU", "bleu", points, note="to the human targets"),
        Column("Highest of the others", "others", points),
    ]
    return [Table("Were human targets edited from a generator’s output?", columns, rows)] if rows else []
