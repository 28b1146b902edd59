"""Encodes server-sent events."""

from __future__ import annotations

import json
from json.encoder import encode_basestring_ascii
from typing import Any


def encode_event(data: dict[str, Any], name: str | None = None) -> bytes:
    """Return an event with JSON data. ``name`` is the type of the event, or None for the default type."""
    prefix = "" if name is None else f"event: {name}\n"
    return f"{prefix}data: {json.dumps(data)}\n\n".encode()


def encode_text(before: str, text: str, after: str) -> bytes:
    """Return an event. Its JSON consists of ``before``, the text as a JSON string, and ``after``."""
    return f"data: {before}{encode_basestring_ascii(text)}{after}\n\n".encode()
