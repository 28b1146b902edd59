"""Reads the response of the session endpoint: returns the session, or raises an error that describes the failure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .._core.errors import AuthenticationError, ChatGPTError, ProxyError, SessionExpiredError
from .._core.models import Response, Session, User
from .error_responses import PROXY_REFUSAL, PROXY_STATUS, error_detail
from .site_json import parse_json_or_none
from .site_words import words_of


def read_session(response: Response) -> Session:
    """Return the session in a response of the session endpoint.

    :raises SessionExpiredError: the response has no access token (like ``{}``), or contains the error
        ``RefreshAccessTokenError``.
    :raises AuthenticationError: the response contains no session for any other reason.
    :raises ProxyError: the response comes from a proxy that requires credentials, not from the site.
    """
    session = _session_or_error(response)
    if isinstance(session, ChatGPTError):
        # The error is raised here, so that no frame of the traceback contains the parsed response with the token.
        raise session
    return session


def _session_or_error(response: Response) -> Session | ChatGPTError:
    head = response.head
    if head.status == PROXY_STATUS:
        return ProxyError(f"ChatGPT failed to refresh auth token. Error: {PROXY_REFUSAL}", permanent=True)
    if not head.ok:
        detail = error_detail(parse_json_or_none(response.text))
        reason = f"{head.status} {head.status_text}".rstrip() + (f": {detail}" if detail else "")
        return _refresh_failed(reason, head.status)

    data = parse_json_or_none(response.text)
    if not isinstance(data, dict):
        return _refresh_failed("the session endpoint's response is not a JSON object", head.status)

    # The error is checked before the access token, because the response for an ended session may still contain an old token.
    error = data.get("error")
    if error == "RefreshAccessTokenError":
        return _refresh_failed("session token may have expired", head.status, SessionExpiredError)
    if error:
        return _refresh_failed(words_of(error) or "the site did not give a reason", head.status)

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
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


_USER_TEXTS = ("id", "name", "email", "image", "picture")


def _read_time(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    except (AttributeError, ValueError):
        return None
