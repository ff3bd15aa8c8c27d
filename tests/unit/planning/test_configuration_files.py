"""A file that is not a configuration is named with its line, the reason and the remedy before Snakemake reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from paths import ROOT

from planning.configuration.errors import ConfigurationError
from planning.configuration.origins import check_command_line, read_origin

BROKEN = {
    "an open bracket": (b"a: 1\nsizes: [40\nb: 2\n", 3, "from line 2); a bracket is not closed"),
    "a tab": (b"a: 1\n\tb: 2\n", 2, "indent with spaces, not tabs"),
    "a Windows path in double quotes": (b'results: "C:\\Users\\x"\n', 1, "use single quotes"),
    "another escape": (b'a: 1\nresults: "D:\\my data"\n', 2, "use single quotes"),
    "a colon in a value": (b"a: b: c\n", 1, "quote a value"),
    "Latin-1": ("a: 1\n# Übung\n".encode("latin-1"), 2, "not in UTF-8; save it as UTF-8"),
    "UTF-16": ("a: 1\n".encode("utf-16"), 1, "in UTF-16; save it as UTF-8"),
    "a control character": (b"a: b\x07\n", None, "U+0007 is not allowed"),
    "a list": (b"- a\n", None, "a mapping of keys to values"),
    "nothing": (b"", None, "a mapping of keys to values"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_explained(tmp_path: Path, name: str) -> None:
    content, line, message = BROKEN[name]
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as error:
        check_command_line(["-n", "--configfile", str(path), "--cores", "1"], "config/config.yaml")
    assert str(error.value).startswith(f"{path}, line {line}: " if line else f"{path}: ")
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"\xef\xbb\xbfa: 1\n", b"a: 1\r\nb: [2]\r\n"])
def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    check_command_line([f"--configfile={path}"], "")


def test_a_file_that_snakemake_would_ignore_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="give it once"):
        check_command_line(["--configfile", "a.yaml", "--configfile", "b.yaml"], "")


def test_the_last_of_several_files_is_read_too(tmp_path: Path) -> None:
    first, last = tmp_path / "base.yaml", tmp_path / "over.yaml"
    first.write_text("a: 1\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"over\.yaml: No such file"):
        check_command_line(["--configfile", str(first), str(last), "-n"], "")


@pytest.mark.parametrize("key", ["no", "on", "null", "~"])
def test_a_name_that_yaml_reads_as_something_else_is_refused(tmp_path: Path, key: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(f"conditions:\n  {key}: {{mixture: {{human: 1}}}}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"line 2: conditions\..*quote it"):
        read_origin([path], {})


def test_the_profile_reads_the_files_before_snakemake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(b"sizes: [40\n")
    profile = yaml.safe_load((ROOT / "profiles" / "default" / "config.yaml").read_text(encoding="utf-8"))
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", ["snakemake", "-n", "--configfile", str(path)])
    assert profile["__use_yte__"] is True
    with pytest.raises(SystemExit, match="a bracket is not closed"):
        exec(profile["__definitions__"][0], {})
