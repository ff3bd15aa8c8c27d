"""Recognize answers in which a model declines to translate, or asks for the text that it was given.

The same words are not a refusal if the source says so as well: "I cannot help you with that" is the right translation
of "Ich kann Ihnen dabei nicht helfen". Each phrase therefore comes with words in a source that excuse it.
"""

import re

from llm.answers.words import OF_HELPING, OF_TRANSLATING, REFUSALS

# Words for machines that write and for content: excuses in a source of any language.
_OF_MACHINES = re.compile(
    r"\bKI\b|\bA\.?I\b|\bIA\b|\bИИ\b|人工|Sprachmodell|language model|modèle de langu|modelo de ling|modelo de leng"
    r"|modello linguist|taalmodel|языков"
)
_OF_CONTENT = re.compile(
    r"inhalt|content|conten|text|anfrage|request|demande|solicit|richiest|pedido|verzoek|запрос|контент|内容|请求|請求|リクエスト",
    re.IGNORECASE,
)

_SORRY = (
    r"(?:(?:i['’]?m|i am)(?: really| very| so)? (?:sorry|afraid)|i apologi[sz]e|sorry|unfortunately)?"
    r"\W{0,4}(?:but|that)?\W{0,4}"
)
_I_CANNOT = (
    r"i(?:['’]m| am)?\W{0,4}(?:can['’]?t|can ?not|won['’]?t|will not|must decline|decline|unable|not able"
    r"|not comfortable)\b[^.\n]{0,50}\b"
)
_WITH_THIS = r"\b[^.\n]{0,40}\b(?:(?:with|to) (?:that|this|your|the)\b|(?:this|that|your) (?:request|type|kind))"
_CONTENT = r"\w*\b[^.\n]{0,40}\b(?:request|content|text|material)\b"

_OPENING = 400  # characters of an answer in which it declines, if it does
_APOLOGY = 60  # characters in which it apologizes


def _phrases(excuse: re.Pattern[str], *patterns: str) -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
    return [(re.compile(pattern, re.IGNORECASE), excuse) for pattern in patterns]


_PHRASES = [
    *_phrases(
        _OF_MACHINES,
        _SORRY + r"(?:as|being|i['’]?m(?: just| only)?|i am(?: just| only)?) an? (?:ai|(?:large )?language model)\b",
        r"als (?:eine? )?(?:ki|sprachmodell)\b",
        r"en tant qu['’](?:ia|intelligence artificielle|modèle de langage)\b",
        r"como (?:una? |um )?(?:ia|modelo de (?:lenguaje|linguagem))\b",
    ),
    *_phrases(OF_HELPING, _SORRY + _I_CANNOT + r"(?:assist|help|comply|fulfil+|engage)" + _WITH_THIS),
    *_phrases(_OF_CONTENT, _SORRY + _I_CANNOT + r"(?:provid|generat|creat|continu|process|complet|discuss)" + _CONTENT),
    *_phrases(OF_TRANSLATING, _SORRY + _I_CANNOT + "translat"),
]
_ASKS_BACK = re.compile(
    r"(?:(?:sure|certainly|of course|i['’]?m sorry|i apologi[sz]e|sorry|hello|hi)\b[^.!\n]{0,60}[.!,]\s*)?(?:but )?"
    r"(?:please|could you|can you|kindly|it (?:seems|looks|appears)|there (?:is|seems|appears)|i['’]?d be happy"
    r"|you (?:haven|have not|did)|i (?:need|don['’]?t see)|the (?:text|sentence|message) (?:you|that you))\b"
    r"[^\n]{0,200}\btranslat",
    re.IGNORECASE,
)


def declined(text: str, source: str) -> str | None:
    """The words in which a model declines, or asks for a text to translate; None if it does neither.

    They must be at the beginning of the text. They do not count if the source speaks of the same thing.
    """
    text = text[:_OPENING]
    for pattern, excuse in _PHRASES:
        if (found := pattern.match(text)) and not excuse.search(source):
            return f"declines: {found[0]}"
    begins = text[:_APOLOGY].lower()
    for apologies, verbs in REFUSALS:
        if any(words in begins for words in apologies) and (found := verbs.match(text)):
            return None if OF_HELPING.search(source) or OF_TRANSLATING.search(source) else f"declines: {found[0]}"
    asked = _ASKS_BACK.match(text)
    if asked and not OF_TRANSLATING.search(source):
        return f"asks for the text: {asked[0]}"
    return None
