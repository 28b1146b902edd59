"""Reads the calls of tools, and their outputs, from the messages of a reply."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.reply import ToolCall
from .message import content_type_of, hidden_text, message_metadata, recipient_of, role_of
from .search_results import entries_of

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The tool name that is used for a search if the message that calls the search has no recipient.
SEARCH = "search"


def is_tool_message(message: dict[str, Any]) -> bool:
    """Return whether a message is a call of a tool or the output of a tool."""
    return role_of(message) == "tool" or _called_tool(message) is not None


def find_tool_calls(messages: Iterable[dict[str, Any]]) -> list[ToolCall]:
    """Return the calls of tools in the messages of a reply, in order.

    An output is assigned to a call of the same tool: the recipient of the call is the author of the output. The messages contain
    no other link between a call and its output. Therefore, if several calls of one tool directly follow each other, the first
    output is assigned to the first call, and so on.
    """
    calls: list[ToolCall] = []
    open_calls: list[int] = []  # The indexes of the calls that have no output yet.
    is_after_output = False
    for message in messages:
        if (name := _called_tool(message)) is not None:
            if is_after_output:
                open_calls.clear()
            is_after_output = False
            open_calls.append(len(calls))
            calls.append(ToolCall(name, _input(message), "", _status(message)))
        elif role_of(message) == "tool":
            is_after_output = True
            author = _author(message)
            index = _find_call(calls, open_calls, author)
            if index is None:
                index = len(calls)
                calls.append(ToolCall(author))
            elif index in open_calls:
                open_calls.remove(index)
            output = "\n".join(filter(None, (calls[index].output, _output(message))))
            calls[index] = replace(calls[index], output=output, status=_status(message))
    return calls


def _find_call(calls: list[ToolCall], open_calls: list[int], author: str) -> int | None:
    """Return the index of the call that an output of this author belongs to, or None if there is no such call."""
    indexes = (*open_calls, *range(len(calls) - 1, -1, -1))
    same: int | None = next((index for index in indexes if calls[index].name == author), None)
    if same is None:
        same = next((index for index in indexes if _is_same_tool(calls[index].name, author)), None)
    if same is not None:
        return same
    # The author of an error, for example ``tool_error``, is not the called tool. Therefore the newest open call is used.
    return open_calls[-1] if open_calls else None


def _is_same_tool(name: str, author: str) -> bool:
    """Return whether two names belong to one tool: ``web.run`` and ``web``, or ``canmore.create_textdoc`` and ``canmore``."""
    return name.partition(".")[0] == author.partition(".")[0]


def _called_tool(message: dict[str, Any]) -> str | None:
    """Return the name of the tool that a message calls, or None if the message calls no tool."""
    if role_of(message) != "assistant":
        return None
    recipient = recipient_of(message)
    if recipient is None and content_type_of(message) == "code":
        is_search = _search_queries(message) or message_metadata(message).get("reasoning_status")
        return SEARCH if is_search else "code"
    return recipient


def _input(message: dict[str, Any]) -> str:
    text = hidden_text(message) if isinstance(message.get("content"), dict) else ""
    return text or "\n".join(_search_queries(message))


def _output(message: dict[str, Any]) -> str:
    text = hidden_text(message) if isinstance(message.get("content"), dict) else ""
    return text or "\n".join(_search_results(message))


def _search_queries(message: dict[str, Any]) -> list[str]:
    queries = message_metadata(message).get("search_queries")
    items = queries if isinstance(queries, list) else []
    texts = [item.get("q") if isinstance(item, dict) else item for item in items]
    return [text for text in texts if isinstance(text, str)]


def _search_results(message: dict[str, Any]) -> list[str]:
    """Return one line for each result of a search: the title and the URL."""
    lines = [[entry.get("title"), entry.get("url")] for entry in entries_of(message)]
    return [" ".join(part for part in line if isinstance(part, str)) for line in lines]


def _author(message: dict[str, Any]) -> str:
    author = message.get("author")
    name = author.get("name") if isinstance(author, dict) else None
    return name if isinstance(name, str) and name else "tool"


def _status(message: dict[str, Any]) -> str | None:
    status = message.get("status")
    return status if isinstance(status, str) else None
