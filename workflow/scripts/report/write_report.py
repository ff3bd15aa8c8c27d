"""Write the study's page: what training on machine text costs, why, what helps, and what was run.

One HTML file without scripts or links to other files. It contains no times: the same study gives the same page.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluate.results import ConditionSummary, Contrast, CurveArea, ExchangeRate
from planning.runs import FAIRSEQ
from report import run_record
from report.cost import tables as cost_tables
from report.cost.answer import answer, below_floor
from report.cost.authors import authors_topic
from report.cost.worth import worth_sentences
from report.helps.section import helps_section
from report.page import render
from report.study import Condition, Study, read_study, second_references
from report.tables import Table
from report.why.section import why_section
from workbench.cli import UserError, named_files, run_script, say, script_parser
from workbench.files import write_text
from workbench.records import read_records


def main(arguments: argparse.Namespace) -> None:
    """Write the page and the answers: a line for each question."""
    study = read_study(arguments.study)
    rows = read_records(arguments.summary, ConditionSummary)
    metric = next((row for row in rows if row.metric == arguments.metric), None)
    if metric is None:
        raise UserError(f"--metric {arguments.metric}: {arguments.summary} has no such metric")
    tables = named_files("--tables", arguments.tables)
    figures = named_files("--figures", arguments.figures)
    detectors = named_files("--detectors", arguments.detectors)
    splits = named_files("--splits", arguments.splits)
    margin, floor, baseline, conditions = arguments.margin, arguments.floor, study["baseline"], study["conditions"]
    low = below_floor(rows, conditions, baseline, metric.metric, floor)
    cost = answer(rows, conditions, metric.metric, margin, floor)
    why = why_section(tables, figures, detectors, second_references(study), baseline)
    helps = helps_section(tables, figures, conditions, metric, low, equal_updates(study))
    sentences, folded_tables = worth(tables, rows, conditions, metric, low)
    significance, test_signatures = cost_tables.significance_tables(arguments.significance)
    written = run_record.generators(study, named_files("--generator-scores", arguments.generator_scores))
    scores = {one["name"]: one["scores"] for one in written if one["scores"]}
    ledger = run_record.ledger(arguments.ledger)
    page = render(
        arguments.template,
        answer=cost,
        why=why,
        helps=helps,
        study=study,
        margin=margin,
        floor=floor,
        about=about(rows, metric),
        worth=sentences,
        figures=cost_tables.cost_figures(rows, figures, metric.metric),
        learners=cost_tables.largest_size_tables(rows, conditions, metric.metric, baseline, margin, floor),
        sizes=cost_tables.size_tables(rows, baseline),
        folded_tables=folded_tables,
        authors=authors_topic(study, rows, scores, metric, margin, low),
        signatures=cost_tables.score_signatures(arguments.scores, [row.metric for row in rows]),
        significance=significance,
        test_signatures=test_signatures,
        corpus=run_record.corpus_tables(arguments.cleaning, splits),
        generators=written,
        ledger=run_record.ledger_table(ledger) if ledger else None,
        ledger_notes={row["generator"]: row["notes"] for row in ledger if row["notes"]},
        left_out=run_record.row_count(splits["pool"]) - run_record.row_count(arguments.dataset),
        conditions=run_record.condition_table(study),
    )
    write_text(arguments.page, page)
    lines = [cost, f"Why? {why.line}", f"What helps, and how much? {helps.line}"]
    write_text(arguments.answer, "".join(f"{line}\n" for line in lines))
    for line in lines:
        say(line)


def worth(
    tables: Mapping[str, Path],
    rows: Sequence[ConditionSummary],
    conditions: Mapping[str, Condition],
    metric: ConditionSummary,
    low: Mapping[tuple[str, int], str],
) -> tuple[list[str], list[Table]]:
    """The exchange rate, the learning curves and the contrasts: sentences, and tables to look them up in.

    Args:
        tables: ``exchange``, ``curves``, ``contrasts``; those that a study does not have are left out.
        rows: the summary table.
        conditions: each condition's settings, by name.
        metric: any row of the summary in the metric of the answer.
        low: why nothing is compared, for each learner and size whose baseline is below the floor.
    """
    exchange = read_records(tables["exchange"], ExchangeRate) if "exchange" in tables else []
    curves = read_records(tables["curves"], CurveArea) if "curves" in tables else []
    contrasts = read_records(tables["contrasts"], Contrast) if "contrasts" in tables else []
    names = {row.metric: row.name for row in rows}
    in_metric = [row for row in exchange if row.metric == metric.metric]
    return worth_sentences(exchange, curves, conditions, metric.metric, metric.name, low), [
        *cost_tables.exchange_tables(in_metric, metric.name, low),
        *cost_tables.curve_tables(curves, names),
        *cost_tables.contrast_tables(contrasts, names),
    ]


def equal_updates(study: Study) -> list[str]:
    """The learners whose trainings of all sizes make as many updates; an LLM goes through its instances instead."""
    if study["training"]["equal"] != "updates":
        return []
    return [name for name, learner in study["learners"].items() if learner["kind"] == FAIRSEQ]


def about(rows: Sequence[ConditionSummary], metric: ConditionSummary) -> dict[str, Any]:
    """What the page says about all its numbers."""
    seeds = sorted({row.seeds for row in rows if row.size > 0})
    return {
        "metric": metric.name,
        "better": metric.better,
        "sentences": metric.sentences,
        "resamples": metric.resamples,
        "seeds": " or ".join(map(str, seeds)),
        "several_seeds": seeds[-1] > 1,
    }


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
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
        parser.add_argument(f"--{name}", type=Path, required=True, help=text)
    for name, number, text in (
        ("splits", "+", "corpus tables to count"),
        ("generator-scores", "*", "scores of generated text, JSON; none if no condition has any"),
        ("tables", "+", "other tables of results"),
        ("figures", "+", "figures, SVG"),
        ("detectors", "*", "what each detector found, JSON, by pair; may be none"),
    ):
        parser.add_argument(f"--{name}", nargs=number, required=True, metavar="NAME=FILE", help=text)
    parser.add_argument("--ledger", nargs="*", type=Path, default=[], help="ledger of the LLMs asked, if any")
    parser.add_argument("--metric", required=True, help="metric of the answer")
    parser.add_argument("--margin", type=float, required=True, help="difference that counts as none, in points")
    parser.add_argument("--floor", type=float, required=True, help="baseline's score, in points, to compare from")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
