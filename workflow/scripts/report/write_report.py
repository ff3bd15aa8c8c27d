"""Write the study's page: what training on machine text costs, why, what helps, and what was run.

One HTML file without scripts or links to other files. It contains no times: the same study gives the same page.
"""

import argparse
from pathlib import Path

from evaluate.results import ConditionSummary, Contrast, CurveArea, ExchangeRate
from planning.conditions import read_conditions
from report import run_record
from report.cost import tables as cost_tables
from report.cost.answer import answer, below_floor
from report.cost.authors import authors_topic
from report.cost.worth import worth_sentences
from report.helps.section import helps_section
from report.page import render
from report.study import Files, Results, equal_updates, read_study, second_references
from report.why.section import why_section
from workbench.cli import UserError, named_files, run_script, say, script_parser
from workbench.files import read_json, write_text
from workbench.records import read_records
from workbench.tables import count_rows


def main(arguments: argparse.Namespace) -> None:
    """Write the page and the answers: a line for each question."""
    study = read_study(arguments.study)
    rows = read_records(arguments.summary, ConditionSummary)
    metric = next((row for row in rows if row.metric == arguments.metric), None)
    if metric is None:
        raise UserError(f"--metric {arguments.metric}: {arguments.summary} has no such metric")
    files = Files.named(arguments.tables, arguments.figures, arguments.detectors)
    splits = named_files("--splits", arguments.splits)
    baseline, conditions = study["baseline"], read_conditions(study["conditions"])
    low = below_floor(rows, conditions, baseline, metric.metric, arguments.floor)
    results = Results(rows, conditions, baseline, metric, arguments.margin, low)
    cost = answer(results)
    why = why_section(files, second_references(study), baseline)
    helps = helps_section(files, results, equal_updates(study))
    exchange = files.rows("exchange", ExchangeRate)
    curves = files.rows("curves", CurveArea)
    names = {row.metric: row.name for row in rows}
    significance, test_signatures = cost_tables.significance_tables(arguments.significance)
    scored = named_files("--generator-scores", arguments.generator_scores)
    scores = {name: read_json(path) for name, path in scored.items()}
    ledger = run_record.ledger(arguments.ledger)
    page = render(
        arguments.template,
        answer=cost,
        why=why,
        helps=helps,
        study=study,
        margin=arguments.margin,
        floor=arguments.floor,
        metric=metric,
        seeds=sorted({row.seeds for row in rows if row.size > 0}),
        worth=worth_sentences(exchange, curves, results),
        figures=cost_tables.cost_figures(results, files.figures),
        learners=cost_tables.largest_size_tables(results),
        sizes=cost_tables.size_tables(results),
        folded_tables=[
            *cost_tables.exchange_tables(exchange, results),
            *cost_tables.curve_tables(curves, names),
            *cost_tables.contrast_tables(files.rows("contrasts", Contrast), names),
        ],
        authors=authors_topic(study, scores, results),
        signatures=cost_tables.score_signatures(arguments.scores, [row.metric for row in rows]),
        significance=significance,
        test_signatures=test_signatures,
        corpus=run_record.corpus_tables(arguments.cleaning, splits),
        scores=scores,
        ledger=run_record.ledger_table(ledger) if ledger else None,
        ledger_notes={row["generator"]: row["notes"] for row in ledger if row["notes"]},
        left_out=count_rows(splits["pool"]) - count_rows(arguments.dataset),
        conditions=run_record.condition_table(study),
    )
    write_text(arguments.page, page)
    lines = [cost, f"Why? {why.line}", f"What helps, and how much? {helps.line}"]
    write_text(arguments.answer, "".join(f"{line}\n" for line in lines))
    for line in lines:
        say(line)


PARSER = script_parser(__doc__)
for name, text in {
    "study": "what was run, JSON",
    "summary": "table of conditions",
    "scores": "table of runs",
    "significance": "table of paired tests",
    "cleaning": "table of reasons and pairs",
    "dataset": "the baseline's dataset: the pool without its gaps",
    "template": "Jinja template of the page",
    "page": "output, HTML",
    "answer": "output, a line for each question",
}.items():
    PARSER.add_argument(f"--{name}", type=Path, required=True, help=text)
for name, number, text in (
    ("splits", "+", "corpus tables to count"),
    ("generator-scores", "*", "scores of generated text, JSON; none if no condition has any"),
    ("tables", "+", "other tables of results"),
    ("figures", "+", "figures, SVG"),
    ("detectors", "*", "what each detector found, JSON, by pair; may be none"),
):
    PARSER.add_argument(f"--{name}", nargs=number, required=True, metavar="NAME=FILE", help=text)
PARSER.add_argument("--ledger", nargs="*", type=Path, default=[], help="ledger of the LLMs asked, if any")
PARSER.add_argument("--metric", required=True, help="metric of the answer")
PARSER.add_argument("--margin", type=float, required=True, help="difference that counts as none, in points")
PARSER.add_argument("--floor", type=float, required=True, help="baseline's score, in points, to compare from")


if __name__ == "__main__":
    run_script(PARSER, main)
