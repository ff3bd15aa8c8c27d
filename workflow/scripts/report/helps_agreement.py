"""Which quality metrics rank a generator's targets as the oracle does, in sentences.

The oracle ranks by chrF to the human target, which nobody has in practice. A metric is said to agree where the 95 %
interval of Spearman's correlation lies above zero, to rank the other way round where it lies below.
"""

from __future__ import annotations

from collections.abc import Sequence

from report.analysis_tables import AgreementRow
from report.judged import agreement_standing
from report.said import Said
from report.words import MINUS, listing, points


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
        parts.append(f"{_correlations(agree)} {_verb(agree)} with the oracle{_halves(agree[0])}")
    if against:
        parts.append(f"{_correlations(against)} {'rank' if len(against) > 1 else 'ranks'} the other way round")
    if open_:
        parts.append(f"whether {_correlations(open_)} {_verb(open_)} with it, the data cannot tell")
    return f"On the targets of {generator} (Spearman, 95 % interval): {'; '.join(parts)}."


def _correlations(rows: Sequence[AgreementRow]) -> str:
    return listing([f"{row.quality} {interval(row)}" for row in rows])


def _verb(items: Sequence[object]) -> str:
    return "agrees" if len(items) == 1 else "agree"


def _halves(row: AgreementRow) -> str:
    if row.top_half_oracle is None or row.bottom_half_oracle is None:
        return ""
    return (
        f" (the half that {row.quality} ranks first has a mean chrF to the human target of "
        f"{points(row.top_half_oracle)}, the other half of {points(row.bottom_half_oracle)})"
    )


def _short(rows: Sequence[AgreementRow], generators: Sequence[str]) -> str:
    """The metrics by whether they agree with the oracle for all generators, for some or for none."""
    agrees = {
        name: [agreement_standing(row) > 0 for row in rows if row.quality == name]
        for name in dict.fromkeys(row.quality for row in rows)
    }
    everywhere = [name for name, found in agrees.items() if all(found)]
    sometimes = [name for name, found in agrees.items() if any(found) and not all(found)]
    never = [name for name, found in agrees.items() if not any(found)]
    where = f" on the targets of all {len(generators)} generators" if len(generators) > 1 else ""
    parts = [
        text
        for text, names in (
            (f"{listing(everywhere)} {_verb(everywhere)} with the oracle{where}", everywhere),
            (f"{listing(sometimes)} {_verb(sometimes)} with it on some only", sometimes),
            (f"{listing(never)} cannot be said to agree with it{' on any' if where else ''}", never),
        )
        if names
    ]
    best = max(rows, key=lambda row: row.spearman if row.spearman is not None else -2)
    closest = f" (closest: {best.quality} on {best.generator}, Spearman {interval(best)})" if everywhere else ""
    return f"of the quality metrics that need no human target, {'; '.join(parts)}{closest}"
