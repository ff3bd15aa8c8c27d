"""Collect the detectors' results in one table, and look for human targets that were post-edited from a generator's.

A person who corrects a generator's output leaves much of it unchanged. That generator's BLEU against the human targets
is then far above all others, and a detector learns who corrected whom. The table of BLEU warns if one is more than a
margin above the highest of the others, all on the same sources. Generators that the study itself trains are not
compared, because nobody can have had their output. With fewer than two others there is nothing to compare; that there
is then no warning means nothing. Unless BLEU's tokenizer is set, it is sacreBLEU's for the language, or by character if
sacreBLEU's is an optional package (Japanese, Korean).
"""

import argparse
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from stats.metrics import Scorer, add_metric_arguments, bleu_without_mecab
from workbench.cli import UserError, named_files, run_script, say, script_parser
from workbench.files import read_json
from workbench.generated import read_targets
from workbench.tables import read_rows, score_text, write_rows

KINDS = ("human-machine", "human-human", "machine-machine")
PAIR_COLUMNS = ("first", "second", "kind", "targets", "auc", "auc_low", "auc_high", "brier")
DRAWN = "drawn"
POST_EDITING_COLUMNS = ("generator", "bleu", "others", "warning")
LEAST_OTHERS = 2  # that a generator is compared with


def main(arguments: argparse.Namespace) -> None:
    """Write both tables."""
    rows = [pair_row(name, path) for name, path in named_files("--detectors", arguments.detectors).items()]
    # If detectors learned from samples, the last column is the samples' size.
    columns = (*PAIR_COLUMNS, DRAWN) if any(row[-1] for row in rows) else PAIR_COLUMNS
    write_rows(arguments.pairs, columns, (row[: len(columns)] for row in rows))
    for kind in KINDS:
        areas = [f"{row[0]} and {row[1]} {float(row[4]):.3f}" for row in rows if row[2] == kind]
        if areas:
            say(f"AUC {kind}: " + ", ".join(areas))

    bleu = bleu_without_mecab(arguments.metric_options, arguments.target_language)
    files = named_files("--generated", arguments.generated)
    scores = bleu_scores(bleu, arguments.pool, files, set(arguments.trained))
    compared = {name: score for name, score in scores.items() if name not in arguments.trained}
    bleu_rows = []
    for name, score in scores.items():
        others = [value for other, value in compared.items() if other != name] if name in compared else []
        warning = post_editing_warning(name, score, others, arguments.margin)
        bleu_rows.append((name, score_text(score), score_text(max(others, default=None)), warning))
    write_rows(arguments.post_editing, POST_EDITING_COLUMNS, bleu_rows)
    if len(compared) <= LEAST_OTHERS:
        say(
            "post-editing cannot be detected: generators whose text people may have had: "
            f"{len(compared)}, needed: {LEAST_OTHERS + 1}"
        )
    for *_, warning in bleu_rows:
        if warning:
            say(f"WARNING: {warning}")


def pair_row(name: str, path: Path) -> tuple[str, ...]:
    """A row of the table of pairs, with the size of the sample if there is one; ``name`` is ``KIND:FIRST--SECOND``.

    Raises:
        UserError: the name does not have this form, or the report is about other authors.
    """
    kind, _, pair = name.partition(":")
    report = read_json(path)
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

    Generators that are compared are scored on the sources for which all of them have a target. One of ``trained`` is
    scored on all sources that it has a target for.

    Raises:
        UserError: there is no such source.
    """
    human = read_targets(pool)
    shared = set(human)
    for name, path in files.items():
        if name not in trained:
            shared.intersection_update(key for (key,) in read_rows(path, ["id"]))
    scores = {}
    for name, path in files.items():  # one generator's text at a time is in memory
        found = read_targets(path)
        ids = [key for key in human if key in (found if name in trained else shared)]
        if not ids:
            raise UserError(
                f"{path}: the generators ({', '.join(files)}) have no source of {pool} in common; "
                "see which of them lacks targets"
            )
        scores[name] = bleu.corpus_score((found[key].rstrip(), human[key].rstrip()) for key in ids)
    return scores


def post_editing_warning(name: str, score: float, others: Sequence[float], margin: float) -> str:
    """What it means that a generator's BLEU is more than ``margin`` points above every other's.

    Empty if it is not, or if there are fewer than two others.
    """
    if len(others) < LEAST_OTHERS or score - max(others) <= margin:
        return ""
    return (
        f"{name} has {score:.1f} BLEU against the human targets, {score - max(others):.1f} more than any other "
        f"generator (margin {margin:g}): either people post-edited its output, or it is much the best of them"
    )


PARSER = script_parser(__doc__)
PARSER.add_argument("--detectors", nargs="*", required=True, metavar="KIND:FIRST--SECOND=FILE", help="reports")
PARSER.add_argument("--generated", nargs="*", required=True, metavar="NAME=FILE", help="text of machine generators")
PARSER.add_argument("--trained", nargs="*", default=[], metavar="NAME", help="generators that the study trains")
PARSER.add_argument("--pool", type=Path, required=True, help="the split (id target)")
add_metric_arguments(PARSER)
PARSER.add_argument("--margin", type=float, required=True, help="warn above this lead in BLEU points")
PARSER.add_argument("--pairs", type=Path, required=True, help="output: a row for each pair of authors")
PARSER.add_argument("--post-editing", type=Path, required=True, help="output: a row for each generator")


if __name__ == "__main__":
    run_script(PARSER, main)
