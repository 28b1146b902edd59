"""`GET /api/auth/session`: a session cookie in, an access token out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from ..data.cookies import read_session_token, set_session_token
from ..script.responses import Answer

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from ..script.steps import Step
    from .site import SessionAnswer, Site

_SESSION_LIFETIME = timedelta(days=30)


def answer_session(site: Site, record: RecordedRequest, how: SessionAnswer) -> Step:
    """Answer as the site does to a session that is alive, signed out, broken, or behind a challenge."""
    with site.lock:
        token = read_session_token(record.cookies, secure=site.settings.secure)
        if not isinstance(how, str):
            return how
        if how == "challenge":
            return Answer.challenge()
        if how == "signed_out" or not site.session_tokens.is_valid(token):
            return Answer(200, {})
        if how == "refresh_error":
            return _refresh_error(site)

        return _alive(site, record)


def _alive(site: Site, record: RecordedRequest) -> Answer:
    user = site.settings.user
    body = {"user": user, "expires": _expires(), "accessToken": site.access_tokens.issue(user["id"])}
    rotated = site.session_tokens.rotate()
    cookies = (
        [] if rotated is None else set_session_token(rotated, record.cookies, secure=site.settings.secure)
    )
    return Answer(200, body, [("cache-control", "no-store"), *cookies])


def _refresh_error(site: Site) -> Answer:
    user = site.settings.user
    old = site.access_tokens.issue_expired(user["id"])
    return Answer(
        200, {"user": user, "expires": _expires(), "accessToken": old, "error": "RefreshAccessTokenError"}
    )


def _expires() -> str:
    at = datetime.now(timezone.utc) + _SESSION_LIFETIME
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
