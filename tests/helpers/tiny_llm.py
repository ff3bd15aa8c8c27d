"""A causal language model that is small enough to fine-tune in seconds, made from scratch: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

CHAT = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|pad|>", "<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]


def tiny_llm(
    folder: Path,
    texts: Iterable[str],
    chat: bool = True,
    family: str = "llama",
    width: int = 64,
    layers: int = 2,
    heads: int = 4,
    vocabulary: int = 400,
) -> Path:
    """Write an untrained model and its tokenizer, and return their folder.

    Args:
        folder: where to.
        texts: what the tokenizer learns its pieces from.
        chat: whether the tokenizer has a chat template.
        family: ``llama`` or ``gpt2``.
        width: of the model.
        layers: of the model.
        heads: of its attention; Llama's keys and values have half as many.
        vocabulary: pieces of the tokenizer at most.
    """
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    tokenizer = tiny_tokenizer(texts, chat, vocabulary)
    sizes = {"vocab_size": len(tokenizer), "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    torch.manual_seed(1)
    if family == "llama":
        config = LlamaConfig(
            **sizes,
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            num_key_value_heads=heads // 2,
            max_position_embeddings=512,
        )
        model = LlamaForCausalLM(config)
    else:
        model = GPT2LMHeadModel(GPT2Config(**sizes, n_embd=width, n_layer=layers, n_head=heads, n_positions=512))
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_tokenizer(texts: Iterable[str], chat: bool, vocabulary: int = 400) -> Any:
    """A byte-level BPE tokenizer with so many pieces at most."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<|pad|>", bos_token="<|begin|>", eos_token="<|end|>"
    )
    if chat:
        fast.chat_template = CHAT
    return fast
