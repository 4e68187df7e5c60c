"""Where a DeepGym server is, and the key it knows its caller by.

- :class:`Address`; :func:`address_of`: what an engine's options and the environment say.
"""

from __future__ import annotations

import ipaddress
import os
import warnings
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from deepgym_env.errors import ConfigError

__all__ = ["Address", "address_of"]

_EXAMPLE = "such as https://deepgym.example.org"


@dataclass(frozen=True, slots=True)
class Address:
    """A server, and who asks it.

    Attributes:
        url: Its address, without a slash at the end; it may have a path.
        key: What it knows its caller by; never shown.
        loopback: Whether the server is on this machine.
    """

    url: str
    key: str | None = field(default=None, repr=False)
    loopback: bool = False


def address_of(url: str | None = None, api_key: str | None = None) -> Address:
    """Return a server's address, checked.

    Args:
        url: Its address; by default ``DEEPGYM_URL``.
        api_key: The key; by default ``DEEPGYM_API_KEY``.

    Raises:
        ConfigError: If there is none, or it can't be one.

    Example:
        >>> address_of("http://127.0.0.1:8000/", "dg_mine")
        Address(url='http://127.0.0.1:8000', loopback=True)
    """
    given = url or os.environ.get("DEEPGYM_URL") or ""
    if not given.strip():
        raise ConfigError(f"mode 'remote' needs the server's address: give url=, or set DEEPGYM_URL, {_EXAMPLE}")
    parts = _parts(given.strip())
    key = _key(api_key or os.environ.get("DEEPGYM_API_KEY") or None)
    loopback = _is_loopback(parts.hostname or "")
    if key is not None and parts.scheme == "http" and not loopback:
        warnings.warn(
            f"the API key goes to {parts.hostname} unencrypted: use https://, or a tunnel to a loopback address",
            stacklevel=2,
        )
    return Address(parts.geturl().rstrip("/"), key, loopback)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        # What was given may hold a password where none belongs: it isn't repeated.
        raise ConfigError(f"url must be an address that begins with http:// or https://, {_EXAMPLE}")
    if parts.username is not None or parts.password is not None:
        raise ConfigError("url can't hold a user or a password: a key is given as api_key=, or in DEEPGYM_API_KEY")
    if parts.query or parts.fragment:
        raise ConfigError(f"url can't have a query or a fragment: it is where the server is, {_EXAMPLE}")
    if parts.path.rstrip("/").endswith("/v1"):
        raise ConfigError(f"url is the server's address without the /v1 of its routes, {_EXAMPLE}")
    return parts


def _key(key: str | None) -> str | None:
    key = key.strip() if key is not None else None
    if key is not None and not (key and key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError("api_key must be a key as `deepgym keys create` prints it: printable ASCII, without spaces")
    return key


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
