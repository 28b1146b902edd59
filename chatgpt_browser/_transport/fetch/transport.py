"""The fetch transport, which sends a message as a ``fetch`` request from the client's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..._core.errors import ClientClosedError
from ..._protocol.requests import message_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..._core.models import Request
    from ..._core.urls import Site
    from ..._protocol.conversation_tree import Turn
    from ..base import Delivery, OutgoingMessage
    from ..response_stream import ResponseStream
    from .fetch_page import FetchPage


class PageProvider(Protocol):
    """The part of :class:`BrowserManager` that the transport uses."""

    site: Site

    async def page(self) -> FetchPage:
        """Return the client's page, ready to send requests."""
        ...


class FetchTransport:
    """Sends requests from the client's own page: messages, and any other request to the site."""

    needs_newest_turn = False
    may_renew_session = False
    keeps_message_id = True
    can_resend_refused = True
    unusual_activity_advice = (
        'a site that only accepts messages from its own page responds in the same way: try send_via="page"'
    )

    def __init__(self, pages: PageProvider) -> None:
        self._pages = pages
        self._is_closed = False

    async def send(self, message: OutgoingMessage) -> ResponseStream:
        """Send a message and return the stream of its response; see :meth:`Transport.send`."""
        stream = await self.open(
            lambda site: message_request(
                site,
                message.prompt,
                message_id=message.message_id,
                model=message.model,
                access_token=message.session.access_token,
            ),
            message.delivery,
        )
        message.delivery.confirm(message.message_id)
        return stream

    async def open(
        self, build: Callable[[Site], Request], delivery: Delivery | None = None
    ) -> ResponseStream:
        """Call ``build`` with the site, send the request that it returns, and return the stream of the response.

        If the request sends a message, ``delivery`` is the progress of this message.

        ``build`` is called after the page was opened, because the site may redirect to its other origin during the opening.

        :raises ChatGPTError: the page could not be opened.
        :raises ClientClosedError: the client was closed while the page was being opened.
        """
        page = await self._pages.page()
        if delivery is not None and delivery.before_start is not None:
            # If the browser has just ended, `check_alive` raises an error before the caller records the message as sent.
            await page.check_alive()
            await delivery.announce()
        if self._is_closed:
            raise ClientClosedError
        return page.open(build(self._pages.site))

    async def shows(self, conversation_id: str, turn: Turn) -> bool:
        """Return False, because the page of this transport shows no conversation."""
        return False

    async def close(self) -> None:
        """Refuse all further requests. The page itself is closed later, together with its browser."""
        self._is_closed = True
