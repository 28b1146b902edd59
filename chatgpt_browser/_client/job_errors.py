"""Decides which errors end a job. After any other error, the answer can still be read from the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.errors import (
    APIStatusError,
    ChallengeError,
    ChatGPTError,
    ChatGPTTimeoutError,
    JobUncertainError,
    ModerationError,
    OptionNotAppliedError,
    StreamError,
    UnusualActivityError,
)
from .._transport.base import DeliveryState

if TYPE_CHECKING:
    from .._messaging.reply_stream import AsyncReplyStream


class FinalError(ChatGPTError):
    """Contains an error that ends the job. Either the site did not accept the message, or the answer has ended."""

    def __init__(self, error: ChatGPTError) -> None:
        super().__init__(str(error))
        self.error = error


#: The errors that end a job. After any other error, the answer can still be read from the conversation.
FINAL_ERRORS: tuple[type[BaseException], ...] = (
    FinalError,
    JobUncertainError,
    ModerationError,
    OptionNotAppliedError,
)


def may_be_sent(error: ChatGPTError, stream: AsyncReplyStream) -> bool:
    """Return whether the message may have been sent and may still be answered, although its stream has failed with ``error``."""
    if _is_unsent(stream):
        return False
    if is_error_event(error):
        return False  # The site has reported an error instead of an answer.
    if stream._assembler.reader.conversation_id is not None:
        return True
    is_refused = isinstance(error, APIStatusError) and 400 <= (error.status_code or 0) < 500
    return not (is_refused or isinstance(error, ChallengeError))


def is_refusal(error: ChatGPTError, stream: AsyncReplyStream) -> bool:
    """Return whether the site has refused the message. Call this only if :func:`may_be_sent` has returned False."""
    return _is_unsent(stream) or not is_error_event(error)


def _is_unsent(stream: AsyncReplyStream) -> bool:
    delivery = stream._lease.delivery
    return delivery is None or delivery.state is DeliveryState.NOT_STARTED


def is_error_event(error: ChatGPTError) -> bool:
    """Return whether an event of the response contained the error. If so, the site has accepted the message."""
    is_unusual = isinstance(error, UnusualActivityError) and error.status_code is None
    return is_unusual or type(error) is StreamError


def is_own_timeout(error: ChatGPTError) -> bool:
    """Return whether the time limit of the job itself has passed. After any other timeout, the answer is read later."""
    return isinstance(error, ChatGPTTimeoutError) and error.limit == "timeout_ms"
