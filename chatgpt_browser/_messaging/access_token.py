"""A cache for the access token, which the session endpoint returns. Concurrent callers share one refresh."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio

from .._core.errors import APIConnectionError, APIStatusError, AuthenticationError, ClientClosedError
from .._core.log import logger
from .._core.single_flight import SingleFlight
from .._core.telemetry import measuring
from .._protocol.error_responses import is_challenge, status_error
from .._protocol.requests import session_request
from .._protocol.session import read_session
from .response_reader import SMALL_BODY, read_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.models import Response, Session
    from .._core.options import Options
    from .._core.process_guard import ProcessGuard
    from .._transport.browser_manager import BrowserManager
    from .._transport.fetch.transport import FetchTransport
    from .secret_filter import SecretFilter


class AccessTokenCache:
    """Caches the session, which contains the access token, for ``access_token_ttl``."""

    def __init__(
        self,
        options: Options,
        browser_manager: BrowserManager,
        requests: FetchTransport,
        secrets: SecretFilter,
        process: ProcessGuard,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = options
        self._browser_manager = browser_manager
        self._requests = requests
        self._secrets = secrets
        self._process = process
        self._clock = clock
        self._refresh = SingleFlight(measuring("session.refresh", self._refresh_session))
        self._session: Session | None = None
        self._fresh_until = 0.0
        self._is_closed = False

    async def get(self) -> Session:
        """Return the session. If the cached session is older than ``access_token_ttl``, request a new session first.

        :raises AuthenticationError: the site returned no session.
        :raises ClientClosedError: the client is closed.
        :raises ForkedProcessError: the client was started in the parent process.
        """
        self._process.check()
        if self._is_closed:
            raise ClientClosedError
        if self._session is not None and self._clock() < self._fresh_until:
            return self._session
        return await self._refresh()

    @property
    def cached(self) -> Session | None:
        """The newest session, even if it is older than ``access_token_ttl``, or None if there is no session."""
        return self._session

    def reject(self, session: Session) -> None:
        """Remove a session whose access token the site has refused. If the cache contains a newer session, keep that session."""
        if self._session is not None and self._session.access_token == session.access_token:
            self._session = None

    async def close(self) -> None:
        """Cancel a refresh that is in progress. After this call, :meth:`get` raises an error."""
        self._is_closed = True
        await self._refresh.cancel()

    async def _refresh_session(self) -> Session:
        # Importing `retry` is slow, because it imports tenacity. The import is not at the top, so that the browser starts
        # earlier.
        from .retry import retrying_refresh

        self._session = None
        session = await retrying_refresh(self._request_session, retries=self._options.retries)
        self._session, self._fresh_until = session, self._clock() + self._options.access_token_ttl
        return session

    async def _request_session(self) -> Session:
        with self._secrets.hiding(), self._browser_manager.noting_origin_error():
            response = await self._request()
            if is_challenge(response.head, response.text):
                await self._browser_manager.pass_challenge()
                response = await self._request()
            if is_challenge(response.head, response.text) or response.head.redirected:
                raise status_error(response)
            session = read_session(response)
        self._secrets.add_access_token(session.access_token)
        await self._browser_manager.update_session_token()
        logger.info("the session is valid", extra={"chatgpt_event": "session_alive"})
        return session

    async def _request(self) -> Response:
        stream = await self._requests.open(session_request)
        try:
            with anyio.move_on_after(self._options.first_byte_timeout):
                return await read_response(stream, limit=SMALL_BODY)
            raise APIConnectionError(
                "ChatGPT failed to refresh auth token. Error: the site did not respond in time"
            )
        except ConnectionError as exc:
            raise APIConnectionError(f"ChatGPT failed to refresh auth token. Error: {exc}") from exc
        except APIStatusError as exc:
            message = f"ChatGPT failed to refresh auth token. Error: {exc}"
            raise AuthenticationError(message, status_code=exc.status_code) from exc
        finally:
            stream.abort()
