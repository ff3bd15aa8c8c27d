"""From the journal to a generator's or judge's files: targets or scores, provenance, rejects, ledger.

Everything is read from the journal and nothing is asked: the files can be written again at any time, for nothing.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from llm.answers.outcomes import Outcome
from llm.asking.dialogue import Target
from llm.asking.setup import LLMSetup, Subjects
from llm.journal import Stored
from llm.journal.ledger import ledger
from workbench.cli import UserError
from workbench.tables import row_writer, write_rows
from workbench.text import one_line

_OF_STORED: dict[str, Callable[[Stored, LLMSetup], object]] = {
    "model_served": lambda stored, _: stored.model,
    "fingerprint": lambda stored, _: stored.fingerprint,
    "request_id": lambda stored, _: stored.request_id,
    "prompt_sha256": lambda _, setup: setup.task.templates.digest,
    "service_tier": lambda stored, _: stored.service_tier,
    "sdk": lambda stored, _: stored.sdk,
    "api_version": lambda _, setup: setup.api.api_version,
    "asked": lambda stored, _: timestamp(stored.started),
    "answered": lambda stored, _: timestamp(stored.ended),
    "input_tokens": lambda stored, _: stored.input_tokens,
    "output_tokens": lambda stored, _: stored.output_tokens,
    "usd": lambda stored, _: f"{stored.usd:.8f}",
}
"""Columns about the deciding answer in the journal, and their values; None for an empty field."""
ANSWER_COLUMNS = ("id", "sample", "outcome", "action", "text", "logprob", "model_asked", *_OF_STORED, "key")
REJECT_COLUMNS = ("id", "sample", "outcome", "action", "detail", "answer")
"""Columns of the rejects; the texts that were asked about follow."""


class Files(NamedTuple):
    """Where the tables go; where a policy stops the study, only the rejects are written, to ``stopped``."""

    results: Path
    answers: Path
    rejects: Path
    stopped: Path


class Results(NamedTuple):
    """The table of what was asked for: its columns, and its row for a source; no row where that is None.

    The function takes the answer that the source's result is from, or the last one where none can be used.
    """

    columns: Sequence[str]
    row: Callable[[Target], Sequence[object] | None]


@dataclass
class Counts:
    """What came of asking, counted over all samples of all sources."""

    sources: int = 0
    targets: int = 0
    reused: int = 0
    retried: int = 0
    misaligned: int = 0  # targets asked for alone because the answer to several sources could not be trusted
    outcomes: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    served: Counter[str] = field(default_factory=Counter)
    fingerprints: Counter[str] = field(default_factory=Counter)
    stopped: int = 0  # sources for which a policy says stop
    first_stopped: Target | None = None
    unanswered: bool = False  # whether one of these has no answer in the journal, so that it is asked for again


def export(setup: LLMSetup, subjects: Subjects, files: Files, results: Results) -> Counts:
    """Write the three tables and return what they hold.

    Raises:
        UserError: a policy says stop, or no source has a target; no table is written then.
    """
    counts = Counts()
    with ExitStack() as stack:
        write_result = stack.enter_context(row_writer(files.results, results.columns))
        write_answer = stack.enter_context(row_writer(files.answers, ANSWER_COLUMNS))
        write_reject = stack.enter_context(row_writer(files.rejects, (*REJECT_COLUMNS, *setup.task.texts)))
        for samples in by_source(setup, subjects):
            counts.sources += 1
            for target in samples:
                count(counts, target, setup)
                write_answer(answer_row(target, setup))
                if target.outcome is not Outcome.OK:
                    write_reject(reject_row(target))
            if stopping := next((target for target in samples if target.action == "stop"), None):
                counts.stopped += 1
                counts.first_stopped = counts.first_stopped or stopping
                counts.unanswered |= stopping.stored is None
            chosen = next((target for target in samples if target.text is not None), samples[-1])
            counts.targets += chosen.text is not None
            if (row := results.row(chosen)) is not None:
                write_result(row)
        refuse(setup, subjects, counts, files.stopped)
    return counts


def by_source(setup: LLMSetup, subjects: Subjects) -> Iterator[Sequence[Target]]:
    """All samples of one source after the other; in the pool's order, unless several are asked in one request."""
    items = (item for item in setup.dialogue.items(subjects) if not item.is_group)
    for _, samples in itertools.groupby(items, key=lambda item: item.sources[0].id):
        yield [target for item in samples for target in setup.dialogue.outcome(item)]


def count(counts: Counts, target: Target, setup: LLMSetup) -> None:
    """Add one target to the counts."""
    counts.outcomes[str(target.outcome)] += 1
    counts.actions[target.action] += 1
    counts.retried += target.steps > 0
    counts.misaligned += Outcome.MISALIGNED in target.history
    if stored := target.stored:
        counts.served[stored.model or "?"] += 1
        counts.fingerprints[stored.fingerprint or "-"] += 1
        counts.reused += (stored.study, stored.generator) != (setup.execution.study, setup.execution.generator)


def refuse(setup: LLMSetup, subjects: Subjects, counts: Counts, table: Path) -> None:
    """End where a policy says stop, with a ``table`` of what cannot be used, or where there is nothing to write."""
    if first := counts.first_stopped:
        targets = itertools.chain.from_iterable(by_source(setup, subjects))
        rejects = (reject_row(target) for target in targets if target.outcome is not Outcome.OK)
        write_rows(table, (*REJECT_COLUMNS, *setup.task.texts), rejects)
        raise UserError(
            f"{counts.stopped:,} of {counts.sources:,} sources stop the study, the first is {first.source.id} "
            f"({first.outcome}: {first.detail}); {table} lists them, and all answers are kept. "
            + ("Run again to ask for those without an answer, or let " if counts.unanswered else "Let ")
            + f"{setup.execution.key}.outcomes.{first.outcome} end with drop"
        )
    if not counts.targets:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in counts.outcomes.most_common())
        raise UserError(f"none of {counts.sources:,} sources has a {setup.task.result}: {kinds}")


def answer_row(target: Target, setup: LLMSetup) -> list[object]:
    """Where a target comes from."""
    stored = target.stored
    values = [value(stored, setup) if stored else None for value in _OF_STORED.values()]
    return [
        target.source.id,
        target.sample,
        target.outcome,
        target.action,
        one_line(target.text or ""),
        "" if target.logprob is None else f"{target.logprob:.4f}",
        setup.settings.model,
        # A journal of an earlier version may hold names with tabs.
        *("" if value is None else one_line(value) if isinstance(value, str) else value for value in values),
        target.key,
    ]


def reject_row(target: Target) -> list[object]:
    """An answer that is not simply what was asked for, to read, and what it was asked about."""
    return [
        target.source.id,
        target.sample,
        target.outcome,
        target.action,
        one_line(target.detail),
        one_line(target.answer),
        *target.source[1:],
    ]


def timestamp(seconds: float) -> str:
    """A time in UTC as ISO 8601, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def ledger_of(
    setup: LLMSetup, counts: Counts, notes: Sequence[str], models: Sequence[str] | None = None
) -> dict[str, Any]:
    """What was asked of a generator or judge, what came of it and what it cost this study.

    Of a learner's run only what is asked of ``models`` is counted; where its own model is none of them, all its answers
    are in another run's accounts.
    """
    spent = ledger(setup.journal, setup.execution.study, setup.execution.generator, models)
    is_anothers = models is not None and setup.settings.model not in models
    served = ", ".join(f"{model} ({number:,})" for model, number in counts.served.most_common())
    return {
        **spent,
        "usd": round(spent["usd"], 8),
        "usd_unsure": round(spent["usd_unsure"], 8),
        "generator": setup.execution.generator,
        "model": setup.settings.model,
        "served": served,
        "fingerprints": dict(counts.fingerprints.most_common(20)),
        "mode": setup.execution.mode,
        "sources": counts.sources,
        "targets": counts.targets,
        "left_out": counts.sources - counts.targets,
        "reused": counts.served.total() if is_anothers else counts.reused,
        "retried": counts.retried,
        "misaligned": counts.misaligned,
        "refusals": counts.outcomes[str(Outcome.REFUSAL)],
        "outcomes": dict(counts.outcomes),
        "actions": dict(counts.actions),
        "price": setup.price.source,
        "prompt": setup.task.templates.digest,
        "parameters": dict(setup.settings.parameters),
        "sdk": setup.api.sdk,
        "api_version": setup.api.api_version,
        "notes": "; ".join(notes),
    }


def model_notes(counts: Counts) -> list[str]:
    """What a reader must know of the models that answered."""
    if len(counts.served) < 2:
        return []
    served = ", ".join(f"{model} {number:,} times" for model, number in counts.served.most_common())
    return [f"THE MODEL CHANGED between answers: {served}"]


def summary(counts: Counts, ledger: dict[str, Any], result: str) -> str:
    """One line with the figures."""
    others = "".join(f", {number:,} {kind}" for kind, number in sorted(counts.outcomes.items()) if kind != Outcome.OK)
    alone = f", {counts.misaligned:,} asked alone after an answer that did not fit" if counts.misaligned else ""
    return (
        f"{counts.targets:,} {result}s for {counts.sources:,} sources{others}{alone}; "
        f"{ledger['requests']:,} requests, ${ledger['usd']:,.4f}"
    )
