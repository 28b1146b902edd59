"""What the server was sent: `RecordedRequest`, and the log that tests wait on."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False, repr=False)
class RecordedRequest:
    """One request as the server got it. Its repr shows no header, cookie or body."""

    method: str
    #: The path without the query.
    path: str
    #: The query as sent, without the question mark.
    query: str
    #: Every header as sent, names in lower case, in order.
    raw_headers: list[tuple[str, str]]
    body: bytes
    #: `1.1` or `2`.
    http_version: str
    #: `time.monotonic()` when the request had wholly arrived.
    received_at: float = field(default_factory=time.monotonic)
    #: The status that it was answered with; None as long as it was not.
    status: int | None = None
    #: How many events of a `Reply` (chunks of a `RawBody`) have been sent.
    events_sent: int = 0
    #: The conversation that a message went into.
    conversation_id: str | None = None
    #: Whether the server broke the connection.
    dropped: bool = False
    #: `time.monotonic()` when `finished` was set.
    finished_at: float | None = None
    #: The name of the injected fault that struck it.
    fault: str | None = None
    #: Set when the client closed the stream before the server had finished it.
    disconnected: threading.Event = field(default_factory=threading.Event)
    #: Set when the response was wholly sent, or never will be.
    finished: threading.Event = field(default_factory=threading.Event)
    #: Headers by lower-case name; several of one name are joined by `, ` (cookies by `; `).
    headers: dict[str, str] = field(init=False)
    cookies: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.headers = _by_name(self.raw_headers)
        self.cookies = parse_cookies(self.headers.get("cookie", ""))

    def __repr__(self) -> str:
        return f"<RecordedRequest {self.method} {self.path} HTTP/{self.http_version} -> {self.status}>"

    @property
    def target(self) -> str:
        """The path and the query, as in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def json(self) -> Any:
        """The body as JSON.

        :raises ValueError: if it is none.
        """
        return json.loads(self.body)

    @property
    def bearer(self) -> str | None:
        """The token of the `Authorization: Bearer` header, if there is one."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None


class RequestLog:
    """All requests, oldest first; threads can wait for one to come."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._records: list[RecordedRequest] = []

    def add(self, record: RecordedRequest) -> None:
        """Append a request and wake who waits for it."""
        with self._changed:
            self._records.append(record)
            self._changed.notify_all()

    def all(self) -> list[RecordedRequest]:
        """A copy of the list."""
        with self._changed:
            return [*self._records]

    def wait(self, path_suffix: str, method: str | None, count: int, timeout: float) -> RecordedRequest:
        """Block until `count` requests match; give the last of those.

        :raises TimeoutError: after `timeout` seconds without.
        """
        found: list[RecordedRequest] = []

        def enough() -> bool:
            found[:] = [record for record in self._records if _matches(record, path_suffix, method)]
            return len(found) >= count

        with self._changed:
            if self._changed.wait_for(enough, timeout):
                return found[count - 1]

        wanted = f"{method or 'any method'} …{path_suffix}"
        raise TimeoutError(f"{len(found)} requests of {count} came within {timeout:g} s: {wanted}")


def parse_cookies(header: str) -> dict[str, str]:
    """Cut a `Cookie` header into names and values; of two of one name the first counts."""
    cookies: dict[str, str] = {}
    for pair in header.split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals:
            cookies.setdefault(name, value)

    return cookies


def _by_name(pairs: list[tuple[str, str]]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:
        # HTTP/2 may send each cookie in a field of its own (RFC 9113, 8.2.3).
        glue = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{glue}{value}" if name in headers else value

    return headers


def _matches(record: RecordedRequest, path_suffix: str, method: str | None) -> bool:
    return record.path.endswith(path_suffix) and (method is None or record.method == method.upper())
