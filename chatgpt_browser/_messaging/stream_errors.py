"""Adds the text so far and the ids of a reply to the errors of its stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.errors import BrowserCrashedError, ChatGPTError, StreamError

if TYPE_CHECKING:
    from .reply_assembler import ReplyAssembler
    from .secret_filter import SecretFilter


def with_partial_text(
    error: BaseException, assembler: ReplyAssembler, secrets: SecretFilter
) -> BaseException:
    """Store the reply's text so far and the reply's ids in an error, and return the error.

    For a :class:`BrowserCrashedError`, return a copy instead, because many streams may raise the same error object.
    """
    if isinstance(error, BrowserCrashedError):
        return BrowserCrashedError(str(error), partial_text=assembler.text)
    if isinstance(error, ChatGPTError):
        error.partial_text = assembler.text
    if isinstance(error, StreamError):
        secrets.hide(error)
        error.conversation_id = assembler.reader.conversation_id or error.conversation_id
        error.message_id = assembler.reader.message_id
    return error
