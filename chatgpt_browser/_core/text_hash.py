"""The hash of a text."""

from __future__ import annotations


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal form. Lone surrogates are allowed."""
    import hashlib  # Imported here, because the start of a client must be fast.

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
