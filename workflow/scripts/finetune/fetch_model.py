"""Download a language model from the Hugging Face hub: configuration, tokenizer and safetensors, but no code.

``HF_ENDPOINT`` names another hub and ``HF_TOKEN`` holds the key to gated models, as that hub documents. If a download
breaks off, complete files are kept, and the next download fetches the others.
"""

import argparse
import fnmatch
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from models.causal_lm import TOKENIZER_FILES, check_base, check_disk, import_extra, writing_to
from workbench.cli import UserError, progress, run_script, say, script_parser
from workbench.files import file_digest, sync_folder, write_json

log = logging.getLogger(__name__)

WEIGHTS = ("model.safetensors", "model-*.safetensors")
WANTED = ("config.json", "generation_config.json", "model.safetensors.index.json", *WEIGHTS, *TOKENIZER_FILES)


def main(arguments: argparse.Namespace) -> None:
    """Download the model and record its commit."""
    hub: Any = import_extra("huggingface_hub", "models from the hub need")
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs every request
    name, revision = arguments.model, arguments.revision
    part = arguments.output.parent / f".{arguments.output.name}.part"
    with _explained(name, revision), writing_to(arguments.output.parent):
        info = hub.HfApi().model_info(name, revision=revision, files_metadata=True)
        files = _wanted(info.siblings, name)
        _prepare_disk(files, part)
        say(f"{name} at {info.sha}: {len(files)} files, {sum(file.size or 0 for file in files) / 1e9:,.2f} GB")
        for file in progress(files, len(files), "files"):
            _fetch(hub, name, info.sha, file, part)
            if file.rfilename == "config.json":
                check_base(part, has_weights=False)
        _tidy(part, {file.rfilename for file in files})
        sync_folder(part)
        if arguments.output.exists():
            shutil.rmtree(arguments.output)
        part.replace(arguments.output)
        write_json(arguments.record, {"model": name, "revision": revision, "commit": info.sha})
    say(f"{name} is in {arguments.output}")


def _wanted(files: Sequence[Any], name: str) -> list[Any]:
    """Return the files to download: the configuration first, weights last.

    Raises:
        UserError: the configuration or the weights are missing.
    """
    found = [file for file in files if any(fnmatch.fnmatchcase(file.rfilename, pattern) for pattern in WANTED)]
    names = {file.rfilename for file in found}
    if "config.json" not in names:
        raise UserError(f"{name}: no config.json, so no transformers model; adapters and GGUF files are not models")
    if not any(fnmatch.fnmatchcase(file, pattern) for file in names for pattern in WEIGHTS):
        raise UserError(
            f"{name}: no weights in the safetensors format; pickled ones are not read. Look for a revision "
            "that has them"
        )
    return sorted(found, key=lambda file: (file.rfilename != "config.json", file.size or 0, file.rfilename))


def _prepare_disk(files: Sequence[Any], part: Path) -> None:
    """Make the folder of a download, and check that the disk has room for what has not arrived yet.

    Raises:
        UserError: it has not.
    """
    part.mkdir(parents=True, exist_ok=True)
    for left in part.rglob("*.incomplete"):  # of a killed download; the hub's package does not resume it
        left.unlink()
    needed = sum(file.size or 0 for file in files if not (part / file.rfilename).is_file())
    check_disk(part.parent, needed, "the files of the model")


def _fetch(hub: Any, name: str, commit: str, file: Any, part: Path) -> None:
    """Download a file that has not arrived yet, and compare its digest if the hub gives one.

    Raises:
        UserError: the digest differs.
    """
    path = Path(hub.hf_hub_download(name, file.rfilename, revision=commit, local_dir=part))
    if file.lfs and file_digest(path) != file.lfs.sha256:
        path.unlink()
        raise UserError(f"{name}: {file.rfilename} arrived damaged (its SHA-256 differs); run again")


def _tidy(part: Path, names: set[str]) -> None:
    """Remove the cache of the hub's package and files of another model that was downloaded here before."""
    for path in part.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in names:
            path.unlink()


@contextmanager
def _explained(name: str, revision: str) -> Iterator[None]:
    """Explain the hub's errors and what a person can do.

    Raises:
        UserError: the hub refuses or cannot be reached.
    """
    import httpx2
    from huggingface_hub import errors

    hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    unreachable = (
        f"{name}: {hub} cannot be reached or broke off; try again (what has arrived is kept), set HF_ENDPOINT to a "
        "mirror, or give the folder of a model as base"
    )
    # The first class that fits counts: some are subclasses of later ones.
    messages: dict[type[Exception], str] = {
        errors.GatedRepoError: f"{name} is gated: accept its conditions at {hub}/{name}, and set HF_TOKEN to a token "
        "of that account",
        errors.RepositoryNotFoundError: f"base: {hub} has no model {name!r} (or it is private: set HF_TOKEN); a name "
        "is OWNER/MODEL, a folder a path",
        errors.RevisionNotFoundError: f"{name} has no revision {revision!r}; give a branch, a tag or a commit",
        errors.HFValidationError: f"base: {name!r} is not the name of a model at the hub: {{error}}",
        errors.OfflineModeIsEnabled: f"{name} has to be downloaded, but HF_HUB_OFFLINE is set: unset it, or give the "
        "folder of a model as base",
        errors.HfHubHTTPError: f"{name}: {hub} answers {{error.response.status_code}}; try again later, see the log",
        httpx2.TransportError: unreachable,
        ConnectionError: unreachable,
        errors.LocalEntryNotFoundError: unreachable,
        errors.FileMetadataError: unreachable,
    }
    try:
        yield
    except tuple(messages) as error:
        log.warning("%r", error)
        message = next(message for kind, message in messages.items() if isinstance(error, kind))
        raise UserError(message.format(error=error)) from error


PARSER = script_parser(__doc__)
PARSER.add_argument("--model", required=True, help="name at the hub, OWNER/MODEL")
PARSER.add_argument("--revision", default="main", help="branch, tag or commit (main)")
PARSER.add_argument("--output", type=Path, required=True, help="folder of the model to write")
PARSER.add_argument("--record", type=Path, required=True, help="JSON to write: model, revision, commit")


if __name__ == "__main__":
    run_script(PARSER, main)
