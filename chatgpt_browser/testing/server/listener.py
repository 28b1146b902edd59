"""The listening socket, and Hypercorn told to serve on it."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

import trustme
from hypercorn.config import Config, Sockets

_BACKLOG = 1024
_NAMES = ("127.0.0.1", "localhost", "chat.openai.com", "chatgpt.com")
_FOREVER = 86_400.0


class Listener(socket.socket):
    """A bound, listening socket that knows the connections it accepted, so as to be able to break them.

    ASGI has no way to break a connection, and asyncio's server none to end those of clients that do not read.
    """

    def __init__(self, host: str, port: int) -> None:
        # Asyncio switches Nagle's delays off only for sockets that say that they are TCP.
        super().__init__(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._accepted: WeakValueDictionary[Any, socket.socket] = WeakValueDictionary()
        self._refuses = False
        # Elsewhere than on Windows this lets a test ask for the same port again at once; there, for a port in use.
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            self.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        try:
            self.bind((host, port))
            self.listen(_BACKLOG)
        except OSError:
            self.close()
            raise

        self.setblocking(False)

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection and remember it as long as it lives."""
        connection, address = super().accept()
        self._accepted[address] = connection
        if self._refuses:
            _shut(connection)

        return connection, address

    def drop(self, address: tuple[str, int]) -> None:
        """Break the connection from this (host, port), if there still is one."""
        connection = self._accepted.get(tuple(address))
        if connection is not None:
            _shut(connection)

    def drop_all(self) -> None:
        """Break every connection, and every one that comes from now on."""
        self._refuses = True
        for connection in [*self._accepted.values()]:
            _shut(connection)


@dataclass(frozen=True)
class Certificates:
    """A throw-away certificate authority and a server's TLS context with a certificate of it."""

    authority_pem: bytes
    context: ssl.SSLContext


def make_certificates(*, http2: bool) -> Certificates:
    """Issue a certificate for the loopback address and the site's names."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    authority.issue_cert(*_NAMES).configure_cert(context)
    return Certificates(authority.cert_pem.bytes(), context)


class ServerConfig(Config):
    """Hypercorn's settings: our own socket and TLS context, and nothing that ends a stream or connection by itself."""

    def __init__(self, listener: Listener, context: ssl.SSLContext | None) -> None:
        self._listener = listener
        self._context = context
        self.errorlog = logging.getLogger("chatgpt_browser.testing.hypercorn")
        self.backlog = _BACKLOG
        self.include_server_header = self.include_date_header = False  # they are the wire's to send
        self.graceful_timeout = 0.2
        self.shutdown_timeout = 1.0
        self.keep_alive_timeout = _FOREVER
        self.keep_alive_max_requests = 10**9
        self.h11_max_incomplete_size = 2**20
        self.h2_max_concurrent_streams = 500

    @property
    def ssl_enabled(self) -> bool:
        """Whether the socket speaks TLS."""
        return self._context is not None

    def create_ssl_context(self) -> ssl.SSLContext | None:
        """The context made before."""
        return self._context

    def create_sockets(self) -> Sockets:
        """The socket bound before: binding it anew would leave a moment in which the port is another's."""
        ours: list[socket.socket] = [self._listener]
        return Sockets(ours, [], []) if self.ssl_enabled else Sockets([], ours, [])


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
