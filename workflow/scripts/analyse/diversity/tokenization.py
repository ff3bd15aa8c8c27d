"""Split text into the words that lexical diversity counts: sacreBLEU's tokens in lower case, without punctuation.

Punctuation is left out for two reasons. Quotation marks, dashes and full stops reflect a writer's typography. And a few
types that occur in every segment add tokens but say nothing about the vocabulary.
"""

from collections.abc import Callable

import regex
from sacrebleu.metrics import BLEU

from workbench.cli import UserError

# The default tokenizer leaves typographic marks attached to words, so they are replaced with marks that it splits.
_APOSTROPHE = regex.compile(r"[\u2018\u2019\u02bc]")
_HYPHEN = regex.compile(r"[\u2010\u2011]")
_TYPOGRAPHIC = regex.compile(r"(?![\x00-\x7f])[\p{P}\p{S}]")
_EDGE = regex.compile(r"^[^\p{L}\p{M}\p{N}]+|[^\p{L}\p{M}\p{N}]+$")
_WORD = regex.compile(r"[\p{L}\p{N}]")


def word_splitter(tokenizer: str) -> Callable[[str], list[str]]:
    """A function that splits a text into words with one of sacreBLEU's tokenizers.

    A word is a token with a letter or a digit, in lower case, without punctuation at its ends.

    Raises:
        UserError: sacreBLEU has no such tokenizer, or lacks what it needs.
    """
    try:
        tokenize = BLEU(tokenize=tokenizer).tokenizer
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"analysis.diversity.tokenize: {tokenizer!r}: sacreBLEU refuses it: {reason}") from error

    def split(text: str) -> list[str]:
        plain = _TYPOGRAPHIC.sub(" ", _HYPHEN.sub("-", _APOSTROPHE.sub("'", text)))
        words = (_EDGE.sub("", token) for token in tokenize(plain).lower().split())
        return [word for word in words if _WORD.search(word)]

    return split
