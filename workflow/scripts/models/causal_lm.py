"""A causal language model and its tokenizer from a folder, checked before anything is computed with it.

Nothing here asks the network, runs code of a model, or reads a pickle.
"""

from __future__ import annotations

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
from workbench.files import file_digest, is_disk_full

log = logging.getLogger(__name__)

PACKAGES = ("torch", "transformers", "peft", "accelerate")  # what trains
ADAPTER = "adapter_config.json"
# Of a model's folder, what its tokenizer is made of ...
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
# ... and what else makes the model.
MODEL_FILES = ("config.json", "generation_config.json", "*.safetensors", "*.safetensors.index.json")
_INSTALL = "install it: .venv/bin/pip install -r requirements/finetune.txt"


def extra(package: str) -> ModuleType:
    """A package of the extra for fine-tuning.

    Raises:
        UserError: it is not installed.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise UserError(f"learners of kind local need the package {package} ({error}); {_INSTALL}") from error
    if package == "transformers":
        module.utils.logging.disable_progress_bar()
    return module


def set_threads(threads: int) -> None:
    """Compute with so many CPU threads; to be called before torch is imported."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    import torch

    torch.set_num_threads(threads)


def device_of(settings_device: str) -> str:
    """What torch calls the device ``cpu`` or ``gpu``; a GPU is taken.

    Raises:
        UserError: there is no GPU.
    """
    if settings_device == "cpu":
        return "cpu"
    take_gpus(1)
    return "cuda"


def settled_precision(precision: str, device: str) -> str:
    """``float32``, ``bf16`` or ``fp16``; ``auto`` is bf16 on a GPU that computes in it, else float32.

    Raises:
        UserError: the device does not compute in it.
    """
    import torch

    has_bf16 = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    if precision == "auto":
        return "bf16" if has_bf16 else "float32"
    if precision == "fp16" and device == "cpu":
        raise UserError("precision: fp16 needs a GPU; take auto, bf16 or float32")
    if precision == "bf16" and device == "cuda" and not has_bf16:
        raise UserError("precision: this GPU does not compute in bf16; take auto, fp16 or float32")
    return precision


def dtype_of(precision: str) -> Any:
    """torch's type of a settled precision."""
    import torch

    return {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def folder_digest(folder: Path | None) -> str | None:
    """SHA-256 over names and content of the files that make a model, an adapter or a tokenizer; None for no folder."""
    if folder is None:
        return None
    patterns = (*MODEL_FILES, *TOKENIZER_FILES, ADAPTER)
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in folder.glob(pattern)}):
        digest.update(f"{path.name}\0{file_digest(path)}\n".encode())
    return digest.hexdigest()


def check_base(folder: Path) -> Any:
    """The configuration of the causal language model in a folder, which has its weights.

    Raises:
        UserError: the folder holds none that can be loaded.
    """
    config = check_config(folder)
    if not list(folder.glob("*.safetensors")):
        found = " (it has pickled ones, which are not read: convert them)" if list(folder.glob("*.bin")) else ""
        raise UserError(f"{folder}: no weights in the safetensors format{found}")
    return config


def check_config(folder: Path) -> Any:
    """The configuration of the causal language model in a folder.

    Raises:
        UserError: there is none, or it is another kind of model.
    """
    transformers = extra("transformers")
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    if not folder.is_dir():
        raise UserError(
            f"{folder}: no such folder; `base` is a folder with a model of Hugging Face or a name at its hub"
        )
    if not (folder / "config.json").is_file():
        why = "it holds an adapter; give the model that it belongs to" if (folder / ADAPTER).is_file() else _WANTED
        raise UserError(f"{folder}: no config.json, so no model: {why}")
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (ValueError, OSError, KeyError) as error:
        log.warning("%s: %s", folder, error)
        raise UserError(
            f"{folder}: transformers {transformers.__version__} does not know this architecture or cannot read its "
            f"config.json, and code of a model is never run: {_first_line(error)}"
        ) from error
    named = list(config.architectures or [])
    causal = set(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values())
    is_causal = named[0] in causal if named else config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    if config.is_encoder_decoder or not is_causal:
        raise UserError(
            f"{folder}: {named[0] if named else config.model_type} is no causal language model (one that goes on with "
            "a text, such as LlamaForCausalLM); encoder-decoder, masked and multimodal models cannot be learners"
        )
    return config


_WANTED = "wanted are config.json, the tokenizer's files and *.safetensors"


def positions(config: Any) -> float:
    """How many tokens a model reads at most; infinite where it has no limit."""
    return getattr(config.get_text_config(), "max_position_embeddings", None) or float("inf")


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer in a model's folder.

    Raises:
        UserError: there is none, or it knows no end of a text.
    """
    transformers = extra("transformers")
    if not any(path.suffix for pattern in TOKENIZER_FILES for path in folder.glob(pattern)):
        raise UserError(f"{folder}: no tokenizer beside the model; {_WANTED}")
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # of whatever library the tokenizer is from
        log.warning("%s: %s", folder, error)
        raise UserError(f"{folder}: the tokenizer cannot be loaded: {_first_line(error)}") from error
    if tokenizer.eos_token_id is None:
        raise UserError(
            f"{folder}: the tokenizer has no end token (eos_token in tokenizer_config.json): a model could not learn "
            "where a translation ends"
        )
    return tokenizer


def load_model(folder: Path, dtype: Any) -> Any:
    """The causal language model in a folder, on the CPU, ready to compute with, not to train.

    Its settings of generation are cut down to the end tokens: the workbench decodes by its own, and transformers
    refuses to save some models' own.

    Raises:
        UserError: as :func:`check_base`, or the weights are damaged or not all there.
    """
    transformers = extra("transformers")
    check_base(folder)
    try:
        model, loaded = transformers.AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:  # of safetensors, torch or transformers
        if isinstance(error, MemoryError):
            raise
        log.warning("%s: %s", folder, error)
        raise UserError(f"{folder}: the model cannot be loaded: {_first_line(error)}") from error
    if loaded["missing_keys"]:
        missing = sorted(loaded["missing_keys"])
        raise UserError(f"{folder}: the weights lack {len(missing):,} tensors of the model, the first is {missing[0]}")
    ends = model.generation_config.eos_token_id
    model.generation_config = transformers.GenerationConfig(eos_token_id=ends)
    return model.eval()


def check_adapter(folder: Path) -> None:
    """See that a folder holds a LoRA adapter.

    Raises:
        UserError: it does not.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; a fine-tuned model is a folder that finetune_local wrote")
    if not (folder / ADAPTER).is_file():
        raise UserError(
            f"{folder}: no {ADAPTER}, so no LoRA adapter: a model that was fine-tuned as a whole needs none"
        )
    if not (folder / "adapter_model.safetensors").is_file():
        raise UserError(f"{folder}: no adapter_model.safetensors; pickled weights are not read")


def with_adapter(model: Any, folder: Path, trainable: bool = False) -> Any:
    """A model with a LoRA adapter on it.

    Raises:
        UserError: the adapter does not fit the model.
    """
    peft = extra("peft")
    check_adapter(folder)
    try:
        return peft.PeftModel.from_pretrained(model, str(folder), is_trainable=trainable)
    except Exception as error:  # of peft, safetensors or torch
        log.warning("%s: %s", folder, error)
        raise UserError(f"{folder}: the adapter does not fit the base model: {_first_line(error)}") from error


def open_tuned(base: Path, model: Path | None, dtype: Any) -> Any:
    """The model that translates: the base, the base with an adapter, or a model that was trained as a whole.

    Raises:
        UserError: one of them cannot be loaded.
    """
    if model is None:
        return load_model(base, dtype)
    if not model.is_dir():
        raise UserError(f"{model}: no such folder; a fine-tuned model is a folder that finetune_local wrote")
    if (model / ADAPTER).is_file():
        return with_adapter(load_model(base, dtype), model).eval()
    return load_model(model, dtype)


def copy_tokenizer(base: Path, folder: Path) -> None:
    """Put the files of a model's tokenizer into another folder, as they are."""
    for path in {path for pattern in TOKENIZER_FILES for path in base.glob(pattern)}:
        shutil.copyfile(path, folder / path.name)


def save_whole(model: Any, base: Path, folder: Path) -> None:
    """Write a whole model in safetensors, and the tokenizer of its base."""
    model.save_pretrained(folder)
    copy_tokenizer(base, folder)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn the ways in which torch and safetensors say that the disk is full into one line.

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


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
