"""`Listener`: a listening socket that can break its accepted connections."""

from __future__ import annotations

import contextlib
import socket
from typing import Any
from weakref import WeakValueDictionary

BACKLOG = 1024
LARGEST_PORT = 65_535


class Listener(socket.socket):
    """A bound, listening socket. It keeps weak references to the accepted connections, so that it can break them.

    This class is necessary because an ASGI application cannot break a connection, and because asyncio's server cannot close a
    connection if the client does not read from it.
    """

    def __init__(self, host: str, port: int) -> None:
        # The protocol is explicit, because asyncio sets TCP_NODELAY only on sockets with the protocol IPPROTO_TCP.
        super().__init__(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._accepted: WeakValueDictionary[Any, socket.socket] = WeakValueDictionary()
        self._is_closing = False
        # With SO_REUSEADDR, a test can bind the same port again at once. On Windows, SO_REUSEADDR would also allow binding a
        # port that another socket uses, so SO_EXCLUSIVEADDRUSE is set there.
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            self.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        try:
            self.bind((host, port))
            self.listen(BACKLOG)
        except OSError as error:
            self.close()
            raise OSError(error.errno, f"{error.strerror}: {host}:{port}") from error

        self.setblocking(False)

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection, keep a weak reference to it, and return its socket and the address of the client.

        :raises BlockingIOError: if no connection is waiting, or after `drop_all()`.
        """
        # After `drop_all()`, asyncio closes its server. If an accepted connection has no transport yet at that time, it is never
        # closed. So no connection is accepted. asyncio takes `BlockingIOError` as "no connection is waiting".
        if self._is_closing:
            raise BlockingIOError

        connection, address = super().accept()
        self._accepted[address] = connection
        return connection, address

    def drop(self, address: tuple[str, int]) -> None:
        """Break the connection of the client with this (host, port). If the connection no longer exists, do nothing."""
        connection = self._accepted.get(tuple(address))
        if connection is not None:
            _shut_down(connection)

    @property
    def has_connections(self) -> bool:
        """True if an accepted connection is not closed yet."""
        return any(connection.fileno() != -1 for connection in [*self._accepted.values()])

    def drop_all(self) -> None:
        """Break all accepted connections, and accept no more.

        When the listener closes, the system breaks the connections that were not accepted.
        """
        self._is_closing = True
        for connection in [*self._accepted.values()]:
            _shut_down(connection)


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
