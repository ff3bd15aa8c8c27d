"""Errors of a text, with and without a reference: one small module per measure or family of measures.

docs/errors.md says what each measure is, where it comes from and what it cannot find.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class NormSettings:
    """How to learn what is usual in human pairs: ``analysis.errors.norms``."""

    pairs: int  # at most, to learn from
    length_quantile: float  # share of the pairs beyond the usual lengths, at either end
    length_power: float  # of the source length, by which the spread of lengths shrinks
    word_beginning: int  # initial characters that identify a word and its inflections
    cognate_beginning: int  # equal initial characters that make words of the two languages cognates
    partner_pairs: int  # fewest pairs in which partners occur together
    partner_share: float  # words in a larger share of the pairs are too frequent to have partners
    partner_dice: float  # least Dice coefficient of partners: twice the pairs with both by the sum of those with each


@dataclass(frozen=True)
class ErrorLimits:
    """From where on something counts as an error: ``analysis.errors.limits``."""

    copied_words: int  # fewest consecutive source words that make a copy
    copied_small_words: int  # fewest lower-case words among them; with fewer the run is taken for a name or a title
    oscillation_ngram: int  # words in the n-grams whose repetition counts
    oscillation_excess: int  # how many more times the most frequent n-gram must occur than the source's
    stutters: int  # immediate repetitions beyond those in the source; 0 looks for none
    stutter_words: int  # at most, in an immediate repetition
    repeated_words: int  # fewest words of a target that is given for several sources
    repeated_sources: int  # fewest different sources that share it
    detachment_words: int  # fewest source words with known partners, none of which is in the target
    spelt_below: int  # smaller whole numbers may be spelled out
    language_margin: float | None = None  # how many times likelier another language must be; None looks for none
