"""Estimate what asking LLMs will cost, before anything is asked.

The estimate counts the calls that the journal cannot answer. Their tokens are estimated from the text, and from the
answers so far. Prices come from the table or from the configuration. Answers that are asked for again come on top.
"""

import argparse
import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from llm.accounts.show import columns
from llm.answers.scores import Pairs
from llm.asking.dialogue import Remaining
from llm.asking.setup import LLMSetup, SourceTable, Subjects, api_of, set_up
from llm.calls import Usage
from llm.journal import Journal
from llm.journal.calls import ASKED_MODEL
from llm.journal.tunings import of_run
from llm.prices import dollars, shutdown_date, shutdown_note, training_price
from llm.settings import ExecutionSettings, ShapingSettings, TuningSettings
from llm.tuning.examples import WORST_FACTOR, Run, epochs_of, example_line, example_tokens, run_shape
from workbench.cli import UserError, add_repeatable
from workbench.pairs import read_training_pairs

_MOST_ANSWERS = 200  # that the estimate uses
_FEWEST_ANSWERS = 20
_MEAN_FROM = 10_000  # of the pool, for the mean length of an instance
_MILLION = 1e6
_ANSWERS_BY_MODEL = f"""
SELECT {ASKED_MODEL} AS asked, count(DISTINCT key) FROM attempts JOIN calls USING (key)
WHERE state = 'answered' GROUP BY asked
"""


class Training(NamedTuple):
    """Fine-tuning that a learner still needs: jobs, instances, tokens of all epochs, USD, source of the price."""

    jobs: int = 0
    instances: int = 0
    tokens: int = 0
    usd: float = 0.0
    worst_usd: float = 0.0
    price: str = ""


class Estimate(NamedTuple):
    """What one generator, judge or learner will cost and has cost, in US dollars."""

    # settings, execution: of the generator or judge, or of a learner's base model
    settings: ShapingSettings
    execution: ExecutionSettings
    price: str  # where the price of its answers is from
    sources: int  # sources to translate, or targets to judge; of all of a learner's runs
    remaining: Remaining  # what is still to be asked
    # paid, study_paid: by this one and by the study so far
    paid: float
    study_paid: float
    is_guess: bool = False  # the pool's human targets replace the targets to judge, which are not written yet
    training: Training = Training()  # of a learner; empty for others

    @property
    def usd(self) -> float:
        """What is still to be paid, approximately."""
        return self.remaining.usd + self.training.usd

    @property
    def worst_usd(self) -> float:
        """What is still to be paid, at most."""
        return self.remaining.worst_usd + self.training.worst_usd


def study_estimates(arguments: argparse.Namespace, untrained: str | None = None) -> list[Estimate]:
    """What each generator, judge and learner of a script's arguments will cost, see :func:`add_study`.

    ``untrained`` is a run that needs a job even if the journal has one.

    Raises:
        UserError: there are learners and no ``test``, or a price is unknown.
    """
    pool, test = arguments.pool, arguments.test
    if arguments.learner and test is None:
        raise UserError("--test: name the split that the learners translate")
    found = [estimate(generator, pool) for generator in arguments.generator]
    return found + [learner_estimate(learner, pool, test, untrained) for learner in arguments.learner]


def estimate(generator: Sequence[str], pool: Path) -> Estimate:
    """What one generator or judge will cost."""
    settings, execution, prompts = map(json.loads, generator)
    with _journal(execution) as journal:
        asking = _asking(settings, execution, prompts, journal)
        judged = Path(asking.execution.judged) if asking.execution.judged else None
        is_guess = judged is not None and not judged.exists()
        subjects = SourceTable(pool) if judged is None else Pairs(pool, None if is_guess else judged)
        return _estimate(asking, len(subjects), expected(asking, subjects), is_guess=is_guess)


def _estimate(asking: LLMSetup, sources: int, remaining: Remaining, **more: Any) -> Estimate:
    """An estimate without connections: a study may have thousands."""
    study_paid, paid = asking.journal.spent()
    price = asking.price.source
    return Estimate(asking.settings, asking.execution, price, sources, remaining, paid, study_paid, **more)


def learner_estimate(learner: Sequence[str], pool: Path, test: Path, untrained: str | None = None) -> Estimate:
    """What a hosted learner will cost: the fine-tuning of its runs and their translations of ``test``.

    The instances of a dataset that is not written yet are unknown, so each counts as the mean of the pool's human
    pairs. A run has its job if the journal says so, even if its dataset has changed since; the run ``untrained`` is
    known to have none.
    """
    settings, execution, prompts, told = map(json.loads, learner)
    runs = [Run(*run) for run in told]
    with _journal(execution) as journal:
        asking = _asking(settings, execution, prompts, journal)
        tuning_settings = TuningSettings.read(settings)
        models: dict[str, None] = {}  # tuned ones, each once: runs that ask the same model share its answers
        unnamed = 0
        missing: list[Run] = []
        mark = example_line(asking.task.templates, "source", "target")
        zero_shot = any(run.size == 0 for run in runs)
        for run in filter(lambda run: run.size, runs):
            shape = run_shape(tuning_settings, mark, run.size, run.size - run.new, run.seed)
            tuning = None if run.run == untrained else of_run(journal, asking.execution.study, run.run, shape)
            if tuning is not None and tuning.tuned_model:
                models[tuning.tuned_model] = None
            else:
                unnamed += 1
                missing += [run] if tuning is None else []
        subjects = SourceTable(test)
        total = expected(asking, subjects) if zero_shot else Remaining()
        # A tuned model is asked for the test set and nothing else, so the number of its answers shows what is left.
        answered = dict(journal.read(_ANSWERS_BY_MODEL)) if models else {}
        left = unnamed + sum(max(0.0, 1 - answered.get(model, 0) / len(subjects)) for model in models)
        if left:
            # No model has this name, so it has no answers; its price is that of models made from the base.
            base = settings["model"] if settings["model"].startswith("ft:") else f"ft:{settings['model']}:::"
            each = expected(_asking({**settings, "model": base}, execution, prompts, journal), subjects)
            total = total.plus(_times(each, left))
        training = _training(asking, tuning_settings, missing, pool)
        return _estimate(asking, len(subjects) * len(runs), total, training=training)


def _training(asking: LLMSetup, settings: TuningSettings, missing: Sequence[Run], pool: Path) -> Training:
    """What the jobs of the runs ``missing`` one will take."""
    if not missing:
        return Training()
    templates = asking.task.templates
    price = training_price(settings.provider, settings.model, settings.base_url, asking.execution.training_price)
    rows = islice(read_training_pairs(pool), _MEAN_FROM)
    lengths = [example_tokens(templates, row.source, row.target) for row in rows]
    mean = sum(lengths) / len(lengths) if lengths else 0.0
    tokens = round(sum(run.new * epochs_of(settings.n_epochs, run.new) for run in missing) * mean)
    usd = tokens * price.usd_per_million / _MILLION
    instances = sum(run.new for run in missing)
    return Training(len(missing), instances, tokens, usd, WORST_FACTOR * usd, price.source)


def _times(one: Remaining, factor: float) -> Remaining:
    calls, put_in, put_out, usd, worst = (value * factor for value in one)
    return Remaining(round(calls), round(put_in), round(put_out), usd, worst)


@contextmanager
def _journal(execution: Mapping[str, Any]) -> Iterator[Journal]:
    """The journal to read, or an empty one where there is none yet."""
    path, study, name = Path(execution["journal"]), execution["study"], execution["generator"]
    if path.exists() and path.stat().st_size:
        with Journal.open_reading(path, study, name) as journal:
            yield journal
    else:
        with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / path.name, study, name) as journal:
            yield journal


def _asking(
    settings: Mapping[str, Any], execution: Mapping[str, Any], prompts: Mapping[str, str], journal: Journal
) -> LLMSetup:
    files = {role: Path(file) for role, file in prompts.items()}
    how = ExecutionSettings.read(execution)
    return set_up(ShapingSettings.read(settings), how, files, journal, api_of(settings, how, with_key=False))


def expected(asking: LLMSetup, subjects: Subjects) -> Remaining:
    """What is still to be asked: tokens are estimated from the text, or as the answers so far tell."""
    dialogue = asking.dialogue
    remaining = dialogue.remaining(dialogue.items(subjects))
    if not remaining.calls:
        return remaining
    guessed, took = dialogue.taken(dialogue.items(subjects), _MOST_ANSWERS)
    if guessed.calls < _FEWEST_ANSWERS or not took.output:
        return remaining
    put_in = round(remaining.input_tokens * took.input / guessed.input_tokens)
    put_out = round(remaining.output_tokens * took.output / guessed.output_tokens)
    mean = Usage(math.ceil(put_in / remaining.calls), math.ceil(put_out / remaining.calls))
    usd = asking.price.cost(mean) * remaining.calls
    return remaining._replace(input_tokens=put_in, output_tokens=put_out, usd=usd)


def shutdown_notes(estimates: Sequence[Estimate]) -> list[str]:
    """Warnings about announced shutdowns of models."""
    notes = []
    for one in estimates:
        day = shutdown_date(one.settings.provider, one.settings.model)
        if note := shutdown_note(one.settings.model, day, date.today(), one.execution.shutdown_notice):
            notes.append(f"{one.execution.key}: {note}")
    return notes


def over_budget(estimates: Sequence[Estimate]) -> list[str]:
    """For each limit that is too low: the limit, the expected cost, and what can be done."""
    limits: list[tuple[str, float | None, float, Sequence[Estimate]]] = [
        *((f"{one.execution.key}.max_usd", one.execution.max_usd, one.paid, [one]) for one in estimates),
        *(("llm.max_usd", one.execution.study_max_usd, one.study_paid, estimates) for one in estimates[:1]),
    ]
    problems = []
    for key, limit, paid, together in limits:
        usd = sum(one.usd for one in together)
        if limit is None or paid + usd <= limit:
            continue
        before = f" after the {dollars(paid)} paid already" if paid else ""
        trained = any(one.training.jobs for one in together)
        what = "the answers and trainings" if trained else "the answers"
        smaller = "make the pool or the sizes smaller" if trained else "make the pool smaller"
        problems.append(
            f"{what} will cost about {dollars(usd)}{before}, and {key} is {dollars(limit)}: raise it, "
            f"{smaller} or take a cheaper model (mode: batch is half the price)"
        )
    return problems


def table(estimates: Sequence[Estimate]) -> str:
    """The estimate for people."""
    header = ["generator", "model", "mode", "sources", "to ask", "tokens in", "tokens out", "about", "at most", "paid"]
    rows = []
    prices = set()
    for one in estimates:
        name, model, left, training = one.execution.generator, one.settings.model, one.remaining, one.training
        counts = [one.sources, left.calls, left.input_tokens, left.output_tokens]
        usd = map(dollars, (left.usd, left.worst_usd, one.paid))
        rows.append([name, model, one.execution.mode, *(f"{count:,}" for count in counts), *usd])
        prices.add(f"{name}: {one.price}")
        if training.jobs:  # in the column of requests; instances are in that of sources
            counts = [training.instances, training.jobs, training.tokens]
            usd = map(dollars, (training.usd, training.worst_usd))
            rows.append([f"{name}: jobs", model, "tuning", *(f"{count:,}" for count in counts), "", *usd, ""])
            prices.add(f"{name}: training {training.price}")
    calls = sum(one.remaining.calls for one in estimates)
    sums = sum(one.usd for one in estimates), sum(one.worst_usd for one in estimates), estimates[0].study_paid
    rows.append(["the study", "", "", "", f"{calls:,}", "", "", *map(dollars, sums)])
    limit = estimates[0].execution.study_max_usd
    guessed = ", ".join(one.execution.generator for one in estimates if one.is_guess)
    return "\n".join(
        [
            *columns(header, rows, numbers_from=3),
            *([f"{guessed}: of the pool's human targets, as long as there are no others to judge."] if guessed else []),
            f"llm.max_usd: {'no limit' if limit is None else dollars(limit)}. Prices: {'; '.join(sorted(prices))}.",
            "About: tokens estimated from the text. At most: the longest answers and most tokens that are possible. "
            "Answers that are asked for again come on top.",
        ]
    )


def add_study(parser: argparse.ArgumentParser) -> None:
    """Add the arguments for what costs money in a study: its generators, judges and learners."""
    about = "a generator or judge: what shapes its answers, how it is asked, paths of its prompts, as JSON"
    add_repeatable(parser, "--generator", ("SETTINGS", "EXECUTION", "PROMPTS"), about)
    about = "the same for a hosted learner, and its runs: [[RUN, SIZE, NEW, SEED], …], as JSON"
    add_repeatable(parser, "--learner", ("SETTINGS", "EXECUTION", "PROMPTS", "RUNS"), about)
    parser.add_argument("--pool", type=Path, required=True, help="the split whose sources are asked about")
    parser.add_argument("--test", type=Path, help="the split that learners translate")
