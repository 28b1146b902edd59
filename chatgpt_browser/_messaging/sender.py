"""Takes messages to the site, in turn and under a valid token, and sends again what was refused before it was taken."""

from __future__ import annotations

import functools
import logging
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio

from .._core.errors import (
    APIConnectionError,
    APIStatusError,
    ChatGPTError,
    ChatGPTTimeoutError,
    ClientClosedError,
    OriginError,
    PageError,
    StreamInterruptedError,
    UnusualActivityError,
)
from .._core.models import QuestionRef, Response
from .._core.options import DEFAULT_MODEL
from .._core.telemetry import MessageSpan, measuring
from .._protocol.backend import conversation_path, read_history
from .._protocol.conversation_tree import Turn, newest_turn
from .._protocol.error_responses import is_challenge, read_json, status_error
from .._protocol.requests import backend_request, message_request, session_request
from .._protocol.session import read_session
from .._transport.response_stream import ResponseStream, collect, read_head
from .._transport.site_ui.page_pool import SitePagePool
from .access_token import AccessTokenCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._core.models import Head, Prompt, Request, Session
    from .._core.options import Options
    from .._protocol.backend import History
    from .._transport.browser_manager import BrowserManager
    from .._transport.fetch.fetch_page import FetchPage

__all__ = ["MessageSender"]

logger = logging.getLogger("chatgpt_browser")

#: Chromium keeps six connections to a host over HTTP/1.1. One is left free, so that a session can be refreshed meanwhile.
_HTTP1_STREAMS = 5
#: An answer may still repeat a token that has been renewed meanwhile.
_REMEMBERED_TOKENS = 4
_REMEMBERED_QUESTIONS = 1000
_SHORTEST_SECRET = 12

_TRY_THE_PAGE = 'so says a site, too, that takes messages from its own page alone: send_via="page"'
_NOT_EVEN_THE_PAGE = (
    "its own page was refused, and nothing is tried around that: see whether it takes one by hand"
)


class MessageSender:
    """Between the client's verbs and the engine: the session, the turns, the retries."""

    def __init__(self, options: Options, engine: BrowserManager) -> None:
        self.options = options
        self.engine = engine
        self.session = AccessTokenCache(
            measuring("session.refresh", self._refresh), ttl=options.access_token_ttl
        )
        self._tabs = SitePagePool(options, engine)
        #: The origins of which it is known that they take messages from their own page alone.
        self._page_alone: set[str] = set()
        self._access_tokens: deque[str] = deque(maxlen=_REMEMBERED_TOKENS)
        #: Questions that the site has taken, and no reply came through to.
        self._unanswered: deque[str] = deque(maxlen=_REMEMBERED_QUESTIONS)
        self._closed = False

    async def close(self) -> None:
        """Send nothing any more."""
        self._closed = True
        await self.session.close()
        await self._tabs.close()

    def check_open(self) -> None:
        """:raises ClientClosedError: after :meth:`close`."""
        if self._closed:
            raise ClientClosedError

    # ---- the session -------------------------------------------------------------------------------------------------

    async def get_session(self) -> Session:
        """The session, at most ``access_token_ttl`` old.

        :raises AuthenticationError: there is none to be had.
        """
        self.check_open()
        return await self.session.get()

    async def _refresh(self) -> Session:
        from .retry import retrying_refresh  # with tenacity: read while the browser starts, not before

        return await retrying_refresh(self._ask_for_session, retries=self.options.retries)

    async def _ask_for_session(self) -> Session:
        with self._hiding():
            session = await self._read_session()
        self._access_tokens.append(session.access_token)
        await self.engine.read_back()
        logger.info("the session is alive", extra={"chatgpt_event": "session_alive"})
        return session

    async def _read_session(self) -> Session:
        response = await self._fetch(session_request(self.engine.site))
        if is_challenge(response.head, response.text):
            await self.engine.pass_challenge()
            response = await self._fetch(session_request(self.engine.site))
        if is_challenge(response.head, response.text) or response.head.redirected:
            raise status_error(response)
        return read_session(response)

    async def _fetch(self, request: Request) -> Response:
        """A short request and its whole answer. A network that fails is a session that can't be had."""
        page = await self.engine.page()
        exchange = page.open(request)
        try:
            with anyio.move_on_after(self.options.first_byte_timeout):
                return await collect(exchange)
            raise APIConnectionError(
                "ChatGPT failed to refresh auth token. Error: the site did not answer in time"
            )
        except ConnectionError as exc:
            raise APIConnectionError(f"ChatGPT failed to refresh auth token. Error: {exc}") from exc
        finally:
            exchange.abort()

    # ---- secrets -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _hiding(self) -> Iterator[None]:
        """What the site says of a failure goes into the error, but no token of ours that it repeats there."""
        try:
            yield
        except ChatGPTError as exc:
            self.hide_secrets(exc)
            if isinstance(exc, OriginError):
                self.engine.leave(exc)
            raise

    def hide_secrets(self, error: ChatGPTError) -> None:
        """Take the session's tokens out of what an error says, and whatever has the form of one."""
        from .._protocol.redaction import without_secrets

        engine, secrets = self.engine, [*self._access_tokens]
        for token in (engine.session_token, *engine.former_tokens):
            secrets += [token.value, *(cookie["value"] for cookie in token.cookies(engine.site.origin))]
        # A short one is no secret, and part of many words: a test's token, or the last character of a long one in its own cookie.
        secrets = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
        error.args = tuple(without_secrets([*error.args], secrets))
        if isinstance(error, APIStatusError):
            error.detail = without_secrets(error.detail, secrets)
            error.code, error.body = without_secrets([error.code, error.body], secrets)

    # ---- messages ----------------------------------------------------------------------------------------------------

    @functools.cached_property
    def _turns(self) -> anyio.CapacityLimiter:
        """Made when the first message wants its turn: anyio takes 20 ms to load what that needs, while a browser starts."""
        return anyio.CapacityLimiter(self.options.max_concurrent_messages)

    async def take_turn(self) -> Callable[[], None]:
        """Wait until the site may be sent a message. What comes back ends the turn, the first time that it is called."""
        self.check_open()
        from .retry import retrying_refresh

        # The first call's browser meets the site here: a network that fails there is given another try as well.
        self._limit_turns(await retrying_refresh(self.engine.page, retries=self.options.retries))
        turn = object()
        await self._turns.acquire_on_behalf_of(turn)

        def end() -> None:
            nonlocal turn
            if turn is not None:
                self._turns.release_on_behalf_of(turn)
                turn = None

        return end

    def _limit_turns(self, page: FetchPage) -> None:
        """Over HTTP/1.1 let wait here what would wait in the browser, where nobody sees it and its time runs."""
        if page.protocol == "http/1.1" and self._turns.total_tokens > _HTTP1_STREAMS:
            self._turns.total_tokens = _HTTP1_STREAMS
            logger.warning(
                "the site speaks HTTP/1.1, over which a browser keeps %d connections to a host: %d of "
                "max_concurrent_messages=%d go at once, the others wait their turn; use several clients for more",
                _HTTP1_STREAMS + 1,
                _HTTP1_STREAMS,
                self.options.max_concurrent_messages,
            )

    def chat(self, prompt: Prompt) -> MessageSpan:
        """What is recorded of a message."""
        return MessageSpan(prompt.model or self.options.model, self.engine.site.origin)

    async def post(
        self, prompt: Prompt, chat: MessageSpan, begin: Callable[[ResponseStream], object]
    ) -> tuple[ResponseStream, QuestionRef]:
        """Send a message; the exchange's next frames are the reply's events. ``begin`` is told of it before it is answered.

        :raises ChatGPTError: the site refused it, in the form that says why.
        """
        origin, way = self.engine.site.origin, self.options.send_via
        if way == "page" or origin in self._page_alone:
            return await self._post_by_page(prompt, chat, begin)
        try:
            return await self._post(prompt, chat)
        except UnusualActivityError as refusal:
            if way != "auto":
                _advise(refusal, _TRY_THE_PAGE)
                raise
            # Refused, it was not taken: this is no second time.
            logger.info("the site takes no message but from its own page: going over to that (%s)", refusal)
            self._page_alone.add(origin)
        return await self._post_by_page(prompt, chat, begin)

    async def _post_by_page(
        self, prompt: Prompt, chat: MessageSpan, begin: Callable[[ResponseStream], object]
    ) -> tuple[ResponseStream, QuestionRef]:
        """Have the site's own page send a message. It answers a conversation's newest message, and no other."""
        from .retry import retrying_while_busy

        async def post() -> tuple[ResponseStream, QuestionRef]:
            return await self._post_once_by_page(prompt, chat, begin)

        return await retrying_while_busy(post, retries=self.options.retries)

    async def _post_once_by_page(
        self, prompt: Prompt, chat: MessageSpan, begin: Callable[[ResponseStream], object]
    ) -> tuple[ResponseStream, QuestionRef]:
        await self.get_session()
        newest, turn = None, Turn()
        if prompt.conversation_id is not None:
            conversation = await self._read(prompt.conversation_id)
            newest, turn = conversation.current_node, newest_turn(conversation.raw, self._unanswered)
            if prompt.parent_message_id is not None and prompt.parent_message_id not in turn.parents:
                raise PageError(
                    "the conversation has gone on since the message that is to be answered, and the site's page answers the "
                    "newest alone: leave parent_message_id out to go on from there; nothing was sent"
                )

        def note_posted(message_id: str | None) -> None:
            # Until its reply has come through, it is a question that came to nothing. Known by its id, or by its place.
            places = (newest, prompt.parent_message_id)
            self._unanswered += [message_id] if message_id is not None else filter(None, places)

        chat.request_sent()
        model = prompt.model or self.options.model
        with self._hiding():
            exchange, question_id = await self._tabs.send(
                prompt,
                model=None if model == DEFAULT_MODEL else model,
                turn=turn,
                on_posted=note_posted,
            )
            begin(exchange)
            try:
                begun = await self._begin(exchange)
            except UnusualActivityError as refusal:
                _advise(refusal, _NOT_EVEN_THE_PAGE)
                raise
        return await self._check(*begun), QuestionRef(prompt.conversation_id, question_id, newest)

    def note_answered(self, asked: QuestionRef) -> None:
        """The reply to a question has come through: it is no longer one behind which its conversation may be gone on with."""
        with suppress(ValueError):
            self._unanswered.remove(asked.question_id or asked.parent_message_id or "")

    async def _check(self, exchange: ResponseStream, head: Head) -> ResponseStream:
        """See that what has begun is a reply."""
        if head.is_document:
            with self._hiding():
                raise status_error(await self._collect(exchange, head))
        logger.info("the site has taken the message", extra={"chatgpt_event": "message_taken"})
        return exchange

    async def _post(self, prompt: Prompt, chat: MessageSpan) -> tuple[ResponseStream, QuestionRef]:
        import uuid  # with `platform`: loaded while a browser starts, not before

        if prompt.conversation_id is not None and prompt.parent_message_id is None:
            node = await self.find_current_node(prompt.conversation_id)
            prompt = replace(prompt, parent_message_id=node)
        message_id = str(uuid.uuid4())  # the same one where it has to be sent again
        self._unanswered.append(message_id)

        def build(access_token: str) -> Request:
            chat.request_sent()
            model = prompt.model or self.options.model
            return message_request(
                self.engine.site, prompt, message_id=message_id, model=model, access_token=access_token
            )

        exchange = await self._check(*await self._send(build))
        after = prompt.parent_message_id if prompt.conversation_id is not None else None
        return exchange, QuestionRef(prompt.conversation_id, message_id, after)

    async def find_current_node(self, conversation_id: str) -> str:
        """The id of a conversation's newest message, which the next one names as its parent.

        :raises ConversationNotFoundError: there is no such conversation.
        """
        node = (await self._read(conversation_id)).current_node
        assert node is not None
        return node

    async def _read(self, conversation_id: str) -> History:
        """A conversation that has a newest message."""
        history = read_history(conversation_id, await self.ask("GET", conversation_path(conversation_id)))
        if history.current_node is None:
            raise APIStatusError("the conversation names no current message", status_code=200)
        return history

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the backend, and its answer as parsed JSON.

        :raises ChatGPTError: the site refused it.
        """

        def build(access_token: str) -> Request:
            return backend_request(self.engine.site, method, path, body, access_token=access_token)

        async def ask() -> Any:
            exchange, head = await self._send(build)
            with self._hiding():
                answer = await self._collect(exchange, head)
                return None if method != "GET" and not answer.text.strip() else read_json(answer)

        if method != "GET":
            return await ask()
        from .retry import retrying_read

        return await retrying_read(ask, retries=self.options.retries)

    async def _send(self, build: Callable[[str], Request]) -> tuple[ResponseStream, Head]:
        """Send what ``build`` makes of an access token, and again with a new one, or after a challenge, where that helps."""
        from .retry import RetryPolicy, retrying_send

        used: list[Session] = []

        async def renew_token(error: Exception) -> None:
            self.session.reject(used[-1].access_token)

        async def pass_challenge(error: Exception) -> None:
            await self.engine.pass_challenge()

        async def send() -> tuple[ResponseStream, Head]:
            session = await self.get_session()
            used.append(session)
            page = await self.engine.page()
            self.check_open()
            with self._hiding():
                return await self._begin(page.open(build(session.access_token)))

        remedies = RetryPolicy(
            renew_token=renew_token, pass_challenge=pass_challenge, retries=self.options.retries
        )
        return await retrying_send(send, remedies)

    async def _begin(self, exchange: ResponseStream) -> tuple[ResponseStream, Head]:
        """Wait for the answer to begin.

        :raises ChatGPTError: it is a refusal.
        """
        try:
            with anyio.move_on_after(self.options.first_byte_timeout) as scope:
                kind, *rest = await exchange.receive()
            if scope.cancelled_caught:
                silence = f"no first byte within {self.options.first_byte_timeout:g} s"
                raise ChatGPTTimeoutError(f"ChatGPT timed out waiting for response: {silence}")
            if kind == "error":
                raise StreamInterruptedError(f"the connection broke before the site answered: {rest[2]}")
            head = read_head(rest[0])
            if not head.ok:
                raise status_error(await self._collect(exchange, head))
        except BaseException:
            exchange.abort()
            raise
        return exchange, head

    async def _collect(self, exchange: ResponseStream, head: Head) -> Response:
        """The rest of an answer that is no stream."""
        pieces: list[str] = []
        try:
            with anyio.move_on_after(self.options.idle_timeout):
                return await collect(exchange, head, pieces)
            if not head.ok:
                return Response(head, "".join(pieces))
            raise ChatGPTTimeoutError(
                "ChatGPT timed out waiting for response: the answer stopped in the middle"
            )
        except ConnectionError as exc:
            raise StreamInterruptedError(f"the connection broke in the middle of an answer: {exc}") from exc
        finally:
            exchange.abort()


def _advise(error: APIStatusError, advice: str) -> None:
    error.args = (f"{error} ({advice})",)
