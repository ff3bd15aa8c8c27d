"""Put what the detectors found into one table, and look for human targets that were post-edited from a generator's.

A person who corrects a generator's output leaves much of it as it is: that generator's BLEU against the human targets
is then far above every other's, and a detector learns who corrected whom. The table of BLEU warns where one is more
than a margin above the highest of the others, all on the same sources. A generator that the study itself trains is left
out of the comparison: nobody can have had its output. With fewer than two others there is nothing to compare, so there
is no warning, and that means nothing. BLEU's tokenizer, unless one is set, is sacreBLEU's for the language, but by
character where that would need an extra (Japanese, Korean).
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from analyse.detectors.detect_text import read_texts
from stats.metrics import Scorer, add_metric_arguments, build_scorers
from workbench.cli import UserError, named_files, run_script, say, script_parser
from workbench.tables import read_rows, score_text, write_rows

KINDS = ("human-machine", "human-human", "machine-machine")
PAIR_COLUMNS = ("first", "second", "kind", "targets", "auc", "auc_low", "auc_high", "brier")
DRAWN = "drawn"
POST_EDITING_COLUMNS = ("generator", "bleu", "others", "warning")
LEAST_OTHERS = 2  # that a generator is held against
_BY_CHARACTER = ("ja", "ko")  # sacreBLEU's own tokenizers for them are extras


def main(arguments: argparse.Namespace) -> None:
    """Write both tables."""
    rows = [pair_row(name, path) for name, path in named_files("--detectors", arguments.detectors).items()]
    # Where detectors learnt from samples, the last column says how large these are.
    columns = (*PAIR_COLUMNS, DRAWN) if any(row[-1] for row in rows) else PAIR_COLUMNS
    write_rows(arguments.pairs, columns, (row[: len(columns)] for row in rows))
    for kind in KINDS:
        areas = [f"{row[0]} and {row[1]} {float(row[4]):.3f}" for row in rows if row[2] == kind]
        if areas:
            say(f"AUC {kind}: " + ", ".join(areas))

    options = with_tokenizer(arguments.metric_options, arguments.target_language)
    (bleu,) = build_scorers(arguments.metrics, options, arguments.target_language)
    files = named_files("--generated", arguments.generated)
    scores = bleu_scores(bleu, arguments.pool, files, set(arguments.trained))
    compared = {name: score for name, score in scores.items() if name not in arguments.trained}
    warnings = post_editing_warnings(compared, arguments.margin)
    write_rows(
        arguments.post_editing,
        POST_EDITING_COLUMNS,
        (
            (name, score_text(score), score_text(highest_other(name, compared)), warnings.get(name, ""))
            for name, score in scores.items()
        ),
    )
    if len(compared) <= LEAST_OTHERS:
        say(
            "post-editing cannot be told: generators whose text people may have had: "
            f"{len(compared)}, needed: {LEAST_OTHERS + 1}"
        )
    for warning in warnings.values():
        say(f"WARNING: {warning}")


def with_tokenizer(options: Mapping[str, Mapping[str, Any]], target_language: str) -> dict[str, Mapping[str, Any]]:
    """``options`` of the metrics, with BLEU's tokenizer ``char`` where none is set and the language's is an extra."""
    chosen = {"tokenize": "char"} if re.split("[_-]", target_language)[0] in _BY_CHARACTER else {}
    return {**options, "bleu": {**chosen, **options.get("bleu", {})}}


def pair_row(name: str, path: Path) -> tuple[str, ...]:
    """A row of the table of pairs and the size of the sample, if any; ``name`` is ``KIND:FIRST--SECOND``.

    Raises:
        UserError: the name has no such form, or the report is of other authors.
    """
    kind, _, pair = name.partition(":")
    report = json.loads(path.read_text(encoding="utf-8"))
    authors = report["first"], report["second"]
    if kind not in KINDS or pair != "--".join(authors):
        raise UserError(
            f"--detectors {name}={path}: must be KIND:FIRST--SECOND=FILE with a kind of {', '.join(KINDS)}; "
            f"the file is of {' and '.join(authors)}"
        )
    figures = (score_text(report[column]) for column in PAIR_COLUMNS[4:])
    return *authors, kind, str(report["targets"]), *figures, str(report.get(DRAWN, ""))


def bleu_scores(bleu: Scorer, pool: Path, files: Mapping[str, Path], trained: Collection[str]) -> dict[str, float]:
    """BLEU of each generator's text against the human targets.

    Those that are compared are scored on the same sources, for which all of them have a target; one of ``trained`` on
    those that it has.

    Raises:
        UserError: there is no such source.
    """
    human = read_texts(pool)
    shared = set(human)
    for name, path in files.items():
        if name not in trained:
            shared.intersection_update(key for (key,) in read_rows(path, ["id"]))
    scores = {}
    for name, path in files.items():  # one generator's text at a time is in memory
        found = read_texts(path)
        ids = [key for key in human if key in (found if name in trained else shared)]
        if not ids:
            raise UserError(
                f"{path}: the generators ({', '.join(files)}) have no source of {pool} in common; "
                "see which of them lacks targets"
            )
        scores[name] = bleu.score(bleu.totals((found[key].rstrip(), human[key].rstrip()) for key in ids)).score
    return scores


def highest_other(name: str, scores: Mapping[str, float]) -> float | None:
    """The highest score of the others; None where there is none, or ``name`` itself is not compared."""
    others = [score for other, score in scores.items() if other != name]
    return max(others) if name in scores and others else None


def post_editing_warnings(scores: Mapping[str, float], margin: float) -> dict[str, str]:
    """For each generator whose BLEU is more than ``margin`` points above every other's, what that means.

    None with fewer than two others.
    """
    if len(scores) <= LEAST_OTHERS:
        return {}
    warnings = {}
    for name, score in scores.items():
        other = highest_other(name, scores)
        if other is not None and score - other > margin:
            warnings[name] = (
                f"{name} has {score:.1f} BLEU against the human targets, {score - other:.1f} more than any other "
                f"generator (margin {margin:g}): either people post-edited its output, or it is much the best of them"
            )
    return warnings


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument(
        "--detectors", nargs="*", required=True, metavar="KIND:FIRST--SECOND=FILE", help="reports, JSON"
    )
    parser.add_argument("--generated", nargs="*", required=True, metavar="NAME=FILE", help="text of machine generators")
    parser.add_argument("--trained", nargs="*", default=[], metavar="NAME", help="those that the study itself trains")
    parser.add_argument("--pool", type=Path, required=True, help="the split (id target)")
    add_metric_arguments(parser)
    parser.add_argument("--margin", type=float, required=True, help="BLEU points above the others that call a warning")
    parser.add_argument("--pairs", type=Path, required=True, help="output: a row a pair of authors")
    parser.add_argument("--post-editing", type=Path, required=True, help="output: a row a generator")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
