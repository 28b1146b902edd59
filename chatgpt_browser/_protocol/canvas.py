"""Reads, from the messages of a reply, the calls that create or change canvas documents, and the results of these calls.

The model creates a document with the tool ``canmore.create_textdoc`` and changes it with ``canmore.update_textdoc``. The result
of the tool contains the id of the document.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from .answer_tracker import optional_text
from .message import hidden_text, message_metadata, role_of
from .site_json import parse_json_or_none

_CREATE, _UPDATE = "canmore.create_textdoc", "canmore.update_textdoc"
#: The pattern with which the model replaces a whole document.
_WHOLE = ".*"
#: The maximum length, in characters, of a text that is searched with a regular expression from the site. A search in a text of
#: this length takes at most about a second.
_MAX_SEARCHED = 20_000
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]|()]")
#: Matches a repetition or an alternative in a regular expression.
_CHOICE = re.compile(r"[*+{|]|(?<![(*+}?])\?")
#: Matches the repetition of a group, and a reference to a group, in a regular expression. A search with such an expression may
#: take exponential or cubic time.
_GROUP_REPEAT = re.compile(r"\)[*+{?]|\\[1-9]|\(\?P=|\(\?\(")
#: The maximum length of a document after a change, in characters. A longer text is not computed.
_MAX_TEXT = 10_000_000

#: Maps the type of a document to its file suffix and its media type. The type of program text is ``code/<language>``.
_TYPES = {
    "code/bash": (".sh", "text/x-shellscript"),
    "code/c": (".c", "text/x-c"),
    "code/cpp": (".cpp", "text/x-c++"),
    "code/csharp": (".cs", "text/plain"),
    "code/css": (".css", "text/css"),
    "code/go": (".go", "text/plain"),
    "code/html": (".html", "text/html"),
    "code/java": (".java", "text/x-java"),
    "code/javascript": (".js", "text/javascript"),
    "code/json": (".json", "application/json"),
    "code/kotlin": (".kt", "text/plain"),
    "code/php": (".php", "text/plain"),
    "code/python": (".py", "text/x-python"),
    "code/react": (".jsx", "text/javascript"),
    "code/ruby": (".rb", "text/plain"),
    "code/rust": (".rs", "text/plain"),
    "code/shell": (".sh", "text/x-shellscript"),
    "code/sql": (".sql", "application/sql"),
    "code/swift": (".swift", "text/plain"),
    "code/typescript": (".ts", "text/plain"),
    "code/xml": (".xml", "text/xml"),
    "code/yaml": (".yaml", "application/yaml"),
    "document": (".md", "text/markdown"),
    "webview": (".html", "text/html"),
}


class TextEdit(NamedTuple):
    """A change of a text: a regular expression, and the text that replaces its matches.

    If ``multiple`` is False, only the first match is replaced.
    """

    pattern: str
    replacement: str
    multiple: bool = False


class EditBudget:
    """The work that may still be done for the changes in one reply. One unit takes about 20 ns.

    The changes block the event loop while they are applied, and a reply may contain any number of changes.
    """

    def __init__(self) -> None:
        self._left = 20_000_000

    def spend(self, work: int) -> bool:
        """Subtract some work from the budget. Return False if the budget is used up."""
        self._left -= work
        return self._left >= 0


class CanvasCall(NamedTuple):
    """A call of the canvas. A call that creates a document has ``title`` and ``text``. A call that changes one has ``edits``."""

    title: str | None = None
    type: str | None = None
    text: str | None = None
    edits: tuple[TextEdit, ...] = ()


class CanvasResult(NamedTuple):
    """The result of a call of the canvas."""

    id: str
    title: str | None
    type: str | None
    is_failure: bool


def read_canvas_call(message: dict[str, Any]) -> CanvasCall | None:
    """Return the call of the canvas in a message. Return None if there is no call, or if it is not complete."""
    recipient = message.get("recipient")
    if recipient not in (_CREATE, _UPDATE) or role_of(message) != "assistant":
        return None
    if not isinstance(message.get("content"), dict):
        return None
    fields = parse_json_or_none(hidden_text(message))
    if not isinstance(fields, dict):
        return None
    if recipient == _UPDATE:
        edits = read_edits(fields.get("updates"))
        return CanvasCall(edits=edits) if edits else None
    text = fields.get("content")
    return CanvasCall(
        optional_text(fields.get("name")) or "",
        optional_text(fields.get("type")),
        text if isinstance(text, str) else "",
    )


def read_canvas_result(message: dict[str, Any]) -> CanvasResult | None:
    """Return the result of a call of the canvas, read from a message. Return None if the message contains no such result."""
    canvas = message_metadata(message).get("canvas")
    if role_of(message) != "tool" or not isinstance(canvas, dict):
        return None
    name = optional_text(canvas.get("textdoc_id"))
    if name is None:
        return None
    return CanvasResult(
        name,
        optional_text(canvas.get("title")),
        optional_text(canvas.get("textdoc_type")),
        canvas.get("is_failure") is True,
    )


def read_edits(value: object) -> tuple[TextEdit, ...]:
    """Return the changes in the site's JSON list ``updates``. Invalid entries are skipped."""
    items = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    return tuple(
        TextEdit(pattern, replacement, item.get("multiple") is True)
        for item in items
        if isinstance(pattern := item.get("pattern"), str)
        and isinstance(replacement := item.get("replacement"), str)
    )


def apply_edits(
    text: str | None, edits: tuple[TextEdit, ...], budget: EditBudget | None = None
) -> str | None:
    """Apply the changes to the text in order, and return the new text. Return None if the new text is unknown.

    The site sends the changes as regular expressions. An expression that may take too long is not applied. After such an
    expression, the text is unknown until a change replaces the whole document. If ``text`` is None, the text is unknown from the
    start.

    :param budget: the budget of the reply. If it is None, these changes have a budget of their own.
    """
    budget = budget or EditBudget()
    for edit in edits:
        if edit.pattern == _WHOLE:
            text = edit.replacement
        elif text is not None:
            text = _apply(text, edit, budget)
    return text


def document_name(title: str | None, textdoc_type: str | None) -> tuple[str, str]:
    """Return the file name and the media type of a document."""
    is_code = (textdoc_type or "").startswith("code")
    suffix, media_type = _TYPES.get(
        textdoc_type or "document", (".txt", "text/plain") if is_code else _TYPES["document"]
    )
    name = title or "document"
    return (name if name.lower().endswith(suffix) else name + suffix), media_type


def _apply(text: str, edit: TextEdit, budget: EditBudget) -> str | None:
    if not _SPECIAL.search(edit.pattern):
        matches = text.count(edit.pattern) if edit.multiple else 1
        size = len(text) + matches * len(edit.replacement)
        can_apply = size <= _MAX_TEXT and budget.spend(len(text) + size)
        return text.replace(edit.pattern, edit.replacement, -1 if edit.multiple else 1) if can_apply else None
    choices = len(_CHOICE.findall(edit.pattern))
    is_cheap = choices <= 1 and not _GROUP_REPEAT.search(edit.pattern)
    # `size` is the largest possible length: every character may be a match, and a replacement may repeat the match, for example
    # with `\g<0>`.
    is_once = not edit.multiple and "\\" not in edit.replacement
    size = len(text) + len(edit.replacement) * (1 if is_once else len(text) + 1)
    work = size + (len(text) ** 2 // 50 if choices else 10 * len(text))
    if not is_cheap or len(text) > _MAX_SEARCHED or size > _MAX_TEXT or not budget.spend(work):
        return None
    try:
        return re.sub(edit.pattern, edit.replacement, text, count=0 if edit.multiple else 1)
    except (re.error, IndexError, RecursionError, OverflowError):
        return None
