"""The code that both endpoints share: sends the messages of a request to the site, and the reply to the client."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from starlette.requests import Request

from .._core.base_error import ChatGPTError
from .._core.log import logger
from .departure import ClientLeftError, while_connected
from .errors import APIError, JSONResponse, to_api_error
from .event_stream import EventStream
from .outcome import Outcome, read_images
from .request_body import read_body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import Receive, Scope, Send

    from .._messaging.reply_stream import AsyncReplyStream
    from .call import Call
    from .conversations import Conversations
    from .request_queue import RequestQueue


class Exchange(Protocol):
    """A request, and the encoder of its response."""

    call: Call
    #: Maps the options of a message to the fields of the request that set these options.
    option_fields: ClassVar[Mapping[str, str]]

    def document(self, outcome: Outcome) -> dict[str, Any]:
        """Return the body of the response to a request without ``stream``."""
        ...

    def begin(self) -> list[bytes]:
        """Return the first events of a stream."""
        ...

    def text(self, piece: str) -> list[bytes]:
        """Return the events for a piece of the reply's text."""
        ...

    def end(self, outcome: Outcome) -> list[bytes]:
        """Return the last events of a stream."""
        ...

    def failure(self, error: APIError) -> list[bytes]:
        """Return the events that end a stream with an error."""
        ...


@dataclass(frozen=True)
class Service:
    """The objects and settings that the endpoints share."""

    conversations: Conversations
    queue: RequestQueue
    ignore_sampling: bool = False


class ReplyEndpoint:
    """The ASGI application for ``/v1/chat/completions`` or ``/v1/responses``.

    :param read: a function that creates an :class:`Exchange` from the body of a request.
    """

    def __init__(self, service: Service, read: Callable[..., Exchange]) -> None:
        self._service = service
        self._read = read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to one request. If the client disconnects, stop the reply at the site."""
        option_fields: Mapping[str, str] = MappingProxyType({})
        try:
            exchange = await read_body(Request(scope, receive), self._exchange)
            option_fields = exchange.option_fields
            with self._service.queue:
                await while_connected(receive, self._answer(exchange, scope, receive, send))
        except ClientLeftError:
            logger.info("a client has disconnected before the end of its response")
        except Exception as error:
            await describe(error, option_fields).response()(scope, receive, send)

    def _exchange(self, body: dict[str, Any]) -> Exchange:
        return self._read(body, ignore_sampling=self._service.ignore_sampling)

    async def _answer(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._service.conversations.open_reply(exchange.call) as stream:
            stream._expect_images()
            if exchange.call.is_stream:
                await self._send_events(exchange, stream, send)
                return
            outcome = await self._finish(exchange, stream, "".join([piece async for piece in stream]))
        await JSONResponse(exchange.document(outcome))(scope, receive, send)

    async def _send_events(self, exchange: Exchange, stream: AsyncReplyStream, send: Send) -> None:
        async with EventStream(send) as events:
            events.add(*exchange.begin())
            pieces: list[str] = []
            try:
                async for piece in stream:
                    pieces.append(piece)
                    events.add(*exchange.text(piece))
                outcome = await self._finish(exchange, stream, "".join(pieces))
            except ClientLeftError:
                raise
            except Exception as error:
                events.add(*exchange.failure(describe(error, exchange.option_fields)))
            else:
                events.add(*exchange.end(outcome))

    async def _finish(self, exchange: Exchange, stream: AsyncReplyStream, text: str) -> Outcome:
        """Return the outcome of a stream that was read to its end, and store the position of the answer."""
        reply = stream.reply
        assert reply is not None
        outcome = Outcome(reply, text if exchange.call.is_stream else reply.text, await read_images(reply))
        await self._service.conversations.store(exchange.call, stream, outcome.text)
        return outcome


def describe(error: Exception, option_fields: Mapping[str, str] = MappingProxyType({})) -> APIError:
    """Return the error response for an error. Log an unexpected error, because the response does not contain its text.

    :param option_fields: maps the options of a message to the fields of the request that set these options.
    """
    if not isinstance(error, (APIError, ChatGPTError)):
        logger.error("the server has failed", exc_info=error)
    return to_api_error(error, option_fields)
