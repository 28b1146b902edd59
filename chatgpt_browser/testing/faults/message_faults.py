"""Refusals of messages: error statuses, HTML pages and stalls. The docstring of each function is its description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..script.responses import Answer
from ..script.steps import Break, Stall
from .fault import HTML_PAGE, refusal

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from .fault import FaultTarget


@refusal()
def token_expired(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 401 `token_expired`: the access token has expired."""
    return Answer.token_expired()


@refusal()
def token_invalid(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 401 `invalid_jwt`: the access token is not a valid JWT."""
    return Answer.invalid_jwt()


@refusal()
def unauthorized(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 401 without a reason."""
    return Answer(401)


@refusal()
def unusual_activity(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 403: unusual activity of the IP address or the account."""
    return Answer.unusual_activity()


@refusal()
def unusual_device(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 403: unusual activity of the device."""
    return Answer.unusual_activity("device")


@refusal()
def forbidden(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 403 and an HTML page that is not a challenge."""
    return Answer(403, HTML_PAGE)


@refusal()
def conversation_gone(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 404 `conversation_not_found`: the conversation does not exist."""
    return Answer.conversation_not_found()


@refusal()
def parent_gone(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 404 `message_not_found`: the parent message does not exist."""
    return Answer.parent_not_found()


@refusal()
def message_too_long(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 413 `message_length_exceeds_limit`: the message is too long."""
    return Answer.message_too_long()


@refusal()
def unprocessable(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 422 and a list of the errors in the request."""
    return Answer.unprocessable()


@refusal()
def one_message_at_a_time(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 429: another message is being answered."""
    return Answer.one_message_at_a_time()


@refusal()
def rate_limit_header(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 429 and the delay in a `Retry-After` header."""
    return Answer.too_many_requests(retry_after=120)


@refusal()
def rate_limit_clears_in(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 429 `model_cap_exceeded` and the delay in the body, as `clears_in`."""
    return Answer.model_cap(clears_in=900)


@refusal()
def rate_limit_text(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 429 and the delay only in the text of the message."""
    return Answer.too_many_requests()


@refusal()
def server_error(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 500 in the backend's JSON format."""
    return Answer.server_error()


@refusal()
def overloaded(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 503 and an HTML page of the edge."""
    return Answer.overloaded_html(503)


@refusal()
def edge_timeout(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 524 and an HTML page of the edge: the backend did not respond in time."""
    return Answer.overloaded_html(524)


@refusal()
def html_page(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 200 and an HTML page instead of an event stream."""
    return Answer(200, HTML_PAGE)


@refusal()
def no_answer(site: FaultTarget, record: RecordedRequest) -> Break:
    """Close the connection without a response."""
    return Break()


@refusal()
def stall_before_head(site: FaultTarget, record: RecordedRequest) -> Stall:
    """Send nothing, not even a status, and keep the connection open."""
    return Stall(before_head=True)


@refusal()
def stall_before_first_byte(site: FaultTarget, record: RecordedRequest) -> Stall:
    """Send a status and then nothing, and keep the connection open."""
    return Stall()
