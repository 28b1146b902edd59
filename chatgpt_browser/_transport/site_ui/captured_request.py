"""Parses the request in which the site's page has sent a message, and checks that the page has sent the right message."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

from ..._core.attachment_checks import size_of
from ..._core.errors import PageError, UploadError
from ..._core.log import logger
from .page_options import (
    check_options,
    check_unreadable,
    is_work_request,
    not_applied,
    read_options,
    work_mode_error,
)
from .posted_body import FORM_TYPES, decode_body, form_fields
from .text_pieces import is_with_mention

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..._core.message_options import Attachment
    from ..._core.models import Prompt
    from ..._protocol.conversation_tree import Turn

_CHECK_CONVERSATION = "The message was sent and its reply was stopped: check the conversation before you send the message again."
_TEXT_TYPES = (None, "text", "multimodal_text")


class SentFile(NamedTuple):
    """An attachment in a request of the page. ``size`` is in bytes, or None if the request does not contain the size."""

    name: str
    size: int | None = None


class CapturedRequest(NamedTuple):
    """The message that a page has sent. A field is None if its value is missing in the request or cannot be read."""

    message_id: str | None = None
    text: str | None = None
    conversation_id: str | None = None
    parent_message_id: str | None = None
    model: str | None = None
    #: A description of unexpected content in the request, such as "more than one part", or None.
    addition: str | None = None
    #: All texts in the body, if the body can be read and its format is unknown. Otherwise None.
    loose_texts: tuple[str, ...] | None = None
    #: True if the body has the format of a message request.
    is_known: bool = False
    #: The options in the request (see :func:`.page_options.read_options`), except the model.
    options: dict[str, Any] = {}
    #: ``files`` contains the attachments of the message. ``images`` is the number of message parts that refer to images.
    files: tuple[SentFile, ...] = ()
    images: int = 0
    #: True if a page in the mode "Work" has sent the message.
    is_work: bool = False


class _DuplicateKeyError(ValueError):
    """An object in the JSON contains a key twice. Two JSON parsers may then read different values."""


def parse_captured_request(body: bytes | str | None, content_type: str = "") -> CapturedRequest:
    """Return the message in the body of a request. The body may be compressed, and it may be a form.

    If the body cannot be read, all fields of the result have their defaults.
    """
    text = decode_body(body)
    if not text:
        return CapturedRequest()
    if content_type.partition(";")[0].strip().lower() in FORM_TYPES:
        return _parse_form(form_fields(text, content_type))
    found = _parse_json(text)
    return (
        found
        if found.is_known or found.addition or found.loose_texts
        else CapturedRequest(loose_texts=(text,))
    )


def _parse_form(fields: tuple[str, ...]) -> CapturedRequest:
    """Return the message in a field of a form. If no field contains a message, return the texts of all fields.

    If a field contains a message and the form has further fields, ``addition`` is set in the result, because this package does
    not check the further fields.
    """
    messages = [found for found in map(_parse_json, fields) if found.is_known or found.addition]
    if not messages:
        return CapturedRequest(loose_texts=fields)
    return messages[0] if len(fields) == 1 else messages[0]._replace(addition="other form fields")


def _parse_json(text: str) -> CapturedRequest:
    """Return the message in a JSON text. If the text is not JSON, all fields of the result have their defaults."""
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except _DuplicateKeyError:
        return CapturedRequest(addition="a key that occurs twice")
    except (ValueError, RecursionError):
        return CapturedRequest()
    if not isinstance(data, dict) or not isinstance(data.get("messages"), list) or not data["messages"]:
        return CapturedRequest(loose_texts=tuple(_texts_in(data)))
    message = data["messages"][-1]
    content = message.get("content") if isinstance(message, dict) else None
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list):
        return CapturedRequest(loose_texts=tuple(_texts_in(data)))
    metadata = message.get("metadata") if isinstance(message.get("metadata"), dict) else {}
    options = read_options(data, metadata)
    options.pop("model", None)
    pointers = [part for part in parts if _is_image(part)]
    parts = [part for part in parts if not _is_image(part)]
    return CapturedRequest(
        _text_or_none(message.get("id")),
        _text_or_none(parts[0] if len(parts) == 1 else None),
        _text_or_none(data.get("conversation_id")),
        _text_or_none(data.get("parent_message_id")),
        _text_or_none(data.get("model")),
        addition=_addition(data, message, parts),
        is_known=True,
        options=options,
        files=tuple(_sent_files(data, message, metadata)),
        images=len(pointers),
        is_work=is_work_request(data),
    )


def _is_image(part: Any) -> bool:
    return isinstance(part, dict) and part.get("content_type") == "image_asset_pointer"


def _sent_files(
    data: dict[str, Any], message: dict[str, Any], metadata: dict[str, Any]
) -> Iterator[SentFile]:
    """Yield the attachments of a message. An attachment without a name has the name ""."""
    for place in (metadata, message, data):
        attachments = place.get("attachments")
        for item in attachments if isinstance(attachments, list) else [attachments] if attachments else []:
            entry = item if isinstance(item, dict) else {}
            name = entry.get("name") or entry.get("file_name") or ""
            size = next((entry[key] for key in ("size", "size_bytes") if type(entry.get(key)) is int), None)
            yield SentFile(str(name), size)


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _addition(data: dict[str, Any], message: dict[str, Any], parts: list[Any]) -> str | None:
    """Return a description of unexpected content in the request, such as "more than one part", or None.

    The expected content is one plain text message of the user. ``parts`` are the parts of the message, except its images.
    """
    content, author = message["content"], message.get("author")
    role = author.get("role") if isinstance(author, dict) else message.get("role")
    checks = {
        "more than one message": len(data["messages"]) != 1,
        "more or less than one part": len(parts) != 1,
        "a part that is not text": not all(isinstance(part, str) for part in parts),
        "content of another type": content.get("content_type") not in _TEXT_TYPES,
        "content besides its parts": any(
            content.get(key) for key in ("text", "result", "assets", "attachments")
        ),
        "a message that is not the user's": role not in (None, "user"),
        "another action than a new message": data.get("action") not in (None, "next"),
        "an id that is not a text": any(
            not isinstance(data.get(key), (str, type(None)))
            for key in ("conversation_id", "parent_message_id")
        ),
    }
    return next((what for what, is_found in checks.items() if is_found), None)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _DuplicateKeyError
    return found


def _texts_in(value: Any) -> Iterator[str]:
    """Yield all texts in a JSON value, in no particular order."""
    values = [value]
    while values:
        at = values.pop()
        if isinstance(at, str):
            yield at
        elif isinstance(at, (dict, list)):
            values.extend(at.values() if isinstance(at, dict) else at)


def check_captured_request(
    captured: CapturedRequest, prompt: Prompt, turn: Turn, *, model: str | None = None
) -> bool:
    """Check that the page has sent exactly the message, and has sent it to the right conversation.

    Differences in white space are accepted, because the page's editor changes white space. Return True if everything was
    checked. If the body cannot be read or has an unknown format, log a warning and return False.

    :param model: the model that the caller has chosen, or None if the page chooses the model.
    :raises PageError: the page has sent something else, or has sent the message to another conversation.
    :raises OptionNotAppliedError: the page has sent the message to another model than requested, or without a requested option.
    """
    if captured.is_work:
        raise work_mode_error(is_sent=True)
    if captured.addition is not None:
        raise PageError(f"The site's page sent a request with {captured.addition}. {_CHECK_CONVERSATION}")
    if not captured.is_known:
        _check_unknown_format(captured, prompt)
        check_unreadable(prompt.options, model)
        return False
    _check_files(captured, prompt.options.files)
    text = captured.text or ""
    is_same = text.split() == prompt.text.split() or (
        prompt.options.tools and is_with_mention(text, prompt.text)
    )
    if captured.text is None or not is_same:
        raise PageError(f"The site's page sent another text than the message. {_CHECK_CONVERSATION}")
    conversation_id, parent_id = prompt.conversation_id, captured.parent_message_id
    is_elsewhere = captured.conversation_id != conversation_id
    has_parent = conversation_id is not None and parent_id is not None
    if is_elsewhere or (has_parent and parent_id not in turn.parents):
        raise PageError(
            "The site's page sent the message to another conversation or after another message. "
            f"{_CHECK_CONVERSATION}"
        )
    sent = captured.options if captured.model is None else captured.options | {"model": captured.model}
    check_options(sent, prompt.options, model=model, is_new=conversation_id is None)
    return True


def _check_files(captured: CapturedRequest, files: Sequence[Attachment]) -> None:
    """Check that the message has exactly the requested attachments.

    :raises OptionNotAppliedError: an attachment is missing.
    :raises PageError: the page has added another attachment, for example because it has turned a long text into a file.
    """
    sent = [*captured.files]
    for file in files:
        size = _size_of(file)
        named = (each for each in sent if _is_same_name(each.name, file.name))
        found = next((each for each in named if size is None or each.size in (None, size)), None)
        if found is None:
            names = ", ".join(each.name for each in captured.files) or None
            raise not_applied(
                "files",
                file.name,
                names,
                f"The site's page sent the message without the file {file.name!r}. The message was sent, and its answer was "
                "stopped: check the conversation before you send the message again.",
            )
        sent.remove(found)
    if sent or captured.images > len(files):
        what = "an attachment" if sent else "a part that is not text"
        raise PageError(f"The site's page sent a request with {what}. {_CHECK_CONVERSATION}")


def _size_of(file: Attachment) -> int | None:
    """Return the size of a file in bytes, or None if the file cannot be read any more."""
    try:
        return size_of(file)
    except UploadError:
        return None


def _is_same_name(one: str, other: str) -> bool:
    return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)


def _check_unknown_format(captured: CapturedRequest, prompt: Prompt) -> None:
    """Check that a body of an unknown format contains the prompt's text. Log a warning, because nothing else can be checked.

    :raises PageError: the body can be read, but does not contain the prompt's text.
    """
    wanted = prompt.text.split()
    texts = captured.loose_texts
    if texts is not None and not any(text.split() == wanted for text in texts):
        raise PageError(f"The site's page sent another text than the message. {_CHECK_CONVERSATION}")
    logger.warning(
        "the request of the site's page has a format that this version cannot read: it is not checked whether the page sent "
        "the message unchanged and to the right conversation"
    )
