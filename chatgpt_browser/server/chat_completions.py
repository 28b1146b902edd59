"""``/v1/chat/completions``: reads a request, and writes the reply as one document or as chunks."""

from __future__ import annotations

import json
import time
import uuid
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from .call import Call
from .fields import (
    PROMPT_CACHE_OPTIONS,
    PROMPT_CACHE_RETENTION,
    Fields,
    effort_options,
    model_options,
)
from .messages import check_messages, read_message
from .sse import encode_event, encode_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .errors import APIError
    from .outcome import Outcome

#: The fields that the site cannot apply, each with the values that are accepted nevertheless.
_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "audio": (),
    "frequency_penalty": (0,),
    "function_call": ("none", "auto"),
    "functions": ([],),
    "logit_bias": ({},),
    "logprobs": (False,),
    "max_completion_tokens": (),
    "max_tokens": (),
    "metadata": ({},),
    "modalities": (["text"],),
    "moderation": (),
    "n": (1,),
    "parallel_tool_calls": (True,),
    "prediction": (),
    "presence_penalty": (0,),
    "prompt_cache_options": PROMPT_CACHE_OPTIONS,
    "prompt_cache_retention": PROMPT_CACHE_RETENTION,
    "response_format": ({"type": "text"},),
    "seed": (),
    "service_tier": ("auto", "default"),
    "stop": ([],),
    "store": (False,),
    "temperature": (1,),
    "tool_choice": ("none", "auto"),
    "tools": ([],),
    "top_logprobs": (0,),
    "top_p": (1,),
    "verbosity": ("medium",),
}
#: The fields that this module reads, and fields that only label a request, such as ``user``.
_SUPPORTED = frozenset(
    "model messages stream stream_options reasoning_effort web_search_options "
    "user safety_identifier prompt_cache_key".split()
)
_STREAM_OPTIONS: dict[str, tuple[Any, ...]] = {"include_obfuscation": (True, False)}
_WEB_SEARCH: dict[str, tuple[Any, ...]] = {"search_context_size": ("medium",), "user_location": ()}


class ChatCompletion:
    """A request to ``/v1/chat/completions``, and the encoder of its response.

    :raises APIError: the request is invalid, or asks for something that the site cannot do.
    """

    #: Maps the options of a message to the fields of the request that set these options.
    option_fields: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "model": "model",
            "effort": "reasoning_effort",
            "files": "messages",
            "tools": "web_search_options",
        }
    )

    def __init__(self, body: dict[str, Any], *, ignore_sampling: bool) -> None:
        fields = Fields(body, _DEFAULTS, _SUPPORTED, ignore_sampling=ignore_sampling)
        messages = [
            read_message(value, f"messages[{index}]") for index, value in enumerate(fields.items("messages"))
        ]
        check_messages(messages, "messages")
        model = fields.model()
        options = model_options(model) | effort_options(fields["reasoning_effort"], "reasoning_effort")
        if fields["web_search_options"] is not None:
            fields.nested("web_search_options", _WEB_SEARCH)
            options["tools"] = ["search"]
        stream_options = fields.nested("stream_options", _STREAM_OPTIONS, "include_usage")
        self._includes_usage = stream_options.flag("include_usage")
        self.call: Call = Call(model, messages, options, is_stream=fields.flag("stream"))
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())
        # All chunks with text have the same beginning and the same end, so only the text is encoded for each chunk.
        self._before_text, _, self._after_text = json.dumps(self._chunk({"content": "\0"})).partition(
            json.dumps("\0")
        )

    def document(self, outcome: Outcome) -> dict[str, Any]:
        """Return the body of the response to a request without ``stream``."""
        message = {"role": "assistant", "content": outcome.text, "refusal": None, **_extras(outcome)}
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": _finish_reason(outcome),
        }
        return {
            "id": self._id,
            "object": "chat.completion",
            "created": self._created,
            "model": outcome.reply.model or self.call.model,
            "choices": [choice],
            "usage": None,
        }

    def begin(self) -> list[bytes]:
        """Return the first chunk, which contains the role."""
        return [encode_event(self._chunk({"role": "assistant", "content": ""}))]

    def text(self, piece: str) -> list[bytes]:
        """Return a chunk with a piece of the reply's text."""
        return [encode_text(self._before_text, piece, self._after_text)]

    def end(self, outcome: Outcome) -> list[bytes]:
        """Return the last chunks: citations and images, ``finish_reason``, the usage if it was requested, and ``[DONE]``."""
        extras = _extras(outcome)
        chunks = [self._chunk(extras)] if extras else []
        chunks.append(self._chunk({}, finish_reason=_finish_reason(outcome)))
        if self._includes_usage:
            chunks.append(self._chunk({}) | {"choices": []})
        return [*map(encode_event, chunks), b"data: [DONE]\n\n"]

    def failure(self, error: APIError) -> list[bytes]:
        """Return the event that ends a stream with an error."""
        return [encode_event({"error": error.body})]

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self.call.model,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}],
            "usage": None,
        }


def _finish_reason(outcome: Outcome) -> str:
    return "length" if outcome.is_cut else "stop"


def _extras(outcome: Outcome) -> dict[str, Any]:
    """Return the fields ``annotations`` and ``images`` of a message, without empty fields."""
    annotations = [{"type": "url_citation", "url_citation": citation} for citation in outcome.citations]
    images = [
        {"index": index, "type": "image_url", "image_url": {"url": image.url}}
        for index, image in enumerate(outcome.images)
    ]
    found = {"annotations": annotations, "images": images}
    return {name: value for name, value in found.items() if value}
