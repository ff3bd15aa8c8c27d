"""Settings of the measures of errors: the section ``analysis.errors`` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NormSettings:
    """How to learn what is usual in human pairs: ``analysis.errors.norms``.

    Attributes:
        pairs: most pairs to learn from.
        length_quantile: share of the pairs beyond the usual lengths, at either end.
        length_power: power of the source's length by which the spread of lengths shrinks.
        word_beginning: initial characters that identify a word and its inflections.
        cognate_beginning: equal initial characters that make words of the two languages cognates.
        partner_pairs: fewest pairs in which two words must occur together to be partners.
        partner_share: words in a larger share of the pairs are too frequent to have partners.
        partner_dice: smallest Dice coefficient of partners, 0 to 1: twice the pairs with both words by the sum of the
            pairs with each.
    """

    pairs: int
    length_quantile: float
    length_power: float
    word_beginning: int
    cognate_beginning: int
    partner_pairs: int
    partner_share: float
    partner_dice: float


@dataclass(frozen=True)
class ErrorLimits:
    """From where on something counts as an error: ``analysis.errors.limits``.

    Attributes:
        copied_words: fewest consecutive source words in a target that make a copy.
        copied_small_words: fewest lower-case words among them; with fewer the run is taken for a name or a title.
        oscillation_ngram: number of words of the repeated n-grams.
        oscillation_excess: how many more times the most frequent n-gram must occur than the source's does.
        stutters: immediate repetitions beyond those in the source; 0 looks for none.
        stutter_words: most words in an immediate repetition.
        repeated_words: fewest words of a target that is given for several sources.
        repeated_sources: fewest different sources that share it.
        detachment_words: fewest source words with known partners, none of which is in the target.
        spelt_below: smaller whole numbers may be spelled out.
        language_margin: how many times likelier another language must be; None looks for none.
    """

    copied_words: int
    copied_small_words: int
    oscillation_ngram: int
    oscillation_excess: int
    stutters: int
    stutter_words: int
    repeated_words: int
    repeated_sources: int
    detachment_words: int
    spelt_below: int
    language_margin: float | None = None
