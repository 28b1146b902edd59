"""The endpoint `GET /api/auth/session`, which exchanges a session cookie for an access token."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ..data.cookies import set_session_token
from ..script.responses import Answer

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from ..script.site_state import SessionAnswer
    from ..script.steps import Step
    from .site import Site

_SESSION_LIFETIME = timedelta(days=30)


def answer_session(site: Site, record: RecordedRequest, answer: SessionAnswer) -> Step:
    """Return the response for a session in the given state, or the given step."""
    with site.lock:
        if not isinstance(answer, str):
            return answer
        if answer == "challenge":
            return Answer.challenge()
        if answer == "signed_out" or not site.session.has_valid_token(record):
            return Answer(200, {})
        if answer == "refresh_error":
            return _refresh_error(site)

        return _alive(site, record)


def _alive(site: Site, record: RecordedRequest) -> Answer:
    user = site.settings.user
    token = site.session.access_tokens.issue(user["id"])
    rotated = site.session.tokens.rotate()
    cookies = (
        [] if rotated is None else set_session_token(rotated, record.cookies, secure=site.settings.secure)
    )
    body = {"user": user, "expires": _expires(), "accessToken": token}
    return Answer(200, body, [("cache-control", "no-store"), *cookies])


def _refresh_error(site: Site) -> Answer:
    user = site.settings.user
    token = site.session.access_tokens.issue_expired(user["id"])
    return Answer(
        200, {"user": user, "expires": _expires(), "accessToken": token, "error": "RefreshAccessTokenError"}
    )


def _expires() -> str:
    at = datetime.now(timezone.utc) + _SESSION_LIFETIME
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
