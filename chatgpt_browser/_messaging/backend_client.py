"""Calls the backend API with an access token. A failed call is repeated if the retry policy allows this."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import anyio.to_thread

from .._protocol.backend import is_conversation_path
from .._protocol.error_responses import read_json, read_large_json
from .._protocol.requests import backend_request
from .read_pace import ReadPace
from .response_reader import receive_body, receive_head

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from .._core.models import Head, Session
    from .._core.options import Options
    from .._transport.browser_manager import BrowserManager
    from .._transport.fetch.transport import FetchTransport
    from .._transport.response_stream import ResponseStream
    from .access_token import AccessTokenCache
    from .pace_gate import PaceGate
    from .secret_filter import SecretFilter

T = TypeVar("T")

#: A response of this length or more, in characters, is parsed in a thread. Parsing a JSON text of this length in the event loop
#: would block the loop for about 3 ms, or for 30 ms with a text that is especially slow to parse.
_LARGE_JSON = 1 << 18


class BackendClient:
    """Sends requests to the backend API. :meth:`request_json` returns JSON responses. :meth:`call` is for all other responses."""

    def __init__(
        self,
        options: Options,
        browser_manager: BrowserManager,
        requests: FetchTransport,
        tokens: AccessTokenCache,
        secrets: SecretFilter,
        pace: PaceGate,
    ) -> None:
        self._options = options
        self._browser_manager = browser_manager
        self._requests = requests
        self._tokens = tokens
        self._secrets = secrets
        self._pace = pace
        self._read_pace = ReadPace()

    async def request_json(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the parsed JSON of the response. A GET is retried if the network or the server failed.

        :param path: the path below the backend's base URL.
        :param body: a value that is sent as JSON. If it is None, the request has no body.
        :returns: the parsed JSON, or None if the method is not GET and the response is empty.
        :raises ChatGPTError: the request failed, or the site refused the request.
        """
        if method != "GET":
            return await self._request(method, path, body)
        from .retry import retrying_read

        # tenacity does not await the result of a lambda. Therefore `partial` is used.
        read = functools.partial(self._request, method, path, body)
        if not is_conversation_path(path):
            return await retrying_read(read, retries=self._options.retries)
        async with self._pace.reading():
            return await retrying_read(read, retries=self._options.retries)

    async def read_past(self, path: str) -> Any:
        """Request the list of conversations or a past conversation, and return the parsed JSON.

        The request may be delayed, because :class:`.ReadPace` limits how often conversations are read.

        :raises ChatGPTError: the request failed, or the site refused the request.
        """
        await self._read_pace.wait()
        return await self.request_json("GET", path)

    async def _request(self, method: str, path: str, body: Any) -> Any:
        async def call(session: Session) -> tuple[ResponseStream, Head]:
            stream = await self._requests.open(
                lambda site: backend_request(site, method, path, body, access_token=session.access_token)
            )
            return stream, await receive_head(stream, self._options)

        stream, head = await self.call(call)
        with self.guarding():
            response = await receive_body(stream, head, self._options)
            if method != "GET" and not response.text.strip():
                return None
            if len(response.text) < _LARGE_JSON:
                return read_json(response)
            return await anyio.to_thread.run_sync(read_large_json, response)

    async def call(self, call: Callable[[Session], Awaitable[T]], *, resend_refused: bool = True) -> T:
        """Run ``call(session)`` and return its result. After an error, run ``call`` again if :mod:`.retry` allows this.

        The argument of ``call`` is the session, not the access token, because a traceback may show the arguments of a function.
        The repr of the session does not contain the access token.

        :param resend_refused: if False, ``call`` is not run again after the site has refused the access token or has responded
            with a challenge.
        :raises ChatGPTError: the last attempt failed. The error raised is the error of this attempt, without secrets.
        """
        from .retry import RetryPolicy, retrying_send

        used: list[Session] = []

        async def attempt() -> T:
            used.append(await self._tokens.get())
            with self.guarding():
                return await call(used[-1])

        async def renew_token() -> None:
            self._tokens.reject(used[-1])

        policy = RetryPolicy(
            retries=self._options.retries,
            renew_token=renew_token if resend_refused else None,
            pass_challenge=self._browser_manager.pass_challenge if resend_refused else None,
        )
        return await retrying_send(attempt, policy)

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """If the block raises an error, remove secrets from the error.

        If the error is an :class:`OriginError`, also store the error in the browser manager. Because of the stored error, the
        browser manager starts a new browser for a later call.
        """
        with self._secrets.hiding(), self._browser_manager.noting_origin_error():
            yield
