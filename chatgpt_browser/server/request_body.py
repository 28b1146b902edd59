"""Reads the JSON body of a request. Its size and the wait for each part are limited."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread

from .departure import ClientLeftError
from .errors import APIError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import Receive

T = TypeVar("T")

#: The maximum size of a body in bytes: 64 MB. Base64 makes files a third larger, so this is enough for two images of the largest
#: size that the site accepts (20 MB each), or for a file of 47 MB.
MAX_BODY = 64 << 20
#: A body of this many bytes or more is parsed in a thread.
_LARGE = 1 << 20
#: The longest wait in seconds for the next part of a body.
_IDLE_TIMEOUT = 30.0
#: If a body is too large, the server reads and drops the whole body before it responds, because a client that is still sending
#: would get a broken connection instead of the response. After about this many bytes, the server responds in any case.
_MAX_DROPPED = 1 << 30


async def read_body(request: Request, convert: Callable[[dict[str, Any]], T]) -> T:
    """Read the JSON object in the body of a request, and return the result of ``convert`` for this object.

    :raises APIError: the body is too large (413), arrives too slowly (408), or is not a JSON object (400).
    :raises ClientLeftError: the client has disconnected.
    """
    body = await _read(request)

    def parse() -> T:
        return convert(_parse(body))

    return await anyio.to_thread.run_sync(parse) if len(body) >= _LARGE else parse()


def _parse(body: bytes) -> dict[str, Any]:
    try:
        # `json.loads(body)` would accept bytes that encode one half of a surrogate pair. `bytes.decode` refuses them.
        text = body.decode(json.detect_encoding(body))
        parsed = json.loads(text)
        # `\ud…` is the escape of one half of a surrogate pair. Without the other half, the text cannot be encoded.
        if r"\ud" in text or r"\uD" in text:
            json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        message = "The body contains one half of a surrogate pair. Nothing was sent."
        raise APIError(400, message, code="invalid_json") from None
    except (ValueError, RecursionError):
        raise APIError(400, "The body is not valid JSON.", code="invalid_json") from None
    if not isinstance(parsed, dict):
        raise APIError(400, "The body must be a JSON object.", code="invalid_json")
    return parsed


async def _read(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    is_too_large = length.isdecimal() and int(length) > MAX_BODY
    if is_too_large and request.headers.get("expect", "").lower() == "100-continue":
        raise _too_large()  # With this header, the client has not sent the body yet: there is nothing to drop.
    parts: list[bytes] = []
    size = 0
    while True:
        part, has_more = await _next_part(request.receive)
        size += len(part)
        if size > MAX_BODY or is_too_large:
            is_too_large = True
            parts.clear()
        else:
            parts.append(part)
        if not has_more or size > _MAX_DROPPED:
            break
    if is_too_large:
        raise _too_large()
    return b"".join(parts)


async def _next_part(receive: Receive) -> tuple[bytes, bool]:
    """Return the next part of the body, and whether more parts follow."""
    with anyio.move_on_after(_IDLE_TIMEOUT):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        return message.get("body", b""), message.get("more_body", False)
    raise APIError(
        408,
        f"No data of the body has arrived for {_IDLE_TIMEOUT:.0f} s.",
        code="request_timeout",
        headers={"connection": "close"},
    )


def _too_large() -> APIError:
    return APIError(
        413,
        f"The body is larger than {MAX_BODY >> 20} MB. Send fewer or smaller images and files.",
        code="request_too_large",
        headers={"connection": "close"},
    )
