"""`RecordedRequest`: one HTTP request as the server received it, and the progress of its response."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from .cookies import parse_cookies


@dataclass(eq=False, repr=False)
class RecordedRequest:
    """One request as the server received it, and the progress of its response. The repr contains no header, cookie or body."""

    method: str
    #: The path without the query.
    path: str
    #: The query exactly as in the request, without the question mark.
    query: str
    #: All headers in the order of the request, as pairs of a lower-case name and a value.
    raw_headers: list[tuple[str, str]]
    body: bytes
    #: The HTTP version of the request: `1.1` or `2`.
    http_version: str
    #: The value of `time.monotonic()` when the whole request had arrived.
    received_at: float = field(default_factory=time.monotonic)
    #: The status of the response. None until the status is sent.
    status: int | None = None
    #: The number of events (of a `Reply`) or chunks (of a `RawBody`) that were sent so far.
    events_sent: int = 0
    #: The ID of the conversation to which the request's message was added. None if no message was added.
    conversation_id: str | None = None
    #: True if the server has broken the connection instead of completing the response.
    dropped: bool = False
    #: The value of `time.monotonic()` when `finished` was set. None until then.
    finished_at: float | None = None
    #: The name of the injected fault that was applied to this request. None if no fault was applied.
    fault: str | None = None
    #: The call in the test that defined the reply, for example `when('weather', 'Sunny.') at test_it.py:7`. None if the request
    #: sent no message, or if the default reply was used.
    rule: str | None = None
    #: An event that is set when the client closes the stream before the response is complete.
    disconnected: threading.Event = field(default_factory=threading.Event)
    #: An event that is set when the server has sent the whole response, or has stopped sending it.
    finished: threading.Event = field(default_factory=threading.Event)

    def __repr__(self) -> str:
        return f"<RecordedRequest {self.method} {self.path} HTTP/{self.http_version} -> {self.status}>"

    @cached_property
    def headers(self) -> dict[str, str]:
        """A dict from lower-case header names to values. The values of a repeated header are joined with `, ` (cookies: `; `)."""
        headers: dict[str, str] = {}
        for name, value in self.raw_headers:
            # HTTP/2 may send each cookie in a separate field (RFC 9113, 8.2.3).
            separator = "; " if name == "cookie" else ", "
            headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value

        return headers

    @cached_property
    def cookies(self) -> dict[str, str]:
        """A dict from cookie names to values."""
        return parse_cookies(self.headers.get("cookie", ""))

    @property
    def target(self) -> str:
        """The path with the query, as in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def query_values(self) -> dict[str, str]:
        """A dict from the names in the query to their values. Of a repeated name, the last value is used."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The body, parsed as JSON.

        :raises ValueError: the body is not valid JSON.
        """
        try:
            return json.loads(self.body)
        except RecursionError as error:
            raise ValueError("the JSON is nested too deeply") from error

    @property
    def bearer(self) -> str | None:
        """The token from the `Authorization: Bearer` header. None if the request has no such header."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None
