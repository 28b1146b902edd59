"""Refusals of the session endpoint. The docstring of each function is its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..data.paths import SESSION_PATH
from ..script.responses import Answer
from ..script.steps import Break
from .fault import HTML_PAGE, refusal

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from ..script.site_state import SessionAnswer
    from .fault import FaultTarget


@refusal(SESSION_PATH)
def session_signed_out(site: FaultTarget, record: RecordedRequest) -> SessionAnswer:
    """Respond to the session request with 200 `{}`: the client is signed out."""
    return "signed_out"


@refusal(SESSION_PATH)
def session_refresh_error(site: FaultTarget, record: RecordedRequest) -> SessionAnswer:
    """Respond to the session request with 200, `RefreshAccessTokenError` and an expired token."""
    return "refresh_error"


@refusal(SESSION_PATH)
def session_html(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond to the session request with 200 and an HTML page."""
    return Answer(200, HTML_PAGE)


@refusal(SESSION_PATH)
def session_not_modified(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond to the session request with 304 and an empty body."""
    return Answer(304)


@refusal(SESSION_PATH)
def session_server_error(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond to the session request with 500."""
    return Answer.server_error()


@refusal(SESSION_PATH)
def session_no_answer(site: FaultTarget, record: RecordedRequest) -> Break:
    """Close the connection of the session request without a response."""
    return Break()
