"""`Session`: the state of the user's session, and the responses of the endpoint `GET /api/auth/session`."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from ..data.cookies import read_session_token, renew_session_cookies, set_session_token
from ..script.responses import Answer
from .tokens import AccessTokens, SessionTokens

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from ..script.steps import SessionAnswer, Step
    from .settings import Settings

_SESSION_LIFETIME = timedelta(days=30)


class Session:
    """The tokens of the user's session, and the state that the session endpoint returns.

    Callers of `respond` must hold `Site.lock`.
    """

    def __init__(self, settings: Settings) -> None:
        self.tokens: SessionTokens = SessionTokens(settings.session_token, settings.rotation)
        self.access_tokens: AccessTokens = AccessTokens(_seconds(settings.access_token_lifetime))
        #: The response of the session endpoint: a state of the session, or a step.
        self.answer: SessionAnswer = "alive"
        self._user = settings.user
        self._secure = settings.secure

    def is_signed_in(self, record: RecordedRequest) -> bool:
        """Return whether the sender of this request is signed in. The web application is shown only to signed-in users."""
        return self.answer != "signed_out" and self._has_valid_token(record)

    def refuse(self, record: RecordedRequest) -> Answer | None:
        """Return a 401 response if the request has no valid access token, otherwise None."""
        state = self.access_tokens.state(record.bearer or "")
        if state == "valid":
            return None

        return Answer.token_expired() if state == "expired" else Answer.invalid_jwt()

    def respond(self, record: RecordedRequest, answer: SessionAnswer) -> Step:
        """Return the response of the session endpoint to a request.

        :param answer: a state of the session, or a step. If it is a step, it is returned unchanged.
        """
        if not isinstance(answer, str):
            return answer
        if answer == "challenge":
            return Answer.challenge()
        if answer == "signed_out" or not self._has_valid_token(record):
            return Answer(200, {})
        if answer == "refresh_error":
            token = self.access_tokens.issue_expired(self._user["id"])
            return Answer(200, {**self._describe(token), "error": "RefreshAccessTokenError"})

        return self._exchange_tokens(record)

    def _has_valid_token(self, record: RecordedRequest) -> bool:
        return self.tokens.is_valid(read_session_token(record.cookies, secure=self._secure))

    def _exchange_tokens(self, record: RecordedRequest) -> Answer:
        """Return a response with an access token.

        The response also sets the session cookie: to the new token if the session token is rotated, otherwise to its old value.
        """
        token = self.access_tokens.issue(self._user["id"])
        rotated = self.tokens.rotate()
        headers = [("cache-control", "no-store")]
        if rotated is None:
            headers += renew_session_cookies(record.cookies, secure=self._secure)
        else:
            headers += set_session_token(rotated, record.cookies, secure=self._secure)
        return Answer(200, self._describe(token), headers)

    def _describe(self, access_token: str) -> dict[str, Any]:
        expires = (datetime.now(timezone.utc) + _SESSION_LIFETIME).isoformat(timespec="milliseconds")
        return {"user": self._user, "expires": expires.replace("+00:00", "Z"), "accessToken": access_token}


def _seconds(lifetime: float | timedelta) -> float:
    return lifetime.total_seconds() if isinstance(lifetime, timedelta) else lifetime / 1000
