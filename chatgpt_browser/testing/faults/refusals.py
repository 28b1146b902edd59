"""Refusals: error statuses, HTML pages, stalls, challenges and redirects.

The docstring of a refusal's function is the description of the refusal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..data.paths import SESSION_PATH
from ..script.responses import Answer
from ..script.steps import Break, SessionAnswer, Stall
from .fault import ANY_PATH, HTML_PAGE, FaultTarget, refusal

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest

_OTHER_NAMES = {"chat.openai.com": "chatgpt.com", "chatgpt.com": "chat.openai.com"}


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
    """Respond with 429. Only the text of the error contains the delay."""
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


@refusal()
def challenge_passes(site: FaultTarget, record: RecordedRequest) -> None:
    """Respond to all requests with 403 and a challenge, until the challenge is passed. A browser passes it without help."""
    site.challenges.strike("passes")


@refusal()
def challenge_person(site: FaultTarget, record: RecordedRequest) -> None:
    """Respond to all requests with 403 and a challenge, until the challenge is passed. A person has to pass it."""
    site.challenges.strike("person")


@refusal()
def challenge_impassable(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Respond with 403 and a challenge that cannot be passed. Other requests are not challenged."""
    return Answer.challenge()


def _continues_conversation(site: FaultTarget, record: RecordedRequest) -> bool:
    return b'"conversation_id": "' in record.body or b'"conversation_id":"' in record.body


@refusal(applies=_continues_conversation)
def challenge_in_mid_conversation(site: FaultTarget, record: RecordedRequest) -> None:
    """When a message continues a conversation, respond with a challenge that a browser passes without help."""
    site.challenges.strike("passes")


def _is_sent_to_site(site: FaultTarget, record: RecordedRequest) -> bool:
    return record.headers.get("host", "") == urlsplit(site.origin).netloc


def _check_other_name(origin: str) -> None:
    if urlsplit(origin).netloc not in _OTHER_NAMES:
        names = " or ".join(f"https://{name}" for name in _OTHER_NAMES)
        raise ValueError(f"redirect-other-name needs a public_origin of {names}")


@refusal(ANY_PATH, applies=_is_sent_to_site, check=_check_other_name)
def redirect_other_name(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Redirect (308) from chat.openai.com to chatgpt.com, or back; `public_origin` must be one of the two."""
    return _redirect(f"https://{_OTHER_NAMES[record.headers['host']]}", record)


@refusal(ANY_PATH, applies=_is_sent_to_site)
def redirect_stranger(site: FaultTarget, record: RecordedRequest) -> Answer:
    """Redirect (308) to another host: `localhost`, on the port of this server."""
    scheme = urlsplit(site.origin).scheme
    return _redirect(f"{scheme}://localhost:{site.port}", record)


def _redirect(origin: str, record: RecordedRequest) -> Answer:
    return Answer(308, headers=[("location", origin + record.target)])
