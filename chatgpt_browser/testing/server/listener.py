"""`Listener`: the listening socket, which can break its connections."""

from __future__ import annotations

import contextlib
import socket
from typing import Any
from weakref import WeakValueDictionary

BACKLOG = 1024


class Listener(socket.socket):
    """A bound, listening socket that keeps track of its accepted connections in order to break them.

    ASGI cannot break a connection, and asyncio's server cannot close connections whose clients do not read.
    """

    def __init__(self, host: str, port: int) -> None:
        # asyncio sets TCP_NODELAY only on sockets with an explicit protocol of IPPROTO_TCP.
        super().__init__(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._accepted: WeakValueDictionary[Any, socket.socket] = WeakValueDictionary()
        self._is_closing = False
        # SO_REUSEADDR lets a test bind the same port again at once. On Windows it would also allow a port in use.
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            self.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        try:
            self.bind((host, port))
            self.listen(BACKLOG)
        except OSError:
            self.close()
            raise

        self.setblocking(False)

    def accept(self) -> tuple[socket.socket, Any]:
        """Accept a connection and keep a weak reference to it."""
        connection, address = super().accept()
        self._accepted[address] = connection
        if self._is_closing:
            _shut_down(connection)

        return connection, address

    def drop(self, address: tuple[str, int]) -> None:
        """Break the connection from this (host, port), if it still exists."""
        connection = self._accepted.get(tuple(address))
        if connection is not None:
            _shut_down(connection)

    def drop_all(self) -> None:
        """Break all connections, including those accepted from now on."""
        self._is_closing = True
        for connection in [*self._accepted.values()]:
            _shut_down(connection)


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
