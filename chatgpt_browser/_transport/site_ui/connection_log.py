"""Detects that Chromium may have sent a message twice over HTTP/2 or HTTP/3.

If a reused connection closes without a response, Chromium sends the request again over a new connection, even a POST.
Chromium reports neither the close nor the second request, so :class:`ConnectionLog` infers them from the ids of the connections.

Over HTTP/1.1, :mod:`.site_page` prevents the reuse of connections. Over HTTP/2, Chromium treats even a new connection as reused
as soon as the first frame has arrived over it. No command of the DevTools protocol prevents the second request. The following was
tried with Chromium 156: interception by the Fetch domain, with and without a new body; switching to offline and back; clearing
the caches and cookies.
"""

from __future__ import annotations

from typing import Any

from ..._core.log import logger
from ..._core.urls import origin_of

#: The HTTP versions, as the DevTools protocol names them, over which Chromium may send a message of the site's page twice.
MULTIPLEXED = ("h2", "h3")


class ConnectionLog:
    """The connections over which the page received its responses.

    A page has one connection to each origin. If a message's response arrives over a new connection although the page had a
    connection before, then the old connection has closed. Chromium may have sent the message over both connections.
    """

    def __init__(self) -> None:
        #: The id of the newest connection for each pair of origin and protocol.
        self._newest: dict[tuple[str, str], float] = {}
        #: The ids of the connections that have replaced an earlier connection.
        self._replacements: set[float] = set()

    def add(self, event: dict[str, Any]) -> None:
        """Record the connection of a ``Network.responseReceived`` event."""
        response = event["response"]
        protocol, connection = response.get("protocol", ""), response.get("connectionId")
        if protocol not in MULTIPLEXED or not connection:
            return
        key = origin_of(response["url"]), protocol
        before = self._newest.get(key)
        self._newest[key] = connection
        if before not in (None, connection) and not response.get("connectionReused"):
            self._replacements.add(connection)

    def check_message(self, event: dict[str, Any]) -> bool:
        """Record the connection of a message's response. If Chromium may have sent the message twice, log a warning.

        ``event`` is the ``Network.responseReceived`` event of this response. Return True if a warning was logged.
        """
        self.add(event)
        response = event["response"]
        if response.get("connectionReused") or response.get("connectionId") not in self._replacements:
            return False
        logger.warning(
            "the connection to the site was replaced while the page sent the message: Chromium may have sent it twice, so check "
            "the conversation"
        )
        return True
