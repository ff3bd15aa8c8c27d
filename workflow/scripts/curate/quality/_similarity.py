"""How similar two texts in the same language are."""

from __future__ import annotations

from sacrebleu.metrics import CHRF

_CHRF = CHRF()


def sentence_chrf(text: str, reference: str) -> float:
    """Sentence chrF2 of ``text`` against ``reference``, 0 to 100, as ``sacrebleu -m chrf -sl`` computes it.

    The measure is not symmetric: recall of the reference's character n-grams has twice the weight of precision.
    Source: Popović, chrF: character n-gram F-score for automatic MT evaluation (WMT 2015).
    """
    return float(_CHRF.sentence_score(text, [reference]).score)
