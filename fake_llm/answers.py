"""Answer a prompt; the same for both protocols."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from fake_llm.faults import TEXT, unit
from fake_llm.judge import Judged, find_pair, rating
from fake_llm.quality import degraded
from fake_llm.source import Found, find_source
from fake_llm.state import State
from fake_llm.tokens import count, pieces

MESSAGE_OVERHEAD = 4  # tokens of a message in addition to its text
REFUSAL = "I'm sorry, but I can't help with that."
FRENCH = "Ceci n'est pas la traduction que vous avez demandée, mais une phrase écrite en français."


@dataclass
class Ask:
    """A request of either protocol: its texts, and what shapes its answer."""

    model: str
    system: str
    user: str
    max_tokens: int
    seed: object
    digest: bytes
    reasoning: int = 0

    @property
    def input_tokens(self) -> int:
        """Tokens of the prompt."""
        system = count(self.system) + MESSAGE_OVERHEAD if self.system else 0
        return system + len(pieces(self.user)) + MESSAGE_OVERHEAD


@dataclass
class Said:
    """What the model says: ``finish`` is stop, length, refusal or content_filter."""

    text: str
    finish: str
    tokens: list[str] = field(default_factory=list)
    reasoning: int = 0

    @property
    def output_tokens(self) -> int:
        """Tokens that are charged; never none."""
        return max(1, len(self.tokens) + self.reasoning)


async def say(state: State, ask: Ask, tries: int, key: str) -> Said:
    """What the model says to ``ask``, which came ``tries`` times before."""
    judged = find_pair(ask.user)
    found = Found("") if judged else find_source(ask.user)
    names = TEXT if found.several else [name for name in TEXT if name != "misaligned"]
    fault = state.faults.hit(names, ask.digest, tries)
    if fault:
        state.count_in(key, "faults", fault)
    if fault == "refusal":
        return Said(REFUSAL, "refusal", pieces(REFUSAL))
    if fault in ("content_filter", "empty"):
        return Said("", "content_filter" if fault == "content_filter" else "stop")
    text = await _text(state, ask, judged or found, fault)
    tokens = pieces(text)
    room = ask.max_tokens - ask.reasoning
    if fault == "length":
        room = min(room, len(tokens) // 2)
    if len(tokens) > room:
        tokens = tokens[: max(0, room)]
        return Said("".join(tokens), "length", tokens, min(ask.reasoning, ask.max_tokens))
    return Said(text, "stop", tokens, ask.reasoning)


async def _text(state: State, ask: Ask, found: Found | Judged, fault: str | None) -> str:
    """The translation or rating, changed by ``fault``."""
    if fault == "refusal_text":
        return REFUSAL
    if isinstance(found, Judged):
        text = await _rated(state, ask, found, fault)
    elif found.several is not None:
        several: dict[str, Any] = {
            name: await _translated(state, ask, source, fault) for name, source in found.several.items()
        }
        if '": ["' in ask.user.partition("\n\n{")[0]:  # the form of the answer
            several = {name: [found.several[name][:20], text] for name, text in several.items()}
        if fault == "misaligned":
            several.pop(sorted(several)[int(unit(ask.digest, "key") * len(several))])
        text = json.dumps(several, ensure_ascii=False)
    else:
        text = await _translated(state, ask, found.text, fault)
    if fault == "lead_in":
        return f"Here is the {'rating' if isinstance(found, Judged) else 'translation'}:\n\n{text}"
    if fault == "markdown":
        return f"```\n{text}\n```"
    if fault == "several_lines":
        return f"1. {text}\n2. {text} (more formal)\n\nNote: both are possible."
    if fault == "echo":
        return f"{ask.user}\n\n{text}"
    return text


async def _rated(state: State, ask: Ask, pair: Judged, fault: str | None) -> str:
    """The model's rating: how much the translation has in common with its own."""
    if fault == "copy":
        return pair.target
    if fault == "wrong_language":
        return FRENCH
    text = str(rating(pair.target, await _translated(state, ask, pair.source, None)))
    return f'"{text}"' if fault == "quotes" else text


async def _translated(state: State, ask: Ask, source: str, fault: str | None) -> str:
    """The model's translation of one source."""
    if fault == "copy":
        return source
    if fault == "wrong_language":
        return FRENCH
    tuned = state.tuned.get(ask.model)
    translator = (tuned.translator if tuned else None) or state.translator
    text = await translator.translate(source, f"{ask.system}\n{ask.user.removesuffix(source)}")
    text = degraded(text, ask.model, ask.seed)
    return f'"{text}"' if fault == "quotes" else text
