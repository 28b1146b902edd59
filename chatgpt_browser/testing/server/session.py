"""`Session`: the state of the signed-in session."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ..data.cookies import read_session_token
from ..script.responses import Answer
from .tokens import AccessTokens, SessionTokens

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from ..script.site_state import SessionAnswer
    from .settings import Settings


class Session:
    """The tokens of the session, and the state that the session endpoint reports."""

    def __init__(self, settings: Settings) -> None:
        self.tokens = SessionTokens(settings.session_token, settings.rotation)
        self.access_tokens = AccessTokens(_seconds(settings.access_token_lifetime))
        #: The response of the session endpoint.
        self.answer: SessionAnswer = "alive"
        self._secure = settings.secure

    def has_valid_token(self, record: RecordedRequest) -> bool:
        """Return whether the request has a valid session cookie."""
        return self.tokens.is_valid(read_session_token(record.cookies, secure=self._secure))

    def is_signed_in(self, record: RecordedRequest) -> bool:
        """Return whether the site shows its pages to the sender of this request."""
        return self.answer != "signed_out" and self.has_valid_token(record)

    def refuse(self, record: RecordedRequest) -> Answer | None:
        """Return the 401 for a request without a valid access token, or None."""
        state = self.access_tokens.state(record.bearer or "")
        if state == "valid":
            return None

        return Answer.token_expired() if state == "expired" else Answer.invalid_jwt()


def _seconds(lifetime: float | timedelta) -> float:
    return lifetime.total_seconds() if isinstance(lifetime, timedelta) else lifetime / 1000
