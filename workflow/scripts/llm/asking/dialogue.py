"""From a source to the calls that it takes, and from their answers to its target, or its target's score.

Only the journal knows what has been asked and answered. A dialogue keeps no state: after an interruption it continues
where it was, and an export can read the same targets any number of times. The calls for a source depend on the source,
the settings and the answers to its earlier calls; not on its id, its place or what else is asked.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

from llm.answers.outcomes import Outcome, Verdict, verdict_of_finish
from llm.asking.tasks import PromptTask, Subject
from llm.calls import Answer, Call, Failure, FailureKind, Finish, Usage, Work
from llm.journal import Journal, Stored
from llm.prices import Price
from llm.prompts import groups, numbered
from llm.providers.api import Api
from llm.settings import ShapingSettings
from llm.tokens import FRAME_TOKENS, estimate_tokens, upper_bound
from workbench.cli import say
from workbench.pairs import Source

_STEP_SAMPLES = 1000  # the sample index of a retry whose body is that of the try before
_FINAL = {FailureKind.FILTERED: Outcome.CONTENT_FILTER, FailureKind.REJECTED: Outcome.FAILED}
_DONE = {"keep": "kept", "repair": "repaired", "drop": "dropped", "stop": "stop"}


class Item(NamedTuple):
    """What calls are asked for: one answer for one source, or for a group of sources in one request."""

    sources: tuple[Subject, ...]  # the source, or the group's
    sample: int  # 0, 1, … of the answers wanted
    # The sources that are asked in one request, this one among them; empty where each is asked alone
    group: tuple[Subject, ...] = ()

    @property
    def is_group(self) -> bool:
        """Whether this is a group rather than a source in one."""
        return bool(self.group) and self.sources == self.group


@dataclass(frozen=True)
class Target:
    """The result of one sample of a source."""

    # source, sample: whose target it is
    source: Subject
    sample: int
    outcome: Outcome  # what the deciding answer is, before any repair
    action: str  # what was done about it: ``kept``, ``repaired``, ``dropped`` or ``stop``
    text: str | None  # the target on one line, or its score; None where it is dropped or stops the study
    # Mean natural log-probability of the answer's tokens; None where unknown or shared by several sources
    logprob: float | None
    detail: str  # what is wrong with the answer, in a few words
    answer: str  # the text as the model wrote it; empty where there is none
    history: tuple[Outcome, ...]  # outcomes of the answers before, that were asked for again
    stored: Stored | None  # the deciding answer in the journal; None where there is none
    key: str  # of the deciding call

    @property
    def steps(self) -> int:
        """How many calls went before the deciding one."""
        return len(self.history)


class Remaining(NamedTuple):
    """Calls that the journal has no answer to, without the retries that their answers may call for.

    ``tokens`` of input and output and ``usd`` as expected; ``worst_usd`` for the longest answers and most tokens.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    worst_usd: float = 0.0

    def plus(self, other: Remaining) -> Remaining:
        """The sum of two."""
        return Remaining(*map(operator.add, self, other))


@dataclass(frozen=True)
class _Question:
    """A call and what it was written from."""

    call: Call
    prompt: str
    source: str
    max_tokens: int


@dataclass(frozen=True)
class _Open:
    """A call without an answer; ``failure`` says how the last attempt ended, ``history`` what went before."""

    question: _Question
    failure: tuple[FailureKind, str] | None
    history: tuple[Outcome, ...] = ()


@dataclass(frozen=True)
class _Ended:
    """How a call ended: with an answer, or with a refusal of the provider's (``verdict``) instead of one."""

    question: _Question
    stored: Stored | None
    answer: Answer | None
    verdict: Verdict | None = None

    @property
    def text(self) -> str:
        """What the model wrote; empty where there is no answer."""
        return self.answer.text if self.answer else ""


class _EndedGroup(NamedTuple):
    """The answer to a group, and the text of each of its sources; None where these do not fit."""

    reply: _Ended
    texts: list[str] | None


class Dialogue:
    """The calls of one generator or judge and their results."""

    def __init__(self, api: Api, journal: Journal, settings: ShapingSettings, price: Price, task: PromptTask) -> None:
        self._api, self._journal, self._price, self._task = api, journal, price, task
        self._samples = settings.samples
        self._per_request = settings.sentences_per_request
        self._retries = settings.retries
        self._policy = settings.outcomes
        # A run never asks the same again after these. A later one does where rejected requests stop the study: a server
        # may have learnt to take them.
        stops = self._policy[Outcome.FAILED][-1] == "stop"
        self._final = {kind: _FINAL[kind] for kind in _FINAL if not (stops and kind is FailureKind.REJECTED)}
        self._last_group: _EndedGroup | None = None
        self._told_unreadable = False

    @property
    def passes(self) -> int:
        """How often all items have to be run: sources whose group failed are asked alone afterwards."""
        return 1 if self._per_request == 1 else 2

    def items(self, sources: Iterable[Subject]) -> Iterator[Item]:
        """The items of ``sources``, all samples of a source or group next to each other.

        Asked one by one the sources keep their order. In groups they come in the order of their hashes, each group
        before its sources.
        """
        if self._per_request == 1:
            yield from (Item((source,), sample) for source in sources for sample in range(self._samples))
            return
        for members in groups(cast("Iterable[Source]", sources), self._per_request):
            group = members if len(members) > 1 else ()
            yield from (Item(group, sample, group) for sample in range(self._samples) if group)
            yield from (Item((source,), sample, group) for source in members for sample in range(self._samples))

    def start(self, item: Item) -> Work | None:
        """The first call for ``item`` that has no answer; None if nothing is to be asked, or not yet."""
        state = self._state(item)
        if state is None:
            return None
        cost = self._cost(state.question)
        return Work(state.question.call, cost.worst_usd, cost.input_tokens + cost.output_tokens, item)

    def follow(self, work: Work) -> Work | None:
        """The next call after ``work`` was answered or finally failed; None if nothing more is to be asked."""
        following = self.start(work.item)
        return None if following is None or following.call.key == work.call.key else following

    def outcome(self, item: Item) -> list[Target]:
        """The target of each source of ``item``; none for a group, whose sources are separate items."""
        if item.is_group:
            return []
        state = self._follow(item)
        if isinstance(state, Target):
            return [state]
        detail = ": ".join(state.failure or ["not asked yet"])
        verdict = Verdict(Outcome.FAILED, "", detail)
        unanswered = _Ended(state.question, None, None)
        return [self._end(item, self._policy[Outcome.FAILED][-1], verdict, unanswered, state.history)]

    def first_answers(self, items: Iterable[Item]) -> Iterator[tuple[str, str]]:
        """The sources that have an answer to their first call, and its text, also in groups."""
        for item in items:
            if item.is_group:
                group = self._group(item)
                texts = group.texts if isinstance(group, _EndedGroup) else None
                yield from ((source.text, text) for source, text in zip(item.group, texts or [], strict=False))
            elif not item.group:
                reply = self._look(self._question(item))
                if isinstance(reply, _Ended) and reply.answer:
                    yield item.sources[0].text, reply.answer.text

    def remaining(self, items: Iterable[Item]) -> Remaining:
        """What is still to be asked, as far as it is known before the answers; what is in flight is asked already."""
        total = Remaining()
        for item in items:
            state = self._state(item)
            if isinstance(state, _Open) and not self._journal.in_flight(state.question.call.key):
                total = total.plus(self._cost(state.question))
        return total

    def taken(self, items: Iterable[Item], most: int) -> tuple[Remaining, Usage]:
        """What the first ``most`` calls that are answered were expected to take, and the tokens that they took."""
        expected, usage = Remaining(), Usage(0, 0)
        for item in items:
            if expected.calls == most:
                break
            if bool(item.group) == item.is_group:
                question = self._question(item)
                if stored := self._journal.answered(question.call.key):
                    expected = expected.plus(self._cost(question))
                    # An older journal may hold counts that the question cannot have taken.
                    took_in = min(max(stored.input_tokens, 0), upper_bound(self._sent(question)))
                    took_out = min(max(stored.output_tokens, 0), question.max_tokens)
                    usage = Usage(usage.input + took_in, usage.output + took_out)
        return expected, usage

    def _state(self, item: Item) -> _Open | None:
        """The first call for an item without an answer; None where there is none, or it has to wait for its group."""
        if item.group and not item.is_group and isinstance(self._group(item), _Open):
            return None
        state = self._group(item) if item.is_group else self._follow(item)
        return state if isinstance(state, _Open) else None

    def _follow(self, item: Item) -> _Open | Target:
        """Follow the calls for a source: those of its group, if it is in one, and those for it alone."""
        if not item.group:
            return self._alone(item, [])
        group = self._group(item)
        if isinstance(group, _Open):
            return group
        source = item.sources[0]
        outcome = Outcome.MISALIGNED
        if group.texts is not None:
            text = group.texts[item.group.index(source)]
            verdict = self._task.classify_text(text, source.text, group.reply.question.prompt)
            answer = replace(group.reply.answer, text=text, logprob=None) if group.reply.answer else None
            reply = replace(group.reply, answer=answer)
            if target := self._settle(item, verdict, reply, [], self._retries > 0):
                return target
            outcome = verdict.outcome
        return self._alone(item, [outcome])

    def _alone(self, item: Item, history: list[Outcome]) -> _Open | Target:
        """Follow the calls that ask for one source only."""
        keys: set[str] = set()
        doublings = 0
        while True:
            step = len(keys)
            question = self._question(item, step, doublings)
            if question.call.key in keys:
                # Neither words nor seed differ from an earlier try: it is another sample of the same request.
                sample = item.sample + _STEP_SAMPLES * step
                question = replace(question, call=replace(question.call, sample=sample))
            keys.add(question.call.key)
            reply = self._look(question)
            if isinstance(reply, _Open):
                return replace(reply, history=tuple(history))
            verdict = reply.verdict or (verdict_of_finish(reply.answer) if reply.answer else None)
            verdict = verdict or self._task.classify_text(reply.text, question.source, question.prompt)
            if target := self._settle(item, verdict, reply, history, step < self._retries):
                return target
            history.append(verdict.outcome)
            doublings += verdict.outcome is Outcome.LENGTH

    def _group(self, item: Item) -> _Open | _EndedGroup:
        """The answer to a group; the last one is kept, for its sources are looked at one after the other."""
        question = self._question(item._replace(sources=item.group))
        if self._last_group and self._last_group.reply.question.call.key == question.call.key:
            return self._last_group
        reply = self._look(question, in_group=True)
        if isinstance(reply, _Open):
            return reply
        parts = None
        if reply.answer and reply.answer.finish is Finish.STOP:
            with suppress(ValueError):
                parts = self._task.templates.read_many(reply.text, [source.text for source in item.group])
        self._last_group = _EndedGroup(reply, parts)
        return self._last_group

    def _question(self, item: Item, step: int = 0, doublings: int = 0) -> _Question:
        """The call for a group or a source; ``doublings`` of its longest answer, ``step`` tries were before."""
        if item.is_group:
            texts = [source.text for source in item.group]
            prompt, source = self._task.templates.user_many(texts), numbered(texts)
        else:
            subject: Any = item.sources[0]  # of the kind that the task is about
            prompt, source = self._task.prompt(subject, step), subject.text
        longest = self._task.longest(source) * 2**doublings
        call = self._api.call(self._task.templates.system, prompt, longest, item.sample, step)
        return _Question(call, prompt, source, longest)

    def _look(self, question: _Question, in_group: bool = False) -> _Open | _Ended:
        """What the journal holds of a call; the sources of a group that was refused are asked alone."""
        key = question.call.key
        stored = self._journal.answered(key)
        if stored is None:
            failure = self._journal.last_failure(key)
            outcome = (_FINAL if in_group else self._final).get(failure[0]) if failure else None
            if failure is None or outcome is None:
                return _Open(question, failure)
            return _Ended(question, None, None, Verdict(outcome, "", failure[1]))
        try:
            return _Ended(question, stored, self._api.read(stored.raw))
        except Failure as error:
            detail = (
                f"the answer in the journal, attempt {stored.attempt}, cannot be read: {error.message}; it was paid "
                f"(${stored.usd:.4f}), and is asked and paid again after `tools/journal prune {self._journal.path} "
                "--unreadable --yes`"
            )
            if not self._told_unreadable:
                say(f"WARNING: {detail}")
                self._told_unreadable = True
            return _Ended(question, stored, None, Verdict(Outcome.FAILED, "", detail))

    def _settle(
        self, item: Item, verdict: Verdict, reply: _Ended, history: Sequence[Outcome], may_retry: bool
    ) -> Target | None:
        """The target by the policy for an outcome; None where it is to be asked again."""
        if verdict.outcome is Outcome.OK:
            return self._end(item, "keep", verdict, reply, history)
        for action in self._policy[verdict.outcome]:
            if action == "retry" and may_retry:
                return None
            if action == "repair":
                mended = self._task.repair(reply.text, item.sources[0].text, reply.question.prompt)
                if mended is not None:
                    return self._end(item, action, verdict._replace(text=mended), reply, history)
            elif action != "retry":
                return self._end(item, action, verdict, reply, history)
        raise ValueError(f"outcomes.{verdict.outcome}: no keep, drop or stop at its end")

    def _end(self, item: Item, action: str, verdict: Verdict, reply: _Ended, history: Sequence[Outcome]) -> Target:
        """A target; what should be kept but has no text is dropped."""
        if action == "keep" and not verdict.text:
            action = "drop"
        has_text = action in ("keep", "repair")
        return Target(
            source=item.sources[0],
            sample=item.sample,
            outcome=verdict.outcome,
            action=_DONE[action],
            text=verdict.text if has_text else None,
            logprob=reply.answer.logprob if reply.answer else None,
            detail=verdict.detail,
            answer=reply.text,
            history=tuple(history),
            stored=reply.stored,
            key=reply.question.call.key,
        )

    def _sent(self, question: _Question) -> str:
        return (self._task.templates.system or "") + question.prompt

    def _cost(self, question: _Question) -> Remaining:
        """What one call takes."""
        sent = self._sent(question)
        expected = FRAME_TOKENS + estimate_tokens(sent)
        answer = min(self._task.expected_tokens(question.source), question.max_tokens)
        return Remaining(
            calls=1,
            input_tokens=expected,
            output_tokens=answer,
            usd=self._price.cost(Usage(expected, answer)),
            worst_usd=self._price.worst(upper_bound(sent), question.max_tokens),
        )
