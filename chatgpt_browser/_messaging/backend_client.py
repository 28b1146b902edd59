"""Calls of the backend API: JSON in, JSON out."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .._protocol.error_responses import read_json
from .._protocol.requests import backend_request
from .response_reader import receive_body, receive_head

if TYPE_CHECKING:
    from .._core.models import Head
    from .._core.options import Options
    from .._transport.fetch.transport import FetchTransport
    from .._transport.response_stream import ResponseStream
    from .authorized_calls import AuthorizedCalls


class BackendClient:
    """Sends requests to the backend API with an access token."""

    def __init__(self, options: Options, requests: FetchTransport, calls: AuthorizedCalls) -> None:
        self._options = options
        self._requests = requests
        self._calls = calls

    async def request_json(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the JSON of its response. A GET is retried if the network or the server failed.

        :param path: the path below the backend's base URL.
        :param body: a value that is sent as JSON; None for no body.
        :returns: the parsed JSON; None if the response to another method than GET is empty.
        :raises ChatGPTError: the request failed, or the site refused it.
        """
        if method != "GET":
            return await self._request(method, path, body)
        from .retry import retrying_read

        # A partial, since tenacity does not await the result of a lambda.
        read = functools.partial(self._request, method, path, body)
        return await retrying_read(read, retries=self._options.retries)

    async def _request(self, method: str, path: str, body: Any) -> Any:
        async def call(access_token: str) -> tuple[ResponseStream, Head]:
            stream = await self._requests.open(
                lambda site: backend_request(site, method, path, body, access_token=access_token)
            )
            return stream, await receive_head(stream, self._options)

        stream, head = await self._calls.run(call)
        with self._calls.guarding():
            response = await receive_body(stream, head, self._options)
            return None if method != "GET" and not response.text.strip() else read_json(response)
