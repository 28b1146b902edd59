"""A finished reply in the form that both endpoints use: its text, its citations and its images."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .._core.image_types import image_type

if TYPE_CHECKING:
    from .._core.reply import Reply

#: The values of ``finish_reason`` for a reply that was cut off.
_CUT = frozenset({"length", "interrupted"})


@dataclass(frozen=True)
class Image:
    """An image that the site has generated, in base64."""

    media_type: str
    data: str = field(repr=False)

    @property
    def url(self) -> str:
        """The image as a data URL."""
        return f"data:{self.media_type};base64,{self.data}"


@dataclass(frozen=True)
class Outcome:
    """A finished reply. ``text`` is the text that this server returns: in a stream, the pieces that it has sent."""

    reply: Reply[Any]
    text: str = field(repr=False)
    images: tuple[Image, ...] = ()

    @property
    def is_cut(self) -> bool:
        """True if the reply was cut off, because it was too long or was stopped."""
        return self.reply.finish_reason in _CUT

    @property
    def citations(self) -> list[dict[str, Any]]:
        """The fields ``url``, ``title``, ``start_index`` and ``end_index`` of each citation with a URL.

        If the position of a citation is unknown, both indexes are the end of the text.
        """
        end = len(self.text)
        return [
            {
                "url": each.url,
                "title": each.title or each.source or each.url,
                "start_index": end if each.start is None else each.start,
                "end_index": end if each.end is None else each.end,
            }
            for each in self.reply.citations
            if each.url
        ]


async def read_images(reply: Reply[Any]) -> tuple[Image, ...]:
    """Download the images of a reply.

    :raises ChatGPTError: an image cannot be read.
    """
    found = []
    for file in reply.files:
        if file.kind == "image":
            data = await file.read()
            media_type = image_type(data) or file.media_type or "image/png"
            found.append(Image(media_type, base64.b64encode(data).decode()))
    return tuple(found)
