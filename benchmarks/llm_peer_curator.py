"""Ask with bespokelabs-curator. llm_peer.py runs this in curator's own environment; do not run it by hand.

Reads a JSON object from the standard input: ``prompts``, ``model``, ``base_url``, ``at_once``, ``per_minute`` (or
null). Writes one as the last line of the standard output: ``seconds`` and ``cpu`` seconds, imports and a first request
not counted, and ``answers``.

Curator counts tokens with tables that tiktoken downloads. Without a network, each byte counts as a token. This takes
hardly any work, and the limit of tokens is not reached here.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time

import requests
import tiktoken
from bespokelabs import curator
from datasets import Dataset


def need_no_tables() -> None:
    """Let tiktoken do without its tables if they cannot be had."""
    try:
        tiktoken.get_encoding("cl100k_base")
    except requests.exceptions.RequestException:
        by_byte = tiktoken.Encoding(
            "bytes", pat_str=".", mergeable_ranks={bytes([n]): n for n in range(256)}, special_tokens={}
        )
        tiktoken.get_encoding = lambda name: by_byte


class Translator(curator.LLM):
    """One prompt a row, its answer as it comes."""

    def prompt(self, row: dict) -> str:
        """The user message."""
        return row["prompt"]

    def parse(self, row: dict, response: str) -> dict:
        """The row with its answer."""
        return {**row, "response": response}


def ask(order: dict, prompts: list[str]) -> int:
    """Ask for ``prompts`` with an empty cache; how many answers came."""
    llm = Translator(
        model_name=order["model"],
        backend="openai",
        backend_params={
            "base_url": order["base_url"],
            "api_key": "bench-curator",
            "max_concurrent_requests": order["at_once"],
            "max_requests_per_minute": order["per_minute"] or 10**6,
            "max_tokens_per_minute": 10**9,
            "require_all_responses": False,
        },
    )
    with tempfile.TemporaryDirectory() as folder:
        response = llm(Dataset.from_dict({"prompt": prompts}), working_dir=folder)
        return sum(bool(row.get("response")) for row in response.dataset)


def main() -> None:
    """Ask for all prompts and print how long it took."""
    order = json.load(sys.stdin)
    need_no_tables()
    ask(order, ["Guten Tag."])  # it imports most of what it needs with the first request
    started, cpu = time.perf_counter(), time.process_time()
    answers = ask(order, order["prompts"])
    seconds, spent = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps({"seconds": seconds, "cpu": spent, "answers": answers}))


if __name__ == "__main__":
    main()
