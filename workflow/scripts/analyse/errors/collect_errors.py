"""Collect the errors of texts in one table: a row for each text and measure, with the human floor.

Rates are per 1,000 segments, those of TER's edits per 1,000 words of the reference; ``bleu``, ``chrf`` and ``ter`` are
points. The floor is the same measure on human text for the same segments. For measures without a reference it is that
of the human targets; with a reference, a second human reference's text compared with the first. It is empty for the
human text itself and if there is no second reference. Holm's correction is over the measures of one text.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from analyse.errors.rates import ErrorMeasure, FloorComparison, build_measures, compare_with_floor
from analyse.errors.segment_errors import SegmentErrors, read_segment_errors
from analyse.texts import TEXT_COLUMNS, AnalysedText, add_text_arguments, analysed_texts
from stats.holm import holm_where_tested
from stats.metrics import add_metric_arguments, build_scorers
from workbench.cli import UserError, progress, run_script, say, script_parser
from workbench.intervals import Interval
from workbench.segments import check_ids
from workbench.tables import p_text, score_text, write_rows

COLUMNS = (
    *(*TEXT_COLUMNS, "seeds", "measure", "basis", "segments"),
    *("rate", "rate_low", "rate_high", "floor", "floor_low", "floor_high"),
    *("difference", "difference_low", "difference_high", "p_value", "p_holm"),
)
Row = tuple[object, ...]


def main(arguments: argparse.Namespace) -> None:
    """Write the table.

    Raises:
        UserError: no text is given.
    """
    texts = analysed_texts(arguments.origin, arguments.run)
    if not texts:
        raise UserError("collect_errors: no text; give --origin or --run at least once")
    names = list(dict.fromkeys([*arguments.metrics, "ter"]))
    measures = build_measures(build_scorers(names, arguments.metric_options, arguments.target_language))
    floors = {
        "source": read_segment_errors(arguments.floor),
        "reference": read_segment_errors(arguments.reference_floor) if arguments.reference_floor else None,
    }
    rows: list[Row] = []
    for text in progress(texts, len(texts), "texts"):
        rows += text_rows(text, floors, measures, arguments.samples, arguments.resampling_seed)
    write_rows(arguments.output, COLUMNS, rows)
    clear = sum(bool(row[-1]) and float(str(row[-1])) < 0.05 for row in rows)
    say(f"{len(rows):,} rates of {len(texts):,} texts; {clear:,} differ from the human floor with p < 0.05 after Holm")


def text_rows(
    text: AnalysedText,
    floors: Mapping[str, SegmentErrors | None],
    measures: Sequence[ErrorMeasure],
    samples: int,
    seed: int,
) -> Iterator[Row]:
    """The rows of one text: those measures that it has, as a family of Holm's correction.

    Raises:
        UserError: the seeds of a text differ in their segments, or text and floor share none.
    """
    first, *others = tables = [read_segment_errors(path) for path in text.paths]
    for table in others:
        check_ids(table.path, table.ids, first.path, first.ids)
    compared: list[tuple[ErrorMeasure, int, FloorComparison]] = []
    for basis, floor in floors.items():
        if basis == "reference" and not first.has_reference:
            continue
        chosen = [measure for measure in measures if measure.basis == basis]
        own, human = (tables, None) if floor is None or floor.path in text.paths else shared(tables, floor)
        comparisons = compare_with_floor(own, human, chosen, samples, seed)
        compared += [(measure, len(own[0].ids), comparisons[measure.name]) for measure in chosen]
    corrected = holm_where_tested([comparison.p_value for _, _, comparison in compared])
    seeds = len(text.paths) if text.cells[0] == "test" else ""
    for (measure, segments, comparison), p_holm in zip(compared, corrected, strict=True):
        estimates = (comparison.rate, comparison.floor, comparison.difference)
        intervals = (cell for estimate in estimates for cell in interval_cells(estimate))
        p_values = p_text(comparison.p_value), p_text(p_holm)
        yield (*text.cells, seeds, measure.name, measure.basis, segments, *intervals, *p_values)


def shared(tables: Sequence[SegmentErrors], floor: SegmentErrors) -> tuple[list[SegmentErrors], SegmentErrors]:
    """The tables of a text and of its floor, with the segments that both have.

    Raises:
        UserError: there is none.
    """
    known = set(floor.ids)
    ids = [name for name in tables[0].ids if name in known]
    if not ids:
        raise UserError(f"{tables[0].path}: shares no segment with {floor.path}; delete the older file and run again")
    return [table.only(ids) for table in tables], floor.only(ids)


def interval_cells(estimate: Interval | None) -> tuple[str, ...]:
    """A figure and the limits of its interval as cells of the table; empty for None."""
    return tuple(map(score_text, (estimate.value, estimate.low, estimate.high))) if estimate else ("", "", "")


PARSER = script_parser(__doc__)
add_text_arguments(PARSER)
PARSER.add_argument("--floor", type=Path, required=True, help="table of the human targets of the same sources")
PARSER.add_argument("--reference-floor", type=Path, help="table of a second human reference's text")
add_metric_arguments(PARSER)
PARSER.add_argument("--samples", type=int, required=True, help="number of bootstrap resamples and of swaps")
PARSER.add_argument("--resampling-seed", type=int, required=True, help="seed of both")
PARSER.add_argument("--output", type=Path, required=True, help="table to write")


if __name__ == "__main__":
    run_script(PARSER, main)
