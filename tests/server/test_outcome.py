"""The images of a finished reply."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from chatgpt_browser.server.outcome import read_images


@pytest.mark.parametrize(
    ("data", "stated", "media_type"),
    [
        (b"GIF89a", None, "image/gif"),
        (b"RIFF1234WEBPVP8 ", "image/png", "image/webp"),
        (b"RIFF1234WAVEfmt ", "image/x-other", "image/x-other"),
        (b"unknown", None, "image/png"),
    ],
)
@pytest.mark.anyio
async def test_read_images_type_is_that_of_the_bytes(
    data: bytes, stated: str | None, media_type: str
) -> None:
    async def read() -> bytes:
        return data

    file = SimpleNamespace(kind="image", media_type=stated, read=read)
    reply: Any = SimpleNamespace(files=[file])
    (image,) = await read_images(reply)
    assert image.media_type == media_type
