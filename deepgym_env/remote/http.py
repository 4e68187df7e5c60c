"""Requests to a DeepGym server, repeated where that does no harm.

- :class:`Connection`: to one server, from one event loop; :data:`Repeat`: when a request may be sent again.
- :class:`UnavailableError`: the server can't be reached, or failed: nothing is known of what was asked.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
import urllib.request
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from deepgym_env._version import __version__
from deepgym_env.errors import ClosedError, ConfigError, RemoteBusyError, RemoteError
from deepgym_env.optional import require
from deepgym_env.remote.address import Address
from deepgym_env.remote.problems import (
    REFUSED_FOR_NOW,
    Meaning,
    asks_for_patience,
    error_of,
    pause_asked_for,
    reason_of,
)

if TYPE_CHECKING:
    import httpx
else:
    httpx = require("httpx", "mode 'remote'", "remote")

_Message = TypeVar("_Message", bound=BaseModel)

__all__ = ["Connection", "Repeat", "UnavailableError"]

Repeat = Literal["always", "undone", "never"]
"""A request may be sent again ``always``, only where the first one is known to have done nothing, or ``never``."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 5.0
_CONNECT, _READ, _FAREWELL = 10.0, 3600.0, 5.0
_IDLE = 2.0  # less than servers keep a connection, so that none is closed just as it is used again
_BUSY_PATIENCE = 5  # a server that answers will do so again
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_PROBES = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
]  # a machine that is gone is noticed, however long an answer may take


class UnavailableError(RemoteError):
    """The server can't be reached, or failed, also after all retries.

    Attributes:
        gone: Whether it doesn't answer at all.
    """

    def __init__(self, message: str, *, gone: bool) -> None:
        """Say what happened."""
        super().__init__(message)
        self.gone = gone


class Connection:
    """A server as one event loop sees it.

    Attributes:
        address: Where it is.
        losses: How often it couldn't be reached: it may be another one since then.
    """

    def __init__(self, address: Address, *, patience: float) -> None:
        """Connect to nothing yet.

        Args:
            address: Where the server is.
            patience: Seconds for which a request is repeated while the server can't be reached; five times that
                while it says that it is too busy.
        """
        self.address = address
        self.losses = 0
        self._patience = patience
        self._http: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: set[asyncio.Task[Any]] = set()
        self._closed = False

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        repeat: Repeat = "always",
        meaning: Meaning | None = None,
    ) -> Any:
        """Send a request; return what the answer's JSON says.

        Args:
            method: The HTTP method.
            path: What follows the server's address, quoted.
            body: What to send as JSON.
            params: The query.
            headers: More of them.
            repeat: When it may be sent again.
            meaning: What statuses stand for here, see :func:`~deepgym_env.remote.problems.error_of`.

        Raises:
            UnavailableError: If the server can't be reached or fails.
            RemoteBusyError: If it is too busy.
            RemoteAccessError: If it asks for a key, or for another one.
            RemoteError: If what is there is no DeepGym server.
            DeepGymError: What else the server says is wrong with the request.
            ClosedError: If this is closed, also while the request is under way.
        """
        http = self._running()
        content = None if body is None else json.dumps(body).encode()  # ASCII: half a character in it does no harm
        request = http.build_request(
            method, self.address.url + path, content=content, params=dict(params or {}), headers=dict(headers or {})
        )
        if content is not None:
            request.headers["content-type"] = "application/json"
        sending = asyncio.ensure_future(self._insist(http, request, repeat, meaning))
        self._under_way.add(sending)
        try:
            return await sending
        except asyncio.CancelledError:
            if self._closed:
                raise ClosedError("the engine was closed while this ran") from None
            raise
        finally:
            self._under_way.discard(sending)

    async def ask_for(self, kind: type[_Message], method: str, path: str, **more: Any) -> _Message:
        """Send a request; return the message it was answered with. Takes and raises what :meth:`ask` does."""
        answer = await self.ask(method, path, **more)
        try:
            return kind.model_validate(answer)
        except ValidationError as error:
            raise self.not_understood(error) from error

    def not_understood(self, error: Exception) -> RemoteError:
        """Return what an answer comes to that is no message."""
        return RemoteError(f"{self.address.url} answered what is no answer, it may be of another version: {error}")

    async def aclose(self, leaving: Iterable[str] = ()) -> None:
        """End it; requests under way fail. Closing twice does no harm.

        Args:
            leaving: Paths of what the server may forget now; it is told once.
        """
        self._closed = True
        sending = list(self._under_way)
        for each in sending:
            each.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        http, self._http = self._http, None
        if http is not None:
            farewells = (http.delete(self.address.url + path, timeout=_FAREWELL) for path in leaving)
            await asyncio.gather(*farewells, return_exceptions=True)
            await http.aclose()

    def insist_usable(self) -> None:
        """Refuse another event loop, and use after the end.

        Raises:
            ClosedError: If it is closed.
            ConfigError: If it serves another event loop.
        """
        if self._closed:
            raise ClosedError("the engine is closed; make a new one")
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise ConfigError("an AsyncDeepGym serves the event loop it was first used on; make one per loop")
        self._loop = loop

    def _running(self) -> httpx.AsyncClient:
        self.insist_usable()
        if self._http is None:
            key, loopback = self.address.key, self.address.loopback
            self._http = httpx.AsyncClient(
                headers={"user-agent": f"deepgym/{__version__}", "accept": "application/json"}
                | ({"authorization": f"Bearer {key}"} if key is not None else {}),
                timeout=httpx.Timeout(_CONNECT, read=_READ, write=_READ, pool=None),
                transport=httpx.AsyncHTTPTransport(
                    verify=self.address.url.startswith("https:"),  # reading authorities nobody asks takes long
                    limits=httpx.Limits(max_connections=None, keepalive_expiry=_IDLE),
                    proxy=None if loopback else _proxy_for(self.address.url),
                    socket_options=_PROBES,
                ),
            )
        return self._http

    async def _insist(
        self, http: httpx.AsyncClient, request: httpx.Request, repeat: Repeat, meaning: Meaning | None
    ) -> Any:
        """Send a request until there is an answer, or patience is at an end."""
        clock = asyncio.get_running_loop().time
        began, pause = None, _FIRST_PAUSE
        while True:
            try:
                answer = await http.send(request)
            except httpx.RequestError as error:
                failure, waits = self._unreached(error, repeat), 0.0
            else:
                if not asks_for_patience(answer):
                    return self._read(answer, meaning)
                failure, waits = self._put_off(answer, repeat), pause_asked_for(answer)
            began = clock() if began is None else began
            # Not all at the same time again.
            waits = waits + random.uniform(0.0, _FIRST_PAUSE) if waits else pause * random.uniform(0.5, 1.0)
            if repeat == "never":
                raise failure
            allowed = self._patience * (_BUSY_PATIENCE if isinstance(failure, RemoteBusyError) else 1)
            if clock() + waits - began > allowed:
                raise failure
            await asyncio.sleep(waits)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _unreached(self, error: httpx.RequestError, repeat: Repeat) -> RemoteError:
        """Return what a lost request comes to in the end; raise what no repeating helps, or may not be repeated."""
        self.losses += 1
        url = self.address.url
        if any(isinstance(each, ssl.SSLCertVerificationError) for each in _causes(error)):
            raise RemoteError(
                f"{url} shows a certificate that isn't trusted here: {error}. If it is your own authority's, "
                "SSL_CERT_FILE names its certificate"
            ) from error
        failure = UnavailableError(f"{url} can't be reached: {str(error) or type(error).__name__}", gone=True)
        if repeat == "undone" and not isinstance(error, _NEVER_SENT):
            raise failure from error
        return failure

    def _put_off(self, answer: httpx.Response, repeat: Repeat) -> RemoteError:
        """Return what an answer that asks for patience comes to in the end; raise if the request may have been done."""
        said = reason_of(answer)
        if answer.status_code in REFUSED_FOR_NOW:
            return RemoteBusyError(f"{self.address.url} is too busy: {said}")
        failure = UnavailableError(f"{self.address.url} can't be reached: {said}", gone=True)
        if repeat == "undone":
            raise failure
        return failure

    def _read(self, answer: httpx.Response, meaning: Meaning | None) -> Any:
        """Return an answer's JSON; raise what it says is wrong."""
        url = self.address.url
        if answer.status_code == 204:
            return None
        if answer.is_success and _is_json(answer):
            try:
                return answer.json()
            except ValueError as error:
                raise RemoteError(f"{url} answered what is no JSON: {error}") from error
        if answer.status_code >= 500:
            raise UnavailableError(f"{url} failed: {reason_of(answer)}", gone=False)
        raise error_of(answer, url, meaning)


def _is_json(answer: httpx.Response) -> bool:
    kind: str = answer.headers.get("content-type", "")
    return kind.partition(";")[0].strip() == "application/json"


def _causes(error: BaseException | None) -> list[BaseException]:
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.append(error)
        error = error.__cause__ or error.__context__
    return causes


def _proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for an address."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.netloc):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
