"""Classify what went wrong with a request, at the provider or in the network, as a :class:`llm.calls.Failure`.

HTTP statuses, headers and broken connections mean the same at every provider. Error objects do not: each provider reads
its own with an :data:`ErrorReader`.
"""

import json
import math
import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import NamedTuple

import aiohttp
import httpx2

from llm.calls import Failure, FailureKind
from llm.providers.cleaning import MOST_NAME, MOST_RECORD, UNREADABLE, Unusable, one_line, printable


class Verdict(NamedTuple):
    """What to do about an error answer, and what a person can do if nothing else will help."""

    kind: FailureKind
    advice: str = ""


ErrorReader = Callable[[int, Mapping[str, str]], Verdict]
"""A provider's reading of an HTTP status and the error object that came with it."""

CREDIT_ADVICE = "add credit or raise the account's spending limit, then run again: what is answered is kept"

_KEPT = re.compile(r"(x-)?request-id|retry-after(-ms)?|openai-(version|processing-ms)|anthropic-version")
_KEPT_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")
_FATAL = frozenset((401, 402, 403, 404, 405, 410))
_TRANSIENT = frozenset((408, 409, 425, 499))
_OVERLOADED = frozenset((503, 529))
# A gateway stopped waiting for a server that may continue to write.
_GATEWAY_TIMEOUTS = frozenset((504, 524))
_LONGEST_WAIT = 86_400.0
_MOST_HEADERS = 50
_MARKUP = re.compile(r"<[^<>]*>")  # linear: no tag goes beyond the next "<"
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def kind_of_status(status: int) -> FailureKind:
    """What an HTTP status means if the error object adds nothing."""
    if status < 400 or status in _FATAL:
        return FailureKind.FATAL
    if status == 429:
        return FailureKind.THROTTLED
    if status in _OVERLOADED:
        return FailureKind.OVERLOADED
    return FailureKind.TRANSIENT if status >= 500 or status in _TRANSIENT else FailureKind.REJECTED


def status_failure(
    status: int, raw: str, headers: Mapping[str, str], read: ErrorReader, delivered: int | None = None
) -> Failure:
    """The failure of a request that was answered with an HTTP error, whose body is ``raw``.

    Args:
        headers: all of the answer's headers, names in lower case.
        delivered: the status of an HTTP answer that holds an error of another ``status``.
    """
    error = error_object(raw)
    verdict = read(status, error)
    said = error["message"] or "no reason given"
    return Failure(
        verdict.kind,
        f"{said} (HTTP {delivered or status})" + (f"; {verdict.advice}" if verdict.advice else ""),
        status=status,
        retry_after=retry_after(headers),
        maybe_paid=status in _GATEWAY_TIMEOUTS,
        headers=kept_headers(headers),
        raw=printable(raw[:MOST_RECORD]),
    )


def error_object(raw: str) -> Mapping[str, str]:
    """The texts of the error object in an answer's body, from any server, on one line each; objects become JSON.

    There always is a ``message``, which may be empty.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {"message": one_line(_MARKUP.sub(" ", raw[:MOST_RECORD]))}
    error = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(error, dict):
        return {"message": one_line(error)}
    said = {**error, "message": error.get("message") or error.get("detail")}
    return {name: one_line(value) for name, value in said.items()}


def connection_failure(error: BaseException, timeout: float) -> Failure:
    """The failure of a request without an answer.

    The SDKs' exceptions do not show whether the request was sent (openai's transport raises ``ConnectTimeout`` for a
    server that hangs up). The exception that caused them decides.
    """
    # asyncio's TimeoutError is caused by a CancelledError, which says nothing.
    chain = [cause for cause in _causes(error) if isinstance(cause, Exception)]
    network = [cause for cause in chain if isinstance(cause, aiohttp.ClientError)]
    root = network[-1] if network else chain[-1]
    if isinstance(root, aiohttp.ClientConnectorCertificateError | ssl.SSLCertVerificationError):
        return Failure(
            FailureKind.FATAL,
            f"its certificate is not trusted ({_reason(root)}); set base_url to the right address, or SSL_CERT_FILE to "
            "the authority's certificate",
        )
    if isinstance(root, aiohttp.ConnectionTimeoutError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return Failure(FailureKind.TRANSIENT, "no connection in time")
    if isinstance(root, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError | httpx2.ConnectError):
        return Failure(FailureKind.TRANSIENT, f"no connection ({_reason(root)})")
    if isinstance(root, TimeoutError | httpx2.TimeoutException):
        return Failure(FailureKind.TRANSIENT, f"no answer within {timeout:g} s", maybe_paid=True)
    if isinstance(root, UNREADABLE):
        why = _reason(root) if isinstance(root, Unusable) else f"{type(root).__name__}: {_reason(root)}"
        return Failure(FailureKind.TRANSIENT, f"an answer that cannot be read ({why})", maybe_paid=True)
    reason = "in the middle of the answer" if isinstance(root, aiohttp.ClientPayloadError) else f"({_reason(root)})"
    return Failure(FailureKind.TRANSIENT, f"connection lost {reason}", maybe_paid=True)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Those of an answer's headers that hold the request's id, the rate limits and what served it."""
    kept = (name for name in headers if _KEPT.fullmatch(name) or name.startswith(_KEPT_PREFIXES))
    return {name: one_line(headers[name], MOST_NAME) for name in islice(kept, _MOST_HEADERS)}


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until a provider wants to be asked again, at most a day; None if it does not say.

    ``retry-after-ms`` and ``retry-after`` (seconds or a date) take precedence over the rate limits' reset times. Of
    these, the latest reset of a limit that is used up counts; if none is used up, the first reset.
    """
    seconds = _wait(headers)
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST_WAIT)


def _wait(headers: Mapping[str, str]) -> float | None:
    if (milliseconds := _number(headers.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    if wanted := headers.get("retry-after"):
        return _duration(wanted, headers)
    used_up: list[float] = []
    others: list[float] = []
    for name, value in headers.items():
        if name.startswith(_KEPT_PREFIXES) and "reset" in name and (seconds := _duration(value, headers)) is not None:
            (used_up if headers.get(name.replace("reset", "remaining")) == "0" else others).append(seconds)
    return max(used_up, default=min(others, default=None))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and those that caused it, the outermost first."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _reason(error: BaseException) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return getattr(error.certificate_error, "verify_message", str(error.certificate_error))
    if isinstance(error, OSError) and error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return one_line(str(error)) or type(error).__name__


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _duration(text: str, headers: Mapping[str, str]) -> float | None:
    """Seconds in ``1m30.5s``, ``20ms``, a plain number or until a date."""
    if _DURATION.sub("", text) == "":
        return sum((float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text)), 0.0) if text else None
    number = _number(text)
    return number if number is not None else _seconds_until(text, headers)


def _seconds_until(text: str, headers: Mapping[str, str]) -> float | None:
    """Seconds from the answer's own ``date``, or from now, to a date in the format of HTTP or RFC 3339."""
    then = _date(text)
    if then is None:
        return None
    return (then - (_date(headers.get("date", "")) or datetime.now(UTC))).total_seconds()


def _date(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            then = parse(text)
        except (ValueError, TypeError, LookupError, OverflowError):
            continue
        return then if then.tzinfo else then.replace(tzinfo=UTC)
    return None
