"""What was asked in a generator's name and what it cost, from the journal."""

import json
from collections.abc import Sequence
from typing import Any

from llm.calls import MOST_TOKENS
from llm.journal import Journal
from llm.journal.calls import ASKED_MODEL, CREDIBLE
from llm.journal.tunings import Tuning, of_owner

# An older journal may hold counts and prices that nobody can believe.
_TOKENS, _USD = f"coalesce(sum(min(max(%s_tokens, 0), {MOST_TOKENS})), 0)", f"iif({CREDIBLE}, usd, worst_usd)"
_COUNT = "count(*) FILTER (WHERE %s)"
_SUMS = {
    "requests": "count(*)",
    "answered": _COUNT % "state IN ('answered', 'pruned')",
    "pruned": _COUNT % "state = 'pruned'",
    "failed": _COUNT % "state = 'failed'",
    "lost": _COUNT % "state = 'lost'",
    "in_flight": _COUNT % "state = 'sent'",
    "throttled": _COUNT % "status = 429",
    "repeated": "count(*) - count(DISTINCT key)",
    "input_tokens": _TOKENS % "input",
    "output_tokens": _TOKENS % "output",
    "cached_tokens": _TOKENS % "cached",
    "usd": f"total({_USD})",
    "usd_unsure": f"total({_USD}) FILTER (WHERE model IS NULL AND state NOT IN ('answered', 'pruned'))",
    "first": "min(started)",
    "last": "max(coalesce(ended, started))",
}
_COUNTED = "SELECT {value}, count(*) AS number {asked} AND {which} GROUP BY {value} ORDER BY number DESC, {value}"
_ASKED = "FROM attempts WHERE study = ? AND generator = ?"
_OF_MODELS = f" AND key IN (SELECT key FROM calls WHERE {ASKED_MODEL} IN (SELECT value FROM json_each(?)))"
_SPEND = "SELECT total(max(usd, 0.0)) FROM spend WHERE study = ? AND generator = ?"


def ledger(journal: Journal, study: str, generator: str, models: Sequence[str] | None = None) -> dict[str, Any]:
    """The accounts of a generator in a study; answers that others asked for are in theirs.

    With ``models``, only what these models were asked counts, and no fine-tuning; answers that were pruned are not
    known any more to be of a model.

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

    def counted(value: str, which: str) -> dict[str, int]:
        return dict(journal.read(_COUNTED.format(value=value, asked=asked, which=which), parameters))

    (sums,) = journal.read(f"SELECT {', '.join(_SUMS.values())} {asked}", parameters)
    found: dict[str, Any] = dict(zip(_SUMS, sums, strict=True))
    tunings: list[Tuning] = []
    if models is None:
        tunings = of_owner(journal, study, generator)
        ((found["usd"],),) = journal.read(_SPEND, (study, generator))
    moments = [found["first"], found["last"]]
    moments += [moment for one in tunings for moment in (one.created, one.ended or one.submitted)]
    known = [moment for moment in moments if moment is not None]
    return {
        **found,
        "failures": counted("coalesce(failure, 'answered twice')", "state = 'failed'"),
        "models": counted("model", "state IN ('answered', 'pruned')"),
        "usd_unsure": found["usd_unsure"] + sum(one.worst_usd for one in tunings if one.usd is None),
        "first": min(known, default=None),
        "last": max(known, default=None),
        "tunings": len(tunings),
        "trained_tokens": sum(tuning.trained_tokens or 0 for tuning in tunings),
        "usd_tuning": sum(tuning.charged for tuning in tunings),
    }


def generators(journal: Journal) -> list[tuple[str, str]]:
    """The studies and generators in whose name anything was ever asked."""
    return journal.read("SELECT study, generator FROM spend ORDER BY study, generator")
