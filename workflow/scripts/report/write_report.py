"""Write the study's page: the answer, the tables and figures behind it, and what was run.

One HTML file without scripts or links to other files. Times are left out, so that the same study
gives the same page.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

from evaluate.named_files import named_files
from evaluate.summary import ConditionSummary, at_largest_size, read_summary
from report import words
from report.answer import Verdict, answer, contrasts, subjects
from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import write_text
from workbench.tables import read_rows

_COMPARISON = (
    "learner",
    "size",
    "seed",
    "metric",
    "condition",
    "p_value",
    "test",
    "samples",
    "signature",
)
_LEDGER = (
    "generator",
    "served",
    "mode",
    "sources",
    "targets",
    "left_out",
    "reused",
    "requests",
    "repeated",
    "retried",
    "throttled",
    "refusals",
    "input_tokens",
    "output_tokens",
    "usd",
    "notes",
)
_TESTS = {
    "bootstrap": ("paired bootstrap", "resample"),
    "randomization": ("paired approximate randomization", "trial"),
}
_VERDICT_STYLES = {
    Verdict.WORSE: "worse",
    Verdict.BETTER: "better",
    Verdict.EQUAL: "equal",
    Verdict.UNCLEAR: "unclear",
}


def main(arguments: argparse.Namespace) -> None:
    """Write the page and the answer."""
    study = json.loads(arguments.study.read_text(encoding="utf-8"))
    rows = read_summary(arguments.summary)
    if not any(row.metric == arguments.metric for row in rows):
        raise UserError(f"--metric {arguments.metric}: {arguments.summary} has no such metric")
    sentence = answer(rows, study["conditions"], arguments.metric, arguments.margin, arguments.floor)
    page = render(
        arguments.template,
        answer=sentence,
        study=study,
        margin=arguments.margin,
        floor=arguments.floor,
        learners=largest_size_tables(rows, study["conditions"], arguments.metric, arguments.margin, arguments.floor),
        curves=size_tables(rows),
        figures=figures(rows, arguments),
        significance=significance(arguments.significance),
        signatures=signatures(arguments.scores, [row.metric for row in rows]),
        cleaning=list(read_rows(arguments.cleaning, ["reason", "pairs"])),
        splits=[(name, row_count(path)) for name, path in named_files("--splits", arguments.splits).items()],
        ledger=ledger(arguments.ledger),
        left_out=row_count(named_files("--splits", arguments.splits)["pool"]) - row_count(arguments.dataset),
        generators=generators(study, named_files("--generator-scores", arguments.generator_scores)),
        about=about(rows, arguments.metric),
    )
    write_text(arguments.page, page)
    write_text(arguments.answer, sentence + "\n")
    say(sentence)


def render(template: Path, **values: Any) -> str:
    """Fill a template in which everything is escaped and nothing may be missing."""
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        points=words.points,
        span=words.span,
        p=words.p_value,
        settings=settings,
        mixture=words.training_text,
    )
    return environment.from_string(template.read_text(encoding="utf-8")).render(values)


def about(rows: Sequence[ConditionSummary], metric: str) -> dict[str, Any]:
    """What the page says of all its numbers."""
    row = next(row for row in rows if row.metric == metric)
    seeds = sorted({row.seeds for row in rows})
    return {
        "metric": row.name,
        "better": row.better,
        "sentences": row.sentences,
        "resamples": row.resamples,
        "seeds": " or ".join(map(str, seeds)),
        "several_seeds": seeds[-1] > 1,
    }


def largest_size_tables(
    rows: Sequence[ConditionSummary], conditions: Mapping[str, Any], metric: str, margin: float, floor: float
) -> list[dict[str, Any]]:
    """For each learner, its conditions at its largest size: scores, difference and verdict."""
    texts = subjects(conditions)
    found = {(c.row.learner, c.row.condition): c for c in contrasts(at_largest_size(rows, metric), margin, floor)}
    others = [name for name in dict.fromkeys(row.metric for row in rows) if name != metric]
    extra = {(r.learner, r.condition, name): r for name in others for r in at_largest_size(rows, name)}
    tables: dict[str, dict[str, Any]] = {}
    for row in at_largest_size(rows, metric):
        table = tables.setdefault(row.learner, {"learner": row.learner, "size": row.size, "rows": []})
        c = found.get((row.learner, row.condition))
        further = [extra[row.learner, row.condition, name] for name in others]
        table["others"] = [(r.name, r.better) for r in further]
        table["rows"].append(
            {
                "summary": row,
                "trained_on": texts[row.condition],
                "order": conditions[row.condition].get("order", ""),
                "contrast": c,
                "verdict": c.verdict.value if c else "",
                "style": _VERDICT_STYLES[c.verdict] if c else "",
                "others": further,
            }
        )
    return list(tables.values())


def size_tables(rows: Sequence[ConditionSummary]) -> list[dict[str, Any]]:
    """For each learner and metric, the scores of conditions (rows) at sizes (columns)."""
    tables: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        table = tables.setdefault(
            (row.learner, row.metric),
            {"learner": row.learner, "row": row, "sizes": [], "conditions": {}},
        )
        if row.size not in table["sizes"]:
            table["sizes"].append(row.size)
        table["conditions"].setdefault(row.condition, {})[row.size] = row
    for table in tables.values():
        table["sizes"].sort()
    return list(tables.values())


def figures(rows: Sequence[ConditionSummary], arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The figures with their captions."""
    name = next(row.name for row in rows if row.metric == arguments.metric)
    number = len({row.condition for row in rows})
    conditions = words.count(number, "condition")
    sizes = words.listing([f"{size:,}" for size in sorted({row.size for row in rows})])
    curve = f"{name} of {conditions} at {sizes} training instances"
    dots = f"{name} of {conditions} at the largest size"
    if number > 1:
        dots += ", with differences from the baseline"
    return [
        {
            "caption": f"{curve}.",
            "svg": inline_svg(arguments.learning_curve, "curve", f"Line chart: {curve}."),
        },
        {
            "caption": f"{dots}.",
            "svg": inline_svg(arguments.conditions_figure, "dots", f"Dot plot: {dots}."),
        },
    ]


def inline_svg(path: Path, prefix: str, label: str) -> Markup:
    """An SVG file as part of a page: with ids of its own and a text for those who cannot see it."""
    svg = path.read_text(encoding="utf-8")
    start = svg.find("<svg")
    if start < 0:
        raise UserError(f"{path}: no SVG; delete it and run again")
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", svg[start:])
    label = f"{escape(label)} The numbers are in the tables of this page."
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))


def significance(path: Path) -> dict[str, Any] | None:
    """The paired tests: a row for each learner, condition and size, in it p-values by metric; None without any."""
    table: dict[tuple[str, str, int], dict[str, list[str]]] = {}
    metrics: dict[str, str] = {}
    seeds: dict[str, None] = {}
    tests: dict[str, None] = {}
    for learner, size, seed, metric, condition, p, test, samples, signature in read_rows(path, _COMPARISON):
        cell = table.setdefault((learner, condition, int(size)), {})
        cell.setdefault(metric, []).append(words.p_value(float(p)))
        metrics[metric] = signature
        seeds[seed] = None
        kind, unit = _TESTS[test]
        tests[f"{kind}, {words.count(int(samples), unit)}"] = None
    rows = [
        {"learner": learner, "condition": condition, "size": size, "p": [cells[m] for m in metrics]}
        for (learner, condition, size), cells in sorted(table.items(), key=lambda item: (item[0][0], -item[0][2]))
    ]
    if not rows:
        return None
    return {
        "metrics": metrics,
        "seeds": list(seeds),
        "rows": rows,
        "test": words.listing(list(tests)),
    }


def signatures(scores: Path, metrics: Sequence[str]) -> dict[str, list[str]]:
    """sacreBLEU's signatures of each metric: one, if all runs were scored alike."""
    names = list(dict.fromkeys(metrics))
    found: dict[str, dict[str, None]] = {name: {} for name in names}
    for row in read_rows(scores, [f"{name}_signature" for name in names]):
        for name, signature in zip(names, row, strict=True):
            found[name][signature] = None
    return {name: list(values) for name, values in found.items()}


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
    """What the generators behind an API were asked and what that cost; empty where there are none."""
    rows = [dict(zip(_LEDGER, row, strict=True)) for path in paths for row in read_rows(path, _LEDGER)]
    numbers = set(_LEDGER) - {"generator", "served", "mode", "usd", "notes"}
    return [{name: f"{int(value):,}" if name in numbers else value for name, value in row.items()} for row in rows]


def settings(value: Any, key: str = "") -> list[tuple[str, str]]:
    """A tree of settings as lines of dotted keys and values, without what is empty or not set."""
    if isinstance(value, Mapping):
        return [line for name, part in value.items() for line in settings(part, f"{key}.{name}" if key else str(name))]
    if isinstance(value, list):
        return [(key, ", ".join(map(str, value)))] if value else []
    return [] if value is None else [(key, json.dumps(value) if isinstance(value, bool) else str(value))]


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
    parser.add_argument("--learning-curve", type=Path, required=True, help="figure, SVG")
    parser.add_argument("--conditions-figure", type=Path, required=True, help="figure, SVG")
    parser.add_argument("--metric", required=True, help="metric of the answer")
    parser.add_argument("--margin", type=float, required=True, help="difference that counts as none, in points")
    parser.add_argument("--floor", type=float, required=True, help="baseline's score, in points, to compare from")
    parser.add_argument("--template", type=Path, required=True, help="Jinja template of the page")
    parser.add_argument("--page", type=Path, required=True, help="output, HTML")
    parser.add_argument("--answer", type=Path, required=True, help="output, the answer as text")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
