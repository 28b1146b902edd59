"""Describes what the model does before it answers: thoughts and calls of tools."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .terminal_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser import ToolCall

#: The maximum length of a description in characters, so that it fits on one line of most terminals.
MAX_LENGTH = 70
#: The maximum number of characters of a thought or of a call that are read. A description is made again for each event, and the
#: search for a query may take quadratic time.
_MAX_READ = 1000
#: A tool is described as a search if its name, up to the first dot, is one of these texts.
_SEARCH_TOOLS = ("web", "search", "browser")
_SEARCH_CALL = re.compile(r"search\(\s*[\"'](.*?)[\"']\s*[,)]")


def describe_call(call: ToolCall, *, is_over: bool = False) -> str:
    """Return a description of a tool call, such as ``searching: blue sky``.

    :param is_over: if True, describe the call in the past tense.
    """
    name = call.name.partition(".")[0]
    if name in _SEARCH_TOOLS:
        query = ", ".join(_queries(call.input)) or one_line(call.input[:_MAX_READ])
        return _shortened(f"{'searched' if is_over else 'searching'}: {query or '…'}")
    return _shortened(f"{'used' if is_over else 'using'} {call.name}")


def describe_thinking(text: str) -> str:
    """Return a description of the thoughts so far: the beginning of their newest paragraph."""
    newest = text.rpartition("\n\n")[2]
    return _shortened(f"thinking: {one_line(newest[:_MAX_READ])}")


def describe_duration(seconds: float) -> str:
    """Return a text with the duration of the model's thinking. The text is shown after the thinking has ended."""
    return f"thought for {seconds:.0f} s"


def _queries(text: str) -> list[str]:
    """Return the queries in ``text``, the input of a search: JSON with fields ``q``, or a call such as ``search("blue sky")``."""
    try:
        return [*_values_of_q(json.loads(text))]
    except (ValueError, RecursionError):
        return _SEARCH_CALL.findall(text[:_MAX_READ])


def _values_of_q(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("q"), str):
            yield one_line(value["q"])
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _values_of_q(each)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 1]}…"
