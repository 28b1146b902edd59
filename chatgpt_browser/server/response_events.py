"""The events of a streamed response of ``/v1/responses``. OpenAI's API sends the same events in the same order."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from .response_objects import image_item, message_item, text_part, url_citations
from .sse import encode_event, encode_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from .errors import APIError
    from .outcome import Outcome


class ResponseEvents:
    """Numbers and encodes the events of one response.

    :param document: a function that returns the response object for a status and the output items so far.
    """

    def __init__(self, document: Callable[[str, list[dict[str, Any]]], dict[str, Any]]) -> None:
        self._document = document
        self._number = 0
        self._message_id = f"msg_{uuid.uuid4().hex}"
        self._has_message = False
        #: The output items that are complete.
        self.output: list[dict[str, Any]] = []
        delta = self._in_part("response.output_text.delta") | {"logprobs": [], "delta": "\0"}
        self._before_text, _, self._after_text = json.dumps(delta)[:-1].partition(json.dumps("\0"))

    def begin(self) -> list[bytes]:
        """Return the first events: ``response.created`` and ``response.in_progress``."""
        response = self._document("in_progress", [])
        return [self._event(f"response.{state}", response=response) for state in ("created", "in_progress")]

    def text(self, piece: str) -> list[bytes]:
        """Return the event with a piece of the text. Before the first piece, also return the events that begin the message."""
        events = [] if self._has_message else self._begin_message()
        after = f'{self._after_text},"sequence_number":{self._next_number()}}}'
        events.append(b"event: response.output_text.delta\n" + encode_text(self._before_text, piece, after))
        return events

    def finish_items(self, outcome: Outcome) -> list[bytes]:
        """Return the events that complete the message, and the events for the images."""
        events: list[bytes] = []
        if self._has_message or not outcome.images:
            events += [] if self._has_message else self._begin_message()
            events += self._finish_message(outcome)
        for image in outcome.images:
            item, index = image_item(image), len(self.output)
            started = item | {"status": "in_progress", "result": None}
            events += [
                self._event("response.output_item.added", output_index=index, item=started),
                self._event(
                    "response.image_generation_call.completed", output_index=index, item_id=item["id"]
                ),
                self._event("response.output_item.done", output_index=index, item=item),
            ]
            self.output.append(item)
        return events

    def end(self, response: dict[str, Any]) -> bytes:
        """Return the event with the whole response."""
        return self._event(f"response.{response['status']}", response=response)

    def failure(self, response: dict[str, Any], error: APIError) -> list[bytes]:
        """Return the events that end a stream with an error.

        The last event has the field ``error``, so that the `openai` package raises an exception. Otherwise, a program that reads
        only the text would treat a part of the answer as the whole answer.
        """
        return [
            self._event("response.failed", response=response),
            self._event("error", code=error.code, message=str(error), param=error.param, error=error.body),
        ]

    def _begin_message(self) -> list[bytes]:
        self._has_message = True
        item = {
            "id": self._message_id,
            "type": "message",
            "role": "assistant",
            "status": "in_progress",
            "content": [],
        }
        return [
            self._event("response.output_item.added", output_index=0, item=item),
            self._event(**self._in_part("response.content_part.added"), part=text_part()),
        ]

    def _finish_message(self, outcome: Outcome) -> list[bytes]:
        annotations = url_citations(outcome)
        item = message_item(outcome, self._message_id)
        self.output.append(item)
        return [
            *(
                self._event(
                    **self._in_part("response.output_text.annotation.added"),
                    annotation_index=index,
                    annotation=annotation,
                )
                for index, annotation in enumerate(annotations)
            ),
            self._event(**self._in_part("response.output_text.done"), text=outcome.text, logprobs=[]),
            self._event(**self._in_part("response.content_part.done"), part=item["content"][0]),
            self._event("response.output_item.done", output_index=0, item=item),
        ]

    def _in_part(self, kind: str) -> dict[str, Any]:
        """Return the fields of an event about the text of the message."""
        return {"type": kind, "item_id": self._message_id, "output_index": 0, "content_index": 0}

    def _event(self, type: str, **fields: Any) -> bytes:
        return encode_event({"type": type, **fields, "sequence_number": self._next_number()}, type)

    def _next_number(self) -> int:
        self._number += 1
        return self._number - 1
