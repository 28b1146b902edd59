"""Converts a transcript (a list of messages) to the key of its stored conversation, and to one text for the site."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from .._core.text_hash import hash_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .messages import InputFile, InputMessage

#: The first line of a message that contains a whole transcript.
_INTRODUCTION = (
    "This is a conversation. Each message begins with its role in brackets. Follow the instructions of the system messages, "
    "and answer the last message of the user."
)

#: The text that is sent if a message has only files. The site's page sends no message without text.
_NO_TEXT = "See the attached files."


def transcript_key(origin: str, messages: Sequence[InputMessage]) -> str:
    """Return the key of a transcript: a hash of the roles, texts and files of its messages.

    White space at both ends of a text does not change the key, because some programs remove it.

    :param origin: the origin of the site. Conversations of different sites never have the same key.
    """
    digest = hashlib.sha256(f"transcript\0{origin}".encode())
    for message in messages:
        text = hash_text("\n".join(message.text.split("\r\n")).strip())
        digest.update("\0".join((message.role, text, *(file.digest for file in message.files))).encode())
    return f"transcript:{digest.hexdigest()}"


def split_at_newest_answer(
    messages: Sequence[InputMessage],
) -> tuple[Sequence[InputMessage], Sequence[InputMessage]]:
    """Return the messages up to the newest answer, and the messages after it. If there is no answer, the first part is empty."""
    answers = [index for index, message in enumerate(messages) if message.role == "assistant"]
    end = answers[-1] + 1 if answers else 0
    return messages[:end], messages[end:]


def compose(messages: Sequence[InputMessage]) -> str:
    """Return the text that is sent to the site for these messages.

    If there is only one message, and the user wrote it, return the message's text unchanged, or a short placeholder if the
    message has only files. In all other cases, return one text that contains all messages with their roles.
    """
    if len(messages) == 1 and messages[0].role == "user":
        return messages[0].text if messages[0].text.strip() else _NO_TEXT
    parts = (f"[{message.role}]\n{_with_names(message)}" for message in messages)
    return "\n\n".join((_INTRODUCTION, *parts))


def attachments(messages: Sequence[InputMessage]) -> list[tuple[str, bytes, str]]:
    """Return the files of all messages for the client's option ``files``. Different files with the same name get numbers."""
    found: dict[str, InputFile] = {}
    for file in (file for message in messages for file in message.files):
        name, number = file.name, 1
        while name in found and found[name].data != file.data:
            number += 1
            name = f"{number}-{file.name}"
        found[name] = file
    return [(name, file.data, file.media_type) for name, file in found.items()]


def _with_names(message: InputMessage) -> str:
    if not message.files:
        return message.text
    return f"(attached: {', '.join(file.name for file in message.files)})\n{message.text}"
