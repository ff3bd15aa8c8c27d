"""What asking LLMs will cost, before anything is asked.

Counted are the calls that the journal has no answer to, with their tokens as estimated from the text (and from the
answers there are), at the prices of the table or of the configuration. Answers that have to be asked for again come on
top.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import NamedTuple

from llm.asking import Asking, Pool, Subjects, api_of, put_together
from llm.calls import Usage
from llm.dialogue import Remaining
from llm.journal import Journal
from llm.judging import Pairs
from llm.prices import dollars, shutdown_date, shutdown_note

_LEARNT_FROM = 200  # answers that the estimate learns from
_ENOUGH = 20  # fewer tell too little


class Estimate(NamedTuple):
    """What one generator or judge will cost and has cost, in US dollars.

    Attributes:
        sources: sources to translate, or targets to judge.
        paid, study_paid: by this one and by the study.
        is_guess: the targets to judge are not written yet; the pool's human targets stand in for them.
    """

    asking: Asking
    sources: int
    remaining: Remaining
    paid: float
    study_paid: float
    is_guess: bool = False


def estimates(generators: Sequence[Sequence[str]], pool: Path) -> list[Estimate]:
    """What each generator and judge will cost.

    Args:
        generators: for each what shapes its answers, how it is asked, and the paths of its prompts, as JSON.
        pool: table with the sources and their human targets.
    """
    with ExitStack() as stack:
        return [estimate(stack, generator, pool) for generator in generators]


def estimate(stack: ExitStack, generator: Sequence[str], pool: Path) -> Estimate:
    """What one generator or judge will cost; its journal is read, or an empty one where there is none yet."""
    settings, execution, prompts = map(json.loads, generator)
    path, study, name = Path(execution["journal"]), execution["study"], execution["generator"]
    if path.exists() and path.stat().st_size:
        journal = stack.enter_context(Journal.open_reading(path, study, name))
    else:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        journal = stack.enter_context(Journal(Path(folder) / path.name, study, name))
    files = {role: Path(file) for role, file in prompts.items()}
    asking = put_together(settings, execution, files, journal, api_of(settings, execution, with_key=False))
    study_paid, paid = journal.spent()
    judged = Path(execution["judged"]) if "judged" in execution else None
    is_guess = judged is not None and not judged.exists()
    subjects = Pool(pool) if judged is None else Pairs(pool, None if is_guess else judged)
    remaining = expected(asking, subjects)
    return Estimate(asking, len(subjects), remaining, paid, study_paid, is_guess)


def expected(asking: Asking, subjects: Subjects) -> Remaining:
    """What is still to be asked: tokens are estimated from the text, or as the answers so far tell."""
    dialogue = asking.dialogue
    remaining = dialogue.remaining(dialogue.items(subjects))
    if not remaining.calls:
        return remaining
    guessed, took = dialogue.taken(dialogue.items(subjects), _LEARNT_FROM)
    if guessed.calls < _ENOUGH or not took.output:
        return remaining
    put_in = round(remaining.input_tokens * took.input / guessed.input_tokens)
    put_out = round(remaining.output_tokens * took.output / guessed.output_tokens)
    mean = Usage(math.ceil(put_in / remaining.calls), math.ceil(put_out / remaining.calls))
    usd = asking.price.cost(mean) * remaining.calls
    return remaining._replace(input_tokens=put_in, output_tokens=put_out, usd=usd)


def shutdown_notes(estimates: Sequence[Estimate]) -> list[str]:
    """What must be said of the models' announced shutdowns."""
    notes = []
    for one in estimates:
        settings = one.asking.settings
        day = shutdown_date(settings["provider"], settings["model"])
        note = shutdown_note(settings["model"], day, date.today(), one.asking.execution["shutdown_notice"])
        notes += [f"{one.asking.execution['key']}: {note}"] if note else []
    return notes


def over_budget(estimates: Sequence[Estimate]) -> list[str]:
    """For each limit that will not do: what it is, what it will take, and what can be done."""
    problems = []
    for one in estimates:
        limit = one.asking.limits.generator_usd
        if limit is not None and one.paid + one.remaining.usd > limit:
            problems.append(_beyond(f"{one.asking.execution['key']}.max_usd", limit, one.paid, one.remaining.usd))
    if not estimates:
        return problems
    limit = estimates[0].asking.limits.study_usd
    usd = sum(one.remaining.usd for one in estimates)
    if limit is not None and estimates[0].study_paid + usd > limit:
        problems.append(_beyond("llm.max_usd", limit, estimates[0].study_paid, usd))
    return problems


def _beyond(key: str, limit: float, paid: float, usd: float) -> str:
    before = f" after the {dollars(paid)} paid already" if paid else ""
    return (
        f"the answers will cost about {dollars(usd)}{before}, and {key} is {dollars(limit)}: raise it, "
        "make the pool smaller or take a cheaper model (mode: batch is half the price)"
    )


def table(estimates: Sequence[Estimate]) -> str:
    """The estimate for people."""
    header = ["generator", "model", "mode", "sources", "to ask", "tokens in", "tokens out", "about", "at most", "paid"]
    rows = [header]
    for one in estimates:
        left = one.remaining
        tokens = [f"{left.input_tokens:,}", f"{left.output_tokens:,}"]
        usd = [dollars(value) for value in (left.usd, left.worst_usd, one.paid)]
        name = [one.asking.name, one.asking.settings["model"], one.asking.execution["mode"]]
        rows.append([*name, f"{one.sources:,}", f"{left.calls:,}", *tokens, *usd])
    usd = sum(one.remaining.usd for one in estimates)
    worst = sum(one.remaining.worst_usd for one in estimates)
    calls = sum(one.remaining.calls for one in estimates)
    paid = estimates[0].study_paid
    rows.append(["the study", "", "", "", f"{calls:,}", "", "", dollars(usd), dollars(worst), dollars(paid)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    limit = estimates[0].asking.limits.study_usd
    prices = sorted({f"{one.asking.name}: {one.asking.price.source}" for one in estimates})
    guessed = ", ".join(one.asking.name for one in estimates if one.is_guess)
    stand_in = f"{guessed}: of the pool's human targets, as long as there are no others to judge."
    return "\n".join(
        [
            *lines,
            *([stand_in] if guessed else []),
            f"llm.max_usd: {'no limit' if limit is None else dollars(limit)}. Prices: {'; '.join(prices)}.",
            "About: tokens estimated from the text. At most: the longest answers and most tokens that are possible. "
            "Answers that are asked for again come on top.",
        ]
    )


def add_generators(parser: argparse.ArgumentParser) -> None:
    """Give a script the argument that names the generators and judges of a study."""
    parser.add_argument(
        "--generator",
        nargs=3,
        action="append",
        default=[],
        metavar=("SETTINGS", "EXECUTION", "PROMPTS"),
        help="a generator or judge of the study: what shapes its answers, how it is asked, paths of prompts, as JSON",
    )
