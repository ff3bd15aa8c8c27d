"""Turn a source into the tokens that a language model reads, and a target into those that it should write.

Training and decoding use the same prompts as the generators (:mod:`llm.prompts`).
"""

import argparse
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from llm.prompts import Templates
from workbench.cli import UserError, add_repeatable, say

log = logging.getLogger(__name__)

ROLES = ("prompt", "system")
Tokens = list[int]


def add_prompt_argument(parser: argparse.ArgumentParser) -> None:
    """Let a command line name the files of prompt templates."""
    about = "template of the prompt (ROLE prompt) or of the system prompt (system)"
    add_repeatable(parser, "--prompt", ("ROLE", "PATH"), about)


def read_templates(files: Sequence[Sequence[str]], languages: Mapping[str, str]) -> Templates:
    """The templates of a learner.

    Args:
        files: pairs of a role, ``prompt`` or ``system``, and the path of its template.
        languages: the codes of ``source`` and ``target``.

    Raises:
        UserError: a role is unknown, ``prompt`` is missing, or a template does not suit its role.
    """
    paths = {role: Path(path) for role, path in files}
    if unknown := paths.keys() - set(ROLES):
        raise UserError(f"--prompt {min(unknown)}: no such role; there are {' and '.join(ROLES)}")
    if "prompt" not in paths:
        raise UserError("--prompt: the role `prompt` is missing, the template of the user's message")
    return Templates(paths, languages)


class Prompter:
    """Turns text into a model's tokens.

    If the tokenizer has a chat template, the prompt is a chat: the system prompt, the user's message, and the beginning
    of the model's answer. Otherwise it is the text of both and a line break. The completion is the target and the
    tokenizer's end token.

    Args:
        tokenizer: a tokenizer of transformers, with an end token.
        templates: the learner's.

    Raises:
        UserError: the chat template cannot be used.
    """

    def __init__(self, tokenizer: Any, templates: Templates) -> None:
        self._tokenizer = tokenizer
        self._templates = templates
        self._has_chat = bool(getattr(tokenizer, "chat_template", None))
        self._knows_system = True
        if self._has_chat:
            self._try_chat()

    def prompt(self, source: str) -> Tokens:
        """The tokens that the model reads for a source; what it writes follows them."""
        user, system = self._templates.user(source), self._templates.system
        if self._has_chat:
            return self._encode(self._chat(user), special=False)
        tokens = self._encode(f"{system}\n\n{user}\n" if system else f"{user}\n", special=True)
        # Some tokenizers end every text.
        return tokens[:-1] if tokens[-1:] == [self._tokenizer.eos_token_id] else tokens

    def completion(self, target: str) -> Tokens:
        """The tokens that the model should write for a target, including the end token."""
        return [*self.text(target), self._tokenizer.eos_token_id]

    def text(self, text: str) -> Tokens:
        """The tokens of a text without anything else."""
        return self._encode(text, special=False)

    def _encode(self, text: str, special: bool) -> Tokens:
        return list(self._tokenizer(text, add_special_tokens=special).input_ids)

    def _chat(self, user: str) -> str:
        """The chat before the model's answer, as text."""
        system = self._templates.system
        messages = [{"role": "user", "content": user}]
        if system and self._knows_system:
            messages.insert(0, {"role": "system", "content": system})
        elif system:
            messages[0]["content"] = f"{system}\n\n{user}"
        return str(self._tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))

    def _try_chat(self) -> None:
        """Try the chat template, which is a program and may refuse a chat.

        Raises:
            UserError: it refuses even a chat without a system prompt.
        """
        try:
            self._chat("text")
            return
        except Exception as error:  # templates can raise anything
            if not (self._templates.system and self._knows_system):
                why = f"{type(error).__name__}: {error}"
                raise UserError(f"the chat template of the model's tokenizer cannot be used: {why}") from error
            log.info("the chat template refuses a system prompt: %s", error)
        self._knows_system = False
        self._try_chat()
        say("the model's chat template has no system prompt: it is put before the user's message")
