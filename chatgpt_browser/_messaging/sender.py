"""The message sender, which queues messages and chooses a transport. It resends a message only if this creates no duplicate."""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from .._core.attachment_checks import check_attachments
from .._core.background import cancel_tasks
from .._core.errors import ClientClosedError, UnusualActivityError
from .._core.log import logger
from .._core.models import QuestionRef
from .._core.process_guard import ProcessGuard
from .._core.telemetry import MessageSpan
from .._protocol.conversation_tree import Turn
from .._protocol.error_responses import concerns_account, document_error
from .._transport.base import OutgoingMessage
from .._transport.fetch.transport import FetchTransport
from .._transport.site_ui.page_pool import SitePagePool
from .access_token import AccessTokenCache
from .backend_client import BackendClient
from .conversation_lookup import ConversationLookup
from .pace_gate import PaceGate
from .permits import MessagePermits
from .response_reader import SMALL_BODY, receive_body, receive_head
from .secret_filter import SecretFilter

if TYPE_CHECKING:
    from .._core.models import BeforeSend, Head, Prompt, Session
    from .._core.options import Options
    from .._transport.base import Transport
    from .._transport.browser_manager import BrowserManager
    from .._transport.response_stream import ResponseStream
    from .file_downloader import FileDownloader
    from .lease import MessageLease
    from .permits import Permit
    from .reply_observer import ObserveReply


def preload() -> None:
    """Import the slow modules that the first message needs (tenacity). The client calls this while the browser starts."""
    importlib.import_module(f"{__package__}.retry")


class MessageSender:
    """Sends messages through one of two transports: a fetch request, or the site's own page."""

    def __init__(
        self,
        options: Options,
        browser_manager: BrowserManager,
        *,
        fetch: Transport | None = None,
        site_pages: Transport | None = None,
    ) -> None:
        #: The client's options. When the caller sets another model, the client assigns a new object with this model.
        self.options = options
        #: The function that creates the observer of each message, for example to record its reply. None if messages are not
        #: observed.
        self.observe_reply: ObserveReply | None = None
        self.process: ProcessGuard = ProcessGuard()
        requests = FetchTransport(browser_manager)
        self.secrets: SecretFilter = SecretFilter(browser_manager)
        self.tokens: AccessTokenCache = AccessTokenCache(
            options, browser_manager, requests, self.secrets, self.process
        )
        self.pace: PaceGate = PaceGate(options, browser_manager, self.tokens)
        self.backend: BackendClient = BackendClient(
            options, browser_manager, requests, self.tokens, self.secrets, self.pace
        )
        self.conversations: ConversationLookup = ConversationLookup(self.backend)
        self.permits: MessagePermits = MessagePermits(options.max_concurrent_messages)
        self.site_pages: Transport = site_pages or SitePagePool(options, browser_manager)
        self._browser_manager = browser_manager
        self._fetch = fetch or requests
        self._files: FileDownloader | None = None
        self._is_closed = False

    @property
    def files(self) -> FileDownloader:
        """The downloader of the files of replies. The modules that it needs are imported on first use."""
        if self._files is None:
            from .._transport.fetch.download_page import DownloadPages
            from .file_downloader import FileDownloader

            pages = DownloadPages(self.options, self._browser_manager)
            self._files = FileDownloader(self.options, self.backend, self._browser_manager, pages)
        return self._files

    async def close(self) -> None:
        """Close the sender and its transports. After this call, no message is sent."""
        self._is_closed = True
        if self._files is not None:
            self._files.close()
        await self._fetch.close()
        await self.tokens.close()
        await self.site_pages.close()
        await self.pace.close()

    @property
    def is_closed(self) -> bool:
        """True after :meth:`close` was called."""
        return self._is_closed

    def check_open(self) -> None:
        """Check that the sender is not closed, and that this process is not a fork of the process that first used the sender.

        :raises ClientClosedError: the sender is closed.
        :raises ForkedProcessError: the parent process has used the sender.
        """
        self.process.check()
        if self._is_closed:
            raise ClientClosedError

    async def note_refusal(self, error: BaseException) -> None:
        """If the error that ended a reply reports unusual activity, stop the messages that are waiting."""
        if isinstance(error, UnusualActivityError):
            await self.pace.note(error)

    def start_span(self, prompt: Prompt) -> MessageSpan:
        """Start and return the telemetry span of one message."""
        return MessageSpan(self._model_of(prompt), self._browser_manager.site.origin)

    def _model_of(self, prompt: Prompt) -> str:
        return prompt.options.model or self.options.model

    async def acquire_permit(self, prompt: Prompt) -> Permit:
        """Wait until one more message may be in flight, and return a permit for this message.

        :raises RateLimitError: a limit that the site has reported, or ``messages_per_hour``, does not allow the message.
        :raises ClientClosedError: the client is closed.
        :raises ChatGPTError: no browser could be started, or the site could not be reached.
        """
        self.check_open()
        await self.pace.check(prompt, self._model_of(prompt))
        from .retry import retrying_refresh

        # The first call opens the site in the browser. If the network fails, opening is retried, like a refresh of the session.
        page = await retrying_refresh(self._browser_manager.page, retries=self.options.retries)
        self.permits.adapt_to(page.protocol)
        return await self.permits.acquire()

    async def send(self, prompt: Prompt, lease: MessageLease, span: MessageSpan) -> QuestionRef:
        """Send a message and return the ids of its question. Store the response, which contains the reply, in ``lease.response``.

        :raises UploadError: a file cannot be read, or exceeds a limit of the site. Nothing was sent.
        :raises ChatGPTError: the message was not sent, or the site refused the message.
        """
        check_attachments(prompt.options.files)
        async with self.pace.sending(prompt, self._model_of(prompt), lease):
            return await self._send(prompt, lease, span)

    async def _send(self, prompt: Prompt, lease: MessageLease, span: MessageSpan) -> QuestionRef:
        """Choose the transport and send the message. With ``send_via="auto"``, use the site's page only if necessary."""
        needs_page = self._browser_manager.needs_site_page or prompt.options.needs_page
        transport = self.site_pages if needs_page else self._fetch
        if self.options.send_via == "auto" and transport is self._fetch:
            try:
                return await self._send_once(transport, prompt, lease, span)
            except UnusualActivityError as refusal:
                # The page is used only after the site has refused the message itself. If there is no response, the site has
                # refused an earlier request, such as the request for the parent message.
                if lease.response is None or concerns_account(refusal):
                    raise
                # The site has refused the message. Therefore a second attempt cannot create a duplicate.
                logger.info("the site accepts messages only from its own page, switching to it: %s", refusal)
            self._browser_manager.require_site_page()
            transport, lease.response = self.site_pages, None
        try:
            return await self._send_once(transport, prompt, lease, span)
        except UnusualActivityError as refusal:
            if lease.response is not None:
                refusal.args = (f"{refusal} ({transport.unusual_activity_advice})",)
            raise

    async def _send_once(
        self, transport: Transport, prompt: Prompt, lease: MessageLease, span: MessageSpan
    ) -> QuestionRef:
        import uuid  # `BrowserManager` has already imported `uuid` while the browser started, so this takes no time.

        if not transport.needs_newest_turn and prompt.conversation_id:
            parent = await self.conversations.find_parent(prompt.conversation_id, prompt.parent_message_id)
            prompt = replace(prompt, parent_message_id=parent)
        message_id = str(uuid.uuid4())  # All attempts use the same id.

        async def attempt(session: Session) -> tuple[OutgoingMessage, Head]:
            self.pace.check_again(prompt, self._model_of(prompt))
            message = await self._address(transport, prompt, message_id, session)
            lease.delivery, lease.sending_at = message.delivery, time.time()
            if prompt.before_send is not None:
                known_id = message_id if transport.keeps_message_id else None
                message.delivery.before_start = functools.partial(_announce, prompt.before_send, known_id)
            span.request_sent()
            try:
                lease.response = await transport.send(message)
            finally:
                self.conversations.note_delivery(message)
                sent_id = message.delivery.message_id
                lease.question = QuestionRef(prompt.conversation_id, sent_id, message.after)
                lease.is_request_checked = message.delivery.is_checked
            return message, await self._receive_head(transport, lease.response)

        _, head = await self.backend.call(attempt, resend_refused=transport.can_resend_refused)
        assert lease.response is not None
        if head.is_document:
            with self.backend.guarding():
                raise document_error(await receive_body(lease.response, head, self.options, limit=SMALL_BODY))
        logger.info("the site has accepted the message", extra={"chatgpt_event": "message_taken"})
        return lease.question

    async def _receive_head(self, transport: Transport, response: ResponseStream) -> Head:
        """Wait for the head of the response, and return the head.

        If the transport may have renewed the session, also read the new session token from the browser. This happens during the
        wait, and takes about as long as a fast response of the site, so it causes almost no delay.
        """
        if not transport.may_renew_session:
            return await receive_head(response, self.options)
        receiving = asyncio.ensure_future(receive_head(response, self.options))
        updating = asyncio.ensure_future(self._browser_manager.update_session_token())
        try:
            await asyncio.wait((receiving, updating))
            head = receiving.result()
            updating.result()
            return head
        finally:
            await cancel_tasks(receiving, updating)

    async def _address(
        self, transport: Transport, prompt: Prompt, message_id: str, session: Session
    ) -> OutgoingMessage:
        """Return the outgoing message, with the id of the message that it follows, and with the newest turn if this is needed.

        If the transport needs the newest turn, and this client does not know it, request the conversation from the site.
        """
        after, turn = None, Turn()
        if prompt.conversation_id is not None:
            after = prompt.parent_message_id
            if transport.needs_newest_turn:
                known = self.conversations.find_known_turn(prompt)
                if known is not None and await transport.shows(prompt.conversation_id, known):
                    turn = known
                else:
                    after, turn = await self.conversations.find_newest_turn(prompt.conversation_id)
        return OutgoingMessage(prompt, self._model_of(prompt), message_id, session, turn, after)


async def _announce(before_send: BeforeSend, message_id: str | None) -> None:
    result = before_send(message_id)
    if inspect.isawaitable(result):
        await result
