"""Made-up tables for the report: realistic in size, with whatever a test wants planted."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluate.results import ConditionSummary, Contrast, CurveArea, ExchangeRate, Remedy
from report.rows import AgreementRow, DiversityRow, ErrorRow, PairRow, PostEditingRow
from workbench.intervals import Interval
from workbench.records import write_records

ERRORS = {
    "empty": 0.0,
    "copy": 5.0,
    "wrong_language": 1.0,
    "commentary": 0.0,
    "omission": 12.0,
    "addition": 9.0,
    "oscillation": 2.0,
    "repeated_target": 3.0,
    "detachment": 2.0,
    "number_missing": 21.7,
    "number_added": 14.0,
    "any": 45.0,
    "ter_insertions": None,
    "ter_deletions": None,
    "ter_substitutions": None,
    "ter_shifts": None,
    "bleu": None,
}
DIVERSITY = {
    "types": ("higher", 4300.0),
    "mattr": ("higher", 0.71),
    "mtld": ("higher", 95.0),
    "hdd": ("higher", 0.86),
    "yule_k": ("lower", 88.0),
    "distinct_1": ("higher", 0.12),
    "distinct_2": ("higher", 0.52),
    "distinct_3": ("higher", 0.82),
    "entropy": ("higher", 9.6),
    "zipf": ("lower", 1.04),
    "vocabulary": ("higher", 61.0),
    "self_bleu": ("lower", 31.0),
}


def around(value: float, half: float) -> Interval:
    """An interval of ``value`` ± ``half``."""
    return Interval(value, value - half, value + half)


def error_row(text: str, measure: str = "omission", rate: float = 31.2, floor: float | None = 12.0, **more: Any):
    """A rate ± 4 whose difference from the floor is ± 3; significant if the interval excludes zero."""
    away = None if floor is None else rate - floor
    values = {
        "scope": "pool",
        "text": text,
        "learner": "",
        "size": None,
        "measure": measure,
        "rate": Interval(rate, max(0.0, rate - 4), rate + 4),
        "floor": None if floor is None else Interval(floor, max(0.0, floor - 2), floor + 2),
        "difference": None if away is None else Interval(away, away - 3, away + 3),
        "p_holm": None if away is None else (0.001 if abs(away) > 3 else 0.4),
    }
    return ErrorRow(**values | more)


def diversity_row(text: str, measure: str = "mtld", change: float = -0.12, half: float = 0.02, **more: Any):
    """A value that is ``change`` of the human one away from it, ± ``half``, in the measure's own direction."""
    better, human = DIVERSITY[measure]
    values = {
        "scope": "pool",
        "text": text,
        "learner": "",
        "size": None,
        "measure": measure,
        "tokens": 50_000,
        "value": human * (1 + change),
        "human": human,
        "difference": Interval(human * change, human * (change - half), human * (change + half)),
        "p_holm": 0.002 if abs(change) > half else 0.5,
        "better": better,
        "chrf": 52.3,
    }
    return DiversityRow(**values | more)


def summary_row(
    condition: str, score: float, difference: float | None = None, half: float = 1.0, **more: Any
) -> ConditionSummary:
    """A row of the summary whose difference from ``human`` is ``difference`` ± ``half``."""
    there = difference is not None
    values = {
        "learner": "base",
        "condition": condition,
        "size": 6000,
        "metric": "bleu",
        "name": "BLEU",
        "better": "higher",
        "sentences": 1000,
        "seeds": 1,
        "resamples": 1000,
        "score": around(score, 1),
        "score_sd": None,
        "score_min": score,
        "score_max": score,
        "baseline": "human" if there else "",
        "difference": around(difference, half) if there else None,
        "p_value": 0.5 if there else None,
    }
    return ConditionSummary(**values | more)


def remedy_row(condition: str, won: float = 1.2, half: float = 0.8, gap: float = 5.3, **more: Any) -> Remedy:
    """A remedy of ``strong`` that wins ``won`` ± ``half`` points of a gap of ``gap`` ± 1."""
    there = gap > 1
    values = {
        "learner": "base",
        "size": 6400,
        "metric": "bleu",
        "condition": condition,
        "remedied": "strong",
        "baseline": "human",
        "gap": around(gap, 1),
        "gap_p": 0.001 if there else 0.6,
        "won": around(won, half),
        "won_p": 0.001 if abs(won) > half else 0.4,
        "share": Interval(won / gap, (won - half) / gap, (won + half) / gap) if there else None,
        "verdict": "part" if there else "undefined",
    }
    return Remedy(**values | more)


def contrast_row(
    condition: str, against: str, difference: float, half: float = 0.8, kind: str = "remedied", **more: Any
) -> Contrast:
    """A contrast of two conditions, ``difference`` ± ``half``."""
    p = 0.002 if abs(difference) > half else 0.4
    values = {
        "learner": "base",
        "size": 6400,
        "metric": "bleu",
        "kind": kind,
        "condition": condition,
        "against": against,
        "difference": around(difference, half),
        "p_value": p,
        "p_holm": p,
    }
    return Contrast(**values | more)


def exchange_row(
    condition: str, pairs: str = "2100", low: str = "1500", high: str = "2900", **more: Any
) -> ExchangeRate:
    """What 6,400 instances of ``condition`` are worth."""
    values = {
        "learner": "base",
        "metric": "bleu",
        "condition": condition,
        "size": 6400,
        "score": 25.1,
        "human_pairs": pairs,
        "human_pairs_low": low,
        "human_pairs_high": high,
        "rate": "",
        "note": "",
    }
    return ExchangeRate(**values | more)


def curve_row(condition: str, area: float, half: float = 0.5, **more: Any) -> CurveArea:
    """A mean difference of ``area`` ± ``half`` over the sizes."""
    values = {
        "learner": "base",
        "metric": "bleu",
        "condition": condition,
        "area": around(area, half),
        "p_value": 0.001 if abs(area) > half else 0.4,
        "smallest": 1600,
        "largest": 6400,
    }
    return CurveArea(**values | more)


def pair_row(first: str, second: str, kind: str, auc: float, half: float = 0.015) -> PairRow:
    """A pair distinguished with an AUC of ``auc`` ± ``half``."""
    return PairRow(first, second, kind, 2000, Interval(auc, auc - half, min(1.0, auc + half)), 0.18)


def agreement_row(quality: str, generator: str, spearman: float | None, half: float = 0.03, practical: str = "yes"):
    """A metric's correlation with the oracle, ± ``half``."""
    correlation = None if spearman is None else around(spearman, half)
    means = (55 + 20 * (spearman or 0), 55 - 20 * (spearman or 0))
    return AgreementRow(generator, quality, quality, 6400, 6400, correlation, *means, practical)


def detector(auc: float) -> dict[str, Any]:
    """The curves of a detector with about this AUC."""
    power = (1 - auc) / auc
    roc = [[x / 60, (x / 60) ** power] for x in range(61)]
    bins = [
        {
            "low": k / 10,
            "high": (k + 1) / 10,
            "predicted": k / 10 + 0.05,
            "observed": min(1, max(0, k / 10 + 0.05 + 0.03 * math.sin(k))),
            "count": 400,
        }
        for k in range(10)
    ]
    features = {"first": [["w:furthermore", 2.1], ["c: – ", 1.7]], "second": [["w:moreover", 1.9], ["c:, w", 1.2]]}
    return {"roc": roc, "calibration": bins, "features": features, "auc": auc}


def write_analysis_tables(
    folder: Path, machines: Sequence[str] = ("strong", "weak"), people: Sequence[str] = ("human-B",)
) -> dict[str, Any]:
    """Write the pool's tables; returns ``tables``, ``detectors`` by name, and ``people``."""
    origins = [*machines, *people]
    errors = [
        error_row(
            name,
            measure,
            rate=(floor if floor is not None else 60.0) + 4.0 * ((place * 7 + at * 3) % 6) - (6 if place > 1 else 1),
            floor=floor,
        )
        for place, name in enumerate(origins)
        for at, (measure, floor) in enumerate(ERRORS.items())
    ]
    errors = [
        row if row.rate.value >= 0 else error_row(row.text, row.measure, 0.0, row.floor and row.floor.value)
        for row in errors
    ]
    diversity = [
        diversity_row(
            name, measure, (-0.03 * ((place + at) % 5) + 0.02) * (-1 if DIVERSITY[measure][0] == "lower" else 1)
        )
        for place, name in enumerate(origins)
        for at, measure in enumerate(DIVERSITY)
    ]
    pairs = [pair_row("human", name, "human-machine", 0.79 + 0.03 * (n % 5)) for n, name in enumerate(machines)]
    pairs += [pair_row("human", name, "human-human", 0.81) for name in people]
    pairs += [
        pair_row(first, second, "machine-machine", 0.7 + 0.02 * ((n * 3) % 7))
        for n, first in enumerate(machines)
        for second in machines[n + 1 :]
    ]
    agreement = [
        agreement_row(quality, name, value + 0.02 * place, practical=practical)
        for place, name in enumerate(machines)
        for quality, value, practical in (
            ("trip", 0.45, "yes"),
            ("logprob", 0.31, "yes"),
            ("length", 0.01, "yes"),
            ("language", -0.12, "yes"),
            ("oracle", 1.0, "no"),
        )
    ]
    editing = [PostEditingRow(name, 30.0 + n, 28.0, "") for n, name in enumerate(machines)]
    tables = {
        "errors": (ErrorRow, errors),
        "diversity": (DiversityRow, diversity),
        "pairs": (PairRow, pairs),
        "post_editing": (PostEditingRow, editing),
        "agreement": (AgreementRow, agreement),
    }
    paths = {}
    for name, (kind, rows) in tables.items():
        paths[name] = folder / f"{name}.tsv"
        write_records(paths[name], kind, rows)
    detectors = {}
    for row in pairs:
        detectors[row.name] = folder / f"{row.name}.json"
        detectors[row.name].write_text(json.dumps(detector(row.auc.value)), encoding="utf-8")
    return {"tables": paths, "detectors": detectors, "people": list(people)}


def condition_settings(mixture: Mapping[str, float], **changes: Any) -> dict[str, Any]:
    """A condition as in ``study.json``: in random order, without a remedy."""
    plain = {"order": "random", "reverse": False, "copies": 1, "combine": "draw", "schedule": "cumulative"}
    return plain | {"mixture": mixture, "order_of": None, "remedies": None} | changes


def remedied_conditions() -> dict[str, dict[str, Any]]:
    """Conditions of a study with every kind of remedy and its controls."""
    plain = condition_settings({})
    remedy = plain | {"remedies": "strong"}
    return {
        "human": plain | {"mixture": {"human": 1.0}},
        "strong": plain | {"mixture": {"strong": 1.0}},
        "best-first": remedy | {"mixture": {"strong": 1.0}, "order": "quality:trip"},
        "worst-first": remedy | {"mixture": {"strong": 1.0}, "order": "quality:trip", "reverse": True},
        "human-like": remedy | {"mixture": {"strong": 1.0}, "order": "human_like"},
        "machine-like": remedy | {"mixture": {"strong": 1.0}, "order": "human_like", "reverse": True},
        "strong-weak": remedy | {"mixture": {"strong": 0.5, "weak": 0.5}},
        "half-human": remedy | {"mixture": {"strong": 0.5, "human": 0.5}},
    }


_WON = {"best-first": 1.4, "human-like": 0.3, "strong-weak": -1.1, "half-human": 2.9}
_REVERSES = {"best-first": "worst-first", "human-like": "machine-like"}


def write_relation_tables(
    folder: Path, sizes: Sequence[int] = (6400,), learners: Sequence[str] = ("base",)
) -> Mapping[str, Path]:
    """Write remedies, contrasts, curves and exchange of :func:`remedied_conditions`; returns their paths."""
    remedies, contrasts = [], []
    for learner in learners:
        for place, size in enumerate(sizes):
            at = {"learner": learner, "size": size}
            for name, won in _WON.items():
                value = won * (1 + 0.3 * place)
                remedies.append(remedy_row(name, value, gap=5.3 + place, **at))
                contrasts.append(contrast_row(name, "strong", value, **at))
                if name in _REVERSES:
                    remedies.append(remedy_row(_REVERSES[name], -value / 2, gap=5.3 + place, **at))
                    contrasts.append(contrast_row(_REVERSES[name], "strong", -value / 2, **at))
                    contrasts.append(contrast_row(name, _REVERSES[name], 1.5 * value, kind="reverse", **at))
    paths = {name: folder / f"{name}.tsv" for name in ("remedies", "contrasts", "curves", "exchange")}
    write_records(paths["remedies"], Remedy, remedies)
    write_records(paths["contrasts"], Contrast, contrasts)
    write_records(paths["curves"], CurveArea, [curve_row("strong", -4.1, learner=learner) for learner in learners])
    write_records(paths["exchange"], ExchangeRate, [exchange_row("strong", learner=learner) for learner in learners])
    return paths
