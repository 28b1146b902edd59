"""All error classes of this package. The diagram shows which class inherits from which.

::

    ChatGPTError
    ├── InvalidSessionTokenError          (also ValueError)
    ├── AuthenticationError
    │   ├── SessionExpiredError
    │   └── AccessTokenRejectedError      (also APIStatusError)
    ├── APIConnectionError
    │   └── ProxyError
    ├── ChallengeError
    ├── APIStatusError
    │   ├── ConversationNotFoundError
    │   ├── MessageTooLongError
    │   ├── UnusualActivityError
    │   └── RateLimitError
    ├── StreamError
    │   ├── StreamInterruptedError
    │   ├── MalformedEventError
    │   │   └── UnknownEncodingError
    │   └── ModerationError
    ├── ChatGPTTimeoutError               (also TimeoutError)
    ├── AbortError
    ├── PageError
    │   ├── ComposerNotFoundError
    │   ├── DialogInTheWayError
    │   ├── UploadError
    │   └── OptionNotAppliedError
    ├── BrowserError
    │   ├── BrowserNotFoundError
    │   ├── BrowserLaunchError
    │   └── BrowserCrashedError
    ├── JobStoreError
    │   └── JobNotFoundError              (also LookupError)
    ├── JobUncertainError
    ├── OriginError
    ├── ForkedProcessError
    └── ClientClosedError

Every error can be pickled, because test runners send errors between processes. Unpickling calls a constructor with the message as
the only argument. Therefore all other arguments of a constructor are keyword arguments with a default.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .base_error import ChatGPTError as ChatGPTError
from .page_errors import ComposerNotFoundError as ComposerNotFoundError
from .page_errors import DialogInTheWayError as DialogInTheWayError
from .page_errors import OptionNotAppliedError as OptionNotAppliedError
from .page_errors import PageError as PageError
from .page_errors import UploadError as UploadError
from .public import public_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class InvalidSessionTokenError(ChatGPTError, ValueError):
    """The session token is missing, or its format is invalid."""

    def __init__(self, message: str = "ChatGPT invalid session token") -> None:
        super().__init__(message)


class APIStatusError(ChatGPTError):
    """The site responded with an error status.

    ``status_code`` is the HTTP status. ``detail`` is the unchanged field ``detail`` of the response (a string, a dict, a list or
    None). ``code`` is the short error code in ``detail``, or None. ``body`` is the whole response body as text.
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
    """404: the conversation, or the message to reply to, does not exist or was deleted."""


class MessageTooLongError(APIStatusError):
    """The message is longer than the site accepts. The site has responded with 413, or its page has shown an alert."""


class RateLimitError(APIStatusError):
    """A limit was exceeded: a limit of the site (429), or the option ``messages_per_hour``.

    ``retry_after`` is the time in seconds until the next attempt may be made, or None if it is unknown. ``retry_after_from`` is
    the part of the response that contained this time: ``"header"`` (a header), ``"body"`` (a field of the JSON) or ``"text"`` (a
    sentence in the error message). ``scope`` is the kind of limit: ``"concurrency"`` (one message at a time), ``"hour"``
    (requests in an hour), ``"model"`` (messages to the model), ``"conversations"`` (the account has read its conversations too
    often), or ``"local"`` (the option ``messages_per_hour``). If the kind is unknown, ``scope`` is None. ``remembered`` is True
    if the limit is known from an earlier response. In this case, no request was sent for this call.
    """

    def __init__(
        self,
        message: str = "",
        *,
        retry_after: float | None = None,
        retry_after_from: str | None = None,
        scope: str | None = None,
        remembered: bool = False,
        **response: Any,
    ) -> None:
        super().__init__(message, **response)
        self.retry_after = retry_after
        self.retry_after_from = retry_after_from
        self.scope = scope
        self.remembered = remembered


class UnusualActivityError(APIStatusError):
    """The site does not accept messages from this client.

    The site sends this response (403) for a suspicious account or IP address. A site that accepts messages only from its own page
    also sends it for every other message; in this case, use ``send_via="page"``. ``status_code`` is None if the site reported
    unusual activity within the stream of a reply or in a dialog of its page. Other messages that are waiting when the site
    reports unusual activity are not sent, and their calls also raise this error.
    """


class AuthenticationError(ChatGPTError):
    """The site did not provide an access token: the session has ended, or the session endpoint failed.

    ``status_code`` is the session endpoint's HTTP status, or None if there was no response.
    """

    def __init__(self, message: str = "", *, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code


class SessionExpiredError(AuthenticationError):
    """The session token is invalid or has expired. The user must sign in again."""


class AccessTokenRejectedError(AuthenticationError, APIStatusError):
    """401: the site rejected an access token, although the site had issued this token shortly before."""

    def __init__(self, message: str = "", **response: Any) -> None:
        APIStatusError.__init__(self, message, **response)


class APIConnectionError(ChatGPTError):
    """The site could not be reached: no network, an unknown host, no response, or an invalid certificate.

    The session may still be valid. ``permanent`` is True if retrying cannot help, for example after a certificate error.
    """

    def __init__(self, message: str = "", *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class ProxyError(APIConnectionError):
    """The proxy could not be reached, refused the connection, or did not accept the credentials.

    ``proxy`` is the proxy's address without user name and password; the error message also contains it. ``proxy`` is None if the
    proxy comes from the system's settings. The session may still be valid, because no request reached the site.
    """

    def __init__(self, message: str = "", *, permanent: bool = False, proxy: str | None = None) -> None:
        super().__init__(message, permanent=permanent)
        self.proxy = proxy


@contextmanager
def naming_proxy(settings: Mapping[str, str] | None) -> Iterator[None]:
    """If the block raises a :class:`ProxyError` without an address, add the proxy's address from ``settings`` to this error."""
    try:
        yield
    except ProxyError as exc:
        if settings is not None and exc.proxy is None:
            exc.proxy = settings["server"]
            exc.args = (str(exc).replace("the proxy", f"the proxy {exc.proxy}", 1),)
        raise


class ChallengeError(ChatGPTError):
    """A person must first pass a check on the site. The error message explains how to do this (``chatgpt-browser login``)."""


class StreamError(ChatGPTError):
    """The reply ended with an error.

    ``partial_text`` is the reply's text so far. ``conversation_id`` and ``message_id`` are the ids of the reply, or None if they
    are unknown.
    """

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
    """The stream ended before the reply was complete. If the site sent a reason, the error message contains the reason."""


class ModerationError(StreamError):
    """The site withheld the whole answer or a part of the answer, because its moderation blocked the question or the answer."""


class MalformedEventError(StreamError):
    """The stream contains data that is not an event of the protocol."""


class UnknownEncodingError(MalformedEventError):
    """The reply is in an encoding that this version does not support. The error message contains the name of the encoding."""


class ChatGPTTimeoutError(ChatGPTError, TimeoutError):
    """A time limit was exceeded: ``timeout_ms``, ``first_byte_timeout`` or ``idle_timeout``.

    ``partial_text`` is the reply's text so far. ``limit`` is the name of the option that was exceeded, and ``seconds`` is the
    value of this option. ``limit`` and ``seconds`` are None if they are unknown.
    """

    def __init__(
        self,
        message: str = "ChatGPT timed out waiting for response",
        *,
        partial_text: str = "",
        limit: str | None = None,
        seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.partial_text = partial_text
        self.limit = limit
        self.seconds = seconds


class AbortError(ChatGPTError):
    """The call was aborted by its ``abort_signal``. ``reason`` is the value that was passed to ``abort()``, or None."""

    def __init__(self, reason: object = None) -> None:
        super().__init__("The operation was aborted" if reason is None else str(reason))
        self.reason = reason


class BrowserError(ChatGPTError):
    """The browser failed. ``partial_text`` is the reply's text so far."""

    def __init__(self, message: str = "", *, partial_text: str = "") -> None:
        super().__init__(message)
        self.partial_text = partial_text


class BrowserNotFoundError(BrowserError):
    """No Chromium was found. The error message contains the command that installs Chromium."""


class BrowserLaunchError(BrowserError):
    """Chromium was found, but did not start."""


class BrowserCrashedError(BrowserError):
    """The browser, the browser's page or Playwright's driver process ended during a call."""


class JobStoreError(ChatGPTError):
    """The job store cannot be opened, read or written. The error message contains the file's path, the reason and a remedy."""


class JobNotFoundError(JobStoreError, LookupError):
    """The job store contains no job with this id."""


class JobUncertainError(ChatGPTError):
    """It is unknown whether the site received the message of a job. The message is not sent again automatically.

    ``job_id`` is the id of the job, or None. Look for the message in your conversations before you send it again.
    """

    def __init__(self, message: str = "", *, job_id: str | None = None) -> None:
        super().__init__(message)
        self.job_id = job_id


class OriginError(ChatGPTError):
    """The site redirected to a host that must not receive the session's tokens. No token was sent to that host.

    ``origin`` is the origin of the redirect's target, or None if it is unknown.
    """

    def __init__(self, message: str = "", *, origin: str | None = None) -> None:
        super().__init__(message)
        self.origin = origin


class ForkedProcessError(ChatGPTError):
    """The client was started before this process was forked from its parent. The client works only in the parent process."""

    def __init__(
        self,
        message: str = (
            "The client was started before this process was forked, and its browser belongs to the parent process. Create a "
            "client in each process after the fork, or start processes with the start method 'spawn'."
        ),
    ) -> None:
        super().__init__(message)


class ClientClosedError(ChatGPTError):
    """The client has been closed."""

    def __init__(self, message: str = "the client is closed") -> None:
        super().__init__(message)


for _value in [*globals().values()]:
    if isinstance(_value, type) and issubclass(_value, ChatGPTError):
        public_type(_value)
