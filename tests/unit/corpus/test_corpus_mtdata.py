"""Corpora by mtdata id, from an index that mtdata builds and a server on this machine."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import requests
from paths import ROOT

from corpus.fetch_mtdata import fetch
from corpus.raw_table import read_raw
from workbench.cli import UserError

pytest.importorskip("mtdata")

SCRIPT = "corpus/fetch_mtdata.py"
EUROPARL = "Statmt-europarl-10-deu-eng"

# mtdata builds its index when it is imported. Without the long lists of other collections this takes a second.
BUILD_INDEX = """
import sys, types
for name in ("elrc_share anuvaad allenai_nllb flores opus.opus_index opus.opus100 leipzig huggingface "
             "neulab_tedtalks wikimatrix ai4bharat eu linguatools paracrawl tilde").split():
    module = types.ModuleType(f"mtdata.index.{name}")
    module.load_all = lambda index: None
    sys.modules[module.__name__] = module
import mtdata.index
"""


@pytest.fixture(scope="session")
def built_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mtdata")
    subprocess.run(
        [sys.executable, "-c", BUILD_INDEX],
        cwd=folder,
        env={**os.environ, "MTDATA": str(folder)},
        check=True,
        capture_output=True,
    )
    return folder


class Corpora(BaseHTTPRequestHandler):
    """Plays every web server: it is the proxy that mtdata's downloads go through."""

    texts: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        text = self.texts.get(self.path.rpartition("/")[2])
        self.send_response(404 if text is None else 200)
        self.send_header("Content-Length", str(len(text or b"")))
        self.end_headers()
        self.wfile.write(text or b"")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def network(tmp_path: Path, built_index: Path) -> Iterator[dict[str, str]]:
    """The environment in which all downloads come from :class:`Corpora`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Corpora)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    Corpora.texts.clear()
    yield {"http_proxy": address, "https_proxy": address, "no_proxy": "", "NO_PROXY": "", "MTDATA": str(built_index)}
    server.shutdown()
    server.server_close()


def request(source: str, target: str, *ids: str) -> list[str]:
    end = ["--languages", source, target, "--cache", "cache", "--output", "raw.tsv.gz"]
    return ["--train", *ids, *end]


def test_downloads_once_in_either_direction(tmp_path: Path, run_script: Callable, network: dict[str, str]) -> None:
    rows = "Guten Tag.\tGood day.\t1\t2\t3\tA\tB\nDanke.\tThanks.\t1\t2\t3\tA\tB\n"
    Corpora.texts["europarl-v10.de-en.tsv.gz"] = gzip.compress(rows.encode())
    done = run_script(SCRIPT, *request("de", "en", EUROPARL), **network)
    assert done.returncode == 0, done.stderr
    warning, *said = done.stderr.splitlines()
    assert re.search(
        r"WARNING: http://\S+ came unencrypted; .*sha256: {europarl-v10.de-en.tsv.gz: [0-9a-f]{64}}", warning
    )
    assert said == ["[fetch_mtdata] 2 pairs: 2 train"]
    assert list(read_raw(tmp_path / "raw.tsv.gz")) == [
        ("train:1", "Guten Tag.", "Good day."),
        ("train:2", "Danke.", "Thanks."),
    ]
    log = (tmp_path / "log.txt").read_text(encoding="utf-8")
    assert "\r" not in log and "\x1b" not in log and "━" not in log

    Corpora.texts.clear()
    done = run_script(SCRIPT, *request("en", "de", EUROPARL), "--test", EUROPARL, **network)
    assert done.stderr == "[fetch_mtdata] 4 pairs: 2 train, 2 test\n"
    assert ("test:1", "Good day.", "Guten Tag.") in list(read_raw(tmp_path / "raw.tsv.gz"))


def test_digests_are_pinned_recorded_and_checked(
    tmp_path: Path, run_script: Callable, refusal: Callable[..., str], network: dict[str, str]
) -> None:
    name, content = "europarl-v10.de-en.tsv.gz", gzip.compress(b"Guten Tag.\tGood day.\n")
    Corpora.texts[name] = content
    arguments = [*request("de", "en", EUROPARL), "--sha256", name]
    assert "damaged, forged or another version" in refusal(SCRIPT, *arguments, "0" * 64, **network)
    done = run_script(SCRIPT, *arguments, hashlib.sha256(content).hexdigest(), **network)
    assert done.stderr == "[fetch_mtdata] 1 pairs: 1 train\n"
    (path,) = (tmp_path / "cache").rglob("europarl.tsv.gz")
    path.write_bytes(gzip.compress(b"Guten Tag.\tBad day.\n"))
    assert "damaged or replaced since it was fetched; delete it" in refusal(SCRIPT, *arguments[:-2], **network)


def test_a_certificate_that_cannot_be_verified_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """mtdata itself would ask again without verification."""
    asked = []

    def get(url: str, **options: object) -> None:
        asked.append((url, options.get("verify", True)))
        raise requests.exceptions.SSLError("self-signed certificate")

    monkeypatch.setattr(requests, "get", get)
    with pytest.raises(UserError, match="its certificate cannot be verified"):
        fetch("https://example.org/a.gz", tmp_path / "a.gz", {})
    assert asked == [("https://example.org/a.gz", True)]


def test_archives_write_nothing_outside_their_folder(tmp_path: Path, built_index: Path) -> None:
    script = f"""
import pathlib, tarfile, io
from corpus.fetch_mtdata import load_mtdata
load_mtdata()
with tarfile.open("a.tar", "w") as tar:
    link = tarfile.TarInfo("out"); link.type = tarfile.SYMTYPE; link.linkname = "{tmp_path}"
    tar.addfile(link)
    tar.addfile(tarfile.TarInfo("out/planted"), io.BytesIO())
from mtdata.utils import TarPath
try:
    TarPath(pathlib.Path("a.tar"), "planted")
except tarfile.FilterError as error:
    print("refused", type(error).__name__)
"""
    folder = tmp_path / "work"
    folder.mkdir()
    environment = {**os.environ, "MTDATA": str(built_index), "PYTHONPATH": str(ROOT / "workflow" / "scripts")}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1].startswith("refused"), done.stdout
    assert not (tmp_path / "planted").exists()


@pytest.mark.parametrize(
    ("source", "target", "identifier", "says"),
    [
        ("de", "en", f"{EUROPARL}g", f"is not a data set that mtdata knows; similar ids: {EUROPARL}"),
        ("de", "en", "statmt-Europarl-v10-deu-eng", f"similar ids: {EUROPARL}"),
        ("de", "en", "nonsense", "'nonsense' is not a data set that mtdata knows; no id is similar"),
        ("cs", "en", EUROPARL, "is not of ces-eng; similar ids: Statmt-europarl-10-ces-eng"),
        ("qx", "en", EUROPARL, "languages: mtdata does not know qx or en"),
        ("de", "en", "Statmt-europarl-9-deu-eng", "(HTTP status 404)"),
    ],
)
def test_refusals(
    refusal: Callable[..., str],
    network: dict[str, str],
    source: str,
    target: str,
    identifier: str,
    says: str,
) -> None:
    assert says in refusal(SCRIPT, *request(source, target, identifier), **network)


def test_no_network(refusal: Callable[..., str], network: dict[str, str]) -> None:
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    said = refusal(SCRIPT, *request("de", "en", EUROPARL), **{**network, **nowhere})
    assert said.startswith(f"{EUROPARL}: cannot download http://www.statmt.org/")
    assert "no network" in said


def test_an_empty_data_set(refusal: Callable[..., str], network: dict[str, str]) -> None:
    name, content = "europarl-v10.de-en.tsv.gz", gzip.compress(b"")
    Corpora.texts[name] = content
    pin = ("--sha256", name, hashlib.sha256(content).hexdigest())
    said = refusal(SCRIPT, *request("de", "en", EUROPARL), *pin, **network)
    assert said == f"corpus.mtdata.train: no pairs in {EUROPARL}"
