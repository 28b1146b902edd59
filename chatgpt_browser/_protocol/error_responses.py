"""Converts error responses of the site to exceptions, and detects challenges."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from .._core.errors import (
    AccessTokenRejectedError,
    APIStatusError,
    ChallengeError,
    ChatGPTError,
    ConversationNotFoundError,
    MessageTooLongError,
    OriginError,
    ProxyError,
    RateLimitError,
    StreamInterruptedError,
    UnusualActivityError,
)
from .answer_tracker import optional_id
from .site_json import parse_json, parse_json_or_none
from .site_words import reports_unusual_activity, words_of

if TYPE_CHECKING:
    from .._core.models import Head, Response

_CHALLENGE_MARKS = re.compile(
    r"Just a moment\.\.\.|_cf_chl_opt|/cdn-cgi/challenge-platform/|challenge-form"
    r"|Please stand by, while we are checking your browser"
)

_TITLE = re.compile("<title", re.IGNORECASE)
#: The length of the part of a document that is searched for a title, and the maximum length of a title in an error message. Both
#: lengths are numbers of characters.
_MAX_TITLE_POSITION, _MAX_TITLE = 1 << 16, 300

#: Maps a part of a sentence in the site's error texts to the delay that this sentence requests, in seconds.
_SENTENCES = {"wait one minute": 60.0, "in 1 hour": 3600.0}
#: The maximum of ``retry_after``, in seconds: 31 days. A longer delay is an error of the site or of a proxy, and could cause an
#: overflow in a caller's ``timedelta`` or ``sleep``.
_MAX_DELAY = 31 * 24 * 3600.0


def is_challenge(head: Head, text: str = "") -> bool:
    """Return whether a response is a challenge of Cloudflare: it has the header ``cf-mitigated`` or known HTML."""
    if head.headers.get("cf-mitigated", "").lower() == "challenge":
        return True
    return head.status in (403, 503) and head.is_html and _CHALLENGE_MARKS.search(text) is not None


def challenge_error(reason: str) -> ChallengeError:
    """Return the error for a challenge that only a person can pass. The error's message starts with ``reason``."""
    return ChallengeError(
        f"{reason}: a person has to pass it. Run `chatgpt-browser login`, pass the check in the window that opens, and use the "
        "same profile (user_data_dir) from the same IP address; or use headless=False."
    )


#: The status with which a proxy requests a user name and a password. The site itself never sends this status.
PROXY_STATUS = 407
PROXY_REFUSAL = "the proxy requires a user name and a password, or did not accept them (407 Proxy Authentication Required)"

_BY_STATUS: dict[int, type[APIStatusError]] = {
    401: AccessTokenRejectedError,
    404: ConversationNotFoundError,
    413: MessageTooLongError,
    429: RateLimitError,
}

_BY_CODE: dict[str, type[APIStatusError]] = {
    "conversation_not_found": ConversationNotFoundError,
    "invalid_jwt": AccessTokenRejectedError,
    "message_length_exceeds_limit": MessageTooLongError,
    "model_cap_exceeded": RateLimitError,
    "token_expired": AccessTokenRejectedError,
}


def status_error(response: Response) -> ChatGPTError:
    """Return the error for an error response of the backend. The error contains the status, the detail and the body."""
    head = response.head
    if head.redirected:
        return OriginError(
            "the site redirected an API request to a sign-in page or to another host. The redirect was not followed, because the "
            "session token may not be meant for that host"
        )
    if head.status == PROXY_STATUS:
        return ProxyError(f"ChatGPTAPI error {head.status}: {PROXY_REFUSAL}", permanent=True)
    if is_challenge(head, response.text):
        return challenge_error(f"the site responded with a challenge (status {head.status})")

    data = parse_json_or_none(response.text)
    detail = (data.get("detail") or data.get("error")) if isinstance(data, dict) else None
    code = detail.get("code") if isinstance(detail, dict) else None
    code = code if isinstance(code, str) else None
    kind = _BY_CODE.get(code or "") or _BY_STATUS.get(head.status) or APIStatusError
    if 400 <= head.status < 500 and reports_unusual_activity(_detail_text(detail)):
        kind = UnusualActivityError
    message = f"ChatGPTAPI error {head.status}: {_summary(head, detail, response.text)}"
    fields: dict[str, Any] = {
        "status_code": head.status,
        "detail": detail,
        "code": code,
        "body": response.text,
    }
    if kind is RateLimitError:
        fields |= _delay(head, detail) | {"scope": _scope(detail)}
    return kind(message, **fields)


def concerns_account(error: UnusualActivityError) -> bool:
    """Return whether the site refused a message because of the account.

    If not, the site may accept the message from its own page.
    """
    return "suspicious" in str(error).lower()


def document_error(response: Response) -> ChatGPTError:
    """Return the error for a response with status 2xx that contains a document (HTML or JSON) instead of a stream.

    A JSON object without an error means that the site has accepted the message, and sends the reply over a WebSocket. This
    response does not contain the reply, so even in this case, the result is an error: a :class:`StreamInterruptedError`.
    """
    data = None if response.head.is_html else parse_json_or_none(response.text)
    if not isinstance(data, dict) or data.get("detail") or data.get("error"):
        return status_error(response)
    words = words_of({name: data.get(name) for name in ("message", "reason", "code")})
    return StreamInterruptedError(
        "The site responded with JSON instead of a stream: the reply comes over a WebSocket"
        + (f". The site's words: {words}" if words else ""),
        conversation_id=optional_id(data.get("conversation_id")),
    )


def read_json(response: Response) -> Any:
    """Parse the body of a backend response as JSON, and return the value.

    :raises APIStatusError: the body is not JSON.
    :raises ChallengeError: the response is a challenge.
    """
    try:
        return parse_json(response.text)
    except ValueError:
        raise status_error(response) from None


def read_large_json(response: Response) -> Any:
    """Parse the large body of a backend response as JSON, and return the value. Call this function in a thread.

    :raises APIStatusError: the body is not JSON, or has too many values.
    :raises ChallengeError: the response is a challenge.
    """
    # Imported on first use, because most responses are small.
    from .large_json import TooManyValuesError, parse_in_thread

    try:
        return parse_in_thread(response.text)
    except TooManyValuesError as error:
        message = f"The response cannot be read: {error}."
        raise APIStatusError(message, status_code=response.head.status) from None
    except ValueError:
        raise status_error(response) from None


def _summary(head: Head, detail: Any, body: str) -> str:
    """Return one line that describes a response: its detail, or else the title of its HTML, or else its status text."""
    if text := error_detail({"detail": detail}):
        return text
    return (_title(body) if head.is_html else "") or head.status_text or "no detail"


def _title(html: str) -> str:
    """Return the title of an HTML document, or "". Only the beginning is searched, because the document may be very long."""
    beginning = html[:_MAX_TITLE_POSITION]
    opening = _TITLE.search(beginning)
    if opening is None:
        return ""
    _, _, rest = beginning[opening.end() :].partition(">")
    title, closes, _ = rest.partition("<")
    return " ".join(title.split())[:_MAX_TITLE] if closes else ""


def error_detail(data: Any) -> str:
    """Return the ``detail`` of a response's JSON as one line, or an empty text if there is no detail."""
    detail = data.get("detail") if isinstance(data, dict) else None
    return words_of(detail, with_code=False)


def _delay(head: Head, detail: Any) -> dict[str, Any]:
    """Return the fields ``retry_after`` (seconds) and ``retry_after_from`` (the source), or an empty dict.

    The delay is read from the header ``Retry-After``, or else from the field ``clears_in``, or else from the error's text.
    """
    clears_in = detail.get("clears_in") if isinstance(detail, dict) else None
    asked = head.headers.get("retry-after")
    for place, value in (("header", asked), ("header", _until(asked, head)), ("body", clears_in)):
        seconds = _number(value)
        if seconds is not None:
            return {"retry_after": seconds, "retry_after_from": place}

    text = _detail_text(detail)
    for sentence, seconds in _SENTENCES.items():
        if sentence in text:
            return {"retry_after": seconds, "retry_after_from": "text"}
    return {}


def _until(date: str | None, head: Head) -> float | None:
    """Return the seconds from the response's header ``Date`` to the given date, or None if a date is missing or invalid."""
    try:
        wait = parsedate_to_datetime(date or "") - parsedate_to_datetime(head.headers.get("date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, wait.total_seconds())


def _number(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(seconds, _MAX_DELAY) if 0 <= seconds < float("inf") else None


def _scope(detail: Any) -> str | None:
    text = _detail_text(detail)
    if "one message at a time" in text:
        return "concurrency"
    if "in 1 hour" in text:
        return "hour"
    if isinstance(detail, dict) and detail.get("code") == "model_cap_exceeded":
        return "model"
    return None


def _detail_text(detail: Any) -> str:
    text = detail.get("message") if isinstance(detail, dict) else detail
    return text.lower() if isinstance(text, str) else ""
