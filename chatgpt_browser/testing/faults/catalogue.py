"""The faults that the site is known for, by name: `FAULTS`. Each docstring says what the site does."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..script.cumulative_events import cut
from ..script.gate import Gate
from ..script.responses import Answer
from ..script.steps import Break, Reply, Stall
from .fault import ANY_PATH, SESSION_PATH, Fault, refusal, spoiling

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from ..server.site import SessionAnswer, Site

_OTHER_NAMES = {"chat.openai.com": "chatgpt.com", "chatgpt.com": "chat.openai.com"}
_HTML = "<!DOCTYPE html><html><head><title>Sorry</title></head><body><h1>Sorry</h1></body></html>"


# ---- a message is refused --------------------------------------------------------------------------------------------


@refusal()
def token_expired(site: Site, record: RecordedRequest) -> Answer:
    """401 `token_expired`: the access token has run out."""
    return Answer.token_expired()


@refusal()
def token_invalid(site: Site, record: RecordedRequest) -> Answer:
    """401 `invalid_jwt`: the access token was never one."""
    return Answer.invalid_jwt()


@refusal()
def unauthorized(site: Site, record: RecordedRequest) -> Answer:
    """401 with nothing that says why."""
    return Answer(401)


@refusal()
def unusual_activity(site: Site, record: RecordedRequest) -> Answer:
    """403: the address or the account is under suspicion."""
    return Answer.unusual_activity()


@refusal()
def unusual_device(site: Site, record: RecordedRequest) -> Answer:
    """403: the device is under suspicion."""
    return Answer.unusual_activity("device")


@refusal()
def forbidden(site: Site, record: RecordedRequest) -> Answer:
    """403 as an HTML page that is no challenge."""
    return Answer(403, _HTML)


@refusal()
def conversation_gone(site: Site, record: RecordedRequest) -> Answer:
    """404 `conversation_not_found`."""
    return Answer.conversation_not_found()


@refusal()
def parent_gone(site: Site, record: RecordedRequest) -> Answer:
    """404 `message_not_found`: the message that is answered is not there."""
    return Answer.parent_not_found()


@refusal()
def message_too_long(site: Site, record: RecordedRequest) -> Answer:
    """413 `message_length_exceeds_limit`."""
    return Answer.message_too_long()


@refusal()
def unprocessable(site: Site, record: RecordedRequest) -> Answer:
    """422 with a list of what is wrong in the request."""
    return Answer.unprocessable()


@refusal()
def one_message_at_a_time(site: Site, record: RecordedRequest) -> Answer:
    """429: another message is being answered."""
    return Answer.one_message_at_a_time()


@refusal()
def rate_limit_header(site: Site, record: RecordedRequest) -> Answer:
    """429 whose `Retry-After` header names the delay."""
    return Answer.too_many_requests(retry_after=120)


@refusal()
def rate_limit_clears_in(site: Site, record: RecordedRequest) -> Answer:
    """429 `model_cap_exceeded` whose body names the delay, as `clears_in`."""
    return Answer.model_cap(clears_in=900)


@refusal()
def rate_limit_text(site: Site, record: RecordedRequest) -> Answer:
    """429 that names its delay in a sentence alone."""
    return Answer.too_many_requests()


@refusal()
def server_error(site: Site, record: RecordedRequest) -> Answer:
    """500 in the backend's JSON."""
    return Answer.server_error()


@refusal()
def overloaded(site: Site, record: RecordedRequest) -> Answer:
    """503 as an HTML page of the edge."""
    return Answer.overloaded_html(503)


@refusal()
def edge_timeout(site: Site, record: RecordedRequest) -> Answer:
    """524 as an HTML page of the edge: the backend did not answer it."""
    return Answer.overloaded_html(524)


@refusal()
def html_page(site: Site, record: RecordedRequest) -> Answer:
    """200 with an HTML page where events should be."""
    return Answer(200, _HTML)


@refusal()
def no_answer(site: Site, record: RecordedRequest) -> Break:
    """The connection is closed without an answer."""
    return Break()


@refusal()
def stall_before_head(site: Site, record: RecordedRequest) -> Stall:
    """Not even a status comes, and the connection stays open."""
    return Stall(before_head=True)


@refusal()
def stall_before_first_byte(site: Site, record: RecordedRequest) -> Stall:
    """A status comes, then nothing, and the connection stays open."""
    return Stall()


# ---- a reply is spoilt -----------------------------------------------------------------------------------------------


@spoiling
def stall_in_the_middle(reply: Reply) -> Reply:
    """The reply stops half-way, and the connection stays open."""
    return replace(reply, hold_after=_half(reply), gate=Gate())


@spoiling
def broken_body(reply: Reply) -> Reply:
    """The connection breaks half-way through the reply."""
    return replace(reply, break_after=_half(reply))


@spoiling
def error_event(reply: Reply) -> Reply:
    """The reply ends in an event that holds an error."""
    return replace(reply, error="Something went wrong. If this issue persists please contact us.")


@spoiling
def bad_json(reply: Reply) -> Reply:
    """The reply ends in an event that is no JSON."""
    return replace(reply, final_status=False, done=False, after_done=b'data: {"message": {"id"\n\n')


@spoiling
def cut_short(reply: Reply) -> Reply:
    """The body ends in order, but half-way through the reply."""
    pieces = reply.pieces if isinstance(reply.pieces, Sequence) else cut(reply.text)
    return replace(reply, pieces=[*pieces][: _half(reply)], final_status=False, done=False)


@spoiling
def empty_body(reply: Reply) -> Answer:
    """200, an event stream, and no event in it."""
    return Answer(200, b"", content_type="text/event-stream; charset=utf-8")


@spoiling
def done_missing(reply: Reply) -> Reply:
    """The reply comes to its end, but `[DONE]` does not come. Harmless."""
    return replace(reply, done=False)


@spoiling
def goes_on_after_done(reply: Reply) -> Reply:
    """The stream stays open after `[DONE]`, and more comes. Harmless."""
    return replace(reply, after_done=b": after the end\n\ndata: {}\n\n", hang_after_done=True)


@spoiling
def split_characters(reply: Reply) -> Reply:
    """Each byte comes on its own, so that characters are cut. Harmless."""
    return replace(reply, byte_by_byte=True)


@spoiling
def pings(reply: Reply) -> Reply:
    """Comments and empty events come between the others. Harmless."""
    return replace(reply, comments=True, empty_data=True)


# ---- the session -----------------------------------------------------------------------------------------------------


@refusal(SESSION_PATH)
def session_signed_out(site: Site, record: RecordedRequest) -> SessionAnswer:
    """The session endpoint answers 200 `{}`: nobody is signed in."""
    return "signed_out"


@refusal(SESSION_PATH)
def session_refresh_error(site: Site, record: RecordedRequest) -> SessionAnswer:
    """The session endpoint answers 200 with `RefreshAccessTokenError` and an old token."""
    return "refresh_error"


@refusal(SESSION_PATH)
def session_html(site: Site, record: RecordedRequest) -> Answer:
    """The session endpoint answers 200 with an HTML page."""
    return Answer(200, _HTML)


@refusal(SESSION_PATH)
def session_not_modified(site: Site, record: RecordedRequest) -> Answer:
    """The session endpoint answers 304 with nothing."""
    return Answer(304)


@refusal(SESSION_PATH)
def session_server_error(site: Site, record: RecordedRequest) -> Answer:
    """The session endpoint answers 500."""
    return Answer.server_error()


@refusal(SESSION_PATH)
def session_no_answer(site: Site, record: RecordedRequest) -> Break:
    """The session endpoint closes the connection without an answer."""
    return Break()


# ---- challenges and other hosts --------------------------------------------------------------------------------------


@refusal()
def challenge_passes(site: Site, record: RecordedRequest) -> None:
    """403 with a challenge page that passes itself, in a browser."""
    site.challenges.strike("passes")


@refusal()
def challenge_person(site: Site, record: RecordedRequest) -> None:
    """403 with a challenge page that a person has to pass."""
    site.challenges.strike("person")


@refusal()
def challenge_impassable(site: Site, record: RecordedRequest) -> Answer:
    """403 with a challenge page for this one request, which nothing passes."""
    return Answer.challenge()


def _goes_on(site: Site, record: RecordedRequest) -> bool:
    return b'"conversation_id": "' in record.body or b'"conversation_id":"' in record.body


@refusal(applies=_goes_on)
def challenge_in_mid_conversation(site: Site, record: RecordedRequest) -> None:
    """The challenge that passes itself, at a message that goes on with a conversation."""
    site.challenges.strike("passes")


def _is_at_home(site: Site, record: RecordedRequest) -> bool:
    return record.headers.get("host", "") == urlsplit(site.origin).netloc


def _has_another_name(origin: str) -> None:
    if urlsplit(origin).netloc not in _OTHER_NAMES:
        names = " or ".join(f"https://{name}" for name in _OTHER_NAMES)
        raise ValueError(f"redirect-other-name needs a public_origin of {names}")


@refusal(ANY_PATH, applies=_is_at_home, check=_has_another_name)
def redirect_other_name(site: Site, record: RecordedRequest) -> Answer:
    """308 from chat.openai.com to chatgpt.com, or back; needs `public_origin` to be one of the two."""
    return _moved(f"https://{_OTHER_NAMES[record.headers['host']]}", record)


@refusal(ANY_PATH, applies=_is_at_home)
def redirect_stranger(site: Site, record: RecordedRequest) -> Answer:
    """308 to a host that is not the site's: this same server, under the name localhost."""
    scheme = urlsplit(site.origin).scheme
    return _moved(f"{scheme}://localhost:{site.port}", record)


def _moved(origin: str, record: RecordedRequest) -> Answer:
    return Answer(308, headers=[("location", origin + record.target)])


def _half(reply: Reply) -> int:
    """Half of its events, but one at least; of a reply that comes from elsewhere one."""
    pieces = cut(reply.text) if reply.pieces is None else reply.pieces
    return max(1, len(pieces) // 2) if isinstance(pieces, Sequence) else 1


#: Every fault by its name.
FAULTS: dict[str, Fault] = {fault.name: fault for fault in [*globals().values()] if isinstance(fault, Fault)}


def find_fault(fault: str | Fault) -> Fault:
    """The fault with this name; one that is a fault already as it is.

    :raises ValueError: if there is none; the message names those that are spelt alike.
    """
    if isinstance(fault, Fault):
        return fault
    if fault in FAULTS:
        return FAULTS[fault]

    alike = difflib.get_close_matches(fault, FAULTS)
    hint = f"did you mean {' or '.join(alike)}?" if alike else f"there are {', '.join(FAULTS)}"
    raise ValueError(f"no fault is called {fault!r}: {hint}")
