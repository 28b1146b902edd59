"""`RecordedRequest`: one HTTP request as the server received it, and the progress of its response."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .cookies import parse_cookies


@dataclass(eq=False, repr=False)
class RecordedRequest:
    """One request as the server received it. Its repr shows no header, cookie or body."""

    method: str
    #: The path without the query.
    path: str
    #: The query as sent, without the question mark.
    query: str
    #: All headers in the order of the request; names in lower case.
    raw_headers: list[tuple[str, str]]
    body: bytes
    #: `1.1` or `2`.
    http_version: str
    #: `time.monotonic()` when the whole request had arrived.
    received_at: float = field(default_factory=time.monotonic)
    #: The status of the response; None until it is sent.
    status: int | None = None
    #: The number of events of a `Reply`, or chunks of a `RawBody`, sent so far.
    events_sent: int = 0
    #: The ID of the conversation that the message was added to.
    conversation_id: str | None = None
    #: True if the server broke the connection.
    dropped: bool = False
    #: `time.monotonic()` when `finished` was set.
    finished_at: float | None = None
    #: The name of the injected fault that was applied to this request.
    fault: str | None = None
    #: Set when the client closed the stream before the response was complete.
    disconnected: threading.Event = field(default_factory=threading.Event)
    #: Set when the response was sent completely or was given up.
    finished: threading.Event = field(default_factory=threading.Event)

    def __repr__(self) -> str:
        return f"<RecordedRequest {self.method} {self.path} HTTP/{self.http_version} -> {self.status}>"

    @cached_property
    def headers(self) -> dict[str, str]:
        """The headers by lower-case name; repeated headers are joined by `, ` (cookies by `; `)."""
        headers: dict[str, str] = {}
        for name, value in self.raw_headers:
            # HTTP/2 may send each cookie in a separate field (RFC 9113, 8.2.3).
            separator = "; " if name == "cookie" else ", "
            headers[name] = f"{headers[name]}{separator}{value}" if name in headers else value

        return headers

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        return parse_cookies(self.headers.get("cookie", ""))

    @property
    def target(self) -> str:
        """The path and the query, as in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def json(self) -> Any:
        """The body, parsed as JSON.

        :raises ValueError: if the body is not valid JSON.
        """
        return json.loads(self.body)

    @property
    def bearer(self) -> str | None:
        """The token of the `Authorization: Bearer` header, or None."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None
