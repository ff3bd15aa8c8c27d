"""What is markup, what only looks like it, and what a reader sees without it."""

from __future__ import annotations

import pytest

from workbench.markup import has_markup, strip_markup


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('Siehe <a href="http://x.org/?a=1">die Hilfe</a>.', "Siehe die Hilfe."),
        ("Eins<br>zwei<p>drei</p><strong>vier</strong>fünf", "Eins zwei drei vierfünf"),
        ("Tom &amp; Jerry &lt;3 &#8222;Käse&#x201c;", "Tom & Jerry <3 „Käse“"),
        ("Siehe :hg:`help merge` und ``hg log``", "Siehe help merge und hg log"),
        ("Siehe :ref:`die Hilfe <help>`", "Siehe die Hilfe"),
        ("Siehe [die **Hilfe**](http://x.org/a_(b))", "Siehe die Hilfe"),
        ("Das ist **wichtig**, (**sehr**)", "Das ist wichtig, (sehr)"),
        ("这是**重要**的", "这是重要的"),
        ("Perforce als Quelle ########", "Perforce als Quelle"),
    ],
)
def test_markup_is_stripped(text: str, plain: str) -> None:
    assert has_markup(text)
    assert strip_markup(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        *("a < b und c > d", "hg add <Datei>", "R&D; AT&T", "f(x)[0](1 2)", "2 * 3 ** 4", "`x` `y`", "--"),
        *("und 2**3 sowie 4**5.", "10**6, 10**9", "f(**x) und g(**y)", "__init__ und __main__", "Name: ____ Ort: ____"),
        *("``Satz.'' und ``ja''", '``Satz." und ``ja"'),
    ],
)
def test_what_only_looks_like_markup_stays(text: str) -> None:
    assert not has_markup(text)
    assert strip_markup(text) == text
