"""What was asked in a generator's name and what it cost, from the journal."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from llm.calls import MOST_TOKENS
from llm.journal import Journal
from llm.journal.calls import ASKED_MODEL
from llm.journal.money import CREDIBLE
from llm.journal.tunings import of_owner

# An older journal may hold counts and prices that nobody can believe.
_TOKENS, _USD = f"coalesce(sum(min(max(%s_tokens, 0), {MOST_TOKENS})), 0)", f"iif({CREDIBLE}, usd, worst_usd)"
_SUMS = f"""
SELECT count(*), count(DISTINCT key), coalesce(sum(status = 429), 0), {_TOKENS % "input"}, {_TOKENS % "output"},
       {_TOKENS % "cached"}, coalesce(sum({_USD}), 0.0),
       coalesce(sum({_USD} * (model IS NULL AND state NOT IN ('answered', 'pruned'))), 0.0),
       min(started), max(coalesce(ended, started))
"""
_STATES = "SELECT state, count(*) {asked} GROUP BY state"
_FAILURES = """
SELECT coalesce(failure, 'answered twice'), count(*) AS number {asked} AND state = 'failed'
GROUP BY failure ORDER BY number DESC, failure
"""
_MODELS = """
SELECT model, count(*) AS number {asked} AND state IN ('answered', 'pruned') GROUP BY model ORDER BY number DESC, model
"""
_ASKED = "FROM attempts WHERE study = ? AND generator = ?"
_OF_MODELS = f" AND key IN (SELECT key FROM calls WHERE {ASKED_MODEL} IN (SELECT value FROM json_each(?)))"
_SPEND = "SELECT max(usd, 0.0) FROM spend WHERE study = ? AND generator = ?"


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
    asked = _ASKED if models is None else _ASKED + _OF_MODELS
    parameters = (study, generator, *([] if models is None else [json.dumps(list(models))]))
    sums = journal.read(_SUMS + asked, parameters)[0]
    requests, calls, throttled, put_in, put_out, cached, usd_asked, unsure, first, last = sums
    states = Counter(dict(journal.read(_STATES.format(asked=asked), parameters)))
    tunings = of_owner(journal, study, generator) if models is None else []
    if models is None:
        usd_asked = sum(usd for (usd,) in journal.read(_SPEND, (study, generator)))
    moments = [first, last, *(moment for one in tunings for moment in (one.created, one.ended or one.submitted))]
    known = [moment for moment in moments if moment is not None]
    return {
        "requests": requests,
        "answered": states["answered"] + states["pruned"],
        "pruned": states["pruned"],
        "failed": states["failed"],
        "failures": dict(journal.read(_FAILURES.format(asked=asked), parameters)),
        "throttled": throttled,
        "lost": states["lost"],
        "in_flight": states["sent"],
        "repeated": requests - calls,
        "input_tokens": put_in,
        "output_tokens": put_out,
        "cached_tokens": cached,
        "usd": usd_asked,
        "usd_unsure": unsure + sum(one.worst_usd for one in tunings if one.usd is None),
        "models": dict(journal.read(_MODELS.format(asked=asked), parameters)),
        "first": min(known, default=None),
        "last": max(known, default=None),
        "tunings": len(tunings),
        "trained_tokens": sum(tuning.trained_tokens or 0 for tuning in tunings),
        "usd_tuning": sum(tuning.charged for tuning in tunings),
    }


def generators(journal: Journal) -> list[tuple[str, str]]:
    """The studies and generators in whose name anything was ever asked."""
    return journal.read("SELECT study, generator FROM spend ORDER BY study, generator")
