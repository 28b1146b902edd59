"""The site's protocol as plain data: requests built, answers read, refusals turned into errors. No I/O, no clock."""

from __future__ import annotations

import json
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from .._core.errors import (
    AccessTokenRejectedError,
    APIStatusError,
    AuthenticationError,
    ChallengeError,
    ChatGPTError,
    ConversationNotFoundError,
    MessageTooLongError,
    OriginError,
    RateLimitError,
    SessionExpiredError,
    UnusualActivityError,
)
from .._core.models import Head, Prompt, Request, Response, Session, User

if TYPE_CHECKING:
    from .._core.options import Site

__all__ = [
    "DONE",
    "backend_request",
    "challenge_error",
    "is_challenge",
    "message_request",
    "read_json",
    "read_session",
    "session_request",
    "status_error",
]

#: The data of a stream's last event.
DONE = "[DONE]"

_CHALLENGE_MARKS = re.compile(
    r"Just a moment\.\.\.|_cf_chl_opt|/cdn-cgi/challenge-platform/|challenge-form"
    r"|Please stand by, while we are checking your browser",
)
_SENTENCES = {"wait one minute": 60.0, "in 1 hour": 3600.0}


def session_request(site: Site) -> Request:
    """Ask who we are: ``GET /api/auth/session``. The cookie travels by itself."""
    return Request("GET", site.session_url, {"accept": "application/json"})


def message_request(site: Site, prompt: Prompt, *, message_id: str, model: str, access_token: str) -> Request:
    """Send a message: ``POST /backend-api/conversation`` in the form of December 2022. The id is ours to choose: a UUID."""
    import uuid  # with `platform`: loaded while a browser starts, not before

    body: dict[str, Any] = {
        "action": "next",
        "messages": [
            {
                "id": message_id,
                "role": "user",
                "content": {"content_type": "text", "parts": [prompt.text]},
            }
        ],
        "model": model,
        "parent_message_id": prompt.parent_message_id or str(uuid.uuid4()),
    }
    if prompt.conversation_id is not None:
        body["conversation_id"] = prompt.conversation_id

    headers = {
        "accept": "text/event-stream",
        "authorization": f"Bearer {access_token}",
        "content-type": "application/json",
        "x-openai-assistant-app-id": "",
    }
    return Request("POST", site.conversation_url, headers, json.dumps(body, ensure_ascii=False), stream=True)


def backend_request(site: Site, method: str, path: str, body: Any, *, access_token: str) -> Request:
    """Any other call of the backend, with JSON both ways."""
    headers = {"accept": "application/json", "authorization": f"Bearer {access_token}"}
    if body is None:
        return Request(method, f"{site.backend_api_base_url}/{path}", headers)
    headers["content-type"] = "application/json"
    text = json.dumps(body, ensure_ascii=False)
    return Request(method, f"{site.backend_api_base_url}/{path}", headers, text)


def is_challenge(head: Head, text: str = "") -> bool:
    """Whether an answer is a check of the visitor and not the site's own: ``cf-mitigated`` says so, else the page's marks."""
    if head.headers.get("cf-mitigated", "").lower() == "challenge":
        return True
    return head.status in (403, 503) and head.is_html and _CHALLENGE_MARKS.search(text) is not None


def challenge_error(reason: str) -> ChallengeError:
    """A person has to pass: says how."""
    return ChallengeError(
        f"{reason}: the site wants to see a person. Run `chatgpt-browser login`, pass the check in the window that opens, and "
        "use the same profile (user_data_dir) on the same address; or pass headless=False."
    )


def read_session(response: Response) -> Session:
    """The session out of the session endpoint's answer.

    :raises SessionExpiredError: the session is dead: ``{}``, or ``RefreshAccessTokenError``.
    :raises AuthenticationError: anything else that is no session.
    """
    session = _session_or_error(response)
    if isinstance(session, AuthenticationError):
        raise session  # from here: the answer, which may hold an old token, is in no frame of the traceback
    return session


def _session_or_error(response: Response) -> Session | AuthenticationError:
    head = response.head
    if not head.ok:
        said = _said(_parse_json(response.text))
        reason = f"{head.status} {head.status_text}".rstrip() + (f": {said}" if said else "")
        return _refresh_failed(reason, head.status)

    data = _parse_json(response.text)
    if not isinstance(data, dict):
        return _refresh_failed(
            "the session endpoint answered with something that is no JSON object", head.status
        )

    # Before the access token: a dead session may still carry an old one.
    error = data.get("error")
    if error == "RefreshAccessTokenError":
        return _refresh_failed("session token may have expired", head.status, SessionExpiredError)
    if error:
        return _refresh_failed(str(error), head.status)

    token = data.get("accessToken")
    if not isinstance(token, str) or not token:
        reason = "Unauthorized (signed out: session token may have expired)"
        return _refresh_failed(reason, head.status, SessionExpiredError)

    return Session(_read_user(data.get("user")), _read_time(data.get("expires")), token, data)


def _refresh_failed(
    reason: str, status: int, kind: type[AuthenticationError] = AuthenticationError
) -> AuthenticationError:
    return kind(f"ChatGPT failed to refresh auth token. Error: {reason}", status_code=status)


def _read_user(data: Any) -> User:
    fields = data if isinstance(data, dict) else {}
    return User(
        **{name: fields[name] for name in _USER_TEXTS if isinstance(fields.get(name), str)},
        groups=_read_names(fields.get("groups")),
        features=_read_names(fields.get("features")),
    )


def _read_names(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


_USER_TEXTS = ("id", "name", "email", "image", "picture")


def _read_time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    except (AttributeError, ValueError):
        return None


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


# ---- refusals --------------------------------------------------------------------------------------------------------

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
    """The error that an answer to a backend request stands for, with all that the site said."""
    head = response.head
    if head.redirected:
        return OriginError(
            "the site redirects its API, to a page for signing in or to another host: it is not followed, since the session "
            "token may not be meant for that place"
        )
    if is_challenge(head, response.text):
        return challenge_error(f"the site answered {head.status} with a challenge")

    data = _parse_json(response.text)
    detail = data.get("detail") if isinstance(data, dict) else None
    code = detail.get("code") if isinstance(detail, dict) else None
    kind = _BY_CODE.get(str(code)) or _BY_STATUS.get(head.status) or APIStatusError
    if head.status == 403 and "unusual activity" in _detail_text(detail):
        kind = UnusualActivityError
    message = f"ChatGPTAPI error {head.status}: {_say(head, detail, response.text)}"
    answer: dict[str, Any] = {
        "status_code": head.status,
        "detail": detail,
        "code": code if isinstance(code, str) else None,
        "body": response.text,
    }
    if kind is RateLimitError:
        answer |= _delay(head, detail) | {"scope": _scope(detail)}
    return kind(message, **answer)


def read_json(response: Response) -> Any:
    """What a backend call says.

    :raises APIStatusError: it is no JSON; a challenge has its own error.
    """
    try:
        return json.loads(response.text)
    except (ValueError, RecursionError):
        raise status_error(response) from None


def _say(head: Head, detail: Any, body: str) -> str:
    """One line out of an answer: the detail in whichever form, else what the page is called, else the status alone."""
    if said := _said({"detail": detail}):
        return said
    title = re.search(r"<title[^>]*>([^<]*)</title>", body, re.IGNORECASE) if head.is_html else None
    return (title[1].strip() if title else "") or head.status_text or "no detail"


def _said(data: Any) -> str:
    """The ``detail`` of an answer's JSON in one line; empty where it has none."""
    detail = data.get("detail") if isinstance(data, dict) else None
    if isinstance(detail, dict):
        return str(detail.get("message") or detail.get("code") or json.dumps(detail))
    if isinstance(detail, list):
        return "; ".join(map(_say_item, detail))
    return detail if isinstance(detail, str) else ""


def _say_item(item: Any) -> str:
    """One item of a list of validation errors, ``{loc, msg, type}``."""
    if not isinstance(item, dict):
        return str(item)
    steps = item.get("loc") or ()
    place = ".".join(map(str, steps)) if isinstance(steps, (list, tuple)) else str(steps)
    return f"{place}: {item.get('msg')}" if place else str(item.get("msg"))


def _delay(head: Head, detail: Any) -> dict[str, Any]:
    """The delay that the site asks for, in seconds: its header, else ``clears_in``, else what its fixed sentences say."""
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
    """Seconds from the site's own time to a date in HTTP's form; None where one of them is not there."""
    try:
        wait = parsedate_to_datetime(date or "") - parsedate_to_datetime(head.headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, wait.total_seconds())


def _number(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < float("inf") else None


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
