"""Reads the texts with which the site explains an error or a missing answer. The JSON of the error may have any form."""

from __future__ import annotations

import json
import re
from typing import Any

from .._core.errors import ModerationError, StreamError, UnusualActivityError
from .message import content_type_of, message_metadata, role_of

#: The fields that contain a text for people, the most specific first, and the fields that contain a short error code.
_TEXT_FIELDS = ("message", "detail", "error", "msg", "explanation", "description", "reason", "text", "title")
_CODE_FIELDS = ("code", "error_code")
#: The maximum length of the text, in characters. Longer texts are cut. All known error texts of the site are shorter.
_MAX_LENGTH = 2000
#: Matches the texts with which the site refuses messages of a suspicious account, device or network.
_UNUSUAL_ACTIVITY = re.compile(r"(unusual|suspicious) activity", re.IGNORECASE)
_NO_REASON = "the site did not give a reason"
#: The maximum nesting depth. Lists and objects that are nested more deeply are ignored.
_MAX_DEPTH = 6


def words_of(value: Any, *, with_code: bool = True) -> str:
    """Return the error text in a JSON value of the site as one line. If the value contains no text, the result is empty.

    The value is a text, an object with a message or a code, or a list of texts and objects. If an object has no known field, the
    result is the object as JSON.

    :param with_code: if True and the value contains a text and a code, the code is appended in parentheses.
    """
    words = _words(value, with_code, _MAX_DEPTH)
    if not words and isinstance(value, dict) and any(value.values()):
        words = _as_json(value)
    return words[:_MAX_LENGTH]


def _as_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return ""


def _words(value: Any, with_code: bool, depth: int) -> str:
    if isinstance(value, str):
        return " ".join(value.split()) if "\n" in value else value.strip()
    if depth and isinstance(value, list):
        return "; ".join(filter(None, (_words(item, with_code, depth - 1) for item in value)))
    if depth and isinstance(value, dict):
        return _words_of_object(value, with_code, depth - 1)
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def _words_of_object(value: dict[str, Any], with_code: bool, depth: int) -> str:
    texts = (_words(value.get(name), with_code, depth) for name in _TEXT_FIELDS)
    text = next(filter(None, texts), "")
    code = next((code for name in _CODE_FIELDS if isinstance(code := value.get(name), str) and code), "")
    if not text:
        return code
    if place := _place(value.get("loc")):  # The value is a validation error: {loc, msg, type}.
        text = f"{place}: {text}"
    is_known = not with_code or code in ("", text) or f"({code})" in text
    return text if is_known else f"{text} ({code})"


def _place(steps: Any) -> str:
    steps = steps if isinstance(steps, list) else [steps]
    return ".".join(str(step) for step in steps if isinstance(step, (str, int)))


def reports_unusual_activity(words: str) -> bool:
    """Return whether an error text of the site reports unusual or suspicious activity."""
    return _UNUSUAL_ACTIVITY.search(words) is not None


def error_in(
    event: dict[str, Any], event_type: str
) -> tuple[type[StreamError | UnusualActivityError], str] | None:
    """Return the class and the message of the error that an event reports, or None if the event reports no error.

    :param event_type: the type from the line ``event:`` of the event.
    """
    if (words := moderation_in(event)) is not None:
        return withheld(words)
    if event.get("error") or event.get("error_code"):
        fields = {name: event[name] for name in ("error", *_CODE_FIELDS) if event.get(name)}
        return site_error(fields if fields.keys() != {"error"} else fields["error"])
    if event.get("type") == "error" or event_type == "error":
        return site_error({name: event[name] for name in _TEXT_FIELDS + _CODE_FIELDS if event.get(name)})
    if event.get("detail") and not event.keys() & {"message", "type"}:
        return site_error(event["detail"])  # the event has the same format as the body of an error response
    return None


def site_error(error: Any) -> tuple[type[StreamError | UnusualActivityError], str]:
    """Return the class and the message of the exception for an error of the site. The error may be any JSON value."""
    words = words_of(error)
    kind = UnusualActivityError if reports_unusual_activity(words) else StreamError
    return kind, f"ChatGPT ended the reply with an error: {words or _NO_REASON}"


def withheld(words: str) -> tuple[type[StreamError], str]:
    """Return the class and the message of the exception for an answer that the site withholds."""
    return ModerationError, f"The site withheld the answer (moderation): {words or _NO_REASON}"


def moderation_in(event: dict[str, Any]) -> str | None:
    """Return the site's reason for withholding an answer, or "" if there is no reason. If no answer is withheld, return None."""
    verdict = event.get("moderation_response")
    if not isinstance(verdict, dict):
        verdict = event if event.get("type") == "moderation" else {}
    return _words(verdict, True, _MAX_DEPTH) if verdict.get("blocked") is True else None


def moderation_of(conversation: Any, message_ids: set[str]) -> str | None:
    """Return why the site withholds one of these messages of a stored conversation; see :func:`moderation_in`."""
    results = conversation.get("moderation_results") if isinstance(conversation, dict) else None
    verdicts = [item for item in results if isinstance(item, dict)] if isinstance(results, list) else []
    found = (
        moderation_in({"moderation_response": v}) for v in verdicts if v.get("message_id") in message_ids
    )
    return next((words for words in found if words is not None), None)


class MissingAnswer:
    """Collects, from the messages of a stream, the reasons why the stream contains no answer."""

    def __init__(self) -> None:
        self._system_error: dict[str, Any] | None = None
        self._task = ""

    @property
    def is_known(self) -> bool:
        """True if the site gave a reason."""
        return bool(self._task) or self._system_error is not None

    @property
    def is_error(self) -> bool:
        """True if the site reported an error instead of an answer."""
        return self._system_error is not None

    def note(self, message: dict[str, Any], *, is_answer: bool = False) -> None:
        """Store the message if it contains a reason. The text of the message is read later, because it may still grow.

        A message of the assistant after an error shows that the reply continues. In this case, the error is not a reason.

        :param is_answer: True if the message is the answer. Such a message contains no reason.
        """
        if is_answer:
            self._system_error = None
        elif content_type_of(message) == "system_error":
            self._system_error = message
        elif isinstance(task := message_metadata(message).get("async_task_type"), str):
            self._task = task
        elif role_of(message) == "assistant":
            self._system_error = None

    def describe(self, what: str) -> str:
        """Return the sentence ``what``. If a reason is known, append the reason."""
        if self._system_error is not None:
            content = self._system_error["content"]
            words = _words({**content, "code": content.get("name")}, True, _MAX_DEPTH)
            return f"{what}. The site reported an error: {words or 'no reason was given'}"
        if self._task:
            return (
                f"{what}. A task of the site is still running ({self._task}): "
                "its result, for example an image, appears in the conversation later"
            )
        return what
