"""Write the study's page: what training on machine text costs, why, what helps, and what was run.

One HTML file without scripts or links to other files. Times are left out, so that the same study
gives the same page.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluate.summary import ConditionSummary, read_summary
from llm.accounts import ledgers
from planning.runs import FAIRSEQ
from report.answer import answer, hardly_learnt
from report.authors import authors_topic
from report.costs import cost_figures, largest_size_tables, signatures, significance, size_tables, worth
from report.helps import helps_part
from report.page import people, render
from report.why import why_part
from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import write_text
from workbench.named_files import named_files
from workbench.tables import read_rows

_TEXT = {"generator", "model", "served", "mode", "usd", "price", "notes"}  # columns of the ledger that are no counts


def main(arguments: argparse.Namespace) -> None:
    """Write the page and the answers: a line a question."""
    study = json.loads(arguments.study.read_text(encoding="utf-8"))
    rows = read_summary(arguments.summary)
    metric = next((row for row in rows if row.metric == arguments.metric), None)
    if metric is None:
        raise UserError(f"--metric {arguments.metric}: {arguments.summary} has no such metric")
    tables = named_files("--tables", arguments.tables)
    figures = named_files("--figures", arguments.figures)
    detectors = named_files("--detectors", arguments.detectors)
    splits = named_files("--splits", arguments.splits)
    conditions = study["conditions"]
    cost = answer(rows, conditions, arguments.metric, arguments.margin, arguments.floor)
    why = why_part(tables, figures, detectors, people(study), study["baseline"])
    low = hardly_learnt(rows, conditions, study["baseline"], arguments.metric, arguments.floor)
    helps = helps_part(tables, figures, conditions, metric, low, equal_updates(study))
    sentences, worth_tables = worth(tables, rows, conditions, metric, low)
    written = generators(study, named_files("--generator-scores", arguments.generator_scores))
    scores = {one["name"]: one["scores"] for one in written if one["scores"]}
    page = render(
        arguments.template,
        answer=cost,
        why=why,
        helps=helps,
        study=study,
        margin=arguments.margin,
        floor=arguments.floor,
        worth=sentences,
        worth_tables=worth_tables,
        learners=largest_size_tables(rows, conditions, arguments.metric, arguments.margin, arguments.floor),
        curves=size_tables(rows),
        figures=cost_figures(rows, figures, arguments.metric),
        significance=significance(arguments.significance),
        signatures=signatures(arguments.scores, [row.metric for row in rows]),
        cleaning=list(read_rows(arguments.cleaning, ["reason", "pairs"])),
        splits=[(name, row_count(path)) for name, path in splits.items()],
        ledger=ledger(arguments.ledger),
        left_out=row_count(splits["pool"]) - row_count(arguments.dataset),
        generators=written,
        authors=authors_topic(study, rows, scores, metric, arguments.margin, low),
        about=about(rows, arguments.metric),
    )
    write_text(arguments.page, page)
    lines = [cost, f"Why? {why.line}", f"What helps, and how much? {helps.line}"]
    write_text(arguments.answer, "".join(f"{line}\n" for line in lines))
    for line in lines:
        say(line)


def equal_updates(study: Mapping[str, Any]) -> list[str]:
    """The learners whose trainings of all sizes make as many updates: an LLM goes through its instances instead."""
    if study["training"]["equal"] != "updates":
        return []
    return [name for name, learner in study["learners"].items() if learner["kind"] == FAIRSEQ]


def about(rows: Sequence[ConditionSummary], metric: str) -> dict[str, Any]:
    """What the page says of all its numbers."""
    row = next(row for row in rows if row.metric == metric)
    seeds = sorted({row.seeds for row in rows if row.size > 0})
    return {
        "metric": row.name,
        "better": row.better,
        "sentences": row.sentences,
        "resamples": row.resamples,
        "seeds": " or ".join(map(str, seeds)),
        "several_seeds": seeds[-1] > 1,
    }


def generators(study: Mapping[str, Any], files: Mapping[str, Path]) -> list[dict[str, Any]]:
    """Each generator's settings and, where there are, the scores of its text."""
    return [
        {
            "name": name,
            "settings": given,
            "scores": json.loads(files[name].read_text(encoding="utf-8")) if name in files else None,
        }
        for name, given in study["generators"].items()
    ]


def ledger(paths: Sequence[Path]) -> list[dict[str, Any]]:
    """What LLMs behind an API were asked and what that cost; empty where there are none."""
    columns = ledgers.COLUMNS
    rows = [dict(zip(columns, row, strict=True)) for path in paths for row in read_rows(path, columns)]
    asked: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        asked.setdefault(_who(row), []).append(row)
    return [_together(name, group) for name, group in asked.items()]


def _who(row: Mapping[str, str]) -> str:
    """Whom a row of the ledger is about: a generator, a judge, or a hosted learner in all of its runs."""
    learner, is_run, _ = row["generator"].partition("/")
    if not is_run:
        return row["generator"]
    return f"learner {learner}, {'fine-tuning' if row['mode'] == 'fine-tuning' else 'translations of the test set'}"


def _together(name: str, rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Rows of the ledger as one, its numbers added up."""
    counts = {key: f"{sum(int(row[key]) for row in rows):,}" for key in rows[0] if key not in _TEXT}
    notes = "; ".join(dict.fromkeys(row["notes"] for row in rows if row["notes"]))
    served = rows[0]["served"] if len(rows) == 1 else f"{len(rows)} models"
    usd = f"{sum(float(row['usd']) for row in rows):.4f}"
    return {**rows[0], **counts, "generator": name, "served": served, "usd": usd, "notes": notes}


def row_count(path: Path) -> int:
    """Rows of a table below its header."""
    with path.open("rb") as file:
        return sum(1 for _ in file) - 1


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--study", type=Path, required=True, help="what was run, JSON")
    parser.add_argument("--summary", type=Path, required=True, help="table of conditions")
    parser.add_argument("--scores", type=Path, required=True, help="table of runs")
    parser.add_argument("--significance", type=Path, required=True, help="table of paired tests")
    parser.add_argument("--cleaning", type=Path, required=True, help="table of reasons and pairs")
    parser.add_argument("--splits", nargs="+", required=True, metavar="NAME=FILE", help="corpus tables to count")
    parser.add_argument(
        "--generator-scores",
        nargs="*",
        required=True,
        metavar="NAME=FILE",
        help="scores of generated text, JSON; none where no condition has any",
    )
    parser.add_argument("--dataset", type=Path, required=True, help="the baseline's dataset: the pool without its gaps")
    parser.add_argument("--ledger", nargs="*", type=Path, default=[], help="table of what LLMs were asked, if any were")
    parser.add_argument("--tables", nargs="+", required=True, metavar="NAME=FILE", help="what else was found")
    parser.add_argument("--figures", nargs="+", required=True, metavar="NAME=FILE", help="figures, SVG")
    parser.add_argument(
        "--detectors", nargs="*", required=True, metavar="PAIR=FILE", help="what each detector found, JSON; may be none"
    )
    parser.add_argument("--metric", required=True, help="metric of the answer")
    parser.add_argument("--margin", type=float, required=True, help="difference that counts as none, in points")
    parser.add_argument("--floor", type=float, required=True, help="baseline's score, in points, to compare from")
    parser.add_argument("--template", type=Path, required=True, help="Jinja template of the page")
    parser.add_argument("--page", type=Path, required=True, help="output, HTML")
    parser.add_argument("--answer", type=Path, required=True, help="output, a line for each question")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
