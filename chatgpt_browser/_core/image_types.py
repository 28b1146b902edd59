"""Recognises the formats of images by their first bytes."""

from __future__ import annotations

_SIGNATURES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
}


def image_type(data: bytes) -> str | None:
    """Return the media type of the image that starts with these bytes. If the format is unknown, return None."""
    for start, media_type in _SIGNATURES.items():
        if data.startswith(start):
            return media_type
    # RIFF is a container format, which WAV and AVI files also use. The bytes after ``RIFF`` are the size (four bytes) and the
    # type of the content.
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None
