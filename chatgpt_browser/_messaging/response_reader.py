"""Reads the head and the body of a response from its stream, within time limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from .._core.errors import APIStatusError, ChatGPTTimeoutError, StreamInterruptedError
from .._core.models import Response
from .._protocol.error_responses import status_error

if TYPE_CHECKING:
    from .._core.models import Head
    from .._core.options import Options
    from .._transport.response_stream import ResponseStream

#: The maximum sizes of a response's body, in bytes of UTF-8 after decompression (43 KB of gzip may become 29 MB). SMALL_BODY
#: applies to error responses, to the response that contains the session, and to a document (HTML or JSON) that arrives in place
#: of a reply's stream or of a file. _MAX_BODY_SIZE applies to all other responses. For example, the JSON of a conversation of
#: 6,000 messages with 1,000 characters each has 13 MB.
SMALL_BODY, _MAX_BODY_SIZE = 1 << 20, 32 << 20


async def receive_head(stream: ResponseStream, options: Options) -> Head:
    """Wait for the head of a response, and return the head.

    :raises ChatGPTTimeoutError: no head arrived within ``first_byte_timeout``.
    :raises StreamInterruptedError: the connection broke.
    :raises ChatGPTError: the status is not 2xx. The error contains the body of the response.
    """
    head = await receive_any_head(stream, options)
    if not head.ok:
        raise status_error(await receive_body(stream, head, options))
    return head


async def receive_any_head(stream: ResponseStream, options: Options) -> Head:
    """Wait for the head of a response with any status, and return the head.

    :raises ChatGPTTimeoutError: no head arrived within ``first_byte_timeout``.
    :raises StreamInterruptedError: the connection broke.
    """
    try:
        with anyio.move_on_after(options.first_byte_timeout) as scope:
            kind, *rest = await stream.receive()
        if scope.cancelled_caught:
            silence = f"no first byte within {options.first_byte_timeout:g} s"
            message = f"ChatGPT timed out waiting for response: {silence}"
            raise ChatGPTTimeoutError(message, limit="first_byte_timeout", seconds=options.first_byte_timeout)
        if kind == "error":
            raise StreamInterruptedError(f"The connection broke before the site responded: {rest[2]}.")
        head: Head = rest[0]
    except BaseException:
        stream.abort()
        raise
    return head


async def receive_body(
    stream: ResponseStream, head: Head, options: Options, *, limit: int = _MAX_BODY_SIZE
) -> Response:
    """Read the body of a response that is not an event stream. Return the whole response.

    If the status is not 2xx, no error is raised for a body that breaks off or does not end in time. In this case, the result
    contains the part of the body that was read.

    :raises ChatGPTTimeoutError: the status is 2xx, and the body did not end within ``idle_timeout``.
    :raises StreamInterruptedError: the status is 2xx, and the connection broke.
    :raises APIStatusError: the status is 2xx, and the body is larger than ``limit`` bytes.
    """
    pieces: list[str] = []
    response: Response | None = None
    try:
        with anyio.move_on_after(options.idle_timeout):
            response = await read_response(stream, head, pieces, limit=limit)
            return response
        if not head.ok:
            return Response(head, "".join(pieces))
        raise ChatGPTTimeoutError(
            "ChatGPT timed out waiting for response: the response stopped in the middle",
            limit="idle_timeout",
            seconds=options.idle_timeout,
        )
    except ConnectionError as exc:
        raise StreamInterruptedError(f"The connection broke in the middle of a response: {exc}.") from exc
    finally:
        # A stream with a complete 2xx body stays open, because the rest of a reply may follow from a WebSocket. Any other stream
        # is aborted.
        if response is None or not head.ok:
            stream.abort()


async def read_response(
    stream: ResponseStream,
    head: Head | None = None,
    pieces: list[str] | None = None,
    *,
    limit: int = _MAX_BODY_SIZE,
) -> Response:
    """Read and return a whole response that is not an event stream, without a time limit.

    If the status is not 2xx, no error is raised for a body that breaks off or is longer than 1 MB. In this case, the result
    contains the part of the body that was read.

    :param head: the head of the response, if the caller has already read it.
    :param pieces: a list. The pieces of the body are appended to this list.
    :param limit: the largest body of a response with status 2xx, in bytes.
    :raises ConnectionError: the connection broke. The error contains the browser's message.
    :raises APIStatusError: the status is 2xx, and the body is larger than ``limit``.
    """
    pieces = [] if pieces is None else pieces
    size = 0

    while True:
        kind, *rest = await stream.receive()
        if kind == "head":
            head = rest[0]
        elif kind == "text":
            pieces.append(rest[0])
            size += _size_of(rest[0])
            if head is not None and not head.ok and size > SMALL_BODY:
                return Response(head, "".join(pieces))
            if size > limit:
                raise APIStatusError(
                    f"The response is longer than {limit:,} bytes.",
                    status_code=None if head is None else head.status,
                )
        elif kind == "error":
            if head is not None and not head.ok:
                return Response(head, "".join(pieces))
            raise ConnectionError(rest[2])
        elif kind == "end" and head is not None:
            return Response(head, "".join(pieces))


def _size_of(text: str) -> int:
    """Return the number of bytes of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
