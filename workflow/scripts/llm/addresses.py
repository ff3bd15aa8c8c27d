"""Addresses of servers: what can be read on the way there, and who expects the key where."""

import ipaddress
import re
from urllib.parse import urlsplit

_PRIVATE_NAME = re.compile(r"[^.]+|.*\.(?:localhost|local|internal|lan|home|svc|svc\.cluster\.local|cluster\.local)")
_AZURE = re.compile(r".*\.(?:azure\.(?:com|us|cn)|azure-api\.net)")


def exposes_key(base_url: str | None) -> bool:
    """Whether a key could be read on the way: over plain HTTP to a host beyond this machine and private networks."""
    parts = urlsplit(base_url or "")
    host = parts.hostname or ""
    if parts.scheme != "http":
        return False
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return not _PRIVATE_NAME.fullmatch(host)


def is_azure(base_url: str) -> bool:
    """Whether a server expects the key as Azure does, in the header ``api-key``."""
    parts = urlsplit(base_url)
    return "api-version=" in parts.query or _AZURE.fullmatch(parts.hostname or "") is not None
