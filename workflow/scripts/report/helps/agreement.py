"""Which quality metrics rank a generator's targets as the oracle does, in sentences.

The oracle ranks by chrF to the human target, which nobody has in practice. A metric is said to agree where the 95 %
interval of Spearman's correlation lies above zero, to rank the other way round where it lies below.
"""

from __future__ import annotations

from collections.abc import Sequence

from report.analysis_tables import AgreementRow
from report.judged import agreement_standing
from report.text.findings import Said
from report.text.numbers import MINUS, listing, points


def correlation(value: float) -> str:
    """A correlation with two decimals."""
    text = f"{abs(value):.2f}"
    return f"{MINUS}{text}" if value < 0 and float(text) else text


def interval(row: AgreementRow) -> str:
    """Spearman's correlation with its interval, such as ``0.45 (0.42 to 0.48)``."""
    if row.spearman is None:
        return "(undefined)"
    if row.spearman_low is None or row.spearman_high is None:
        return correlation(row.spearman)
    return f"{correlation(row.spearman)} ({correlation(row.spearman_low)} to {correlation(row.spearman_high)})"


def agreement_said(rows: Sequence[AgreementRow]) -> Said:
    """What the metrics that work without a human target are worth: a sentence for each generator."""
    rows = [row for row in rows if row.practical == "yes"]
    generators = list(dict.fromkeys(row.generator for row in rows))
    sentences = [_sentence(name, [row for row in rows if row.generator == name]) for name in generators]
    return Said(_short(rows, generators) if rows else "", sentences)


def _sentence(generator: str, rows: Sequence[AgreementRow]) -> str:
    agree = sorted((row for row in rows if agreement_standing(row) > 0), key=lambda row: -(row.spearman or 0))
    against = sorted((row for row in rows if agreement_standing(row) < 0), key=lambda row: row.spearman or 0)
    open_ = [row for row in rows if not agreement_standing(row)]
    parts = []
    if agree:
        parts.append(f"{_correlations(agree)} {_agree(agree)}{_halves(agree[0])}")
    if against:
        parts.append(f"{_correlations(against)} {_contrary(against)}")
    if open_:
        parts.append(f"whether {_correlations(open_)} {_agree(open_)}, the data cannot tell")
    return f"On the targets of {generator} (Spearman, 95 % interval): {'; '.join(parts)}."


def _correlations(rows: Sequence[AgreementRow]) -> str:
    return listing([f"{row.quality} {interval(row)}" for row in rows])


def _agree(items: Sequence[object]) -> str:
    return f"{'agrees' if len(items) == 1 else 'agree'} with the oracle"


def _contrary(items: Sequence[object]) -> str:
    return f"{'ranks' if len(items) == 1 else 'rank'} the other way round from the oracle"


def _halves(row: AgreementRow) -> str:
    if row.top_half_oracle is None or row.bottom_half_oracle is None:
        return ""
    return (
        f" (the half that {row.quality} ranks first has a mean chrF to the human target of "
        f"{points(row.top_half_oracle)}, the other half of {points(row.bottom_half_oracle)})"
    )


def _short(rows: Sequence[AgreementRow], generators: Sequence[str]) -> str:
    """The metrics by whether they agree with the oracle, contradict it, or are not told to do either, and where."""
    sides = {
        name: [agreement_standing(row) for row in rows if row.quality == name]
        for name in dict.fromkeys(row.quality for row in rows)
    }
    several = len(generators) > 1
    where = f" on the targets of all {len(generators)} generators" if several else ""
    parts, everywhere = [], []
    for side, verb in ((1, _agree), (-1, _contrary)):
        always = [name for name, found in sides.items() if set(found) == {side}]
        sometimes = [name for name, found in sides.items() if side in found and set(found) != {side}]
        parts += [f"{listing(always)} {verb(always)}{where}"] if always else []
        parts += [f"{listing(sometimes)} {verb(sometimes)} for some generators only"] if sometimes else []
        everywhere += always if side > 0 else []
    open_ = [name for name, found in sides.items() if not any(found)]
    if open_:
        parts.append(
            f"whether {listing(open_)} {_agree(open_)}{' for any generator' if several else ''}, the data cannot tell"
        )
    best = max(rows, key=lambda row: row.spearman if row.spearman is not None else -2)
    closest = f" (closest: {best.quality} on {best.generator}, Spearman {interval(best)})" if everywhere else ""
    return f"of the quality metrics that need no human target, {'; '.join(parts)}{closest}"
