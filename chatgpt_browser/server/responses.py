"""``/v1/responses``: reads a request, and writes the reply as one document or as events."""

from __future__ import annotations

import time
import uuid
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from .call import Call
from .errors import invalid, unsupported
from .fields import (
    PROMPT_CACHE_OPTIONS,
    PROMPT_CACHE_RETENTION,
    Fields,
    effort_options,
    model_options,
)
from .messages import InputMessage, check_messages, read_message
from .response_events import ResponseEvents
from .response_objects import image_item, message_item

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .errors import APIError
    from .outcome import Outcome

#: The fields that the site cannot apply, each with the values that are accepted nevertheless.
_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "access_programs": (),
    "background": (False,),
    "background_options": (),
    "context_management": ([],),
    "conversation": (),
    "image": (),
    "include": ([],),
    "max_output_tokens": (),
    "max_tool_calls": (),
    "moderation": (),
    "parallel_tool_calls": (True,),
    "prompt": (),
    "prompt_cache_options": PROMPT_CACHE_OPTIONS,
    "prompt_cache_retention": PROMPT_CACHE_RETENTION,
    "service_tier": ("auto", "default"),
    "temperature": (1,),
    "text": ({"format": {"type": "text"}, "verbosity": "medium"},),
    "tool_choice": ("auto", "none"),
    "top_logprobs": (0,),
    "top_p": (1,),
    "truncation": ("disabled",),
}
#: The fields that this module reads, and fields that only label a request, such as ``user``.
_SUPPORTED = frozenset(
    "model input instructions previous_response_id stream stream_options store metadata reasoning tools "
    "user safety_identifier prompt_cache_key".split()
)
_STREAM_OPTIONS: dict[str, tuple[Any, ...]] = {"include_obfuscation": (True, False)}
_REASONING: dict[str, tuple[Any, ...]] = {
    "context": ("auto",),
    "generate_summary": (),
    "mode": ("standard",),
    "summary": (),
}
#: Maps OpenAI's types of tools to the values of the client's option ``tools``. Tools that the site does not have are missing.
_TOOLS = {
    "web_search": "search",
    "web_search_preview": "search",
    "web_search_preview_2025_03_11": "search",
    "web_search_2025_08_26": "search",
    "image_generation": "image",
}
#: The settings of a search, each with the values that are accepted. The site cannot apply any of these settings.
_SEARCH_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "search_context_size": ("medium",),
    "user_location": (),
    "filters": ({},),
    "external_web_access": (True,),
}
#: The same for the settings of image generation.
_IMAGE_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "action": ("auto",),
    "background": ("auto",),
    "input_fidelity": ("low",),
    "input_image_mask": (),
    "model": (),
    "moderation": ("auto",),
    "output_compression": (100,),
    "output_format": ("png",),
    "partial_images": (0,),
    "quality": ("auto",),
    "size": ("auto",),
}
#: The types of output items that are not messages. A program may send back all items of an earlier response. Then items of these
#: types are skipped.
_SKIPPED_ITEMS = frozenset({"reasoning", "image_generation_call", "web_search_call"})


class ResponsesCall:
    """A request to ``/v1/responses``, and the encoder of its response.

    :raises APIError: the request is invalid, or asks for something that the site cannot do.
    """

    #: Maps the options of a message to the fields of the request that set these options.
    option_fields: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"model": "model", "effort": "reasoning.effort", "files": "input", "tools": "tools"}
    )

    def __init__(self, body: dict[str, Any], *, ignore_sampling: bool) -> None:
        fields = Fields(body, _DEFAULTS, _SUPPORTED, ignore_sampling=ignore_sampling)
        fields.nested("stream_options", _STREAM_OPTIONS)
        reasoning = fields.nested("reasoning", _REASONING, "effort")
        model = fields.model()
        options = model_options(model) | effort_options(reasoning["effort"], "reasoning.effort")
        if tools := _read_tools(fields.items("tools")):
            options["tools"] = tools
        self._id = f"resp_{uuid.uuid4().hex}"
        self.call: Call = Call(
            model,
            _read_input(fields["input"]),
            options,
            is_stream=fields.flag("stream"),
            instructions=fields.text("instructions"),
            previous_response_id=fields.text("previous_response_id"),
            response_id=self._id if fields.flag("store", True) else None,
        )
        self._base = {
            "id": self._id,
            "object": "response",
            "created_at": int(time.time()),
            "error": None,
            "incomplete_details": None,
            "instructions": self.call.instructions,
            "max_output_tokens": None,
            "metadata": fields.object("metadata"),
            "model": model,
            "parallel_tool_calls": True,
            "previous_response_id": self.call.previous_response_id,
            "reasoning": {"effort": reasoning["effort"], "summary": None},
            "store": self.call.response_id is not None,
            "temperature": None,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": fields.items("tools"),
            "top_p": None,
            "truncation": "disabled",
            "usage": None,
        }
        self._events = ResponseEvents(self._document)

    def document(self, outcome: Outcome) -> dict[str, Any]:
        """Return the body of the response to a request without ``stream``."""
        return self._complete(outcome, _output(outcome))

    def begin(self) -> list[bytes]:
        """Return the first events."""
        return self._events.begin()

    def text(self, piece: str) -> list[bytes]:
        """Return the events for a piece of the reply's text."""
        return self._events.text(piece)

    def end(self, outcome: Outcome) -> list[bytes]:
        """Return the last events: the rest of the message, the images, and the complete response."""
        items = self._events.finish_items(outcome)
        return [*items, self._events.end(self._complete(outcome, self._events.output))]

    def failure(self, error: APIError) -> list[bytes]:
        """Return the events that end a stream with an error."""
        code_and_message = {"code": error.code or "server_error", "message": str(error)}
        failed = self._document("failed", self._events.output) | {"error": code_and_message}
        return self._events.failure(failed, error)

    def _document(self, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
        return self._base | {"status": status, "output": output}

    def _complete(self, outcome: Outcome, output: list[dict[str, Any]]) -> dict[str, Any]:
        document = self._document("incomplete" if outcome.is_cut else "completed", output)
        document["model"] = outcome.reply.model or self.call.model
        if outcome.is_cut:
            document["incomplete_details"] = {"reason": "max_output_tokens"}
        return document


def _output(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the output items of a reply: a message and the images. If the reply has only images, there is no message."""
    images = [image_item(image) for image in outcome.images]
    return [message_item(outcome), *images] if outcome.text or not images else images


def _read_tools(tools: list[Any]) -> list[str]:
    found: list[str] = []
    for index, tool in enumerate(tools):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if not isinstance(kind, str) or kind not in _TOOLS:
            raise unsupported(f"tools[{index}].type", f"the site's tools are {', '.join(_TOOLS)}")
        defaults = _IMAGE_DEFAULTS if _TOOLS[kind] == "image" else _SEARCH_DEFAULTS
        Fields(tool, defaults, frozenset({"type"}), prefix=f"tools[{index}].")
        found.append(_TOOLS[kind])
    return list(dict.fromkeys(found))


def _read_input(value: Any) -> list[InputMessage]:
    if isinstance(value, str):
        value = [{"role": "user", "content": value}]
    if not isinstance(value, list):
        raise invalid("input", "must be a string or an array of messages")
    messages = []
    for index, item in enumerate(value):
        kind = str(item.get("type") or "message") if isinstance(item, dict) else "message"
        if kind in _SKIPPED_ITEMS:
            continue
        if kind != "message":
            raise unsupported(f"input[{index}].type", "the items of the input can only be messages")
        messages.append(read_message(item, f"input[{index}]"))
    check_messages(messages, "input")
    return messages
