"""All codes of a language mean the same, and scripts without blanks get tokenizers that divide them."""

from __future__ import annotations

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from stats.metrics import build_scorers
from workbench.language_identification import IDENTIFIED, identified_language, language_identifier
from workbench.languages import base_language, bleu_tokenizer, code_problem, plain_code, tokenizer_without_mecab


@pytest.mark.parametrize(
    ("codes", "base", "tokenizer"),
    [
        ("de deu ger DE de_AT deu_Latn", "de", "13a"),
        ("zh zho chi cmn zh_CN zh-Hant-TW zho_Hans", "zh", "zh"),
        ("yue yue_Hant", "yue", "zh"),
        ("ja jpn jpn_Jpan", "ja", "ja-mecab"),
        ("ko kor kor_Hang", "ko", "ko-mecab"),
        ("th tha tha_Thai", "th", "char"),
        ("lo lao", "lo", "char"),
        ("km khm khm_Khmr", "km", "char"),
        ("my mya bur", "my", "char"),
        ("bo bod tib", "bo", "char"),
        ("dz dzo_Tibt", "dz", "char"),
        ("jv jav", "jv", "13a"),
        ("kok", "kok", "13a"),
        ("zh-Latn", "zh", "13a"),
    ],
)
def test_all_codes_of_a_language_mean_the_same(codes: str, base: str, tokenizer: str) -> None:
    for code in codes.split():
        assert (base_language(code), bleu_tokenizer(code), code_problem(code)) == (base, tokenizer, None)
        assert tokenizer_without_mecab(code) == ("char" if "mecab" in tokenizer else tokenizer)


def test_a_script_and_a_region_stay() -> None:
    assert [plain_code(code) for code in ("deu_AT", "pt_BR", "tha-Thai")] == ["de_AT", "pt_BR", "th-Thai"]


@pytest.mark.parametrize(
    ("code", "meant"),
    [("German", "de"), ("germann", "de"), ("Chinese", "zh"), ("cz", "cs"), ("gr", "el"), ("xx", ""), ("de-", "")],
)
def test_what_is_not_a_code_says_what_is_meant(code: str, meant: str) -> None:
    problem = code_problem(code)
    assert problem and problem.endswith(f"did you mean {meant}?" if meant else "zh-Hant)")


def test_the_list_of_identified_languages_is_the_models() -> None:
    assert set(LanguageIdentifier.from_model_file(MODEL_FILE).labels) == IDENTIFIED
    assert [identified_language(code) for code in ("deu", "nob", "fil", "hsb")] == ["de", "no", "tl", "hsb"]
    is_other = language_identifier(("deu", "nb"), 20)
    assert not is_other("Dies ist ein ganz gewöhnlicher deutscher Satz.", "deu")
    assert not is_other("Dette er en helt vanlig setning på norsk.", "nb")


@pytest.mark.parametrize("language", ["th", "mya", "lao", "zh", "bod"])
def test_metrics_of_words_see_characters_where_there_are_no_blanks(language: str) -> None:
    text = {"th": "ฉันกินข้าวเช้า", "mya": "ကျွန်တော်စားတယ်", "lao": "ຂ້ອຍກິນເຂົ້າ", "zh": "我今天吃早饭", "bod": "ངས་ཟས་ཟ་གི་ཡོད"}[
        language
    ]
    bleu, ter = (scorer.corpus_score([(text[:-1], text)]) for scorer in build_scorers(["bleu", "ter"], {}, language))
    assert 50 < bleu < 100
    assert 0 < ter < 50


def test_the_signature_of_ter_says_that_it_counts_characters() -> None:
    for language, words in (("th", "tok:char"), ("de", "tok:tercom")):
        (ter,) = build_scorers(["ter"], {}, language)
        ter.corpus_score([("a b", "a c")])
        assert words in ter.corpus.get_signature().format()
