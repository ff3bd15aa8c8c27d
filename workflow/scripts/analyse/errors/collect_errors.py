"""Gather the errors of texts into one table: a row for each text and measure, with the human floor beside it.

Rates are per 1,000 segments, those of TER's edits per 1,000 words of the reference; ``bleu``, ``chrf`` and ``ter`` are
points. The floor is the same measure on human text for the same segments: on the human targets for what needs no
reference, on a second human reference's text against the first for what does. It is empty for the human text itself and
where there is no second reference. Holm's correction is over the measures of one text.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analyse.errors.measures import Segments, read_segments
from analyse.errors.rates import Comparison, Estimate, Measure, build_measures, compare
from stats.holm import holm
from stats.metrics import add_metric_arguments, build_scorers
from workbench.cli import UserError, progress, run_script, say, script_parser
from workbench.segments import check_ids
from workbench.tables import p_text, score_text, write_rows

COLUMNS = (
    *("scope", "text", "learner", "size", "seeds", "measure", "basis", "segments"),
    *("rate", "rate_low", "rate_high", "floor", "floor_low", "floor_high"),
    *("difference", "difference_low", "difference_high", "p_value", "p_holm"),
)


@dataclass(frozen=True)
class Text:
    """One text: an origin's, or a condition's from some seeds."""

    name: str
    learner: str
    size: str
    paths: tuple[Path, ...]


def main(arguments: argparse.Namespace) -> None:
    """Write the table.

    Raises:
        UserError: no text is given.
    """
    texts = named_texts(arguments.origin, arguments.run)
    if not texts:
        raise UserError("collect_errors: no text; give --origin or --run at least once")
    scope = "test" if arguments.run else "pool"
    names = list(dict.fromkeys([*arguments.metrics, "ter"]))
    measures = build_measures(build_scorers(names, arguments.metric_options, arguments.target_language))
    floors = {
        "source": read_segments(arguments.floor),
        "reference": read_segments(arguments.reference_floor) if arguments.reference_floor else None,
    }
    rows: list[tuple[object, ...]] = []
    for text in progress(texts, len(texts), "texts"):
        compared = list(compare_text(text, floors, measures, arguments.samples, arguments.resampling_seed))
        rows += text_rows(scope, text, compared)
    write_rows(arguments.output, COLUMNS, rows)
    clear = sum(bool(row[-1]) and float(str(row[-1])) < 0.05 for row in rows)
    say(f"{len(rows):,} rates of {len(texts):,} texts; {clear:,} differ from the human floor with p < 0.05 after Holm")


def named_texts(origins: Sequence[Sequence[str]], runs: Sequence[Sequence[str]]) -> list[Text]:
    """The texts of the arguments; runs of one learner, condition and size are one text."""
    texts = [Text(name, "", "", (Path(path),)) for name, path in origins]
    groups: dict[tuple[str, str, str], list[Path]] = {}
    for learner, condition, size, path in runs:
        groups.setdefault((learner, condition, size), []).append(Path(path))
    return texts + [Text(name, learner, size, tuple(paths)) for (learner, name, size), paths in groups.items()]


def compare_text(
    text: Text, floors: dict[str, Segments | None], measures: Sequence[Measure], samples: int, seed: int
) -> Iterator[tuple[Measure, int, Comparison]]:
    """Each measure that a text has, the segments it is taken from, and how it compares.

    Raises:
        UserError: the seeds of a text differ in their segments, or text and floor share none.
    """
    tables = [read_segments(path) for path in text.paths]
    for table in tables[1:]:
        check_ids(table.path, table.ids, tables[0].path, tables[0].ids)
    for basis, floor in floors.items():
        if basis == "reference" and not tables[0].has_reference:
            continue
        chosen = [measure for measure in measures if measure.basis == basis]
        own, human = tables, None
        if floor is not None and floor.path not in text.paths:
            own, human = shared(tables, floor)
        compared = compare(own, human, chosen, samples, seed)
        for measure in chosen:
            yield measure, len(own[0].ids), compared[measure.name]


def shared(tables: Sequence[Segments], floor: Segments) -> tuple[list[Segments], Segments]:
    """The segments that a text and its floor have both.

    Raises:
        UserError: there is none.
    """
    known = set(floor.ids)
    ids = [name for name in tables[0].ids if name in known]
    if not ids:
        raise UserError(f"{tables[0].path}: shares no segment with {floor.path}; delete the older file and run again")
    return [table.only(ids) for table in tables], floor.only(ids)


def text_rows(
    scope: str, text: Text, compared: Sequence[tuple[Measure, int, Comparison]]
) -> Iterator[tuple[object, ...]]:
    """The rows of one text, with its p-values corrected for one another."""
    tested = [place for place, (_, _, comparison) in enumerate(compared) if comparison.p_value is not None]
    corrected = dict(zip(tested, holm([compared[place][2].p_value or 0.0 for place in tested]), strict=True))
    seeds = len(text.paths) if text.learner else ""
    for place, (measure, segments, comparison) in enumerate(compared):
        yield (
            *(scope, text.name, text.learner, text.size, seeds, measure.name, measure.basis, segments),
            *cells(comparison.rate),
            *cells(comparison.floor),
            *cells(comparison.difference),
            p_text(comparison.p_value),
            p_text(corrected.get(place)),
        )


def cells(estimate: Estimate | None) -> tuple[str, str, str]:
    """A figure and the limits of its interval as the table has them."""
    if estimate is None:
        return "", "", ""
    return score_text(estimate.value), score_text(estimate.low), score_text(estimate.high)


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    texts = parser.add_mutually_exclusive_group()
    texts.add_argument("--origin", nargs=2, action="append", default=[], metavar=("ORIGIN", "TABLE"))
    texts.add_argument("--run", nargs=4, action="append", default=[], metavar=("LEARNER", "CONDITION", "SIZE", "TABLE"))
    parser.add_argument("--floor", type=Path, required=True, help="table of the human targets of the same sources")
    parser.add_argument("--reference-floor", type=Path, help="table of a second human reference's text")
    add_metric_arguments(parser)
    parser.add_argument("--samples", type=int, required=True, help="resamples of intervals and trials of tests")
    parser.add_argument("--resampling-seed", type=int, required=True, help="seed of both")
    parser.add_argument("--output", type=Path, required=True, help="table to write")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
