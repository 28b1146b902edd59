"""The formats of images, recognised by their first bytes."""

from __future__ import annotations

import pytest

from chatgpt_browser._core.image_types import image_type


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"RIFF1234WAVEfmt ", None),
        (b"RIFF", None),
        (b"<svg/>", None),
        (b"", None),
    ],
)
def test_image_type_first_bytes_decide(data: bytes, media_type: str | None) -> None:
    assert image_type(data) == media_type
