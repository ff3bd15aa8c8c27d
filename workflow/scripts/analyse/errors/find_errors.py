"""Find the errors of a text, segment by segment.

The text is a generator's, a run's or, without ``--text``, the human targets themselves. Human targets are judged only
by their sources; other text is compared with the human targets too. Each segment gets a row with its words, its errors
(0 or 1; numbers are counted) and, with a reference, TER's edits by type and the counts that metrics are computed from.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from analyse.errors import ErrorLimits
from analyse.errors.norms import read_norms
from analyse.errors.segment_errors import SOURCE_MEASURES, reference_errors, source_errors, write_segment_errors
from llm.answers.outcomes import Standards, standards
from llm.prompts import Languages
from stats.metrics import add_metric_arguments, build_scorers
from workbench.cli import UserError, run_script, say, script_parser
from workbench.draws import draw_names
from workbench.segments import read_generated, read_hypotheses, read_test_set
from workbench.tables import read_rows


def main(arguments: argparse.Namespace) -> None:
    """Write the table of segments."""
    limits = ErrorLimits(**arguments.settings)
    languages = Languages(arguments.source_language, arguments.target_language)
    judged_by = language_standards(languages, limits.language_margin)
    norms = read_norms(arguments.norms)
    # Drawn by id, so that all texts of the same sources are judged on the same segments
    ids = (name for (name,) in read_rows(arguments.pairs, ["id"]))
    only = None if arguments.segments is None else set(draw_names(ids, arguments.segments, arguments.seed))
    if arguments.generated:
        pairs, targets = read_generated(arguments.text, arguments.pairs, only)
    else:
        pairs = read_test_set(arguments.pairs, only)
        targets = pairs.references if arguments.text is None else read_hypotheses(arguments.text, pairs)
    columns: dict[str, Sequence[int]] = dict(source_errors(pairs.sources, targets, norms, judged_by, limits))
    if arguments.text is not None:
        names = list(dict.fromkeys([*arguments.metrics, "ter"]))
        scorers = build_scorers(names, arguments.metric_options, arguments.target_language)
        columns |= reference_errors(targets, pairs.references, scorers)
    write_segment_errors(arguments.output, pairs.ids, columns)
    flagged = sum(any(errors) for errors in zip(*(columns[name] for name in SOURCE_MEASURES), strict=True))
    say(f"{flagged:,} of {len(targets):,} segments have an error that is visible without a reference")


def language_standards(languages: Languages, margin: float | None) -> Standards:
    """What text is judged by; an error names the key of this analysis instead of the corpus cleaning's.

    Raises:
        UserError: a language has no name, or py3langid does not know it.
    """
    try:
        return standards(languages, margin)
    except UserError as error:
        key = "analysis.errors.limits.language_margin"
        raise UserError(str(error).replace("corpus.cleaning.language_margin", key)) from error


PARSER = script_parser(__doc__)
PARSER.add_argument("--pairs", type=Path, required=True, help="sources and human targets (id source target)")
PARSER.add_argument("--text", type=Path, help="text to judge (id text); without it the human targets are judged")
PARSER.add_argument("--generated", action="store_true", help="the text is a generator's and may lack some segments")
PARSER.add_argument("--norms", type=Path, required=True, help="what is usual, from learn_norms")
PARSER.add_argument("--source-language", required=True, help="ISO code of the source language")
add_metric_arguments(PARSER)
PARSER.add_argument("--settings", type=json.loads, required=True, help="JSON: analysis.errors.limits")
PARSER.add_argument("--segments", type=int, help="maximum number of segments to judge, drawn by id")
PARSER.add_argument("--seed", type=int, default=0, help="seed of that draw")
PARSER.add_argument("--output", type=Path, required=True, help="table to write")


if __name__ == "__main__":
    run_script(PARSER, main)
