"""How much of what machine text costs each remedy wins back, in sentences.

Won is the remedy's score less the unremedied condition's at equal size, in points, positive where better. A remedy is
said to help, or to harm, where the interval leaves out zero and the p-value, after Holm's correction for all contrasts
of the learner and metric, is below 0.05. The share of the gap closed is said where there is a gap to close. Where the
baseline is below the floor, nothing is said but that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evaluate.relations import Remedy
from report.helps.remedies import KINDS, Attempt, share_text, telling
from report.text.findings import MANY, Said
from report.text.measures import capital
from report.text.numbers import count, listing, points, span


def remedies_said(found: Sequence[Attempt], name: str, low: Mapping[tuple[str, int], str]) -> Said:
    """What helps, and how much: a sentence for each kind of remedy at each learner's largest size that tells of it.

    Args:
        found: from :func:`attempts`.
        name: the metric's, such as ``BLEU``.
        low: why nothing is compared, for each learner and size whose baseline is below the floor.
    """
    learners = list(dict.fromkeys(a.remedy.learner for a in found))
    sentences, shorts = [], []
    for learner in learners:
        own = telling([a for a in found if a.remedy.learner == learner])
        for size in sorted({a.remedy.size for a in own}, reverse=True):
            members = [a for a in own if a.remedy.size == size]
            where = f"{f'with learner {learner}, ' if len(learners) > 1 else ''}at {count(size, 'instance')}"
            if (learner, size) in low:
                shorts.append(f"{where}, what remedies win back, the data cannot tell: {low[learner, size]}")
                sentences.append(f"{capital(shorts[-1])}.")
                continue
            shorts.append(f"{where}, {_short(members, name)}")
            sentences += [
                f"{title}, {where}: {_kind(kin, name)}."
                for kind, title in KINDS.items()
                if (kin := [a for a in members if a.kind == kind])
            ]
    return Said(". ".join(map(capital, shorts)), sentences)


def _kind(members: Sequence[Attempt], name: str) -> str:
    return "; ".join(f"{a.remedy.condition} {_clause(a, name)}{_control(a, name)}" for a in members)


def _clause(a: Attempt, name: str) -> str:
    row = a.remedy
    if row.verdict == "same":
        return f"trains on the same data as {row.remedied}"
    if a.standing > 0:
        text = f"wins back {_won(row, name)} on {row.remedied}"
    elif a.standing < 0:
        interval = f"95 % interval {span(-row.won_high, -row.won_low)}"
        text = f"loses {points(-row.won)} {name} ({interval}) on {row.remedied}"
    else:
        difference = f"{points(row.won, signed=True)} {name} ({span(row.won_low, row.won_high, signed=True)})"
        corrected = "corrected for the number of tests " if row.won_low > 0 or row.won_high < 0 else ""
        return f"may help or harm, {corrected}the data cannot tell: {difference} on {row.remedied}"
    return text + (f", {_share(row)}" if a.standing > 0 else "")


def _won(row: Remedy, name: str) -> str:
    return f"{points(row.won)} {name} (95 % interval {span(row.won_low, row.won_high)})"


def _share(row: Remedy) -> str:
    if row.verdict == "no cost":
        more = f"{points(-row.gap)} ({span(-row.gap_high, -row.gap_low)})"
        return f"where nothing was lost: {row.remedied} scores {more} better than {row.baseline}"
    if row.share is None:
        gap = f"{points(row.gap, signed=True)} ({span(row.gap_low, row.gap_high, signed=True)})"
        return f"though the share of the gap is undefined: {row.baseline} less {row.remedied} is {gap}"
    return f"{share_text(row)} of the gap of {points(row.gap)} to {row.baseline}"


def _control(a: Attempt, name: str) -> str:
    """What the same order from its other end does; an order that is no better than its reverse shows nothing."""
    if a.order_standing is None:
        return ""
    verdict = {
        1: "the order beats its own reverse",
        0: "the order is not told apart from its own reverse",
        -1: "the order loses to its own reverse",
    }[a.order_standing]
    if a.control is None:
        return f" ({verdict})"
    row = a.control
    won = f"{points(row.won, signed=True)} {name}, {span(row.won_low, row.won_high, signed=True)}"
    return f" ({verdict}, {row.condition}: {won})"


def _short(found: Sequence[Attempt], name: str) -> str:
    """The remedies at one size in a sentence: named one by one, or counted where there are many."""
    if len(found) <= MANY:
        return "; ".join(f"{a.remedy.condition} {_clause(a, name)}" for a in found)
    helps = sorted((a for a in found if a.standing > 0), key=lambda a: -a.remedy.won)
    harms = sorted((a for a in found if a.standing < 0), key=lambda a: a.remedy.won)
    same = sum(a.remedy.verdict == "same" for a in found)
    open_ = len(found) - len(helps) - len(harms) - same
    numbers = [
        text
        for text, number in (
            (_number(len(helps), "wins back some", "win back some"), len(helps)),
            (_number(len(harms), "loses", "lose"), len(harms)),
            (f"{_number(same, 'is', 'are')} the same runs as the unremedied condition", same),
            (f"{_number(open_, 'is', 'are')} not told apart from the unremedied condition", open_),
        )
        if number
    ]
    text = f"of {len(found)} remedies, {listing(numbers)}"
    ends = [f"{a.remedy.condition} {_clause(a, name)}" for a in [*helps[:1], *harms[:1]]]
    return f"{text}{': ' if ends else ''}{'; '.join(ends)}"


def _number(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
