"""Load a causal language model and its tokenizer from a folder, checked before anything is computed with it.

Nothing here asks the network, runs code of a model, or reads a pickle.
"""

import hashlib
import importlib
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from models.devices import take_gpus
from workbench.cli import UserError
from workbench.files import checked, file_digest, is_disk_full

log = logging.getLogger(__name__)

TRAINING_PACKAGES = ("torch", "transformers", "peft", "accelerate")
ADAPTER = "adapter_config.json"
# The files of a model's folder that make up its tokenizer ...
TOKENIZER_FILES = (
    "tokenizer*.json",
    "tokenizer*.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.tiktoken",
    "spiece.model",
    "sentencepiece*.model",
    "chat_template.*",
)
# ... and the rest of the model.
MODEL_FILES = ("config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json")
_EXPECTED = "expected are config.json, the tokenizer's files and *.safetensors"


def import_offline(package: str) -> ModuleType:
    """Import a package of the extra for fine-tuning and keep it from asking the network.

    Raises:
        UserError: it is not installed.
    """
    os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    module = import_extra(package, "learners of kind local need")
    if package == "transformers":
        module.utils.logging.disable_progress_bar()
    return module


def import_extra(package: str, needed_by: str) -> ModuleType:
    """Import a package of the extra for fine-tuning, without the telemetry and progress bars of the hub's package.

    Raises:
        UserError: it is not installed; the message begins with ``needed_by``.
    """
    os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise UserError(
            f"{needed_by} the package {package} ({error}); "
            "install it: .venv/bin/pip install -r requirements/finetune.txt"
        ) from error


def set_threads(threads: int) -> None:
    """Compute with ``threads`` CPU threads; must be called before torch is imported."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import torch

    torch.set_num_threads(threads)


def torch_device(device: str) -> str:
    """Return torch's name of the device ``cpu`` or ``gpu``, and reserve a GPU for ``gpu``.

    Raises:
        UserError: there is no GPU.
    """
    if device == "cpu":
        return "cpu"
    take_gpus(1)
    return "cuda"


def resolve_precision(precision: str, device: str) -> str:
    """Return ``float32``, ``bf16`` or ``fp16``; ``auto`` is bf16 on a GPU that supports it and float32 elsewhere.

    Raises:
        UserError: the device does not support it.
    """
    import torch

    has_bf16 = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "auto":
        return "bf16" if has_bf16 else "float32"
    if precision == "fp16" and device == "cpu":
        raise UserError("precision: fp16 needs a GPU; use auto, bf16 or float32")
    if precision == "bf16" and device == "cuda" and not has_bf16:
        raise UserError("precision: this GPU does not support bf16; use auto, fp16 or float32")
    return precision


def torch_dtype(precision: str) -> Any:
    """Return torch's type of a resolved precision."""
    import torch

    return {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def folder_digest(folder: Path | None) -> str | None:
    """SHA-256 over names and content of the files of a model, an adapter or a tokenizer; None without a folder."""
    if folder is None:
        return None
    digest = hashlib.sha256()
    for path in _matching_files(folder, *MODEL_FILES, *TOKENIZER_FILES, ADAPTER):
        digest.update(f"{path.name}\0{file_digest(path)}\n".encode())
    return digest.hexdigest()


def _matching_files(folder: Path, *patterns: str) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def check_base(folder: Path, has_weights: bool = True) -> Any:
    """Load the configuration of the causal language model in a folder, which ``has_weights`` that can be loaded.

    Raises:
        UserError: there is none, it is another kind of model, or its weights are missing.
    """
    transformers = import_offline("transformers")
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder; `base` is a folder with a Hugging Face model or a name on the Hugging Face hub"
        )
    if not (folder / "config.json").is_file():
        why = "it holds an adapter; give the model that it belongs to" if (folder / ADAPTER).is_file() else _EXPECTED
        raise UserError(f"{folder}: there is no config.json, so this is not a model: {why}")
    unreadable = (
        f"{folder}: transformers {transformers.__version__} does not know this architecture or cannot read its "
        "config.json, and code of a model is never run"
    )
    with explained(unreadable, ValueError, OSError, KeyError):
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    named = list(config.architectures or [])
    causal = set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values())
    is_causal = named[0] in causal if named else config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    if config.is_encoder_decoder or not is_causal:
        raise UserError(
            f"{folder}: {named[0] if named else config.model_type} is not a causal language model (one that "
            "continues a text, such as LlamaForCausalLM); encoder-decoder, masked and multimodal models cannot be "
            "learners"
        )
    if has_weights and not list(folder.glob("*.safetensors")):
        found = " (it has pickled ones, which are not read: convert them)" if list(folder.glob("*.bin")) else ""
        raise UserError(f"{folder}: no weights in the safetensors format{found}")
    return config


def max_positions(config: Any) -> float:
    """Most tokens that a model reads; infinite if it has no limit."""
    return getattr(config.get_text_config(), "max_position_embeddings", None) or float("inf")


def load_tokenizer(folder: Path) -> Any:
    """Load the tokenizer in a model's folder.

    Raises:
        UserError: there is none, or it has no end token.
    """
    transformers = import_offline("transformers")
    if not _matching_files(folder, *TOKENIZER_FILES):
        raise UserError(f"{folder}: no tokenizer next to the model; {_EXPECTED}")
    with explained(f"{folder}: the tokenizer cannot be loaded"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"{folder}: the tokenizer has no end token (eos_token in tokenizer_config.json): a model could not learn "
            "where a translation ends"
        )
    return tokenizer


def load_model(folder: Path, dtype: Any) -> Any:
    """Load the causal language model in a folder, on the CPU and in evaluation mode.

    Only the end tokens of its generation settings are kept: the workbench decodes with its own settings, and
    transformers refuses to save those of some models.

    Raises:
        UserError: as :func:`check_base`, or the weights are damaged or incomplete.
    """
    transformers = import_offline("transformers")
    check_base(folder)
    with explained(f"{folder}: the model cannot be loaded"):
        model, loaded = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    if loaded["missing_keys"]:
        missing = sorted(loaded["missing_keys"])
        raise UserError(f"{folder}: the weights lack {len(missing):,} tensors of the model, the first is {missing[0]}")
    ends = model.generation_config.eos_token_id
    model.generation_config = transformers.GenerationConfig(eos_token_id=ends)
    return model.eval()


def check_adapter(folder: Path) -> None:
    """Check that a folder holds a LoRA adapter.

    Raises:
        UserError: it does not.
    """
    _check_finetuned(folder)
    if not (folder / ADAPTER).is_file():
        raise UserError(
            f"{folder}: no {ADAPTER}, so no LoRA adapter: a model that was fine-tuned as a whole needs none"
        )
    if not (folder / "adapter_model.safetensors").is_file():
        raise UserError(f"{folder}: no adapter_model.safetensors; pickled weights are not read")


def add_adapter(model: Any, folder: Path, trainable: bool = False) -> Any:
    """Add the LoRA adapter in a folder to a model.

    Raises:
        UserError: the adapter does not fit the model.
    """
    peft = import_offline("peft")
    check_adapter(folder)
    with explained(f"{folder}: the adapter does not fit the base model"):
        return peft.PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)


def load_finetuned(base: Path, model: Path | None, dtype: Any) -> Any:
    """Load the model that translates: the base, the base with an adapter, or a model that was trained as a whole.

    Raises:
        UserError: one of them cannot be loaded.
    """
    if model is None:
        return load_model(base, dtype)
    _check_finetuned(model)
    if (model / ADAPTER).is_file():
        return add_adapter(load_model(base, dtype), model).eval()
    return load_model(model, dtype)


def _check_finetuned(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; a fine-tuned model is a folder that finetune_local wrote")
    checked(folder)


def save_whole(model: Any, base: Path, folder: Path) -> None:
    """Write a whole model in safetensors, with the tokenizer files of its base as they are."""
    model.save_pretrained(folder)
    for path in _matching_files(base, *TOKENIZER_FILES):
        shutil.copyfile(path, folder / path.name)


def check_disk(folder: Path, size: int, what: str, advice: str = "make room") -> None:
    """Check that the disk of ``folder`` has room for ``size`` bytes of ``what``.

    Raises:
        UserError: it has not; the message ends with ``advice``.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise UserError(
            f"{folder}: {what} need {size / 1e9:,.1f} GB of the disk and {free / 1e9:,.1f} GB are free: {advice}"
        )


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn the errors with which torch and safetensors report a full disk into one line.

    Raises:
        UserError: the disk is full.
    """
    try:
        yield
    except Exception as error:
        if not is_disk_full(error):
            raise
        log.warning("%s: %s", folder, error)
        raise UserError(f"{folder}: the disk is full; make room and run again") from error


@contextmanager
def explained(problem: str, *errors: type[Exception]) -> Iterator[None]:
    """Log an error (default: any but a full memory) and explain it with ``problem`` and its first line.

    Raises:
        UserError: there was such an error.
    """
    try:
        yield
    except Exception as error:  # whatever the model's libraries raise
        if isinstance(error, MemoryError) or not isinstance(error, errors or Exception):
            raise
        log.warning("%s: %s", problem, error)
        first_line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UserError(f"{problem}: {first_line}") from error
