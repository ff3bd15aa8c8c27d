"""Download one release of a package by name and version with pip, which checks its hash first.

pip is used instead of a URL because people configure mirrors, proxies and caches for it. Nothing is installed, and no
code of a wheel runs. For a source archive, pip asks the build system for the package's metadata even with ``--no-deps``
(pypa/pip#1884). It does so after checking the hash, and without build isolation: build requirements, which no hash
covers, are neither downloaded nor run.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from workbench.cli import UserError, run_script, say, script_parser
from workbench.files import atomic_path

_NO_NETWORK = re.compile(
    r"NewConnectionError|ConnectTimeout|ReadTimeout|NameResolutionError|ProxyError|SSLError"
    r"|Max retries exceeded|Temporary failure in name resolution|Connection (?:refused|reset)"
    r"|connection broken by|Read timed out|Could not fetch URL|not a trusted or secure host"
)


def explain_failure(requirement: str, output: str) -> str:
    """Explain in one line why pip failed.

    Args:
        requirement: ``name==version``.
        output: what pip printed.
    """
    if "DO NOT MATCH THE HASHES" in output:
        got = re.search(r"Got\s+([0-9a-f]{64})", output)
        return (
            f"{requirement}: wrong hash: the file has sha256 {got[1] if got else 'unknown'}, which the list of "
            "releases does not allow: damaged, forged, or another file of this version"
        )
    if "No space left on device" in output:
        return f"{requirement}: the disk is full"
    if "No module named pip" in output:
        return f"{requirement}: {sys.executable} has no pip; install it, for instance with ensurepip"
    if _NO_NETWORK.search(output):
        return (
            f"{requirement}: pip cannot reach its package index: no network, or it needs a mirror, a proxy or a "
            "certificate (pip's settings index-url, proxy and cert)"
        )
    versions = re.findall(r"\(from versions: (.*?)\)\s*$", output, re.MULTILINE)
    if versions:
        known = [] if versions[0] == "none" else versions[0].split(", ")
        offered = f"it offers {', '.join(known[-5:])}" if known else "it knows no release of that name"
        return f"{requirement}: not on the package index that pip uses; {offered}"
    errors = [line for line in output.splitlines() if re.match(r"\s*(ERROR|error)\b", line)]
    return f"{requirement}: pip failed: {errors[0].strip() if errors else 'see the log'}"


def fetch(requirement: str, hashes: list[str], output: Path) -> None:
    """Download the file of ``requirement`` (``name==version``) to ``output``.

    Raises:
        UserError: pip cannot download it, or the file has none of ``hashes`` (SHA-256, hexadecimal).
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as name:
        folder = Path(name)
        requirements = folder / "requirements.txt"
        allowed = " ".join(f"--hash=sha256:{digest}" for digest in hashes)
        requirements.write_text(f"{requirement} {allowed}\n", encoding="utf-8")
        options = ("--no-input", "--disable-pip-version-check", "--progress-bar", "off", "--ignore-requires-python")
        checks = ("--no-deps", "--require-hashes", "--no-build-isolation")
        # pip runs the setup.py of a source archive to learn its name. Many import the package next to them, which the
        # safe path of our own scripts would prevent.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
        environment.setdefault("PIP_RETRIES", "1")  # unless the user says otherwise: report a missing network soon
        files = ("--requirement", requirements, "--dest", folder / "files")
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, *checks, *files],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        print(done.stdout, flush=True)
        if done.returncode:
            raise UserError(explain_failure(requirement, done.stdout))
        (archive,) = (folder / "files").iterdir()
        with atomic_path(output) as temporary:
            archive.replace(temporary)
        say(f"{requirement}: {output.stat().st_size / 1e6:.1f} MB ({archive.name})")


def main(arguments: argparse.Namespace) -> None:
    """Download the release."""
    fetch(arguments.requirement, arguments.sha256, arguments.output)


PARSER = script_parser(__doc__)
PARSER.add_argument("--requirement", required=True, help="name==version")
PARSER.add_argument("--sha256", required=True, action="append", help="hash of an allowed file; repeatable")
PARSER.add_argument("--output", required=True, type=Path, help="the file to write")


if __name__ == "__main__":
    run_script(PARSER, main)
