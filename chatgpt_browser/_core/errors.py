"""Every error of this package, as one tree.

::

    ChatGPTError
    ├── InvalidSessionTokenError          (also ValueError)
    ├── AuthenticationError
    │   ├── APIConnectionError
    │   ├── SessionExpiredError
    │   └── AccessTokenRejectedError      (also APIStatusError)
    ├── ChallengeError
    ├── APIStatusError
    │   ├── ConversationNotFoundError
    │   ├── MessageTooLongError
    │   ├── RateLimitError
    │   └── UnusualActivityError
    ├── StreamError
    │   ├── StreamInterruptedError
    │   └── MalformedEventError
    │       └── UnknownEncodingError
    ├── ChatGPTTimeoutError               (also TimeoutError)
    ├── AbortError
    ├── BrowserError
    │   ├── BrowserNotFoundError
    │   ├── BrowserLaunchError
    │   └── BrowserCrashedError
    ├── PageError
    │   ├── ComposerNotFoundError
    │   └── DialogInTheWayError
    ├── OriginError
    └── ClientClosedError

Constructors take the message alone by position and what they carry by keyword, with defaults, so that every error can be
pickled: a test runner sends them between processes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "AbortError",
    "AccessTokenRejectedError",
    "AuthenticationError",
    "BrowserCrashedError",
    "BrowserError",
    "BrowserLaunchError",
    "BrowserNotFoundError",
    "ChallengeError",
    "ChatGPTError",
    "ChatGPTTimeoutError",
    "ClientClosedError",
    "ComposerNotFoundError",
    "ConversationNotFoundError",
    "DialogInTheWayError",
    "InvalidSessionTokenError",
    "MalformedEventError",
    "MessageTooLongError",
    "OriginError",
    "PageError",
    "RateLimitError",
    "SessionExpiredError",
    "StreamError",
    "StreamInterruptedError",
    "UnknownEncodingError",
    "UnusualActivityError",
]


class ChatGPTError(Exception):
    """The base of every error that this package raises on purpose.

    ``partial_text`` is what had come of a reply by then; empty where nothing had, or where it was about no reply.
    """

    partial_text: str = ""


class InvalidSessionTokenError(ChatGPTError, ValueError):
    """No session token was given, or what was given can't be one."""

    def __init__(self, message: str = "ChatGPT invalid session token") -> None:
        super().__init__(message)


class APIStatusError(ChatGPTError):
    """The site answered with a status that is no success.

    ``detail`` is the answer's ``detail`` as it was sent (a string, a dict, a list or None), ``code`` the short name in it,
    ``body`` the whole answer as text.
    """

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int | None = None,
        detail: Any = None,
        code: str | None = None,
        body: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.detail = detail
        self.code = code
        self.body = body


class ConversationNotFoundError(APIStatusError):
    """404: the conversation, or the message to answer, isn't there (any more)."""


class MessageTooLongError(APIStatusError):
    """413: the message is longer than the site takes."""


class RateLimitError(APIStatusError):
    """429: a limit of the account or of the address.

    ``retry_after`` is the delay that the site asked for, in seconds, or None where it named none. ``scope`` tells which limit
    it was: ``"concurrency"`` (one message at a time), ``"hour"`` (too many requests in an hour), ``"model"`` (the model's own
    cap), or None. ``retry_after_from`` tells where the delay stands: ``"header"``, ``"body"`` or ``"text"``.
    """

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: float | None = None,
        retry_after_from: str | None = None,
        scope: str | None = None,
        **answer: Any,
    ) -> None:
        super().__init__(message, **answer)
        self.retry_after = retry_after
        self.retry_after_from = retry_after_from
        self.scope = scope


class UnusualActivityError(APIStatusError):
    """403: the site takes no message from here. It says so of an account or an address that it suspects, and of every message
    that its own page has not sent: ``send_via="page"`` has that page send it.
    """


class AuthenticationError(ChatGPTError):
    """The access token could not be had: the session is dead, or the site did not answer as it should.

    ``status_code`` is the session endpoint's status, or None where there was no answer.
    """

    def __init__(self, message: str = "", *, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code


class APIConnectionError(AuthenticationError):
    """The site could not be reached: no network, no such host, no answer, a certificate that nobody vouches for.

    It says nothing about the session, which was never asked for. ``lasting`` tells that asking again is of no use: it is the
    certificate, and not the network.
    """

    def __init__(self, message: str = "", *, status_code: int | None = None, lasting: bool = False) -> None:
        super().__init__(message, status_code=status_code)
        self.lasting = lasting


class SessionExpiredError(AuthenticationError):
    """The site takes the session token for nobody's (any more): a person has to sign in again."""


class AccessTokenRejectedError(AuthenticationError, APIStatusError):
    """401: the site refused an access token that it had given out a moment before."""

    def __init__(self, message: str = "", **answer: Any) -> None:
        APIStatusError.__init__(self, message, **answer)


class ChallengeError(ChatGPTError):
    """The site wants to see a person; the message says how to let one pass (``chatgpt-browser login``)."""


class StreamError(ChatGPTError):
    """The reply ended in an error. What had come of it by then is kept."""

    def __init__(
        self,
        message: str = "",
        *,
        partial_text: str = "",
        conversation_id: str | None = None,
        message_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.partial_text = partial_text
        self.conversation_id = conversation_id
        self.message_id = message_id


class StreamInterruptedError(StreamError):
    """The connection broke before the reply had ended."""


class MalformedEventError(StreamError):
    """The stream holds something that isn't an event of the protocol."""


class UnknownEncodingError(MalformedEventError):
    """The site writes its reply in an encoding that this version does not know; the message names it."""


class ChatGPTTimeoutError(ChatGPTError, TimeoutError):
    """The caller's ``timeout_ms``, the first byte's or the idle time ran out."""

    def __init__(
        self, message: str = "ChatGPT timed out waiting for response", *, partial_text: str = ""
    ) -> None:
        super().__init__(message)
        self.partial_text = partial_text


class AbortError(ChatGPTError):
    """The caller's ``abort_signal`` ended the call. ``reason`` is what ``abort()`` was given."""

    def __init__(self, reason: object = None) -> None:
        super().__init__("The operation was aborted" if reason is None else str(reason))
        self.reason = reason


class BrowserError(ChatGPTError):
    """Something is wrong with the browser itself. ``partial_text`` is what had come of a reply by then."""

    def __init__(self, message: str = "", *, partial_text: str = "") -> None:
        super().__init__(message)
        self.partial_text = partial_text


class BrowserNotFoundError(BrowserError):
    """There is no Chromium where one was looked for; the message names the command that installs one."""


class BrowserLaunchError(BrowserError):
    """Chromium is there and does not start."""


class BrowserCrashedError(BrowserError):
    """The browser, its page or the driver died under a call."""


class PageError(ChatGPTError):
    """The site's own page could not be brought to send a message (``send_via="page"``).

    ``elements`` is what the page had then that could be written into or pressed: kinds, names and labels, for a report.
    """

    def __init__(self, message: str = "", *, elements: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.elements = tuple(elements)


class ComposerNotFoundError(PageError):
    """The page has no place to write a message, or nothing that sends one; or they are not as they are known here."""


class DialogInTheWayError(PageError):
    """The page shows a dialog that a person has to answer first; the message names it."""


class OriginError(ChatGPTError):
    """The site sent us to a host that the token is not meant for. Nothing secret was sent there.

    ``origin`` is where it sent us, where that is known.
    """

    def __init__(self, message: str = "", *, origin: str | None = None) -> None:
        super().__init__(message)
        self.origin = origin


class ClientClosedError(ChatGPTError):
    """The client has been closed."""

    def __init__(self, message: str = "the client is closed") -> None:
        super().__init__(message)
