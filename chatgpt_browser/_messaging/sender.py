"""The message sender: the queue, the choice of a transport, and what is sent again."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import TYPE_CHECKING

from .._core.errors import ClientClosedError, UnusualActivityError
from .._core.log import logger
from .._core.models import QuestionRef
from .._core.telemetry import MessageSpan
from .._protocol.conversation_tree import Turn
from .._protocol.error_responses import status_error
from .._transport.base import OutgoingMessage
from .._transport.fetch.transport import FetchTransport
from .._transport.site_ui.page_pool import SitePagePool
from .access_token import AccessTokenCache
from .backend_client import BackendClient
from .conversation_lookup import ConversationLookup
from .permits import MessagePermits
from .response_reader import receive_body, receive_head
from .secret_filter import SecretFilter

if TYPE_CHECKING:
    from .._core.models import Head, Prompt
    from .._core.options import Options
    from .._transport.base import Transport
    from .._transport.browser_manager import BrowserManager
    from .lease import MessageLease
    from .permits import Permit


def preload() -> None:
    """Import what the first message needs and what is slow to import (tenacity), while the browser starts."""
    importlib.import_module(f"{__package__}.retry")


class MessageSender:
    """Sends messages through one of two transports. Unit tests replace the transports, which are optional arguments."""

    def __init__(
        self,
        options: Options,
        browser_manager: BrowserManager,
        *,
        fetch: Transport | None = None,
        site_pages: Transport | None = None,
    ) -> None:
        #: The client's options; replaced when the caller sets another model.
        self.options = options
        requests = FetchTransport(browser_manager)
        self.secrets = SecretFilter(browser_manager)
        self.tokens = AccessTokenCache(options, browser_manager, requests, self.secrets)
        self.backend = BackendClient(options, browser_manager, requests, self.tokens, self.secrets)
        self.conversations = ConversationLookup(self.backend)
        self.permits = MessagePermits(options.max_concurrent_messages)
        self.site_pages = site_pages or SitePagePool(options, browser_manager)
        self._browser_manager = browser_manager
        self._fetch = fetch or requests
        #: Origins that have refused a message by fetch, with ``send_via="auto"``.
        self._page_only_origins: set[str] = set()
        self._is_closed = False

    async def close(self) -> None:
        """Send no more messages."""
        self._is_closed = True
        await self._fetch.close()
        await self.tokens.close()
        await self.site_pages.close()

    def check_open(self) -> None:
        """Check that the sender is not closed.

        :raises ClientClosedError: it is closed.
        """
        if self._is_closed:
            raise ClientClosedError

    def start_span(self, prompt: Prompt) -> MessageSpan:
        """Return the telemetry span for one message."""
        return MessageSpan(prompt.model or self.options.model, self._browser_manager.site.origin)

    async def acquire_permit(self) -> Permit:
        """Wait until a message may be sent.

        :raises ClientClosedError: the client is closed.
        :raises ChatGPTError: no browser could be started, or the site could not be reached.
        """
        self.check_open()
        from .retry import retrying_refresh

        # The first call opens the site here: like a refresh of the session, that is retried if the network fails.
        page = await retrying_refresh(self._browser_manager.page, retries=self.options.retries)
        self.permits.adapt_to(page.protocol)
        return await self.permits.acquire()

    async def send(self, prompt: Prompt, lease: MessageLease, span: MessageSpan) -> QuestionRef:
        """Send a message. After this, ``lease.response`` delivers the events of the reply.

        :raises ChatGPTError: the message was not sent, or the site refused it.
        """
        while True:
            transport, origin = self._choose_transport(), self._browser_manager.site.origin
            try:
                return await self._send_through(transport, prompt, lease, span)
            except UnusualActivityError as refusal:
                if self.options.send_via != "auto" or transport is self.site_pages:
                    refusal.args = (f"{refusal} ({transport.unusual_activity_advice})",)
                    raise
                # The message was refused, so to send it again does not send it twice.
                logger.info(
                    "the site only accepts messages from its own page, switching to that: %s", refusal
                )
                self._page_only_origins.add(origin)

    def _choose_transport(self) -> Transport:
        is_page_only = self._browser_manager.site.origin in self._page_only_origins
        return self.site_pages if self.options.send_via == "page" or is_page_only else self._fetch

    async def _send_through(
        self, transport: Transport, prompt: Prompt, lease: MessageLease, span: MessageSpan
    ) -> QuestionRef:
        import uuid  # preloaded while the browser starts: it imports `platform`

        if not transport.needs_newest_turn and prompt.conversation_id and prompt.parent_message_id is None:
            node = await self.conversations.find_current_node(prompt.conversation_id)
            prompt = replace(prompt, parent_message_id=node)
        message_id = str(uuid.uuid4())  # the same in each attempt

        async def attempt(access_token: str) -> tuple[OutgoingMessage, Head]:
            message = await self._address(transport, prompt, message_id, access_token)
            if prompt.before_send is not None:
                prompt.before_send(message_id if transport.keeps_message_id else None)
            span.request_sent()
            try:
                lease.response = await transport.send(message)
            finally:
                self.conversations.note_delivery(message)
            return message, await receive_head(lease.response, self.options)

        message, head = await self.backend.call(attempt, resend_refused=transport.can_resend_refused)
        assert lease.response is not None
        if head.is_document:
            with self.backend.guarding():
                raise status_error(await receive_body(lease.response, head, self.options))
        logger.info("the site has accepted the message", extra={"chatgpt_event": "message_taken"})
        return QuestionRef(prompt.conversation_id, message.delivery.message_id, message.after)

    async def _address(
        self, transport: Transport, prompt: Prompt, message_id: str, access_token: str
    ) -> OutgoingMessage:
        """Return the message with its position in the conversation, as far as the transport needs it."""
        after, turn = None, Turn()
        if prompt.conversation_id is not None:
            after = prompt.parent_message_id
            if transport.needs_newest_turn:
                after, turn = await self.conversations.find_newest_turn(prompt.conversation_id)
        model = prompt.model or self.options.model
        return OutgoingMessage(prompt, model, message_id, access_token, turn, after)
