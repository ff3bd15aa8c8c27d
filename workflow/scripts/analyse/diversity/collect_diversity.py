"""Collect the measured diversity of texts in one table, with p-values corrected for the number of measures."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from analyse.diversity.measure_diversity import COLUMNS as MEASURED_COLUMNS
from analyse.texts import TEXT_COLUMNS, add_text_arguments, analysed_texts
from stats.holm import holm_where_tested
from workbench.cli import run_script, say, script_parser
from workbench.tables import p_text, read_rows, write_rows

_P_VALUE = MEASURED_COLUMNS.index("p_value")
COLUMNS = (*TEXT_COLUMNS, *MEASURED_COLUMNS[: _P_VALUE + 1], "p_holm", *MEASURED_COLUMNS[_P_VALUE + 1 :])


def main(arguments: argparse.Namespace) -> None:
    """Write the table."""
    texts = analysed_texts(arguments.origin, arguments.run)
    rows = (
        (*text.cells, *row)
        for text in texts
        for path in text.paths
        for row in with_holm(list(read_rows(path, MEASURED_COLUMNS)))
    )
    count = write_rows(arguments.output, COLUMNS, rows)
    say(f"{count:,} rows of {len(texts):,} texts")


def with_holm(rows: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The measured rows of one text with ``p_holm`` after ``p_value``; the family is the text's measures."""
    corrected = holm_where_tested([float(row[_P_VALUE]) if row[_P_VALUE] else None for row in rows])
    for row, p_holm in zip(rows, corrected, strict=True):
        yield *row[: _P_VALUE + 1], p_text(p_holm), *row[_P_VALUE + 1 :]


PARSER = script_parser(__doc__)
add_text_arguments(PARSER)
PARSER.add_argument("--output", type=Path, required=True, help="table to write")


if __name__ == "__main__":
    run_script(PARSER, main)
