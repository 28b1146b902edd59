"""The configuration of Hypercorn."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hypercorn.config import Config, Sockets

from .listener import BACKLOG

if TYPE_CHECKING:
    import socket
    import ssl

    from .listener import Listener

_DAY = 86_400.0


class HypercornConfig(Config):
    """A configuration with our own socket and TLS context, and without timeouts that end streams or connections."""

    def __init__(self, listener: Listener, context: ssl.SSLContext | None) -> None:
        self._listener = listener
        self._context = context
        self.errorlog = logging.getLogger("chatgpt_browser.testing.hypercorn")
        self.backlog = BACKLOG
        self.include_server_header = self.include_date_header = False  # `ResponseWriter` sends them
        self.graceful_timeout = 0.2
        self.shutdown_timeout = 1.0
        self.keep_alive_timeout = _DAY
        self.keep_alive_max_requests = 10**9
        self.h11_max_incomplete_size = 2**20
        self.h2_max_concurrent_streams = 500

    @property
    def ssl_enabled(self) -> bool:
        """True if the socket uses TLS."""
        return self._context is not None

    def create_ssl_context(self) -> ssl.SSLContext | None:
        """Return the existing TLS context."""
        return self._context

    def create_sockets(self) -> Sockets:
        """Return the bound socket: if it were bound again, another process could take the port in between."""
        ours: list[socket.socket] = [self._listener]
        return Sockets(ours, [], []) if self.ssl_enabled else Sockets([], ours, [])
