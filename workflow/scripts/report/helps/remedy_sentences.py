"""How much of the cost of machine text each remedy wins back, in sentences.

Won is the remedy's score minus the remedied condition's at equal size, in points, positive if better. A remedy helps
or harms if that is significant, with Holm's correction for all contrasts of the learner and metric. The share of the
gap closed is given if there is a gap to close. If the baseline is below the floor, there is no verdict.
"""

from collections.abc import Mapping, Sequence

from report.helps.remedies import KINDS, JudgedRemedy, most_informative, share_text
from report.text.findings import MANY, Findings, learner_prefix
from report.text.formatting import capital, count, limits, listing, points, signed_points, unclear, verb, with_interval

_ORDERING = {
    1: "the ordering beats its own reverse",
    0: "the ordering is not significantly different from its own reverse",
    -1: "the ordering loses to its own reverse",
}


def remedy_findings(found: Sequence[JudgedRemedy], name: str, low: Mapping[tuple[str, int], str]) -> Findings:
    """What helps, and how much: for each kind of remedy, a sentence about each learner's most informative sizes.

    Args:
        found: from :func:`report.helps.remedies.judged_remedies`.
        name: the metric's, such as ``BLEU``.
        low: why nothing is compared, for each learner and size whose baseline is below the floor.
    """
    learners = list(dict.fromkeys(remedy.row.learner for remedy in found))
    sentences, summaries = [], []
    for learner in learners:
        own = most_informative([remedy for remedy in found if remedy.row.learner == learner])
        for size in sorted({remedy.row.size for remedy in own}, reverse=True):
            members = [remedy for remedy in own if remedy.row.size == size]
            where = f"{learner_prefix(learner, learners)}at {count(size, 'instance')}"
            if (learner, size) in low:
                summaries.append(f"{where}, what remedies win back cannot be determined: {low[learner, size]}")
                sentences.append(f"{capital(summaries[-1])}.")
                continue
            summaries.append(f"{where}, {_summary(members, name)}")
            sentences += [
                f"{title}, {where}: {'; '.join(_clause(remedy, name) + _control(remedy, name) for remedy in kin)}."
                for kind, title in KINDS.items()
                if (kin := [remedy for remedy in members if remedy.kind == kind])
            ]
    return Findings(". ".join(map(capital, summaries)), sentences)


def _clause(remedy: JudgedRemedy, name: str) -> str:
    condition, remedied, won = remedy.row.condition, remedy.row.remedied, remedy.row.won
    if remedy.is_same_runs:
        return f"{condition} trains on the same data as {remedied}"
    if remedy.sign > 0:
        return f"{condition} wins back {with_interval(won, name)} compared with {remedied}, {_share(remedy)}"
    if remedy.sign < 0:
        return f"{condition} loses {with_interval(-won, name)} compared with {remedied}"
    corrected = "after correction for the number of tests, " if won.sign else ""
    return f"{corrected}it is unclear whether {condition} helps {unclear(won, name, f' compared with {remedied}')}"


def _share(remedy: JudgedRemedy) -> str:
    row, gap = remedy.row, remedy.row.gap
    if row.verdict == "no cost":
        better = -gap
        score = f"{points(better.value)} ({limits(better)}) better than {row.baseline}"
        return f"although nothing was lost: {row.remedied} scores {score}"
    if row.share is None:
        difference = f"{signed_points(gap.value)} ({limits(gap, signed=True)})"
        return f"but the share of the gap is undefined: {row.baseline} minus {row.remedied} is {difference}"
    return f"{share_text(row)} of the gap of {points(gap.value)} to {row.baseline}"


def _control(remedy: JudgedRemedy, name: str) -> str:
    """How the ordering compares with its reverse; one that is no better than its reverse shows nothing."""
    if remedy.ordering_sign is None:
        return ""
    verdict = _ORDERING[remedy.ordering_sign]
    if remedy.control is None:
        return f" ({verdict})"
    won = remedy.control.won
    return f" ({verdict}, {remedy.control.condition}: {signed_points(won.value)} {name}, {limits(won, signed=True)})"


def _summary(found: Sequence[JudgedRemedy], name: str) -> str:
    """The remedies at one size in a sentence: each named, or counted if they are many."""
    if len(found) <= MANY:
        return "; ".join(_clause(remedy, name) for remedy in found)
    same = [remedy for remedy in found if remedy.is_same_runs]
    others = [remedy for remedy in found if not remedy.is_same_runs]
    helping = sorted((remedy for remedy in others if remedy.sign > 0), key=lambda remedy: -remedy.row.won.value)
    harming = sorted((remedy for remedy in others if remedy.sign < 0), key=lambda remedy: remedy.row.won.value)
    unclear = [remedy for remedy in others if not remedy.sign]
    groups = (
        (helping, "helps", "help"),
        (harming, "harms", "harm"),
        (same, "has the same runs as the condition it remedies", "have the same runs as the condition they remedy"),
        (unclear, "is unclear", "are unclear"),
    )
    numbers = [f"{len(group)} {verb(len(group), *forms)}" for group, *forms in groups if group]
    extremes = "; ".join(_clause(remedy, name) for remedy in [*helping[:1], *harming[:1]])
    return f"of {len(found)} remedies, {listing(numbers)}{': ' if extremes else ''}{extremes}"
