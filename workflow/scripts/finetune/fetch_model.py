"""Download a language model from the Hugging Face hub: configuration, tokenizer and safetensors, nothing that is code.

``HF_ENDPOINT`` names another hub and ``HF_TOKEN`` holds the key to gated models, as that hub documents. Files that have
arrived are kept when a download breaks off, and the next one goes on with the others.
"""

from __future__ import annotations

import argparse
import fnmatch
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.causal_lm import TOKENIZER_FILES, check_config, writing_to
from workbench.cli import UserError, progress, run_script, say, script_parser
from workbench.files import file_digest, sync_folder, write_json

log = logging.getLogger(__name__)

WEIGHTS = ("model.safetensors", "model-*.safetensors")
WANTED = ("config.json", "generation_config.json", "model.safetensors.index.json", *WEIGHTS, *TOKENIZER_FILES)


def main(arguments: argparse.Namespace) -> None:
    """Download the model, and record which commit it is."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    hub = _hub()
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of every request
    name, revision = arguments.model, arguments.revision
    part = arguments.output.parent / f".{arguments.output.name}.part"
    with _explained(name, revision), writing_to(arguments.output.parent):
        info = hub.HfApi().model_info(name, revision=revision, files_metadata=True)
        files = _wanted(info.siblings, name)
        _demand_disk(files, part)
        say(f"{name} at {info.sha}: {len(files)} files, {sum(file.size or 0 for file in files) / 1e9:,.2f} GB")
        for file in progress(files, len(files), "files"):
            _fetch(hub, name, info.sha, file, part)
            if file.rfilename == "config.json":
                check_config(part)
        _tidy(part, {file.rfilename for file in files})
        sync_folder(part)
        if arguments.output.exists():
            shutil.rmtree(arguments.output)
        part.replace(arguments.output)
        write_json(arguments.record, {"model": name, "revision": revision, "commit": info.sha})
    say(f"{name} is in {arguments.output}")


def _hub() -> Any:
    """The package ``huggingface_hub``.

    Raises:
        UserError: it is not installed.
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise UserError(
            f"a model from the hub needs the package huggingface_hub ({error}); install it: "
            ".venv/bin/pip install -r requirements/finetune.txt"
        ) from error
    return huggingface_hub


def _wanted(files: Sequence[Any], name: str) -> list[Any]:
    """Of a model's files those that are wanted, the configuration first, weights last.

    Raises:
        UserError: there are no configuration or no weights among them.
    """
    found = [file for file in files if any(fnmatch.fnmatchcase(file.rfilename, pattern) for pattern in WANTED)]
    names = {file.rfilename for file in found}
    if "config.json" not in names:
        raise UserError(f"{name}: no config.json, so no model of transformers; adapters and GGUF files are none")
    if not any(fnmatch.fnmatchcase(file, pattern) for file in names for pattern in WEIGHTS):
        raise UserError(
            f"{name}: no weights in the safetensors format; pickled ones are not read. Look for a revision "
            "that has them"
        )
    return sorted(found, key=lambda file: (file.rfilename != "config.json", file.size or 0, file.rfilename))


def _demand_disk(files: Sequence[Any], part: Path) -> None:
    """See that the disk holds what has not arrived yet.

    Raises:
        UserError: it does not.
    """
    part.mkdir(parents=True, exist_ok=True)
    for left in part.rglob("*.incomplete"):  # a killed download's, which the hub's package does not go on with
        left.unlink()
    needed = sum(file.size or 0 for file in files if not (part / file.rfilename).is_file())
    free = shutil.disk_usage(part).free
    if free < needed:
        raise UserError(f"{part.parent}: the model needs {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free")


def _fetch(hub: Any, name: str, commit: str, file: Any, part: Path) -> None:
    """Download a file that has not arrived yet, and compare its digest where the hub tells one.

    Raises:
        UserError: the digest is another.
    """
    path = Path(hub.hf_hub_download(name, file.rfilename, revision=commit, local_dir=part))
    if file.lfs and file_digest(path) != file.lfs.sha256:
        path.unlink()
        raise UserError(f"{name}: {file.rfilename} arrived damaged (its SHA-256 is another); run again")


def _tidy(part: Path, names: set[str]) -> None:
    """Remove what the hub's package keeps for itself and files of another model that was to come here before."""
    for path in part.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in names:
            path.unlink()


@contextmanager
def _explained(name: str, revision: str) -> Iterator[None]:
    """Say of the hub's refusals what a person can do.

    Raises:
        UserError: the hub refuses, or is not reached.
    """
    import httpx2
    from huggingface_hub import errors

    where = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    try:
        yield
    except errors.GatedRepoError as error:
        log.warning("%r", error)
        raise UserError(
            f"{name} is gated: accept its conditions at {where}/{name}, and set HF_TOKEN to a token of that account"
        ) from error
    except errors.RepositoryNotFoundError as error:
        log.warning("%r", error)
        raise UserError(
            f"base: {where} has no model {name!r} (or it is private: set HF_TOKEN); a name is "
            "OWNER/MODEL, a folder a path"
        ) from error
    except errors.RevisionNotFoundError as error:
        log.warning("%r", error)
        raise UserError(f"{name} has no revision {revision!r}; give a branch, a tag or a commit") from error
    except errors.HFValidationError as error:
        raise UserError(f"base: {name!r} is no name of a model at the hub: {error}") from error
    except errors.OfflineModeIsEnabled as error:
        raise UserError(
            f"{name} is to be downloaded, but HF_HUB_OFFLINE is set: unset it, or give the folder of a model as base"
        ) from error
    except errors.HfHubHTTPError as error:
        log.warning("%r", error)
        raise UserError(
            f"{name}: {where} answers {error.response.status_code}; try again later, see the log"
        ) from error
    except (httpx2.TransportError, ConnectionError, errors.LocalEntryNotFoundError, errors.FileMetadataError) as error:
        log.warning("%r", error)
        raise UserError(
            f"{name}: {where} is not reached or broke off; try again (what has arrived is kept), set HF_ENDPOINT to "
            "a mirror, or give the folder of a model as base"
        ) from error


def parser() -> argparse.ArgumentParser:
    """The script's command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--model", required=True, help="name at the hub, OWNER/MODEL")
    parser.add_argument("--revision", default="main", help="branch, tag or commit (main)")
    parser.add_argument("--output", type=Path, required=True, help="folder of the model to write")
    parser.add_argument("--record", type=Path, required=True, help="JSON to write: model, revision, commit")
    return parser


if __name__ == "__main__":
    run_script(parser(), main)
