"""The output items of ``/v1/responses``."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .outcome import Image, Outcome


def text_part(text: str = "", annotations: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the content part with the text of a message."""
    return {"type": "output_text", "text": text, "annotations": annotations or [], "logprobs": []}


def url_citations(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the annotations for the citations of a reply."""
    return [{"type": "url_citation", **citation} for citation in outcome.citations]


def message_item(outcome: Outcome, item_id: str | None = None) -> dict[str, Any]:
    """Return the message with the text of a reply. ``item_id`` is the id of the message, or None for a new id."""
    return {
        "id": item_id or f"msg_{uuid.uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "status": "incomplete" if outcome.is_cut else "completed",
        "content": [text_part(outcome.text, url_citations(outcome))],
    }


def image_item(image: Image) -> dict[str, Any]:
    """Return the item with a generated image. ``result`` is the image in base64."""
    return {
        "id": f"ig_{uuid.uuid4().hex}",
        "type": "image_generation_call",
        "status": "completed",
        "result": image.data,
        "output_format": image.media_type.partition("/")[2],
    }
