"""Reads the body of a request of the site's page as text: decompresses it, and reads the fields of a form."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

#: The media types of forms.
FORM_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")

#: The maximum size of a decompressed body in bytes. A message is much smaller.
_MAX_SIZE = 32 << 20
#: The first bytes of gzip and of the usual kinds of zlib data.
_GZIP, _ZLIB = b"\x1f\x8b", (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_EITHER_HEADER = zlib.MAX_WBITS | 32


def body_of(request: dict[str, Any]) -> bytes | str | None:
    """Return the body in a ``Network.Request`` of the DevTools protocol, or None if the browser has not reported all of it."""
    entries = request.get("postDataEntries")
    if entries:
        try:
            return b"".join(base64.b64decode(entry["bytes"]) for entry in entries)
        except (KeyError, binascii.Error):
            return None  # The entry is a file or a blob. The browser does not report its content.
    body: str | None = request.get("postData")
    return body


def decode_body(body: bytes | str | None) -> str | None:
    """Decompress a body if it is compressed, and return its text. Return None if the body is missing or is not text."""
    if body is None or isinstance(body, str):
        return body
    if body.startswith((_GZIP, *_ZLIB)):
        body = _decompress(body)
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _decompress(body: bytes) -> bytes:
    """Return the decompressed body. If ``body`` is not compressed, or the result would be too large, return ``body``."""
    decompressor = zlib.decompressobj(_EITHER_HEADER)
    try:
        text = decompressor.decompress(body, _MAX_SIZE)
    except zlib.error:
        return body
    return text if decompressor.eof else body


def form_fields(text: str, content_type: str) -> tuple[str, ...]:
    """Return the values of the fields in ``text``, the body of a form."""
    if not content_type.lower().startswith("multipart"):
        return tuple(value for _, value in parse_qsl(text, keep_blank_values=True))
    head = f"Content-Type: {content_type}\r\n\r\n".encode("utf-8", "replace")
    form = BytesParser(policy=HTTP).parsebytes(head + text.encode("utf-8", "replace"))
    if not form.is_multipart():
        return (text,)
    payloads = (part.get_payload(decode=True) for part in form.iter_parts())
    return tuple(payload.decode("utf-8", "replace") for payload in payloads if isinstance(payload, bytes))


def read_offset(body: bytes | str | None) -> int:
    """Return the field ``offset`` of a request for the rest of a reply; 0 if the field is missing."""
    try:
        offset = json.loads(decode_body(body) or "")["offset"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return 0
    return offset if isinstance(offset, int) and offset > 0 else 0
