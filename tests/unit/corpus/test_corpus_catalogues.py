"""Sentence pairs from catalogues: which are found, which messages count, and hostile or broken archives."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import polib
import pytest

from corpus.extract_catalogues import choose, drop_mnemonics, find_catalogues
from corpus.raw_table import read_raw

SCRIPT = "corpus/extract_catalogues.py"


def po(*messages: tuple[str, str], **entry: object) -> polib.POFile:
    file = polib.POFile()
    file.metadata = {"Content-Type": "text/plain; charset=utf-8"}
    for msgid, msgstr in messages:
        file.append(polib.POEntry(msgid=msgid, msgstr=msgstr, **entry))
    return file


def text(file: polib.POFile) -> bytes:
    return str(file).encode()


def make_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def make_tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


@pytest.fixture
def pairs(run_script: Callable, tmp_path: Path) -> Callable[..., list[tuple[str, str]]]:
    """The pairs that the script finds in ``x.archive``."""

    def extract(source: str, target: str, *arguments: str) -> list[tuple[str, str]]:
        files = ("--archives", "x.archive", "--output", "raw.tsv.gz")
        done = run_script(SCRIPT, *files, "--languages", source, target, *arguments)
        assert done.returncode == 0, done.stderr
        return [(pair.source, pair.target) for pair in read_raw(tmp_path / "raw.tsv.gz")]

    return extract


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_finished_messages_of_both_kinds_of_archive(
    tmp_path: Path, pairs: Callable, make: Callable[[Path, dict[str, bytes]], None]
) -> None:
    german = po(("Log out", "Abmelden"), ("Untranslated", ""), ("Two\n lines", "Zwei\nZeilen"))
    german += po(("Guess", "Vermutung"), flags=["fuzzy"])
    german += po(("Old", "Alt"), obsolete=True)
    german += po(("Open", "Offen"), msgctxt="state") + po(("Open", "Öffnen"), msgctxt="action")
    german.append(
        polib.POEntry(
            msgid="%d file",
            msgid_plural="%d files",
            msgstr_plural={0: "%d Datei", 1: "%d Dateien"},
        )
    )
    make(tmp_path / "x.archive", {"app/locale/de/LC_MESSAGES/app.po": text(german)})
    assert pairs("de", "en") == [
        ("Abmelden", "Log out"),
        ("Zwei Zeilen", "Two lines"),
        ("Offen", "Open"),
        ("Öffnen", "Open"),
        ("%d Datei", "%d file"),
        ("%d Dateien", "%d files"),
    ]
    assert pairs("en", "de")[0] == ("Log out", "Abmelden")


def test_of_three_plural_forms_only_the_singular_is_sure(tmp_path: Path, pairs: Callable) -> None:
    polish = po()
    forms = {0: "plik", 1: "pliki", 2: "plików"}
    polish.append(polib.POEntry(msgid="file", msgid_plural="files", msgstr_plural=forms))
    make_zip(tmp_path / "x.archive", {"i18n/pl.po": text(polish)})
    assert pairs("pl", "en") == [("plik", "file")]


def test_a_source_is_preferred_to_its_compiled_catalogue(tmp_path: Path, pairs: Callable) -> None:
    folder = "locale/fr/LC_MESSAGES"
    compiled = po(("No", "Nan")).to_binary()
    only = po(("Maybe", "Peut-être")).to_binary()
    members = {
        f"{folder}/a.mo": compiled,
        f"{folder}/a.po": text(po(("No", "Non"))),
        f"{folder}/b.mo": only,
    }
    make_zip(tmp_path / "x.archive", members)
    assert pairs("fr", "en") == [("Non", "No"), ("Peut-être", "Maybe")]


def test_which_catalogues_are_of_a_language() -> None:
    names = [
        *("a/locale/de/LC_MESSAGES/hg.po", "a/locale/de_DE/LC_MESSAGES/hg.po", "po/sub/de.po"),
        *("b/locale/de-de/LC_MESSAGES/ui.mo", "c/locale/de_Informal/LC_MESSAGES/x.po", "de/x.pot"),
        *("d/de_CH.po", "e/i18n/de/domain.po", "f/locale/LC_MESSAGES/de/x.txt", "g/node.po"),
    ]
    members = find_catalogues(names, "r", [])
    assert [member.name for member in choose(members, "de").values()] == [
        "a/locale/de/LC_MESSAGES/hg.po",
        "b/locale/de-de/LC_MESSAGES/ui.mo",
        "e/i18n/de/domain.po",
        "po/sub/de.po",
    ]
    assert list(choose(members, "de_ch")) == ["d/{}"]
    assert len(find_catalogues(names, "r", ["r/a/*", "*.mo"])) == len(members) - 3


def test_neither_language_is_english(tmp_path: Path, pairs: Callable) -> None:
    members = {
        "l/de/LC_MESSAGES/a.po": text(po(("Yes", "Ja"), ("No", "Nein"))),
        "l/fr_FR/LC_MESSAGES/a.po": text(po(("No", "Non"), ("Maybe", "Peut-être"))),
        "l/fr_FR/LC_MESSAGES/b.po": text(po(("Yes", "Oui"))),
    }
    make_zip(tmp_path / "x.archive", members)
    assert pairs("de", "fr") == [("Nein", "Non")]


def test_english_behind_symbols(tmp_path: Path, pairs: Callable) -> None:
    """An English catalogue first, then i18ndude's comment; a symbol alone is not English."""
    german = po(("label_a", "Erstens"), comment='Default: "At \\"first\\""')
    german += po(("label_b", "Zweitens"), comment='Default: ""\n"Second"\n"ly"')
    german += po(("label_c", "Drittens"), ("label_d", "Viertens"), ("Plain text", "Text"))
    members = {
        "l/de/LC_MESSAGES/a.po": text(german),
        "l/en/LC_MESSAGES/a.po": text(po(("label_c", "Third"))),
    }
    make_zip(tmp_path / "x.archive", members)
    assert pairs("de", "en") == [
        ("Erstens", 'At "first"'),
        ("Zweitens", "Secondly"),
        ("Drittens", "Third"),
        ("Text", "Plain text"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("E&xit", "Exit"),
        ("&Öffnen …", "Öffnen …"),
        ("Drag & drop", "Drag & drop"),
        ("R&D at AT&T", "R&D at AT&T"),
        ("a &lt; b &amp; c", "a &lt; b &amp; c"),
        ("http://x.org/?a=1&b=2", "http://x.org/?a=1&b=2"),
    ],
)
def test_mnemonics(before: str, after: str) -> None:
    assert drop_mnemonics(before) == after


def test_hostile_names_are_only_names(tmp_path: Path, pairs: Callable) -> None:
    """Nothing is unpacked, links are not followed, and a catalogue is never taken for a file's
    name.
    """
    secret = tmp_path / "secret"
    secret.write_bytes(text(po(("Secret", "Geheimnis"))))
    good = text(po(("Good", "Gut")))
    path = tmp_path / "x.archive"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (
            ("../../outside/de.po", good),
            ("/absolute/de.po", good),
            ("line\nbreak/de.po", good),
            ("name/de.po", str(secret).encode()),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("link/de.po")
        link.type, link.linkname = tarfile.SYMTYPE, str(secret)
        archive.addfile(link)
    before = sorted(tmp_path.parent.rglob("*"))
    assert pairs("de", "en", "--exclude", "*name/de.po") == [("Gut", "Good")] * 3
    new = set(tmp_path.parent.rglob("*")) - set(before)
    assert {p.name for p in new} == {"raw.tsv.gz", "log.txt"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"no archive at all", "x.archive: neither a wheel (zip) nor a source archive (tar)"),
        ({"l/de.po": b'msgid "a"\nmsgstr "b" c\nrubbish\n'}, "'l/de.po': not a readable catalogue"),
        ({"l/de.mo": b"\xde\x12\x04\x95rubbish"}, "'l/de.mo': not a readable catalogue"),
        ({"l/de.po": b'msgid "a"\nmsgstr "\xff"\n'}, "'l/de.po': not utf-8 (byte "),
        ({"l/fr.po": b'msgid "a"\nmsgstr "b"\n'}, "no release has catalogues of 'de' and 'en'"),
    ],
)
def test_wrong_archives(
    tmp_path: Path, refusal: Callable[..., str], content: bytes | dict[str, bytes], says: str
) -> None:
    path = tmp_path / "x.archive"
    path.write_bytes(content) if isinstance(content, bytes) else make_zip(path, content)
    files = ("--archives", "x.archive", "--output", "raw.tsv.gz")
    assert says in refusal(SCRIPT, *files, "--languages", "de", "en")


def test_truncated_and_missing_archives(tmp_path: Path, refusal: Callable[..., str]) -> None:
    make_tar(tmp_path / "whole", {"l/de.po": text(po(*((f"m{n}", f"n{n}") for n in range(999))))})
    (tmp_path / "x.archive").write_bytes((tmp_path / "whole").read_bytes()[:900])
    end = ("--languages", "de", "en", "--output", "raw.tsv.gz")
    assert "x.archive: " in refusal(SCRIPT, "--archives", "x.archive", *end)
    assert "y.archive: no such file" in refusal(SCRIPT, "--archives", "y.archive", *end)
    same = refusal(SCRIPT, "--archives", "whole", *end, "--languages", "de", "de")
    assert "source and target are both 'de'" in same


def test_the_order_of_members_does_not_matter(tmp_path: Path, pairs: Callable) -> None:
    members = {f"l/{n}/de.po": text(po((f"Text {n}", f"Satz {n}"))) for n in "bca"}
    make_zip(tmp_path / "x.archive", members)
    first = pairs("de", "en"), (tmp_path / "raw.tsv.gz").read_bytes()
    make_tar(tmp_path / "x.archive", dict(sorted(members.items())))
    assert (pairs("de", "en"), (tmp_path / "raw.tsv.gz").read_bytes()) == first
    assert [source for source, _ in first[0]] == ["Satz a", "Satz b", "Satz c"]
