"""Identification of texts in a wrong language."""

from collections.abc import Callable, Iterable
from typing import Any

from workbench.cli import UserError
from workbench.languages import base_language
from workbench.words import plain_words

# The languages of py3langid's model, so that a plan need not load it.
_IDENTIFIED = (
    "ace af am an ar ary arz as az ba bcl be bg bn br bs ca crh cs cy da de dz el en eo es et eu ext fa fi fo fr "
    "fuv fy ga gcf gcr gd gl gom grc gu gug guw ha hbo he hi hr ht hu hy id ig is it ja jv ka kab kik kk km kn ko "
    "ku ky la lb lg lij ln lo lt ltg lv mg mk ml mn mr ms mt my ne nl nn no nso oc om or pa pcm pl ps pt qu ro ru "
    "rw sa sdh se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz uzs vec vi vo wa wuu xh yo yue "
    "zh zu zxx"
)
IDENTIFIED = frozenset(_IDENTIFIED.split())
_LABELS = {"nb": "no", "fil": "tl", "ki": "kik", "gn": "gug", "iw": "he"}  # that differ from the shortest codes
Identify = Callable[[str, str], bool]
"""Whether a text is clearly not in the language of a code."""


def identified_language(code: str) -> str:
    """What py3langid calls the language of a code; the code itself, without region or script, if it has no such one."""
    base = base_language(code)
    return _LABELS.get(base, base)


def load_identifier(languages: Iterable[str], key: str, remedy: str) -> Any:
    """py3langid's identifier, with probabilities; the configuration ``key`` and a ``remedy`` are for messages.

    Raises:
        UserError: py3langid does not know a language.
    """
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    unknown = [code for code in languages if identified_language(code) not in identifier.labels]
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
        text, language = plain_words(text), identified_language(language)
        best, likelihood = identifier.classify(text)
        return best != language and bool(likelihood > margin * dict(identifier.rank(text))[language])

    return is_other
