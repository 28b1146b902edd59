"""A web site of somebody else: it accepts requests of every origin and records their headers."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from chatgpt_browser.testing.server.certificates import make_tls_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message


class ForeignSite(ThreadingHTTPServer):
    """Answers every request with 204. The fake server is not used here, because it refuses requests of other origins."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = self.server_address[1]
        self.requests: dict[str, Message] = {}
        self.changed = threading.Condition()
        self.socket = make_tls_context(http2=False)[0].wrap_socket(self.socket, server_side=True)

    def wait_for_headers(self, path: str, timeout: float = 60) -> Message:
        """Return the headers of the request for this path.

        :raises TimeoutError: if no such request arrives within `timeout` seconds.
        """
        with self.changed:
            if not self.changed.wait_for(lambda: path in self.requests, timeout):
                raise TimeoutError(f"no request for {path} arrived within {timeout:g} s")
            return self.requests[path]


class _Handler(BaseHTTPRequestHandler):
    server: ForeignSite

    def do_GET(self) -> None:
        with self.server.changed:
            self.server.requests[self.path] = self.headers
            self.server.changed.notify_all()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Write nothing."""


@contextmanager
def foreign_site() -> Iterator[ForeignSite]:
    """Run a site for the duration of the block."""
    with ForeignSite() as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()
