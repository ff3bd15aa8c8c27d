"""Extract the sentence pairs of two languages from the translation catalogues (``.po``, ``.mo``) in releases.

A catalogue maps a message's English text (``msgid``) to its translation. If one of the two languages is English, each
message of the other language's catalogues is a pair. If neither is, two catalogues at the same place in an archive are
joined by message. Archives are read in place and never unpacked, which makes the paths of their members harmless.

The English text of a message is, in this order of preference: its translation in an English catalogue, which projects
whose message ids are symbols have; the ``Default: "..."`` comment that i18ndude writes for Zope and Plone; its id.
"""

import argparse
import fnmatch
import re
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, cast

import polib

from corpus.raw_table import SentencePair, number_pairs, write_raw
from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import checked
from workbench.languages import plain_code

ENGLISH = "en"

# In this order: .../{language}/LC_MESSAGES/domain.po, .../{language}.po, .../{language}/domain.po
_CODE = r"(?P<language>[A-Za-z]{2,3}(?:[_-][A-Za-z]{2,10})?)"
_PLACES = [
    re.compile(rf"(?P<before>(?:.*/)?){_CODE}(?P<after>{after})\.(?P<kind>po|mo)", re.DOTALL)
    for after in (r"/LC_MESSAGES/[^/]+", r"", r"/[^/]+")
]
_DEFAULT_COMMENT = re.compile(r'Default:\s*"(.*)"', re.DOTALL)
_CONTINUED = re.compile(r'"\s*\n\s*"')
_SYMBOL = re.compile(r"\w+(?:[_.-]\w+)+")
_MNEMONIC = re.compile(r"&(?=[^\W_])")
_NO_MNEMONIC = re.compile(r"&#?\w+;|://|[A-Z0-9]&[A-Z]|\w=\w*&")

Key = tuple[str, str, int]  # message context, message id, plural form
Texts = dict[Key, str]


class Member(NamedTuple):
    """One catalogue in an archive."""

    name: str
    place: str  # its path without language and kind, which all languages of a catalogue share
    language: str
    kind: str  # ``"po"`` or ``"mo"``


class Archive:
    """The regular files of a zip (wheel) or tar (source) archive, recognised by content."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if zipfile.is_zipfile(checked(path)):
                archive = zipfile.ZipFile(path)
                self.names = [i.filename for i in archive.infolist() if not i.is_dir()]
                self._read: Callable[[str], bytes] = archive.read
            elif tarfile.is_tarfile(path):
                tar = tarfile.open(path)  # noqa: SIM115 - read from until the process ends
                files = {member.name: member for member in tar.getmembers() if member.isreg()}
                self.names = list(files)
                self._read = lambda name: cast(IO[bytes], tar.extractfile(files[name])).read()
            else:
                raise UserError(f"{path}: neither a wheel (zip) nor a source archive (tar)")
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file") from error
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error) as error:
            raise UserError(f"{path}: damaged ({error}); delete it to fetch it again") from error

    def read(self, name: str) -> bytes:
        """The content of one file of :attr:`names`."""
        try:
            return self._read(name)
        except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, RuntimeError) as error:
            raise UserError(f"{self.path}, {name!r}: damaged ({error})") from error


def same_language(code: str) -> list[str]:
    """The language codes of catalogues that fit ``code``, best first: itself, then its main region (``de_de``)."""
    code = code.replace("-", "_").lower()
    if "_" in code:
        return [code]
    return [code, f"{code}_us" if code == ENGLISH else f"{code}_{code}"]


def find_catalogues(names: list[str], release: str, exclude: list[str]) -> list[Member]:
    """The catalogues among the names of an archive's files, in the order of their names.

    Args:
        names: paths in the archive.
        release: the release's name.
        exclude: patterns for :mod:`fnmatch`; catalogues whose ``release/path`` matches one are left out.
    """
    members = []
    for name in sorted(names):
        match = next(filter(None, (place.fullmatch(name) for place in _PLACES)), None)
        if match and not any(fnmatch.fnmatchcase(f"{release}/{name}", p) for p in exclude):
            language = match["language"].replace("-", "_").lower()
            place = f"{match['before']}{{}}{match['after']}"
            members.append(Member(name, place, language, match["kind"]))
    return members


def choose(members: list[Member], language: str) -> dict[str, Member]:
    """The catalogue to read for ``language`` at each place: of the best-fitting code, and ``.po`` before ``.mo``."""
    codes = same_language(language)
    fitting = [member for member in members if member.language in codes]
    fitting.sort(key=lambda m: (m.place, codes.index(m.language), m.kind != "po", m.name))
    chosen: dict[str, Member] = {}
    for member in fitting:
        chosen.setdefault(member.place, member)
    return chosen


def parse_catalogue(content: bytes, kind: str, where: str) -> list[polib.POEntry | polib.MOEntry]:
    """The finished messages of a catalogue: no header, nothing fuzzy, obsolete or untranslated.

    Raises:
        UserError: the content is not a catalogue.
    """
    encoding = polib.detect_encoding(content + b"\n", binary_mode=True)
    catalogue: polib.POFile | polib.MOFile
    try:
        if kind == "mo":
            catalogue = polib.mofile(content, encoding=encoding)  # type: ignore[call-overload] # bytes are allowed
        else:
            # The line end keeps polib from mistaking the content for the name of a file.
            catalogue = polib.pofile(content.decode(encoding) + "\n", encoding=encoding)
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: not {encoding} (byte {error.start})") from error
    except Exception as error:  # polib passes on whatever its parser raises
        raise UserError(f"{where}: not a readable catalogue ({str(error)[-200:]})") from error
    return [entry for entry in catalogue.translated_entries() if entry.msgid]


def translations(entries: list[polib.POEntry | polib.MOEntry]) -> Texts:
    """The text of each message in the catalogue's language.

    Of a message with plural forms, the first is paired with the English singular. The second is paired with the English
    plural if the language has two forms; with more, no single form corresponds to the English plural.
    """
    texts: Texts = {}
    for entry in entries:
        forms = [entry.msgstr]
        if entry.msgid_plural:
            forms = [entry.msgstr_plural[number] for number in sorted(entry.msgstr_plural)]
        for number, form in enumerate(forms if len(forms) == 2 else forms[:1]):
            texts[entry.msgctxt or "", entry.msgid, number] = form
    return texts


def english(entries: list[polib.POEntry | polib.MOEntry]) -> Texts:
    """The English text of each message, as far as a catalogue of another language has it."""
    texts: Texts = {}
    for entry in entries:
        context = entry.msgctxt or ""
        default = _DEFAULT_COMMENT.search(getattr(entry, "comment", "") or "")
        if default:
            texts[context, entry.msgid, 0] = polib.unescape(_CONTINUED.sub("", default[1]))
        elif not _SYMBOL.fullmatch(entry.msgid):
            texts[context, entry.msgid, 0] = entry.msgid
        if entry.msgid_plural:
            texts[context, entry.msgid, 1] = entry.msgid_plural
    return texts


def drop_mnemonics(text: str) -> str:
    """Remove the ``&`` that marks an accelerator key: in ``E&xit`` and ``&Beenden``, not in ``R&D`` or ``&amp;``."""
    return text if _NO_MNEMONIC.search(text) else _MNEMONIC.sub("", text)


def read_pairs(archive: Archive, members: list[Member], source: str, target: str) -> Iterator[tuple[str, str]]:
    """The pairs of an archive, catalogue by catalogue, each in the order of its messages."""
    chosen = {code: choose(members, code) for code in (source, target, ENGLISH)}
    foreign = [code for code in (source, target) if code != ENGLISH]
    for place in sorted(chosen[foreign[0]]):
        texts: dict[str, Texts] = {}
        for code in (*foreign, ENGLISH):
            member = chosen[code].get(place)
            if not member:
                continue
            entries = parse_catalogue(archive.read(member.name), member.kind, f"{archive.path}, {member.name!r}")
            texts.setdefault(code, {}).update(translations(entries))
            if code == foreign[0]:
                texts[ENGLISH] = english(entries)
        if source in texts and target in texts:
            for key in texts[foreign[0]]:
                if key in texts[source] and key in texts[target]:
                    yield drop_mnemonics(texts[source][key]), drop_mnemonics(texts[target][key])


def extract(archives: list[Path], source: str, target: str, exclude: list[str]) -> Iterator[SentencePair]:
    """The pairs of all archives, in the given order; the part is the archive's name without its suffix.

    Raises:
        UserError: an archive is damaged, or none has the two languages.
    """
    available: Counter[str] = Counter()
    total = 0
    for path in archives:
        archive = Archive(path)
        members = find_catalogues(archive.names, path.stem, exclude)
        available.update({member.language for member in members})
        count = 0
        for pair in number_pairs(path.stem, read_pairs(archive, members, source, target)):
            count += 1
            yield pair
        total += count
        print(f"{path.stem}: {count:,} pairs")
    if not total:
        known = sorted(available, key=lambda language: (-available[language], language))
        listed = ", ".join(f"{language} ({available[language]})" for language in known[:40])
        raise UserError(
            f"languages: no release has catalogues of {source!r} and {target!r}; languages of catalogues, with the "
            f"number of releases that have them: {listed or 'none'}"
        )


def main(arguments: argparse.Namespace) -> None:
    """Write the raw table."""
    source, target = (plain_code(code).replace("-", "_").lower() for code in arguments.languages)
    if source == target:
        raise UserError(f"languages: source and target are both {source!r}")
    pairs = extract(arguments.archives, source, target, arguments.exclude)
    counts = write_raw(arguments.output, pairs)
    say(f"{sum(counts.values()):,} pairs {source}-{target} from {len(counts)} releases")


PARSER = script_parser(__doc__)
PARSER.add_argument("--archives", required=True, nargs="+", type=Path, help="wheels and tar files")
PARSER.add_argument("--languages", required=True, nargs=2, metavar=("SOURCE", "TARGET"), help="codes such as de")
PARSER.add_argument(
    "--exclude",
    nargs="*",
    default=[],
    metavar="PATTERN",
    help="leave out catalogues whose release/path matches, as in 'picard-*/po/countries/*'",
)
PARSER.add_argument("--output", required=True, type=Path, help="raw.tsv.gz")


if __name__ == "__main__":
    run_script(PARSER, main)
