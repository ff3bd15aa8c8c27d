"""What was asked in a generator's name and what it cost, from the journal."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from llm.journal import Journal
from llm.journal.tunings import of_owner

_GROUPS = """
SELECT state, failure, status, model, count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
       coalesce(sum(cached_tokens), 0), coalesce(sum(coalesce(usd, worst_usd)), 0.0), min(started),
       max(coalesce(ended, started))
FROM attempts WHERE study = ? AND generator = ? {only} GROUP BY state, failure, status, model
"""
_KEYS = "SELECT count(DISTINCT key) FROM attempts WHERE study = ? AND generator = ? {only}"
_OF_MODELS = (
    "AND key IN (SELECT key FROM calls WHERE json_extract(body, '$.model') IN (SELECT value FROM json_each(?)))"
)
_SPEND = "SELECT usd FROM spend WHERE study = ? AND generator = ?"
_ANSWERED = ("answered", "pruned")


def ledger(journal: Journal, study: str, generator: str, models: Sequence[str] | None = None) -> dict[str, Any]:
    """The accounts of a generator in a study; answers that others asked for are in theirs.

    Args:
        journal: where everything stands.
        study, generator: in whose name it was asked.
        models: count only what these models were asked, and no fine-tuning; answers that were pruned are not known
            any more to be of a model. None: everything.

    Returns:
        ``requests``: all attempts. ``answered``, ``pruned`` (those of them that are no longer kept), ``failed``,
        ``lost`` (the process died before an answer came), ``in_flight``. ``failures``: the failed by kind.
        ``throttled``: answers 429. ``repeated``: attempts at a call after its first. ``input_tokens``,
        ``output_tokens``, ``cached_tokens``. ``usd``: what counts against the budget. ``usd_unsure``: the part of it
        that was perhaps not charged (lost, in flight, cut off). ``models``: answers by model as served. ``first`` and
        ``last``: seconds since 1970, None before the first request. ``tunings``, ``trained_tokens``, ``usd_tuning``:
        fine-tuning jobs, their tokens, and the part of ``usd`` that they cost.
    """
    only = "" if models is None else _OF_MODELS
    parameters = (study, generator, *(() if models is None else (json.dumps(list(models)),)))
    states: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    served_by: Counter[str] = Counter()
    throttled = put_in = put_out = cached = 0
    unsure = 0.0
    first: list[float] = []
    last: list[float] = []
    usd_asked = 0.0
    for state, failure, status, served, count, *tokens, usd, start, end in journal.read(
        _GROUPS.format(only=only), parameters
    ):
        states[state] += count
        put_in, put_out, cached = put_in + tokens[0], put_out + tokens[1], cached + tokens[2]
        throttled += count if status == 429 else 0
        usd_asked += usd
        first.append(start)
        last.append(end)
        if state == "failed":
            failures[failure or "answered twice"] += count
        if state in _ANSWERED:
            served_by[served] += count
        elif served is None:
            unsure += usd
    tunings = of_owner(journal, study, generator) if models is None else []
    for tuning in tunings:
        unsure += tuning.worst_usd if tuning.usd is None else 0.0
        first.append(tuning.created)
        last.append(tuning.ended or tuning.submitted)
    if models is None:
        usd_asked = sum(usd for (usd,) in journal.read(_SPEND, (study, generator)))
    requests = states.total()
    return {
        "requests": requests,
        "answered": sum(states[state] for state in _ANSWERED),
        "pruned": states["pruned"],
        "failed": states["failed"],
        "failures": dict(failures.most_common()),
        "throttled": throttled,
        "lost": states["lost"],
        "in_flight": states["sent"],
        "repeated": requests - journal.read(_KEYS.format(only=only), parameters)[0][0],
        "input_tokens": put_in,
        "output_tokens": put_out,
        "cached_tokens": cached,
        "usd": usd_asked,
        "usd_unsure": unsure,
        "models": dict(served_by.most_common()),
        "first": min(first, default=None),
        "last": max(last, default=None),
        "tunings": len(tunings),
        "trained_tokens": sum(tuning.trained_tokens or 0 for tuning in tunings),
        "usd_tuning": sum(tuning.worst_usd if tuning.usd is None else tuning.usd for tuning in tunings),
    }


def generators(journal: Journal) -> list[tuple[str, str]]:
    """The studies and generators in whose name anything was ever asked."""
    return journal.read("SELECT study, generator FROM spend ORDER BY study, generator")
