"""The tables of a page that show what was run: corpus, generators, conditions, and what LLMs were asked."""

from collections.abc import Mapping, Sequence
from operator import itemgetter
from pathlib import Path

from llm.accounts.collect_ledgers import COLUMNS
from planning.conditions import INCREMENTAL, Condition, read_conditions
from report.rows import grouped
from report.study import Study, equal_updates
from report.tables import Cell, Column, Table
from report.text.formatting import capital, thousands
from report.text.names import training_text
from workbench.tables import count_rows, read_rows

_TEXT = {"generator", "model", "served", "mode", "usd", "price", "notes"}  # columns of the ledger that are not counts
_HIDDEN = {"model", "failed", "price", "notes"}
_HEADERS = {  # the others are the column's name
    "generator": "Generator, judge or learner",
    "served": "Model as served",
    "throttled": "429s",
    "input_tokens": "Tokens in",
    "output_tokens": "Tokens out",
    "usd": "USD",
}
_LEDGER_CAPTION = (
    "Requests of this study, their tokens and their price in US dollars. Repeated requests failed before; retried "
    "answers were asked for again in other words; reused ones were paid for by another generator or study. A source "
    "that a generator leaves out has no target and leaves every condition, unless another origin replaces it. A target "
    "that a judge leaves out has no score: it comes last in the judge’s order. A source of the test set that a learner "
    "leaves out counts as an empty translation. Fine-tuning: instances, jobs and the tokens that they trained on."
)


def corpus_tables(cleaning: Path, splits: Mapping[str, Path]) -> list[Table]:
    """What cleaning removed, and the sizes of the splits."""
    columns = [Column("Reason", lambda line: line[0]), Column("Pairs", lambda line: line[1], thousands)]
    removed = [(reason, int(pairs)) for reason, pairs in read_rows(cleaning, ["reason", "pairs"])]
    sizes = [(name, count_rows(path)) for name, path in splits.items()]
    parts = [Column("Part", lambda line: line[0]), columns[1]]
    return [Table("Cleaning of the pairs read", columns, removed), Table("Disjoint parts", parts, sizes)]


def condition_table(study: Study) -> Table:
    """What each condition's training data are."""
    is_slow = bool(equal_updates(study))
    columns = [
        Column("Condition", lambda line: line[0]),
        Column("Text", lambda line: training_text(line[1].mixture)),
        Column("Combined", lambda line: line[1].combine + (f", {line[1].copies} times" if line[1].copies > 1 else "")),
        Column("Order", lambda line: _order(line[1])),
        Column("Schedule", lambda line: _schedule(line[1], is_slow)),
        Column("Remedies", lambda line: line[1].remedies),
    ]
    caption = (
        "Mixtures of origins, how several generators combine, and the order; size n takes the first n instances. "
        f"Sizes {', '.join(map(str, study['sizes']))}; seeds {', '.join(map(str, study['seeds']))}."
    )
    return Table(caption, columns, read_conditions(study["conditions"]).items())


def _order(condition: Condition) -> str:
    reverse = ", reversed" if condition.reverse else ""
    of = f", of {condition.order_of}" if condition.order_of else ""
    return f"{condition.order}{reverse}{of}"


def _schedule(condition: Condition, is_slow: bool) -> Cell:
    """The schedule; steps of a transformer are as long as a training if trainings make equal updates (``is_slow``)."""
    note = "each step of a transformer has as many updates as a whole training"
    return Cell(condition.schedule, note if condition.schedule == INCREMENTAL and is_slow else "")


def ledger_table(rows: Sequence[Mapping[str, str]]) -> Table:
    """What LLMs behind an API were asked and what that cost; ``rows`` are from :func:`ledger`."""
    columns = [
        Column(
            _HEADERS.get(key, capital(key.replace("_", " "))), itemgetter(key), None if key in _TEXT - {"usd"} else str
        )
        for key in COLUMNS
        if key not in _HIDDEN
    ]
    return Table(_LEDGER_CAPTION, columns, rows)


def ledger(paths: Sequence[Path]) -> list[dict[str, str]]:
    """The rows of the ledger, those of a hosted learner's runs added up; empty if no LLM was asked."""
    rows = [dict(zip(COLUMNS, row, strict=True)) for path in paths for row in read_rows(path, COLUMNS)]
    return [_added_up(name, group) for name, group in grouped(rows, _asked_for).items()]


def _asked_for(row: Mapping[str, str]) -> str:
    """What a row of the ledger is about: a generator, a judge, or a hosted learner in all of its runs."""
    learner, is_run, _ = row["generator"].partition("/")
    if not is_run:
        return row["generator"]
    return f"learner {learner}, {'fine-tuning' if row['mode'] == 'fine-tuning' else 'translations of the test set'}"


def _added_up(name: str, rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Rows of the ledger as one."""
    counts = {key: thousands(sum(int(row[key]) for row in rows)) for key in rows[0] if key not in _TEXT}
    notes = "; ".join(dict.fromkeys(row["notes"] for row in rows if row["notes"]))
    served = rows[0]["served"] if len(rows) == 1 else f"{len(rows)} models"
    usd = f"{sum(float(row['usd']) for row in rows):.4f}"
    return {**rows[0], **counts, "generator": name, "served": served, "usd": usd, "notes": notes}
