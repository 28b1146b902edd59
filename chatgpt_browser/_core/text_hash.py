"""The hash of a text."""

from __future__ import annotations

import hashlib


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal form. Lone surrogates are allowed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
