"""How alike two texts in one language are."""

from __future__ import annotations

from sacrebleu.metrics import CHRF

_CHRF = CHRF()


def sentence_chrf(text: str, reference: str) -> float:
    """Sentence chrF2 of ``text`` against ``reference``, 0 to 100, as ``sacrebleu -m chrf -sl`` has it.

    It is no symmetric measure: recall of the reference's character n-grams weighs twice as much as precision.
    Source: Popović, chrF: character n-gram F-score for automatic MT evaluation (WMT 2015).
    """
    return _CHRF.sentence_score(text, [reference]).score
