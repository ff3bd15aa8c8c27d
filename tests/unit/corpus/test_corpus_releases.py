"""Fetching a pinned release with pip, from a folder or an unreachable index, and the list of releases."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from paths import ROOT

from corpus.fetch_release import explain_failure
from corpus.releases import Release, read_releases
from workbench.cli import UserError

SCRIPT = "corpus/fetch_release.py"

SETUP = """
from pathlib import Path
from setuptools import setup
Path({trace!r}).write_text("setup.py ran")
setup(name="catalogued", version="1.0")
"""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_wheel(folder: Path) -> Path:
    path = folder / "lingo-2.1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("lingo/locale/de/LC_MESSAGES/lingo.po", 'msgid "yes"\nmsgstr "ja"\n')
        info = "lingo-2.1.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: lingo\nVersion: 2.1\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def make_source_archive(folder: Path, trace: Path) -> Path:
    path = folder / "catalogued-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in (
            ("setup.py", "import catalogued\n" + SETUP.format(trace=str(trace))),
            ("catalogued.py", ""),
            ("PKG-INFO", "Metadata-Version: 2.1\nName: catalogued\nVersion: 1.0\n"),
        ):
            member = tarfile.TarInfo(f"catalogued-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def index(tmp_path: Path) -> dict[str, str]:
    """The environment of a pip that knows one folder and nothing else."""
    (tmp_path / "index").mkdir()
    return {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(tmp_path / "index"),
    }


def request(requirement: str, digest: str, output: str = "out/release.archive") -> list[str]:
    return ["--requirement", requirement, "--sha256", digest, "--output", output]


def test_a_wheel_and_a_source_archive_are_fetched(tmp_path: Path, run_script: Callable, index: dict[str, str]) -> None:
    wheel = make_wheel(tmp_path / "index")
    source = make_source_archive(tmp_path / "index", tmp_path / "trace")
    for requirement, file in (("lingo==2.1", wheel), ("catalogued==1.0", source)):
        done = run_script(SCRIPT, *request(requirement, sha256(file)), PYTHONSAFEPATH="1", **index)
        assert done.returncode == 0, done.stderr
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["release.archive"]
        assert sha256(tmp_path / "out" / "release.archive") == sha256(file)


def test_one_of_several_hashes_is_enough(tmp_path: Path, run_script: Callable, index: dict[str, str]) -> None:
    arguments = request("lingo==2.1", sha256(make_wheel(tmp_path / "index")))
    assert run_script(SCRIPT, *arguments, "--sha256", "0" * 64, **index).returncode == 0


def test_a_wrong_hash_is_refused_before_any_code_runs(
    tmp_path: Path, refusal: Callable[..., str], index: dict[str, str]
) -> None:
    source = make_source_archive(tmp_path / "index", tmp_path / "trace")
    said = refusal(SCRIPT, *request("catalogued==1.0", "0" * 64), **index)
    assert f"catalogued==1.0: wrong hash: the file has sha256 {sha256(source)}" in said
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    ("requirement", "says"),
    [("lingo==9.9", "it offers 2.1"), ("lingua-franca==1.0", "knows no release of that name")],
)
def test_what_the_index_lacks(
    tmp_path: Path,
    refusal: Callable[..., str],
    index: dict[str, str],
    requirement: str,
    says: str,
) -> None:
    make_wheel(tmp_path / "index")
    said = refusal(SCRIPT, *request(requirement, "0" * 64), **index)
    assert said.startswith(f"{requirement}: not on the package index that pip uses; it ")
    assert says in said


def test_no_network(refusal: Callable[..., str]) -> None:
    nowhere = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "https://127.0.0.1:9/simple"}
    unset = {"PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": ""}
    said = refusal(SCRIPT, *request("lingo==2.1", "0" * 64), **nowhere, **unset)
    assert "lingo==2.1: pip cannot reach its package index" in said


def test_other_failures_of_pip_are_passed_on() -> None:
    full = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
    assert explain_failure("a==1", full) == "a==1: the disk is full"
    assert explain_failure("a==1", "chatter\nERROR: odd\n") == "a==1: pip failed: ERROR: odd"
    assert explain_failure("a==1", "") == "a==1: pip failed: see the log"


def test_the_list_of_the_default_study() -> None:
    releases = read_releases(ROOT / "resources" / "catalogues.txt")
    assert len(releases) == 9
    assert all(len(release.sha256) == 1 for release in releases)


def test_a_list_as_pip_writes_it(tmp_path: Path) -> None:
    one, two = "1" * 64, "2" * 64
    path = tmp_path / "list.txt"
    path.write_text(
        f"# comment\n\na.b==1.0 --hash=sha256:{one}  # why\nc-d==2.0rc1 \\\n    --hash=sha256:{one} \\\n"
        f"    --hash=sha256:{two}\n"
    )
    assert read_releases(path) == [
        Release("a.b", "1.0", (one,)),
        Release("c-d", "2.0rc1", (one, two)),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no release in it"),
        ("a\n", "line 1: 'a' is not pinned"),
        ("# x\na>=1 --hash=sha256:" + "0" * 64, "line 2: 'a>=1' is not pinned"),
        ("../a==1 --hash=sha256:" + "0" * 64, "'../a==1' is not pinned"),
        ("a==1\n", "a needs --hash=sha256:"),
        ("a==1 --hash=sha256:abc\n", "'abc' is not a SHA-256"),
        ("a==1 --pre --hash=sha256:" + "0" * 64, "and nothing else"),
        (("a==1 --hash=sha256:" + "0" * 64 + "\n") * 2, "line 2: a is listed twice"),
    ],
)
def test_a_wrong_list(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read_releases(path)
    assert says in str(error.value)
    assert str(path) in str(error.value)
