"""Identification of texts in a wrong language."""

from collections.abc import Callable, Iterable
from typing import Any

from workbench.cli import UserError
from workbench.words import plain_words

Identify = Callable[[str, str], bool]
"""Whether a text is clearly not in the language of a code."""


def load_identifier(languages: Iterable[str], key: str, remedy: str) -> Any:
    """py3langid's identifier, with probabilities; the configuration ``key`` and a ``remedy`` are for messages.

    Raises:
        UserError: py3langid does not know a language.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    unknown = [code for code in languages if code not in identifier.labels]
    if unknown:
        known = ", ".join(sorted(identifier.labels))
        raise UserError(f"{key}: no language {unknown[0]!r} in py3langid; {remedy}, or choose among {known}")
    return identifier


def language_identifier(languages: tuple[str, str], margin: float) -> Identify:
    """A function that says whether a text is clearly in another language than expected.

    It is if py3langid finds some language ``margin`` times likelier than the expected one. A threshold on the
    likelihood itself would exclude short texts, for which no language is likely.

    Raises:
        UserError: py3langid does not know a language.
    """
    identifier = load_identifier(languages, "corpus.cleaning.language_margin", "set it to null")

    def is_other(text: str, language: str) -> bool:
        text = plain_words(text)
        best, likelihood = identifier.classify(text)
        return best != language and bool(likelihood > margin * dict(identifier.rank(text))[language])

    return is_other
