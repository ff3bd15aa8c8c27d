"""Codes of languages, their names, and the scripts that put no blanks between words.

A code is one of ISO 639-1, 639-2 or 639-3, alone or with a script and a region: ``de``, ``deu``, ``ger``, ``pt_BR``,
``zh-Hant-TW``, ``tha_Thai``. mtdata's tables say which codes are of the same language.
"""

import logging
import re
from difflib import get_close_matches
from functools import cache
from typing import NamedTuple

from workbench.cli import UserError

_CODE = re.compile(r"([A-Za-z]{2,3})((?:[_-][A-Za-z0-9]{2,8}){0,3})")
# Languages that are part of one with a shorter code, such as Mandarin of Chinese. FLORES has these codes.
_PARTS = {
    **{"cmn": "zh", "arb": "ar", "pes": "fa", "prs": "fa", "zsm": "ms", "swh": "sw", "lvs": "lv", "ekk": "et"},
    **{"npi": "ne", "ory": "or", "azj": "az", "khk": "mn", "uzn": "uz", "plt": "mg", "ydd": "yi", "pbt": "ps"},
    **{"als": "sq", "gaz": "om", "quy": "qu", "kmr": "ku", "ayr": "ay"},
}
# Codes of countries that are taken for those of their languages.
_COUNTRIES = {
    **{"al": "sq", "at": "de", "cn": "zh", "cz": "cs", "dk": "da", "gb": "en", "gr": "el", "il": "he", "ir": "fa"},
    **{"jp": "ja", "mx": "es", "rs": "sr", "ua": "uk", "us": "en", "vn": "vi"},
}


class UnspacedScript(NamedTuple):
    """A script that puts no blanks between words."""

    codes: str  # of the script, ISO 15924
    languages: str  # those that are usually written in it
    characters: tuple[str, ...]  # names of its characters' scripts in Unicode
    # Number of characters that count as a word: about as many as translate an English one. Han is the exception: its
    # characters count as words.
    word: int = 5
    tokenizer: str = "char"  # sacreBLEU's tokenizer of these languages; ``char`` if it has none

    @property
    def tokenizers(self) -> tuple[str, ...]:
        """The tokenizers of sacreBLEU that divide its texts; SentencePiece needs no blanks."""
        return (*dict.fromkeys((self.tokenizer, "char")), "flores101", "flores200", "spm", "spBLEU-1K")


UNSPACED = (
    UnspacedScript("hans hant hani", "zh yue wuu gan hak hsn lzh nan cdo", ("Han",), 1, "zh"),
    UnspacedScript("jpan hira kana hrkt", "ja ryu", ("Hiragana", "Katakana"), 1, "ja-mecab"),
    UnspacedScript("thai", "th tts nod sou", ("Thai",)),
    UnspacedScript("laoo", "lo", ("Lao",)),
    UnspacedScript("khmr", "km", ("Khmer",)),
    UnspacedScript("mymr", "my shn mnw rki blk kjp", ("Myanmar",)),
    UnspacedScript("tibt", "bo dz adx sip lbj", ("Tibetan",)),
    UnspacedScript("yiii", "ii", ("Yi",), 1),
    UnspacedScript("lana talu", "khb khn kkh", ("Tai_Tham", "New_Tai_Lue")),
)
_OWN_TOKENIZERS = {"ko": "ko-mecab"}  # of languages with blanks


def unspaced_script(code: str) -> UnspacedScript | None:
    """The script without blanks that a language is written in; None if it has blanks between words."""
    _, *subtags = re.split("[_-]", code.lower())
    written = next((subtag for subtag in subtags if len(subtag) == 4 and subtag.isalpha()), None)
    language = base_language(code)
    for script in UNSPACED:
        if written in script.codes.split() if written else language in script.languages.split():
            return script
    return None


def bleu_tokenizer(code: str) -> str:
    """sacreBLEU's tokenizer for a language: its own choice, but ``char`` for all other scripts without blanks."""
    script = unspaced_script(code)
    return script.tokenizer if script else _OWN_TOKENIZERS.get(base_language(code), "13a")


def tokenizer_without_mecab(code: str) -> str:
    """The same, but ``char`` where sacreBLEU's choice is an optional package (Japanese, Korean)."""
    tokenizer = bleu_tokenizer(code)
    return "char" if tokenizer.endswith("mecab") else tokenizer


@cache
def base_language(code: str) -> str:
    """The shortest code of a language, without region or script: ``pt`` for ``pt_BR``, ``de`` for ``deu`` and ``ger``.

    What is not a code is returned in lower case.
    """
    primary = re.split("[_-]", code.lower(), maxsplit=1)[0]
    if primary in _PARTS:
        return _PARTS[primary]
    short = {three: two for table in (_mtdata().two_to_three, _mtdata().two_to_other) for two, three in table.items()}
    return short.get(primary) or short.get(_three_letters(primary), primary)


def plain_code(code: str) -> str:
    """A code with the shortest one of its language, and its script and region as they are: ``de_AT`` for ``deu_AT``."""
    return base_language(code) + code[len(re.split("[_-]", code, maxsplit=1)[0]) :]


def code_problem(code: str) -> str | None:
    """Why a text cannot be the code of a language, with what is probably meant; None if it can."""
    parts = _CODE.fullmatch(code)
    if parts and _three_letters(base_language(code)):
        return None
    names = {name.casefold(): base_language(three) for three, name in _mtdata().names.items()}
    short = {name: two for name, two in names.items() if len(two) == 2}
    meant = _COUNTRIES.get(code.casefold()) or short.get(code.casefold()) or names.get(code.casefold())
    if not meant and len(code) > 3:
        meant = next((names[name] for name in get_close_matches(code.casefold(), short, n=1, cutoff=0.8)), None)
    question = f"; did you mean {meant}?" if meant else ""
    return f"{code!r} is not the code of a language (ISO 639, such as de, pt_BR or zh-Hant){question}"


def language_name(code: str) -> str:
    """The English name of a language, such as ``German`` for ``de`` or ``Chinese (zh_TW)`` for ``zh_TW``.

    A region or script stays as its code: models know these, and ISO 639-3, the source of the names, has none.

    Raises:
        UserError: no language has this code.
    """
    three = _three_letters(base_language(code))
    if not three:
        raise UserError(f"languages: no language {code!r} in ISO 639; give a code of two or three letters such as de")
    name = re.sub(r"\s*\([^)]*\)$", "", _mtdata().names[three])  # "Swahili (macrolanguage)", "Modern Greek (1453-)"
    return f"{name} ({code})" if re.search("[_-]", code) else name


def _three_letters(primary: str) -> str:
    """The ISO 639-3 code of one of two or three letters; empty if there is none."""
    tables = _mtdata()
    three = tables.two_to_three.get(primary, primary)
    return three if three in tables.names else ""


class _Tables(NamedTuple):
    """mtdata's tables of codes: of two letters to ISO 639-3 and to the bibliographic ones; names by ISO 639-3."""

    two_to_three: dict[str, str]
    two_to_other: dict[str, str]
    names: dict[str, str]


@cache
def _mtdata() -> _Tables:
    """Importing mtdata adds a handler to the root logger, which would repeat every message of Snakemake."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    try:
        from mtdata.iso import iso639_1, iso639_2, iso639_3
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    return _Tables(iso639_1.ISO693_1_to_3, iso639_2.CODE2_TO_3, iso639_3.CODES)
