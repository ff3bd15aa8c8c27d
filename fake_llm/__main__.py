"""Command line of the fake LLM provider."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from fake_llm.app import App
from fake_llm.ct2 import CTranslate2
from fake_llm.faults import SHARES, Faults
from fake_llm.phrases import Phrases, read_pairs
from fake_llm.server import serve
from fake_llm.state import State
from fake_llm.translate import Dictionary, Translator


def main(arguments: list[str] | None = None) -> int:
    """Start the server; returns the exit status."""
    options = parser().parse_args(arguments)
    faults = Faults()
    try:
        faults.update(settings(options))
        translator = make_translator(options)
    except (ValueError, OSError) as error:
        print(f"fake_llm: {error}", file=sys.stderr)
        return 2
    try:
        serve(App(State(translator, faults)), options.host, options.port, options.until_stdin_closes)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"fake_llm: cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line's options."""
    result = argparse.ArgumentParser(prog="fake_llm", description="A fake OpenAI and Anthropic server.")
    result.add_argument("--host", default="127.0.0.1")
    result.add_argument("--port", type=int, default=8123, help="0: any free port (default: %(default)s)")
    result.add_argument("--pairs", nargs="+", metavar="FILE", help="learn to translate from a TSV or two aligned files")
    result.add_argument(
        "--pairs-limit", type=int, default=20_000, metavar="N", help="use N pairs (default: %(default)s)"
    )
    result.add_argument(
        "--no-lookup", action="store_true", help="do not answer with the known translations of sentences"
    )
    result.add_argument("--ctranslate2", metavar="DIR", help="translate with a trained CTranslate2 model")
    result.add_argument("--spm", metavar="FILE", help="its SentencePiece model")
    result.add_argument("--latency", metavar="BASE[,JITTER[,TAIL_SHARE,TAIL_FACTOR]]", help="seconds until an answer")
    result.add_argument("--rate", metavar="PER_SECOND[,BURST[,RETRY_AFTER]]", help="requests per second and key")
    result.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME=SHARE[:ATTEMPTS]",
        help=f"share of requests that fail, in their first ATTEMPTS tries; names: {', '.join(SHARES)}",
    )
    result.add_argument("--faults", default="{}", metavar="JSON", help="settings in the format of POST /_faults")
    result.add_argument("--until-stdin-closes", action="store_true", help="end when the standard input ends")
    return result


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """The settings on the command line, in the format of :meth:`Faults.update`."""
    values: dict[str, Any] = json.loads(options.faults)
    if options.latency:
        names = ("base", "jitter", "tail_share", "tail_factor")
        values["latency"] = dict(zip(names, map(float, options.latency.split(",")), strict=False))
    if options.rate:
        names = ("per_second", "burst", "retry_after")
        values["rate"] = dict(zip(names, map(float, options.rate.split(",")), strict=False))
    for fault in options.fault:
        name, _, value = fault.partition("=")
        share, _, attempts = value.partition(":")
        values[name] = {"share": float(share or 1), "attempts": int(attempts) if attempts else None}
    return values


def make_translator(options: argparse.Namespace) -> Translator:
    """The translator that the options choose."""
    if options.ctranslate2:
        if not options.spm:
            raise ValueError("--ctranslate2 needs --spm, the model's SentencePiece file")
        return CTranslate2(Path(options.ctranslate2), Path(options.spm))
    if options.pairs:
        return Phrases(read_pairs([Path(path) for path in options.pairs], options.pairs_limit), not options.no_lookup)
    return Dictionary()


if __name__ == "__main__":
    sys.exit(main())
